"""Pays instructors out at once when they ask for it, and takes in what became of any payout."""

from datetime import timedelta
from uuid import UUID

import msgspec
import structlog

from actors.payment_records import Why
from actors.payments import Payments
from actors.payout_records import keep_payout, wish_for
from domain.bookings import Actor
from domain.errors import DomainError, NotFound, PaymentUnavailable, PayoutUnavailable
from domain.money import CURRENCY, words
from domain.movements import CreatePayout, InstantQuote, PayoutSeen
from domain.operations import Operation
from domain.payouts import Payout, less_frozen, net_for
from domain.people import Viewer
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.debts import owed_by_instructor
from storage.disputes import frozen_of_instructor
from storage.instructors import StripeFacts, stripe_facts_by_instructor
from storage.payouts import count_payouts, payout_of_instructor, payouts_to_revisit
from storage.stripe_events import instructor_of_account

log = structlog.get_logger()

LATE = timedelta(days=1)
"""How long after its day of arrival a payout is waited for before it is looked at again."""
FEE_AWAITED = timedelta(days=14)
"""How long after a payout has failed its fee may still come back."""
REVISITED_MAX = 200


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What can be had at once, with its price; `reason` tells why not."""

    quotes: tuple[InstantQuote, ...]
    reason: str | None = None


class Payouts:
    """The owner of `payouts`."""

    def __init__(
        self, *, db: Database, stripe: StripeGateway, payments: Payments, clock: Clock
    ) -> None:
        """`payments` sends what is planned."""
        self._db = db
        self._stripe = stripe
        self._payments = payments
        self._clock = clock

    async def offer(self, viewer: Viewer) -> Offer:
        """What the viewer can be paid at once, as Stripe quotes it now. `PaymentUnavailable`."""
        try:
            account = await self._account_of(viewer)
        except PayoutUnavailable as refusal:
            return Offer(quotes=(), reason=refusal.detail)
        quotes = await self._quotes(account, viewer)
        try:
            net_for(quotes, None)
        except PayoutUnavailable as refusal:
            return Offer(quotes=(), reason=refusal.detail)
        return Offer(quotes=quotes)

    async def pay_out(self, amount_cents: int | None, *, payout_id: UUID, viewer: Viewer) -> Payout:
        """An instant payout of so much, the fee in it; everything without an amount.

        The same `payout_id` again goes on where it stopped. Raises `PayoutUnavailable`,
        `Invalid` for too much, `PaymentUnavailable` while Stripe has not answered.
        """
        made = await self._find(payout_id, viewer)
        if made is None:
            account = await self._account_of(viewer)
            operation = await self._wish(account, payout_id, amount_cents, viewer)
            outcome = await self._payments.finish(operation, _why(viewer))
            if outcome.code is not None and outcome.stops is None:
                raise PayoutUnavailable(f"your bank's side says no: {outcome.code}")
            made = await self._find(payout_id, viewer)
        if made is None:
            raise NotFound
        if made.state == "requested":
            raise PaymentUnavailable(retry_after=5)
        if made.state == "refused":
            raise PayoutUnavailable(f"your bank's side says no: {made.failure_code}")
        return made

    async def observe(self, stripe_payout_id: str, account: str) -> None:
        """Takes in what became of a payout of a connected account. `PaymentUnavailable`."""
        instructor_id = await instructor_of_account(self._db.reads, account=account)
        seen = await self._stripe.payout(stripe_payout_id, account=account)
        if not isinstance(seen, PayoutSeen):
            raise PaymentUnavailable(retry_after=5)
        if instructor_id is None:
            return
        async with self._db.transaction() as tx:
            await keep_payout(
                tx, seen, instructor_id=instructor_id, account=account, now=self._clock.now()
            )

    async def revisit(self) -> None:
        """Looks again at payouts of which a webhook may be lost, and at fees not given back."""
        now = self._clock.now()
        found = await payouts_to_revisit(
            self._db.reads,
            arrived_before=now - LATE,
            failed_since=now - FEE_AWAITED,
            most=REVISITED_MAX,
        )
        for each in found:
            try:
                await self.observe(each.stripe_payout_id, each.stripe_account_id)
            except DomainError as error:
                log.warning("payout.unseen", payout=each.stripe_payout_id, code=error.code)

    async def _quotes(self, account: str, viewer: Viewer) -> tuple[InstantQuote, ...]:
        """What can be had at once, less what open disputes may still take."""
        quotes = await self._stripe.instant_quotes(account)
        frozen = await frozen_of_instructor(self._db.reads, instructor_id=viewer.user_id)
        return less_frozen(quotes, frozen)

    async def _account_of(self, viewer: Viewer) -> str:
        facts: StripeFacts | None = await stripe_facts_by_instructor(
            self._db.reads, instructor_id=viewer.user_id
        )
        if facts is None or facts.stripe_account_id is None or not facts.has_payouts:
            raise PayoutUnavailable("finish the set-up with Stripe first")
        owed = await owed_by_instructor(self._db.reads, instructor_id=viewer.user_id)
        if owed > 0:
            raise PayoutUnavailable(
                f"your balance is {words(-owed, CURRENCY)}: what you earn next is set against it"
            )
        return facts.stripe_account_id

    async def _find(self, payout_id: UUID, viewer: Viewer) -> Payout | None:
        return await payout_of_instructor(
            self._db.reads, payout_id=payout_id, instructor_id=viewer.user_id
        )

    async def _wish(
        self, account: str, payout_id: UUID, amount_cents: int | None, viewer: Viewer
    ) -> Operation:
        """Plans an instant payout of what Stripe quotes now."""
        known = await count_payouts(self._db.reads, instructor_id=viewer.user_id)
        quotes = await self._quotes(account, viewer)
        quote, net = net_for(quotes, amount_cents)
        now = self._clock.now()
        call = CreatePayout(
            account=account,
            amount_cents=net,
            currency=quote.currency,
            is_instant=True,
            destination=quote.destination,
            asked_at=now,
            metadata={"payout_request_id": str(payout_id)},
        )
        async with self._db.transaction() as tx:
            operation = await wish_for(
                tx,
                call,
                payout_id=payout_id,
                instructor_id=viewer.user_id,
                is_asked=True,
                known=known,
                now=now,
                wall_now=self._clock.wall_now(),
            )
        if operation is None:
            raise PayoutUnavailable("another payout is under way")
        return operation


def _why(viewer: Viewer) -> Why:
    actor = Actor(kind="instructor", id=viewer.user_id, request_id=viewer.request_id)
    return Why(actor=actor, cause="instant_payout")
