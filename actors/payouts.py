"""Pays instructors out: asked for at once, or as Stripe's own schedule does it."""

from uuid import UUID

import msgspec

from actors.payment_records import Why
from actors.payments import Payments
from actors.payout_records import keep_payout
from domain.bookings import Actor
from domain.errors import NotFound, PaymentUnavailable, PayoutUnavailable
from domain.ids import new_id
from domain.movements import CreatePayout, InstantQuote, PayoutSeen
from domain.operations import Operation
from domain.payment_calls import kind_of
from domain.payouts import Payout, less_frozen, net_for
from domain.people import Viewer
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.disputes import frozen_of_instructor
from storage.instructors import StripeFacts, stripe_facts_by_instructor
from storage.operations import plan_operation
from storage.payouts import insert_payout, payout_of_instructor
from storage.stripe_events import instructor_of_account


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
            quotes = await self._quotes(account, viewer)
            quote, net = net_for(quotes, amount_cents)
            operation = await self._plan(account, quote, net, payout_id, viewer)
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
        return facts.stripe_account_id

    async def _find(self, payout_id: UUID, viewer: Viewer) -> Payout | None:
        return await payout_of_instructor(
            self._db.reads, payout_id=payout_id, instructor_id=viewer.user_id
        )

    async def _plan(
        self, account: str, quote: InstantQuote, net_cents: int, payout_id: UUID, viewer: Viewer
    ) -> Operation:
        now, wall_now = self._clock.now(), self._clock.wall_now()
        call = CreatePayout(
            account=account,
            amount_cents=net_cents,
            currency=quote.currency,
            is_instant=True,
            destination=quote.destination,
            asked_at=now,
            metadata={"payout_request_id": str(payout_id)},
        )
        operation = Operation(
            id=new_id(now),
            kind=kind_of(call),
            booking_id=None,
            subject_id=payout_id,
            idempotency_key=f"po:{payout_id}",
            params=call,
            state="planned",
            attempts=0,
            planned_at=wall_now,
            first_sent_at=None,
            sent_at=None,
        )
        async with self._db.transaction() as tx:
            inserted = await insert_payout(
                tx,
                payout_id=payout_id,
                instructor_id=viewer.user_id,
                net_cents=net_cents,
                fee_cents=0,
                currency=quote.currency,
                now=now,
            )
            if inserted is None:
                raise PayoutUnavailable("another payout is under way")
            await plan_operation(
                tx,
                operation_id=operation.id,
                kind=operation.kind,
                booking_id=None,
                subject_id=payout_id,
                idempotency_key=operation.idempotency_key,
                params=call,
                wall_now=wall_now,
            )
        return operation


def _why(viewer: Viewer) -> Why:
    actor = Actor(kind="instructor", id=viewer.user_id, request_id=viewer.request_id)
    return Why(actor=actor, cause="instant_payout")
