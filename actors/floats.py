"""Keeps enough in the platform's balance at Stripe for what it owes, however it is paid out.

Once a day, from the ledger: credit that students own (`CRA`, `CRR`), credit that expired and is
held for them (`CRX`), and top-ups owed to instructors (`PAY`).
"""

import structlog

from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.floats import float_of_day, note_float, plan_float

log = structlog.get_logger()


class Floats:
    """The owner of `floats`."""

    def __init__(self, *, db: Database, stripe: StripeGateway, clock: Clock) -> None:
        """Reads the ledger through `db`, tells `stripe`."""
        self._db = db
        self._stripe = stripe
        self._clock = clock

    async def keep(self) -> None:
        """Sets the day's float, once, and only when it has changed. Safe to repeat at any moment.

        What was planned is sent with the day's key, so a repetition never says another amount.
        Raises `PaymentUnavailable` while Stripe does not answer.
        """
        now = self._clock.now()
        today = now.date()
        planned = await float_of_day(self._db.reads, on_date=today)
        if planned is None:
            async with self._db.transaction() as tx:
                await plan_float(tx, on_date=today, now=now)
                planned = await float_of_day(tx, on_date=today)
        if planned is None or planned.is_set:
            return
        kept = await self._stripe.keep_minimum(planned.minimum_cents, key=f"bal:{today}")
        async with self._db.transaction() as tx:
            await note_float(tx, on_date=today, now=now)
        log.info("float.kept", cents=kept)
