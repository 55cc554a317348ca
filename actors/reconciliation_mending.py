"""Looks for what a missing leg is of, before anybody is told: its webhook may be lost."""

from collections.abc import Sequence

import structlog

from actors.ledger import post
from actors.movements import Movements
from actors.payment_records import Why
from domain.bookings import SYSTEM
from domain.errors import DomainError
from domain.reconciliation import Difference, bill_journal
from gateways.clock import Clock
from storage.database import Database
from storage.reconciliation import transaction_by_id

log = structlog.get_logger()

MENDED_MAX = 50
"""So many missing legs are looked into in one run; the others have their turn in the next."""


class Mending:
    """Observes at Stripe what moved without us."""

    def __init__(self, *, db: Database, movements: Movements, clock: Clock) -> None:
        """`movements` finds whose money it is."""
        self._db = db
        self._movements = movements
        self._clock = clock

    async def mend(self, differences: Sequence[Difference]) -> None:
        """Takes in what stands behind missing legs, once; what cannot be found stays missing."""
        missing = [each for each in differences if each.check == "leg_missing"]
        for each in missing[:MENDED_MAX]:
            try:
                await self._mend(each)
            except DomainError as error:
                log.warning("reconciliation.not_mended", subject=each.subject, code=error.code)

    async def _mend(self, difference: Difference) -> None:
        transaction = await transaction_by_id(
            self._db.reads, account=difference.account, transaction_id=difference.subject
        )
        if transaction is None:
            return
        if bill := bill_journal(transaction):
            async with self._db.transaction() as tx:
                await post(tx, [bill], now=self._clock.now())
            return
        why = Why(actor=SYSTEM, cause=f"reconciliation {transaction.id}")
        await self._movements.observe_transaction(transaction, why)
