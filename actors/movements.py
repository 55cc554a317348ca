"""Takes in what moved at Stripe without us: in its dashboard, or while its webhook was lost.

An event or a balance transaction names an object; here is found whose money that is, and its owner
looks at all of it. Nothing is taken from the event itself, so everything can be repeated.
"""

import structlog

from actors.disputes import Disputes
from actors.ledger import post
from actors.payment_records import Why, scene_of
from actors.payments import Payments
from actors.payouts import Payouts
from actors.refunds import Refunds
from domain.credit_journals import top_up_back_journal
from domain.errors import NotFound, PaymentUnavailable
from domain.ids import BookingId
from domain.journals import STRIPE
from domain.movements import FeeSeen, TopUpBackSeen
from domain.operations import IntentSeen, Refused
from domain.reconciliation import CONNECTED, BalanceTransaction, SourceSeen
from domain.settings import POLICY, Policy
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.movements import booking_of_movement
from storage.payments import booking_of_intent, payment_by_booking

log = structlog.get_logger()

Movers = tuple[Refunds, Payouts, Disputes]
"""Who takes in what was found."""


class Movements:
    """Finds the owner of what moved, and has it look."""

    def __init__(
        self,
        *,
        db: Database,
        stripe: StripeGateway,
        payments: Payments,
        movers: Movers,
        clock: Clock,
        policy: Policy = POLICY,
    ) -> None:
        """`movers` take in what was found by asking `stripe`."""
        self._db = db
        self._stripe = stripe
        self._payments = payments
        self._refunds, self._payouts, self._disputes = movers
        self._clock = clock
        self._policy = policy

    async def observe(self, object_id: str, why: Why) -> None:
        """Takes in what became of a transfer, a top-up or a fee.

        Raises `NotFound` for one that nobody here made, `PaymentUnavailable`.
        """
        booking_id = await booking_of_movement(self._db.reads, object_id=object_id)
        if booking_id is None:
            await self._observe_fee(object_id)
            return
        payment = await payment_by_booking(self._db.reads, booking_id=BookingId(booking_id))
        if payment is not None and payment.top_up_id == object_id:
            await self._observe_top_up(BookingId(booking_id), object_id, why)
        else:
            await self._refunds.observe(BookingId(booking_id), why)

    async def observe_transaction(self, transaction: BalanceTransaction, why: Why) -> None:
        """Takes in what a balance transaction is of. `NotFound`, `PaymentUnavailable`."""
        source, account = transaction.source or "", transaction.account
        if account != STRIPE:
            # the platform's side of the same movement tells of all others
            if source.startswith("po_"):
                await self._payouts.observe(source, account.removeprefix(CONNECTED))
            return
        seen = await self._stripe.source(transaction.id)
        if seen is None or isinstance(seen, Refused):
            raise NotFound
        if not isinstance(seen, SourceSeen):
            raise PaymentUnavailable(retry_after=5)
        await self._observe_source(seen, why)

    async def _observe_source(self, seen: SourceSeen, why: Why) -> None:
        match seen.kind:
            case "dispute":
                await self._disputes.observe(seen.id, why)
            case "transfer_reversal" if seen.transfer_id is not None:
                await self.observe(seen.transfer_id, why)
            case "fee_refund" if seen.fee_id is not None:
                await self.observe(seen.fee_id, why)
            case "charge" | "refund" if seen.payment_intent_id is not None:
                await self._observe_intent(seen, seen.payment_intent_id, why)
            case _:
                raise NotFound

    async def _observe_intent(self, seen: SourceSeen, intent_id: str, why: Why) -> None:
        booking_id = await booking_of_intent(self._db.reads, payment_intent_id=intent_id)
        if booking_id is None:
            raise NotFound
        if seen.kind == "refund":
            await self._refunds.observe(booking_id, why)
            return
        intent = await self._stripe.intent(intent_id)
        if not isinstance(intent, IntentSeen):
            raise PaymentUnavailable(retry_after=5)
        await self._payments.observe(booking_id, intent, why)

    async def _observe_fee(self, fee_id: str) -> None:
        """The fee on an instant payout is known by the payout alone."""
        if not fee_id.startswith("fee_"):
            raise NotFound
        fee = await self._stripe.fee(fee_id)
        if isinstance(fee, FeeSeen) and fee.payout_id is not None:
            await self._payouts.observe(fee.payout_id, fee.account)
            return
        if isinstance(fee, FeeSeen | Refused):
            raise NotFound
        raise PaymentUnavailable(retry_after=5)

    async def _observe_top_up(self, booking_id: BookingId, transfer_id: str, why: Why) -> None:
        """What was taken back of a top-up is owed again; a person decides what becomes of it."""
        back = await self._stripe.top_up_back(transfer_id)
        if not isinstance(back, TopUpBackSeen):
            raise PaymentUnavailable(retry_after=5)
        now = self._clock.now()
        async with self._db.transaction() as tx:
            scene = await scene_of(tx, booking_id, why=why, now=now, policy=self._policy)
            if scene is None:
                raise NotFound
            journals = [top_up_back_journal(scene.facts, each, at=now) for each in back.reversals]
            await post(tx, journals, now=now)
