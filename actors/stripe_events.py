"""One stored webhook event → one fresh look at its object → one change.

An event never sets anything by itself: it says where to look. So events may come late, twice, in
any order or not at all. What is validly signed but not for us is kept aside (quarantined).
"""

from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Literal

import msgspec
import structlog
from prometheus_client import Counter, Histogram

from actors.disputes import Disputes
from actors.movements import Movements
from actors.payment_records import Why
from actors.payments import Payments
from actors.payouts import Payouts
from actors.refunds import Refunds
from actors.stripe_people import IsForeign, NotKnownYet, StripePeople, there
from actors.stripe_replays import put_back
from actors.stripe_subjects import LOOKED_AT_ITSELF, SUBJECTS, Subject
from domain.bookings import Actor
from domain.errors import DomainError, NotFound
from domain.people import Viewer
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from gateways.stripe_webhooks import EventBody, read_event
from storage.database import Database
from storage.payments import booking_of_intent, booking_of_setup, payment_by_booking
from storage.stripe_events import (
    StoredEvent,
    event_by_id,
    finish_event,
    instructor_of_account,
    postpone_event,
    store_event,
)
from storage.timings import notify_clock

log = structlog.get_logger()


LATER = (1, 5, 30, 120, 600)
"""Seconds before an event is tried again whose object nobody knows yet; then it is set aside."""

EVENTS = Counter(
    "webhook_events_total", "Webhook events by what became of them.", ("type", "result")
)
AGE_BUCKETS_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 3600)
AGE = Histogram(
    "webhook_age_seconds",
    "How long a webhook event waits from its arrival until it is worked, in the market's time.",
    buckets=AGE_BUCKETS_SECONDS,
)


class StripeEvents:
    """The inbox and its work."""

    def __init__(
        self,
        *,
        db: Database,
        stripe: StripeGateway,
        payments: Payments,
        refunds: Refunds,
        payouts: Payouts,
        disputes: Disputes,
        movements: Movements,
        people: StripePeople,
        clock: Clock,
        secrets: tuple[str, ...],
    ) -> None:
        """`people` takes in what is of somebody and of no booking."""
        self._db = db
        self._stripe = stripe
        self._payments = payments
        self._refunds = refunds
        self._payouts = payouts
        self._disputes = disputes
        self._movers = movements
        self._people = people
        self._clock = clock
        self._secrets = secrets

    async def receive(self, payload: bytes, signature: str) -> None:
        """Stores a genuine event, once; raises `Invalid` for one that is not.

        It is worked afterwards, so the answer to Stripe never waits for more than this insert.
        """
        event = read_event(
            payload, signature, secrets=self._secrets, wall_now=self._clock.wall_now()
        )
        strange, now = self._strange(event), self._clock.now()
        about = event.data.object
        is_itself = SUBJECTS.get(event.type) in LOOKED_AT_ITSELF
        async with self._db.transaction() as tx:
            stored = await store_event(
                tx,
                event_id=event.id,
                event_type=event.type,
                account=event.account,
                object_id=about.id if is_itself else about.about,
                api_version=event.api_version,
                payload=msgspec.Raw(payload),
                state="quarantined" if strange else "received",
                worked_at=now if strange else None,
                error=strange,
                now=now,
            )
            if stored is not None and not strange:
                await notify_clock(tx)
        if stored is not None and strange:
            _count(event.type, "quarantined")
            log.warning("stripe_event.quarantined", event_id=event.id, reason=strange)

    async def replay(self, event_ids: Sequence[str], viewer: Viewer) -> list[str]:
        """Lets events be worked once more because an admin says so; those that there are."""
        async with self._db.transaction() as tx:
            return await put_back(tx, event_ids, viewer=viewer, now=self._clock.now())

    async def work(self, event_id: str) -> None:
        """Looks at the object of a stored event and takes in what it shows. Safe to repeat."""
        event = await event_by_id(self._db.reads, event_id=event_id)
        now = self._clock.now()
        if event is None or event.state != "received" or event.next_attempt_at > now:
            return
        try:
            await self._take_in(event)
        except NotKnownYet as reason:
            await self._failed(event, str(reason))
        except IsForeign as reason:
            await self._end(event, "quarantined", str(reason))
        except DomainError as error:
            # the database, the calendar or Stripe does not answer: that says nothing of the event
            await self._later(event, error.code)
        except Exception as error:  # a fault of ours must not be tried for ever
            log.exception("stripe_event.failed", event_id=event.id, attempts=event.attempts)
            _count(event.type, "failed")
            await self._failed(event, f"{type(error).__name__}: {error}")
        else:
            await self._end(event, "worked", None)

    def _strange(self, event: EventBody) -> str | None:
        """Why a genuine event is not for this marketplace; `None` when it is."""
        if event.livemode != self._stripe.is_live:
            return "made in the other mode"
        if event.api_version not in {None, self._stripe.api_version}:
            return f"made with version {event.api_version}"
        if event.type not in SUBJECTS:
            return f"of unknown type {event.type}"
        return None

    async def _refuse_foreign(self, account: str | None) -> None:
        if account is None:
            return
        if await instructor_of_account(self._db.reads, account=account) is None:
            raise IsForeign("from an account that is not ours")

    async def _take_in(self, event: StoredEvent) -> None:
        await self._refuse_foreign(event.account)
        why = Why(actor=Actor(kind="stripe", request_id=event.id), cause=f"{event.type} {event.id}")
        subject = SUBJECTS.get(event.type, "noted")
        if event.object_id is None:
            return
        object_id = event.object_id
        match subject:
            case "setup":
                await self._setup(object_id, why)
            case "method":
                await self._people.method(object_id)
                if event.type == "payment_method.automatically_updated":
                    await self._payments.renew_card(object_id, why)
            case "account":
                is_leaving = event.type == "account.application.deauthorized"
                await self._people.account(event.account or object_id, is_leaving=is_leaving)
            case "customer":
                await self._people.payer(object_id)
            case "payout" if event.account is not None:
                await self._people.unless_gone(event.account, self._payouts.observe, object_id)
            case "intent" | "charge" | "movements" | "back" | "dispute" | "warning":
                await self._of_booking(subject, object_id, why)
            case "payout" | "noted":
                return

    async def _of_booking(self, subject: Subject, object_id: str, why: Why) -> None:
        """What is about the money of one booking; each part looks at Stripe by itself."""
        match subject:
            case "movements":
                await self._movements(object_id, why)
            case "back":
                await self._known(self._movers.observe(object_id, why))
            case "dispute":
                await self._known(self._disputes.observe(object_id, why))
            case "warning":
                await self._known(self._disputes.observe_warning(object_id, why))
            case _ if object_id.startswith("pi_"):
                await self._intent(object_id, why)
            case _:
                return

    async def _known(self, work: Awaitable[None]) -> None:
        """Raises `NotKnownYet` for an event that has overtaken what it is about."""
        try:
            await work
        except NotFound as error:
            raise NotKnownYet("of a charge that is not recorded") from error

    async def _intent(self, intent_id: str, why: Why) -> None:
        seen = there(await self._stripe.intent(intent_id))
        booking_id = await booking_of_intent(self._db.reads, payment_intent_id=seen.id)
        if booking_id is not None:
            await self._payments.observe(booking_id, seen, why)
            return
        if seen.booking_id is None:
            raise NotKnownYet("a payment intent that is not ours")
        payment = await payment_by_booking(self._db.reads, booking_id=seen.booking_id)
        is_earlier = payment is not None and (seen.cycle or 0) < payment.cycle
        if payment is None or (payment.payment_intent_id is None and not is_earlier):
            raise NotKnownYet("a payment intent not recorded yet")
        # of an earlier cycle: it says nothing of this one, but it should hold nothing either
        await self._payments.observe_earlier(payment.booking_id, seen, why)

    async def _movements(self, intent_id: str, why: Why) -> None:
        """Money that went back: read as a whole, whichever part the event is about."""
        booking_id = await booking_of_intent(self._db.reads, payment_intent_id=intent_id)
        if booking_id is not None:
            await self._refunds.observe(booking_id, why)
        elif not await self._is_let_go(intent_id):
            raise NotKnownYet("a payment intent that is not recorded")

    async def _is_let_go(self, intent_id: str) -> bool:
        """Whether an intent was let go in an earlier cycle: Stripe tells of that as of a refund."""
        seen = there(await self._stripe.intent(intent_id))
        if seen.status != "canceled" or seen.booking_id is None:
            return False
        payment = await payment_by_booking(self._db.reads, booking_id=seen.booking_id)
        return payment is not None and (seen.cycle or 0) < payment.cycle

    async def _setup(self, setup_intent_id: str, why: Why) -> None:
        seen = there(await self._stripe.setup_intent(setup_intent_id))
        if seen.status != "succeeded" or seen.payment_method_id is None:
            return
        method = await self._people.method(seen.payment_method_id)
        booking_id = await booking_of_setup(self._db.reads, setup_intent_id=seen.id)
        if booking_id is not None:
            await self._payments.observe_setup(booking_id, seen, method, why)

    async def _later(self, event: StoredEvent, reason: str) -> None:
        _count(event.type, "later")
        log.info("stripe_event.later", event_id=event.id, reason=reason)
        pause = timedelta(seconds=LATER[min(event.attempts, len(LATER) - 1)])
        async with self._db.transaction() as tx:
            await postpone_event(
                tx, event_id=event.id, next_attempt_at=self._clock.now() + pause, error=reason
            )

    async def _failed(self, event: StoredEvent, reason: str) -> None:
        """Tries an event again that nothing could be done with; in the end it is set aside."""
        if event.attempts >= len(LATER):
            await self._end(event, "quarantined", reason)
        else:
            await self._later(event, reason)

    async def _end(
        self, event: StoredEvent, state: Literal["worked", "quarantined"], error: str | None
    ) -> None:
        _count(event.type, state)
        AGE.observe(max(0, (self._clock.now() - event.received_at).total_seconds()))
        if state == "quarantined":
            log.warning("stripe_event.quarantined", event_id=event.id, reason=error)
        async with self._db.transaction() as tx:
            await finish_event(
                tx, event_id=event.id, state=state, error=error, now=self._clock.now()
            )


def _count(event_type: str, result: str) -> None:
    """One more event; types nobody knows are one type, so that labels stay few."""
    EVENTS.labels(type=event_type if event_type in SUBJECTS else "other", result=result).inc()
