"""Group commit: decided turns of all calendars, few transactions at a time.

While a transaction is on its way the next turns gather; then all that are ready go together. A
calendar has at most one share under way. When a batch fails, its calendars go one by one, so that
one bad row never fails another's caller.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from actors.calendar_batch import Batch
from actors.calendar_turns import Failed, Outcome, Owner, Share, Stale
from domain.errors import DomainError, Unavailable
from domain.settings import Policy
from gateways.clock import Clock
from storage.database import CommitUnknown, Database

log = structlog.get_logger()

LANES = 2
"""Transactions at a time: the second one hides the first one's wait for the disk."""
TURNS_MAX = 256

Publish = Callable[[str, bytes], Awaitable[None]]


class Committer:
    """Takes turns from their owners, writes them, and tells the owners what came of it."""

    def __init__(
        self, db: Database, *, clock: Clock, policy: Policy, publish: Publish, lanes: int = LANES
    ) -> None:
        """`publish(subject, payload)` tells what changed, after the askers have their answers."""
        self._db = db
        self._clock = clock
        self._policy = policy
        self._publish = publish
        self._lanes_max = lanes
        self._lanes: set[asyncio.Task[None]] = set()
        self._ready: dict[Owner, None] = {}
        self.batches = 0
        self.turns = 0

    def ready(self, owner: Owner) -> None:
        """Notes that an owner has turns; they are taken when a lane is free."""
        self._ready[owner] = None
        if len(self._lanes) < self._lanes_max:
            lane = asyncio.create_task(self._run())
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)

    async def close(self) -> None:
        """Waits until everything that was ready is settled."""
        while self._lanes:
            await asyncio.wait(self._lanes)

    async def _run(self) -> None:
        while shares := self._gather():
            self.batches += 1
            self.turns += sum(len(share.turns) for share in shares)
            outcomes = await self._outcomes(shares)
            notes = [self._settle(s, outcome) for s, outcome in zip(shares, outcomes, strict=True)]
            for note in notes:
                if note is not None:
                    await self._publish(*note)

    def _gather(self) -> list[Share]:
        """The shares of the next batch, in the order their owners became ready."""
        shares: list[Share] = []
        room = TURNS_MAX
        while self._ready and room > 0:
            owner = next(iter(self._ready))
            del self._ready[owner]
            share = owner.take(room)
            if share is not None:
                shares.append(share)
                room -= len(share.turns)
        return shares

    async def _outcomes(
        self, shares: Sequence[Share], *, is_retry: bool = False
    ) -> Sequence[Outcome]:
        try:
            return await self._write(shares)
        except CommitUnknown:
            return [Stale() for _ in shares]
        except Unavailable as error:
            # a lost connection or a deadlock passes; a database that is away must not be asked
            # once a calendar, or commands would come to be long after their askers gave up
            if is_retry:
                return [Failed(error) for _ in shares]
            return await self._outcomes(shares, is_retry=True)
        except Exception as error:
            if len(shares) > 1:
                return [(await self._outcomes([share]))[0] for share in shares]
            if not isinstance(error, DomainError):
                log.exception("calendar.commit_failed", instructor=str(shares[0].instructor_id))
            return [Failed(error)]

    async def _write(self, shares: Sequence[Share]) -> Sequence[Outcome]:
        async with self._db.transaction() as tx:
            batch = Batch(tx, shares, now=self._clock.now(), policy=self._policy)
            return await batch.write()

    def _settle(self, share: Share, outcome: Outcome) -> tuple[str, bytes] | None:
        try:
            return share.owner.settle(outcome)
        except Exception:
            log.exception("calendar.settle_failed", instructor=str(share.instructor_id))
            return None
