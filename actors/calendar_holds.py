"""Whether a student gets a slot, and what the booking then is: pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from actors.calendar_commands import Hold
from actors.calendar_effects import Decision, NewBooking, Repeat
from actors.calendar_memory import Memory
from domain.availability import refusal
from domain.bookings import Booking
from domain.errors import DomainError, InstructorNotBookable, Invalid, NotFound, OwnLesson
from domain.ids import UserId
from domain.money import CURRENCY
from domain.pricing import price_of, split
from domain.settings import Policy
from domain.times import Span, lead, zone
from storage.calendars import CalendarBooking


def decide_hold(
    memory: Memory,
    busy: Sequence[CalendarBooking],
    command: Hold,
    *,
    now: datetime,
    policy: Policy,
) -> Decision:
    """Whether a student gets a slot, against the bookings given."""
    unsold = _not_sold(memory, command)
    if unsold is not None:
        return unsold
    span = span_of(command)
    own = _own_hold(busy, command, span, now)
    if own is not None:
        return Repeat(own)
    refused = refusal(
        memory.rules,
        busy,
        span=span,
        notice_floor=notice_floor(command, policy),
        shortest_minutes=memory.shortest_minutes,
        now=now,
    )
    if refused is not None:
        return refused
    return _new_booking(memory, command, span, now, policy)


def span_of(command: Hold) -> Span:
    """The span a student asks for."""
    duration = timedelta(minutes=command.duration_minutes)
    return Span(command.start_at, command.start_at + duration)


def notice_floor(command: Hold, policy: Policy) -> timedelta:
    """The shortest notice of the platform, by where the lesson is."""
    if command.modality == "online":
        return policy.notice_floor_online
    return policy.notice_floor_in_person


def booking_of(new: NewBooking, instructor_id: UserId) -> Booking:
    """The new booking as people see it; nothing of it is computed by the database."""
    command, parts = new.command, new.split
    return Booking(
        id=command.booking_id,
        version=1,
        instructor_id=instructor_id,
        student_id=command.student_id,
        service_id=command.service_id,
        series_id=None,
        learner_id=command.learner_id,
        start_at=new.span.start_at,
        end_at=new.span.end_at,
        time_zone=new.time_zone,
        modality=command.modality,
        status=new.status,
        outcome=None,
        payment_status=new.payment_status,
        price_cents=parts.price_cents,
        credit_applied_cents=parts.credit_applied_cents,
        card_amount_cents=parts.card_amount_cents,
        platform_fee_cents=parts.platform_fee_cents,
        instructor_amount_cents=parts.instructor_amount_cents,
        currency=CURRENCY,
        hold_expires_at=new.hold_expires_at,
        created_at=new.at,
        cancelled_at=None,
        cancelled_by=None,
    )


def entry_of(new: NewBooking) -> CalendarBooking:
    """The new booking as its calendar remembers it."""
    command = new.command
    return CalendarBooking(
        booking_id=command.booking_id,
        start_at=new.span.start_at,
        end_at=new.span.end_at,
        buffer_before_minutes=new.buffer_before_minutes,
        buffer_after_minutes=new.buffer_after_minutes,
        status=new.status,
        hold_expires_at=new.hold_expires_at,
        student_id=command.student_id,
        learner_id=command.learner_id,
        created_at=new.at,
        started_at=None,
        sticky_lead_seconds=None,
        modality=command.modality,
    )


def _not_sold(memory: Memory, command: Hold) -> DomainError | None:
    """What speaks against the lesson whatever its time."""
    if command.student_id == memory.instructor_id:
        return OwnLesson()
    if not memory.is_bookable:
        return InstructorNotBookable()
    service = memory.services.get(command.service_id)
    if service is None:
        return NotFound("the instructor has no such service")
    if command.duration_minutes not in service.durations_minutes:
        return Invalid("the service has no lessons of this length", pointer="/duration_minutes")
    if command.modality not in service.modalities:
        return Invalid("the service is not given in this way", pointer="/modality")
    return None


def _own_hold(
    busy: Sequence[CalendarBooking], command: Hold, span: Span, now: datetime
) -> UUID | None:
    """The student's own live hold of this very slot: asking again is answered with it."""
    for booking in busy:
        if (
            booking.status == "pending"
            and booking.student_id == command.student_id
            and booking.learner_id == command.learner_id
            and booking.start_at == span.start_at
            and booking.end_at == span.end_at
            and booking.hold_expires_at is not None
            and booking.hold_expires_at > now
        ):
            return booking.booking_id
    return None


def _new_booking(
    memory: Memory, command: Hold, span: Span, now: datetime, policy: Policy
) -> NewBooking | DomainError:
    rules = memory.rules.policy
    is_far = lead(span.start_at, now) >= policy.authorize_before
    is_sure = command.confirms_at_once and (is_far or command.payment_status == "credit_only")
    payment_status = command.payment_status
    if payment_status == "scheduled" and not is_sure:
        # it was far enough when it was asked for; by now the card is authorised face to face
        payment_status = "authorizing"
    try:
        rate = memory.services[command.service_id].hourly_rate_cents
        price = price_of(rate, command.duration_minutes)
        parts = split(price, credit_cents=0, fee_bps=policy.fee_bps)
    except DomainError as error:
        return error
    local = span.start_at.astimezone(zone(rules.time_zone))
    return NewBooking(
        command=command,
        span=span,
        status="confirmed" if is_sure else "pending",
        hold_expires_at=None if is_sure else now + policy.hold_first,
        payment_status=payment_status,
        split=parts,
        time_zone=rules.time_zone,
        start_local=local.replace(tzinfo=None).isoformat(timespec="minutes"),
        buffer_before_minutes=rules.buffer_before_minutes,
        buffer_after_minutes=rules.buffer_after_minutes,
        at=now,
    )
