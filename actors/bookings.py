"""What people do with bookings: the slot is held first, Stripe is asked after.

So whoever loses a race for a slot leaves nothing behind at Stripe, and a crash in between leaves a
hold that ends by itself. Every command may be repeated: it goes on from what is stored.
"""

from typing import Annotated
from uuid import UUID

import msgspec
import structlog

from actors.calendar_commands import Cancel, Command, Decided, ExtendHold, Hold
from actors.calendars import Calendars
from actors.cards import Card, Cards
from actors.payment_needs import PaymentNeed, need_of
from actors.payment_records import Why
from actors.payments import Driven, Payments
from domain.bookings import Actor, ActorKind, Booking, Modality, PaymentStatus
from domain.cancellation import Quoted
from domain.errors import (
    BookingState,
    CardDeclined,
    DomainError,
    HoldExpired,
    NotFound,
    OperationPending,
    OwnLesson,
    PaymentUnavailable,
)
from domain.ids import BookingId, CommandId, LearnerId, ServiceId, UserId, new_id
from domain.operations import IntentSeen, MethodSeen, SetupSeen
from domain.payments import ASKING, Payment
from domain.people import Viewer
from domain.settings import POLICY, Policy
from domain.texts import Line, Text
from domain.times import Instant
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.bookings import booking_by_id, booking_of_anyone
from storage.database import Database
from storage.moves import is_excused
from storage.payments import Parties, booking_parties, payment_by_booking

log = structlog.get_logger()

CHANGEABLE: frozenset[PaymentStatus] = ASKING.union(("scheduled", "card_setup", "collection"))
"""Payments that another card can help."""


class BookLesson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a student asks for. `learner_id` is the student without one."""

    instructor_id: UserId
    service_id: ServiceId
    start_at: Instant
    duration_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]
    modality: Modality
    learner_id: LearnerId | None = None
    place: Line | None = None
    note: Text | None = None
    payment_method_id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None = None
    use_credits: bool = True


class BookingAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A booking and what its payment still needs from the student."""

    booking: Booking
    payment: PaymentNeed
    is_repeat: bool = False


class Bookings:
    """Books, confirms, cancels; orchestrates the calendar and the money."""

    def __init__(
        self,
        *,
        db: Database,
        calendars: Calendars,
        payments: Payments,
        cards: Cards,
        stripe: StripeGateway,
        clock: Clock,
        policy: Policy = POLICY,
    ) -> None:
        """The calendar decides about time, `payments` about money."""
        self._db = db
        self._calendars = calendars
        self._payments = payments
        self._cards = cards
        self._stripe = stripe
        self._clock = clock
        self._policy = policy

    async def book(self, request: BookLesson, *, viewer: Viewer, booking_id: UUID) -> BookingAnswer:
        """Holds the slot, then secures the payment as far as it can be done now.

        `booking_id` is the asker's: the same one again goes on where the first attempt stopped.
        Raises what the calendar refuses, `CardDeclined` with `booking_id`, `PaymentUnavailable`.
        """
        if request.instructor_id == viewer.user_id:
            raise OwnLesson
        card = await self._cards.chosen(request.payment_method_id, viewer)
        decided = await self._ask(
            request.instructor_id, self._hold(request, card, viewer, booking_id)
        )
        booking, why = decided.booking, _why(viewer, "book")
        if booking.status != "pending":
            return BookingAnswer(
                booking=booking, payment=PaymentNeed(), is_repeat=decided.is_repeat
            )
        if decided.is_repeat and card is not None and booking.id != booking_id:
            await self._choose(booking.id, card, why)
        driven = await self._driven(booking.id, why)
        return await self._answer(booking.id, viewer, driven, is_repeat=decided.is_repeat)

    async def confirm(
        self, booking_id: UUID, *, payment_method_id: str | None, viewer: Viewer
    ) -> BookingAnswer:
        """Goes on with a pending booking: with another card, or with what the browser has done.

        Raises `HoldExpired`, `BookingState`, `CardDeclined`, `PaymentUnavailable`.
        """
        parties = await self._parties(booking_id, viewer)
        if parties.status == "confirmed":
            return await self._answer(booking_id, viewer, Driven(state="rest"), is_repeat=True)
        if parties.status not in {"pending", "expired"}:
            raise BookingState
        why = _why(viewer, "confirm")
        try:
            extended = await self._ask(
                parties.instructor_id, self._command(ExtendHold, booking_id, viewer)
            )
        except HoldExpired:
            # the bank may have said yes in time: then the slot is retaken if it is free
            driven = await self._look(booking_id, why)
            answer = await self._answer(booking_id, viewer, driven)
            if answer.booking.status == "confirmed":
                return answer
            raise
        if extended.booking.status == "confirmed":
            return await self._answer(booking_id, viewer, Driven(state="rest"), is_repeat=True)
        if payment_method_id is None:
            driven = await self._look(booking_id, why)
        else:
            card = await self._cards.named(payment_method_id, viewer)
            await self._choose(booking_id, card, why)
            driven = await self._driven(booking_id, why)
        has_tried = payment_method_id is not None
        return await self._answer(booking_id, viewer, driven, has_tried=has_tried)

    async def cancel(
        self,
        booking_id: UUID,
        *,
        reason: str | None,
        viewer: Viewer,
        quoted: Quoted | None = None,
    ) -> Booking:
        """Cancels as the student or as the instructor; the money follows at once where it can.

        Raises `NotFound`, `BookingState`, `QuoteExpired`. What the money still needs is done by
        its timing.
        """
        parties = await booking_parties(self._db.reads, booking_id=booking_id)
        if parties is None or viewer.user_id not in {parties.student_id, parties.instructor_id}:
            raise NotFound
        is_student = viewer.user_id == parties.student_id
        is_free = is_student and await is_excused(self._db.reads, booking_id=parties.booking_id)
        command = Cancel(
            command_id=self._command_id(),
            actor=_actor(viewer, "student" if is_student else "instructor"),
            booking_id=parties.booking_id,
            by="student" if is_student else "instructor",
            reason=reason,
            quoted=quoted,
            is_excused=is_free,
        )
        decided = await self._ask(parties.instructor_id, command)
        try:
            await self._driven(booking_id, _why(viewer, "cancel"))
        except DomainError as error:
            log.warning("booking.cancelled_money_later", booking=booking_id, code=error.code)
        found = await booking_by_id(
            self._db.reads, booking_id=parties.booking_id, viewer_id=viewer.user_id
        )
        return found or decided.booking

    async def cancel_for_all(self, booking_id: UUID, *, reason: str, viewer: Viewer) -> Booking:
        """Cancels in the name of the marketplace: as its instructor would, without a strike.

        Raises `NotFound`, `BookingState` (ended, or captured: then it is refunded).
        """
        parties = await booking_parties(self._db.reads, booking_id=booking_id)
        if parties is None:
            raise NotFound
        command = Cancel(
            command_id=self._command_id(),
            actor=_actor(viewer, "admin"),
            booking_id=parties.booking_id,
            by="instructor",
            reason=reason,
        )
        decided = await self._ask(parties.instructor_id, command)
        try:
            await self._driven(booking_id, _why(viewer, "cancel", "admin"))
        except DomainError as error:
            log.warning("booking.cancelled_money_later", booking=booking_id, code=error.code)
        return await booking_of_anyone(self._db.reads, booking_id=decided.booking.id) or (
            decided.booking
        )

    async def update_method(
        self, booking_id: UUID, *, payment_method_id: str, viewer: Viewer
    ) -> BookingAnswer:
        """Puts a booking on another card; where the last one failed it is tried at once.

        Raises `BookingState`, `OperationPending`, `CardDeclined`, `PaymentUnavailable`.
        """
        parties = await self._parties(booking_id, viewer)
        if parties.status == "pending":
            return await self.confirm(
                booking_id, payment_method_id=payment_method_id, viewer=viewer
            )
        payment = await payment_by_booking(self._db.reads, booking_id=booking_id)
        is_open = parties.status == "confirmed" or (payment and payment.status == "collection")
        if not is_open or payment is None or payment.status not in CHANGEABLE:
            raise BookingState("This lesson needs no other card.")
        card = await self._cards.named(payment_method_id, viewer)
        if payment.status == "scheduled" and not card.is_saved:
            card = await self._cards.save(card, viewer)
        why = _why(viewer, "update_method")
        driven = await self._choose(booking_id, card, why)
        if driven.state == "busy":
            driven = await self._driven(booking_id, why)
        return await self._answer(booking_id, viewer, driven, has_tried=True)

    async def payment_need(self, booking_id: UUID, viewer: Viewer) -> PaymentNeed | None:
        """What the payment needs from its student; `None` for everybody else."""
        parties = await booking_parties(self._db.reads, booking_id=booking_id)
        if parties is None or parties.student_id != viewer.user_id:
            return None
        payment = await payment_by_booking(self._db.reads, booking_id=booking_id)
        if payment is None:
            return None
        return await need_of(self._stripe, parties.status, payment)

    def _hold(
        self, request: BookLesson, card: Card | None, viewer: Viewer, booking_id: UUID
    ) -> Hold:
        is_far = request.start_at - self._clock.now() >= self._policy.authorize_before
        is_saved = card is not None and card.is_saved
        status: PaymentStatus = "authorizing"
        if is_far:
            status = "scheduled" if is_saved else "card_setup"
        return Hold(
            command_id=self._command_id(),
            actor=_actor(viewer),
            booking_id=BookingId(booking_id),
            student_id=viewer.user_id,
            learner_id=request.learner_id or LearnerId(viewer.user_id),
            service_id=request.service_id,
            start_at=request.start_at,
            duration_minutes=request.duration_minutes,
            modality=request.modality,
            place=request.place,
            note=request.note,
            payment_method_id=card.id if card else None,
            confirms_at_once=is_saved and is_far,
            payment_status=status,
            spends_credit=request.use_credits,
        )

    async def _look(self, booking_id: UUID, why: Why) -> Driven:
        """Takes in what the browser has done at Stripe meanwhile."""
        payment = await payment_by_booking(self._db.reads, booking_id=booking_id)
        if payment is None:
            raise NotFound
        if payment.payment_intent_id is not None and payment.status in ASKING:
            seen = await self._stripe.intent(payment.payment_intent_id)
            if not isinstance(seen, IntentSeen):
                raise PaymentUnavailable(retry_after=2)
            await self._payments.observe(booking_id, seen, why)
        elif payment.setup_intent_id is not None and payment.status == "card_setup":
            await self._look_at_setup(booking_id, payment.setup_intent_id, why)
        return await self._driven(booking_id, why)

    async def _look_at_setup(self, booking_id: UUID, setup_intent_id: str, why: Why) -> None:
        seen = await self._stripe.setup_intent(setup_intent_id)
        if not isinstance(seen, SetupSeen):
            raise PaymentUnavailable(retry_after=2)
        if seen.status != "succeeded" or seen.payment_method_id is None:
            return
        method = await self._stripe.method(seen.payment_method_id)
        if not isinstance(method, MethodSeen):
            raise PaymentUnavailable(retry_after=2)
        await self._payments.observe_setup(booking_id, seen, method, why)

    async def _choose(self, booking_id: UUID, card: Card, why: Why) -> Driven:
        """Puts a booking on a card, after whoever is at its payment. `PaymentUnavailable`."""
        try:
            return await self._payments.choose_method(booking_id, card.id, why)
        except OperationPending:
            await self._driven(booking_id, why)
            return await self._payments.choose_method(booking_id, card.id, why)

    async def _driven(self, booking_id: UUID, why: Why) -> Driven:
        """Drives the payment, waiting for whoever is at it already. `PaymentUnavailable`."""
        driven = await self._payments.drive_patiently(booking_id, why)
        if driven.state == "busy":
            raise PaymentUnavailable(retry_after=2, booking_id=str(booking_id))
        return driven

    async def _answer(
        self,
        booking_id: UUID,
        viewer: Viewer,
        driven: Driven,
        *,
        is_repeat: bool = False,
        has_tried: bool = True,
    ) -> BookingAnswer:
        """The booking as it is now; a refused card and a silent Stripe are raised instead."""
        booking = await booking_by_id(
            self._db.reads, booking_id=BookingId(booking_id), viewer_id=viewer.user_id
        )
        payment = await payment_by_booking(self._db.reads, booking_id=booking_id)
        if booking is None or payment is None:
            raise NotFound
        is_open = booking.status in {"pending", "confirmed"} or payment.status == "collection"
        if is_open and (driven.decline is not None or (has_tried and _is_refused(payment))):
            message = driven.decline.message if driven.decline else ""
            raise CardDeclined(
                message, booking_id=str(booking_id), decline_code=payment.decline_code
            )
        if driven.state in {"unknown", "blocked"} or (is_open and driven.code):
            raise PaymentUnavailable(retry_after=5, booking_id=str(booking_id))
        if booking.status == "pending" and payment.status == "action_required":
            extended = await self._ask(
                booking.instructor_id, self._command(ExtendHold, booking_id, viewer)
            )
            booking = extended.booking
        need = await need_of(self._stripe, booking.status, payment)
        return BookingAnswer(booking=booking, payment=need, is_repeat=is_repeat)

    async def _parties(self, booking_id: UUID, viewer: Viewer) -> Parties:
        parties = await booking_parties(self._db.reads, booking_id=booking_id)
        if parties is None or parties.student_id != viewer.user_id:
            raise NotFound
        return parties

    async def _ask(self, instructor_id: UserId, command: Command) -> Decided:
        return await self._calendars.ask(instructor_id, command)

    def _command(self, kind: type[ExtendHold], booking_id: UUID, viewer: Viewer) -> ExtendHold:
        return kind(
            command_id=self._command_id(),
            actor=_actor(viewer),
            booking_id=BookingId(booking_id),
        )

    def _command_id(self) -> CommandId:
        return CommandId(new_id(self._clock.now()))


def _is_refused(payment: Payment) -> bool:
    """Whether the card of the last attempt was refused and another one is needed."""
    return payment.status in {"card_setup", "card_required"} and payment.decline_code is not None


def _actor(viewer: Viewer, kind: ActorKind = "student") -> Actor:
    return Actor(kind=kind, id=viewer.user_id, request_id=viewer.request_id)


def _why(viewer: Viewer, cause: str, kind: ActorKind = "student") -> Why:
    return Why(actor=_actor(viewer, kind), cause=cause)
