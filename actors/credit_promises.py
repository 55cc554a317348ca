"""What is promised for every lot of credit, wherever it comes from: its end, and words before."""

from datetime import datetime
from uuid import UUID

from domain.credits import told_next_at
from domain.ids import new_id
from domain.settings import Policy
from storage.credits import promise_for_lot
from storage.query import Tx


async def promise_end(
    tx: Tx, lot_id: UUID, expires_at: datetime, *, now: datetime, policy: Policy
) -> None:
    """Promises a new lot's end and what its owner hears before it."""
    if expires_at > now:
        await promise_for_lot(
            tx,
            timing_id=new_id(now),
            kind="expire_credit",
            lot_id=lot_id,
            due_at=expires_at,
            now=now,
        )
    await promise_next_word(tx, lot_id, expires_at, now=now, policy=policy)


async def promise_next_word(
    tx: Tx, lot_id: UUID, expires_at: datetime, *, now: datetime, policy: Policy
) -> None:
    """Promises the next word before a lot's end, if there is one to come."""
    due_at = told_next_at(expires_at, now=now, before=policy.credit_told_before)
    if due_at is not None:
        await promise_for_lot(
            tx, timing_id=new_id(now), kind="remind_credit", lot_id=lot_id, due_at=due_at, now=now
        )
