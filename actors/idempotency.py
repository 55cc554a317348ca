"""Claims and finishes idempotency keys, those of many requests with one statement.

A key costs two commits, one before the work and one after; requests that come together share them,
as bookings share theirs. Real time throughout.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from actors.gathering import Gathering
from domain.ids import UserId
from storage.database import Database
from storage.idempotency import claim_keys, finish_keys

KEPT = timedelta(hours=72)
STALE = timedelta(seconds=5)
"""A claim that nobody renewed for so long belongs to a process that died."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What a key belongs to; nobody else's key is ever seen."""

    user_id: UserId
    method: str
    path: str
    key: str


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A request that wants its key, and the booking it would make."""

    scope: Scope
    request_hash: bytes
    booking_id: UUID


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered to the request of a key."""

    scope: Scope
    status: int
    body: bytes


class Keys:
    """The writing side of `idempotency_keys`, gathered."""

    def __init__(self, db: Database, wall_now: Callable[[], datetime]) -> None:
        """Each batch is one statement, so one transaction."""
        self._db = db
        self._wall_now = wall_now
        self._claims = Gathering(self._claim_all)
        self._answers = Gathering(self._finish_all)

    async def claim(self, claim: Claim) -> UUID | None:
        """The booking to make under this key; `None` when it is not free."""
        return await self._claims.of(claim)

    async def finish(self, answered: Answered) -> None:
        """Keeps an answer; returns when it is kept for good."""
        await self._answers.of(answered)

    async def _claim_all(self, claims: Sequence[Claim]) -> Mapping[Claim, UUID]:
        # of twins that come at once one is first; the other finds the key taken
        first: dict[Scope, Claim] = {}
        for claim in claims:
            first.setdefault(claim.scope, claim)
        now = self._wall_now()
        claimed = await claim_keys(
            self._db.alone,
            **columns_of(first),
            request_hashes=[each.request_hash for each in first.values()],
            booking_ids=[each.booking_id for each in first.values()],
            now=now,
            expires_at=now + KEPT,
            stale_before=now - STALE,
        )
        return {
            first[
                Scope(user_id=each.user_id, method=each.method, path=each.path, key=each.key)
            ]: each.booking_id
            for each in claimed
        }

    async def _finish_all(self, answers: Sequence[Answered]) -> Mapping[Answered, None]:
        await finish_keys(
            self._db.alone,
            **columns_of(each.scope for each in answers),
            response_statuses=[each.status for each in answers],
            response_bodies=[each.body for each in answers],
            now=self._wall_now(),
        )
        return {}


def columns_of(scopes: Iterable[Scope]) -> dict[str, Any]:
    """What keys belong to, one array a column."""
    found = list(scopes)
    return {
        "user_ids": [each.user_id for each in found],
        "methods": [each.method for each in found],
        "paths": [each.path for each in found],
        "keys": [each.key for each in found],
    }
