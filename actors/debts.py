"""What instructors owe the platform, after something was taken back that had been paid out."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.debts import debtors
from domain.ids import new_id
from domain.journals import Journal
from domain.money import CURRENCY
from domain.settings import POLICY, Policy
from gateways.clock import Clock
from storage.database import Database
from storage.debts import owed_by_instructor, promise_notices
from storage.outbox import stage_event
from storage.query import Tx
from storage.timings import complete_timing


async def promise_first_notices(tx: Tx, journals: Sequence[Journal], *, now: datetime) -> None:
    """Promises a notice, at once, to who owes after these journals; once while one is promised."""
    instructor_ids = debtors(journals)
    if instructor_ids:
        await promise_notices(
            tx,
            timing_ids=[new_id(now) for _ in instructor_ids],
            instructor_ids=instructor_ids,
            due_at=now,
            now=now,
        )


class Debts:
    """Tells instructors that they owe, week by week, until they do not."""

    def __init__(self, *, db: Database, clock: Clock, policy: Policy = POLICY) -> None:
        """`policy` says how often."""
        self._db = db
        self._clock = clock
        self._policy = policy

    async def remind(self, instructor_id: UUID, *, timing_id: UUID) -> None:
        """Tells once what is owed now and promises the next notice; nothing when nothing is."""
        now = self._clock.now()
        async with self._db.transaction() as tx:
            if not await complete_timing(tx, timing_id=timing_id, now=now):
                return
            owed_cents = await owed_by_instructor(tx, instructor_id=instructor_id)
            if owed_cents <= 0:
                return
            await stage_event(
                tx,
                event_id=new_id(now),
                topic="instructor.owes",
                subject_id=instructor_id,
                user_ids=[instructor_id],
                payload={"amount_cents": owed_cents, "currency": CURRENCY},
                now=now,
            )
            await promise_notices(
                tx,
                timing_ids=[new_id(now)],
                instructor_ids=[instructor_id],
                due_at=now + self._policy.debt_told_every,
                now=now,
            )
