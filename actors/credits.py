"""Credit: given, told of before its end, and ended. Bookings spend it (`calendar_credits.py`)."""

from datetime import datetime
from uuid import UUID

import msgspec

from actors.credit_promises import promise_end, promise_next_word
from actors.ledger import post
from domain.credit_journals import grant_journal
from domain.errors import Invalid, NotFound
from domain.events import Topic
from domain.ids import LotId, UserId, new_id
from domain.journals import CreditLot, expiry_journal
from domain.money import CURRENCY
from domain.people import Viewer
from domain.settings import POLICY, Policy
from domain.times import rfc3339
from gateways.clock import Clock
from storage.accounts import user_by_id
from storage.credits import (
    Lot,
    empty_expired_lot,
    insert_lot,
    lot_by_id,
    lot_for_update,
)
from storage.database import Database
from storage.outbox import stage_event
from storage.query import Tx
from storage.timings import complete_timing


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """Credit that an admin gives; without `expires_at` it lives as long as any other."""

    user_id: UserId
    amount_cents: int
    expires_at: datetime | None
    reason: str


async def issue(
    tx: Tx,
    lot: CreditLot,
    *,
    now: datetime,
    policy: Policy = POLICY,
    reason: str | None = None,
    granted_by: UserId | None = None,
) -> bool:
    """Gives a student a lot, once for its cause, and promises its end and a word before it."""
    inserted = await insert_lot(
        tx,
        lot_id=lot.id,
        user_id=lot.user_id,
        source=lot.source,
        booking_id=lot.booking_id,
        granted_cents=lot.granted_cents,
        remaining_cents=lot.remaining_cents,
        currency=lot.currency,
        created_at=lot.created_at,
        expires_at=lot.expires_at,
        reason=reason,
        granted_by=granted_by,
    )
    if inserted is None:
        return False
    await promise_end(tx, lot.id, lot.expires_at, now=now, policy=policy)
    await _tell(tx, "credit.issued", lot, cents=lot.granted_cents, now=now)
    return True


class Credits:
    """Gives credit, and ends lots whose time is over."""

    def __init__(self, db: Database, clock: Clock, policy: Policy = POLICY) -> None:
        """Writes through `db`, by the marketplace's time."""
        self._db = db
        self._clock = clock
        self._policy = policy

    async def grant(self, grant: Grant, *, lot_id: UUID, viewer: Viewer) -> Lot:
        """Gives goodwill credit; the same `lot_id` again gives nothing more.

        Raises `Invalid` for an end that is not ahead, `NotFound` for nobody's id.
        """
        now = self._clock.now()
        expires_at = grant.expires_at or now + self._policy.credit_life
        if await user_by_id(self._db.reads, user_id=grant.user_id) is None:
            raise NotFound
        if expires_at <= now:
            raise Invalid("credit ends in the future", pointer="/expires_at")
        lot = CreditLot(
            id=LotId(lot_id),
            user_id=grant.user_id,
            source="goodwill",
            booking_id=None,
            granted_cents=grant.amount_cents,
            remaining_cents=grant.amount_cents,
            currency=CURRENCY,
            created_at=now,
            expires_at=expires_at,
        )
        async with self._db.transaction() as tx:
            is_new = await issue(
                tx,
                lot,
                now=now,
                policy=self._policy,
                reason=grant.reason,
                granted_by=viewer.user_id,
            )
            if is_new:
                await post(tx, [grant_journal(lot, at=now)], now=now)
            given = await lot_by_id(tx, lot_id=lot_id)
        if given is None:
            raise NotFound
        return given

    async def remind(self, lot_id: UUID, *, timing_id: UUID) -> None:
        """Tells a student that credit will end soon, not of what is spent; promises the next word.

        A lot that is empty now may be filled again before the next one.
        """
        now = self._clock.now()
        async with self._db.transaction() as tx:
            lot = await lot_for_update(tx, lot_id=lot_id)
            is_told = await complete_timing(tx, timing_id=timing_id, now=now)
            if not is_told or lot is None:
                return
            await promise_next_word(tx, lot.id, lot.expires_at, now=now, policy=self._policy)
            if lot.remaining_cents > 0:
                await _tell(tx, "credit.expiring", lot, cents=lot.remaining_cents, now=now)

    async def expire(self, lot_id: UUID, *, timing_id: UUID | None = None) -> None:
        """Takes what is left of a lot, once; one that still lives or is empty is left alone."""
        now = self._clock.now()
        async with self._db.transaction() as tx:
            lot = await lot_for_update(tx, lot_id=lot_id)
            if lot is not None and lot.remaining_cents > 0 and lot.expires_at <= now:
                is_income = self._policy.is_breakage_income
                await post(tx, [expiry_journal(lot, at=now, is_income=is_income)], now=now)
                await empty_expired_lot(tx, lot_id=lot.id, now=now)
                await _tell(tx, "credit.expired", lot, cents=lot.remaining_cents, now=now)
            if timing_id is not None:
                await complete_timing(tx, timing_id=timing_id, now=now)


async def _tell(tx: Tx, topic: Topic, lot: CreditLot, *, cents: int, now: datetime) -> None:
    await stage_event(
        tx,
        event_id=new_id(now),
        topic=topic,
        subject_id=lot.id if lot.booking_id is None else lot.booking_id,
        user_ids=[lot.user_id],
        payload={
            "lot_id": str(lot.id),
            "booking_id": str(lot.booking_id) if lot.booking_id else None,
            "amount_cents": cents,
            "currency": lot.currency,
            "expires_at": rfc3339(lot.expires_at),
        },
        now=now,
    )
