"""Credit: given, and ended when its time is over. Spending it comes with the next issue."""

from datetime import datetime
from uuid import UUID

from actors.ledger import post
from domain.events import Topic
from domain.ids import new_id
from domain.journals import CreditLot, expiry_journal
from gateways.clock import Clock
from storage.credits import empty_expired_lot, insert_lot, lot_for_update, promise_expiry
from storage.database import Database
from storage.outbox import stage_event
from storage.query import Tx
from storage.timings import complete_timing


async def issue(tx: Tx, lot: CreditLot, *, now: datetime) -> None:
    """Gives a student a lot, once for its cause, and promises its end."""
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
    )
    if inserted is None:
        return
    await promise_expiry(tx, timing_id=new_id(now), lot_id=lot.id, due_at=lot.expires_at, now=now)
    await _tell(tx, "credit.issued", lot, cents=lot.granted_cents, now=now)


class Credits:
    """Ends lots whose time is over."""

    def __init__(self, db: Database, clock: Clock) -> None:
        """Writes through `db`, by the marketplace's time."""
        self._db = db
        self._clock = clock

    async def expire(self, lot_id: UUID, *, timing_id: UUID | None = None) -> None:
        """Takes what is left of a lot, once; one that still lives or is empty is left alone."""
        now = self._clock.now()
        async with self._db.transaction() as tx:
            lot = await lot_for_update(tx, lot_id=lot_id)
            if lot is not None and lot.remaining_cents > 0 and lot.expires_at <= now:
                await post(tx, [expiry_journal(lot, at=now)], now=now)
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
            "expires_at": lot.expires_at.isoformat().replace("+00:00", "Z"),
        },
        now=now,
    )
