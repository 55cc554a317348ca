"""Pays instructors out when their time has come: what is available, less what is questioned.

The promise (a timing) has the id of its payout, so whatever dies in between, the same promise finds
the same payout and never makes a second one. While the books differ nothing is paid: promises are
put off, and let go in the transaction that closes the last incident.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from actors.payment_records import Why
from actors.payments import Payments, State
from actors.payout_records import wish_for
from domain.bookings import system
from domain.errors import DomainError, PaymentUnavailable
from domain.ids import UserId, new_id
from domain.money import CURRENCY
from domain.movements import CreatePayout
from domain.operations import Refused, Unknown
from domain.reconciliation import BalanceSeen
from domain.settings import POLICY, Policy
from domain.standard_payouts import PayoutRhythm, next_payout_at, payable_cents
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.disputes import frozen_of_instructor
from storage.instructors import stripe_facts_by_instructor
from storage.operations import operation_of_subject
from storage.payouts import count_payouts, payout_of_instructor
from storage.query import Tx
from storage.standard_payouts import (
    lock_open_incident,
    promise_payout,
    put_off_payout,
    unpromised_instructors,
)
from storage.timings import complete_timing

log = structlog.get_logger()

LOOKED_AGAIN = timedelta(hours=1)
"""How long a promise is put off at most while an incident is open."""
BEGUN_MAX = 100


class StandardPayouts:
    """Keeps the promises of standard payouts."""

    def __init__(
        self,
        *,
        db: Database,
        stripe: StripeGateway,
        payments: Payments,
        clock: Clock,
        policy: Policy = POLICY,
    ) -> None:
        """`payments` sends what is planned; `policy` says when instructors are paid."""
        self._db = db
        self._stripe = stripe
        self._payments = payments
        self._clock = clock
        self._policy = policy

    async def pay(self, instructor_id: UUID, *, timing_id: UUID) -> State:
        """Pays what can be paid and promises the next time. Safe to repeat and to run twice.

        `unknown`: a payout is on its way and nobody knows how it ends. What Stripe refuses is tried
        at the next time. Raises `Unavailable` while Stripe or the database does not answer.
        """
        made = await payout_of_instructor(
            self._db.reads, payout_id=timing_id, instructor_id=instructor_id
        )
        if made is None:
            wished = await self._wish(instructor_id, timing_id)
            if wished is not None:
                return wished
        opened = await operation_of_subject(self._db.reads, subject_id=timing_id)
        if opened is not None:
            why = Why(actor=system(f"timing:{timing_id}"), cause="pay_out")
            outcome = await self._payments.finish(opened, why)
            if outcome.stops is not None:
                return outcome.stops
            log.info("payout.made", instructor=instructor_id, code=outcome.code)
        elif made is not None and made.state == "requested":
            return "unknown"
        await self._promise_next(instructor_id, timing_id)
        return "rest"

    async def begin(self) -> None:
        """Promises payouts to those who have none promised: made before us, or set to manual then.

        Their accounts leave Stripe's own schedule first.
        """
        if self._policy.payout_rhythm == "manual":
            return
        for each in await unpromised_instructors(self._db.reads, most=BEGUN_MAX):
            try:
                await self._stripe.pay_by_hand(each.stripe_account_id)
                async with self._db.transaction() as tx:
                    await promise_next(
                        tx, each.instructor_id, self._policy.payout_rhythm, now=self._clock.now()
                    )
            except DomainError as error:
                log.warning("payout.not_begun", instructor=each.instructor_id, code=error.code)

    async def _wish(self, instructor_id: UUID, timing_id: UUID) -> State | None:
        """Plans the payout, if any; a state when this promise is not to go on now."""
        account = await self._account_of(instructor_id)
        if account is None:
            return None
        known = await count_payouts(self._db.reads, instructor_id=instructor_id)
        balance = await self._balance_of(account)
        if balance is None:
            return None
        now = self._clock.now()
        async with self._db.transaction() as tx:
            if await lock_open_incident(tx) is not None:
                await put_off_payout(tx, timing_id=timing_id, due_at=now + LOOKED_AGAIN)
                log.warning("payout.put_off", instructor=instructor_id)
                return "rest"
            frozen = await frozen_of_instructor(tx, instructor_id=instructor_id)
            cents = payable_cents(
                available_cents=balance.available_cents,
                pending_cents=balance.pending_cents,
                frozen_cents=frozen,
            )
            if not cents:
                return None
            planned = await wish_for(
                tx,
                _call(account, cents, timing_id, now=now),
                payout_id=timing_id,
                instructor_id=instructor_id,
                is_asked=False,
                known=known,
                now=now,
                wall_now=self._clock.wall_now(),
            )
        return "unknown" if planned is None else None

    async def _account_of(self, instructor_id: UUID) -> str | None:
        """Where an instructor's money is, if it may be paid out from there and still should be."""
        facts = await stripe_facts_by_instructor(
            self._db.reads, instructor_id=UserId(instructor_id)
        )
        is_manual = self._policy.payout_rhythm == "manual"
        if facts is None or not facts.has_payouts or is_manual:
            return None
        return facts.stripe_account_id

    async def _balance_of(self, account: str) -> BalanceSeen | None:
        seen = await self._stripe.balance(account)
        match seen:
            case BalanceSeen():
                return seen
            case Refused():
                log.warning("payout.balance_refused", code=seen.code)
                return None
            case Unknown():
                raise PaymentUnavailable(seen.reason)

    async def _promise_next(self, instructor_id: UUID, timing_id: UUID) -> None:
        now = self._clock.now()
        async with self._db.transaction() as tx:
            if await complete_timing(tx, timing_id=timing_id, now=now):
                await promise_next(tx, instructor_id, self._policy.payout_rhythm, now=now)


async def promise_next(tx: Tx, instructor_id: UUID, rhythm: PayoutRhythm, *, now: datetime) -> None:
    """Promises an instructor the next standard payout, unless one is promised or none is wanted."""
    due_at = next_payout_at(rhythm, instructor_id, after=now)
    if due_at is not None:
        await promise_payout(
            tx, timing_id=new_id(now), instructor_id=instructor_id, due_at=due_at, now=now
        )


def _call(account: str, cents: int, payout_id: UUID, *, now: datetime) -> CreatePayout:
    return CreatePayout(
        account=account,
        amount_cents=cents,
        currency=CURRENCY,
        is_instant=False,
        destination=None,
        asked_at=now,
        metadata={"payout_request_id": str(payout_id)},
    )
