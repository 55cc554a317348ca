"""What waits for an instructor's account: captures and owed shares that Stripe refuses."""

from collections.abc import Awaitable, Callable

import structlog

from actors.payment_records import Why
from actors.payments import Payments
from domain.bookings import SYSTEM
from domain.operations import AccountSeen
from storage.database import Database
from storage.instructors import bookings_waiting_for_account

log = structlog.get_logger()

RecordAccount = Callable[[AccountSeen], Awaitable[None]]

WOKEN_MAX = 100
"""So many at once; the rest is tried in its own hour."""


def waking(record: RecordAccount, *, db: Database, payments: Payments) -> RecordAccount:
    """The same record of an account, after which whatever waited for it goes on at once (P27)."""

    async def recorded(seen: AccountSeen) -> None:
        await record(seen)
        if not seen.has_transfers:
            return
        waiting = await bookings_waiting_for_account(
            db.reads, stripe_account_id=seen.id, most=WOKEN_MAX
        )
        for booking_id in waiting:
            log.info("payment.woken", booking=booking_id)
            await payments.drive(booking_id, Why(actor=SYSTEM, cause="account_active"))

    return recorded
