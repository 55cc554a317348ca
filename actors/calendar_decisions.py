"""What a command does to a booking there is: pure decisions from memory, time and policy.

What depends on the payment is a guard, or a choice of two outcomes, settled in the transaction.
"""

from datetime import datetime, timedelta

import msgspec

from actors.calendar_commands import (
    BookingCommand,
    Cancel,
    CancelUnpaid,
    ChangeAvailability,
    Complete,
    Confirm,
    Expire,
    ExtendHold,
    MarkNoShow,
    Move,
    Start,
)
from actors.calendar_effects import Change, Decision, Guard, Repeat
from actors.calendar_memory import Memory
from actors.calendar_moves import decide_move, entry_moved
from domain.availability import COUNTED
from domain.bookings import ACTIVE, Outcome
from domain.cancellation import OUTCOME_OF_TIER, Terms, tier
from domain.errors import (
    BookingState,
    CalendarChanged,
    DomainError,
    HoldExpired,
    Invalid,
    NotFound,
    QuoteExpired,
)
from domain.no_shows import OUTCOME_OF_ABSENT
from domain.settings import Policy
from domain.times import zone
from storage.calendars import CalendarBooking

REMEMBERED = ACTIVE | COUNTED
"""What blocks time, and what counts for the limits of day and week."""


def decide_about(
    memory: Memory,
    booking: CalendarBooking,
    command: BookingCommand,
    *,
    is_slot_lost: bool,
    now: datetime,
    policy: Policy,
) -> Decision:
    """What a command does to a booking. `is_slot_lost`: a retake was tried and found no room."""
    if not _may_act(memory, booking, command):
        return NotFound()
    if isinstance(command, Start | Complete | MarkNoShow):
        return _decide_lesson(booking, command, now)
    decision: Decision
    match command:
        case Move():
            decision = decide_move(memory, booking, command, now=now, policy=policy)
        case Confirm():
            decision = _confirm(memory, booking, command, is_slot_lost=is_slot_lost, now=now)
        case ExtendHold():
            decision = _extend(booking, command, now, policy)
        case Cancel():
            decision = _cancel(booking, command, now, policy)
        case CancelUnpaid():
            decision = _cancel_unpaid(booking, command, now, policy)
        case Expire():
            decision = _expire(booking, command, now)
    return decision


def _decide_lesson(
    booking: CalendarBooking, command: Start | Complete | MarkNoShow, now: datetime
) -> Decision:
    """What becomes of the lesson itself."""
    match command:
        case Start():
            return _start(booking, command, now)
        case Complete():
            return _complete(booking, command, now)
        case MarkNoShow():
            return _mark_no_show(booking, command, now)


def _may_act(memory: Memory, booking: CalendarBooking, command: BookingCommand) -> bool:
    """People act on bookings of their own; what is foreign looks missing."""
    actor = command.actor
    if actor.kind in {"admin", "system", "stripe"}:
        return True
    side = command.by if isinstance(command, Cancel) else actor.kind
    return actor.id == (booking.student_id if side == "student" else memory.instructor_id)


def _confirm(
    memory: Memory, booking: CalendarBooking, command: Confirm, *, is_slot_lost: bool, now: datetime
) -> Decision:
    if booking.status == "confirmed" or booking.outcome == "slot_lost":
        return Repeat(booking.booking_id)
    confirmed = Change(
        command=command,
        was=booking,
        became="confirmed",
        event="booking.confirmed",
        guard="payable",
        kept="confirm",
        at=now,
    )
    if booking.status == "pending":
        return confirmed
    if booking.status != "expired":
        return BookingState(f"the booking is {booking.status}")
    is_lost = is_slot_lost or command.is_let_go or now >= booking.start_at
    if not is_lost and memory.is_free(booking, now):
        return confirmed
    return Change(
        command=command,
        was=booking,
        became="expired",
        event="booking.slot_lost",
        outcome="slot_lost",
        outcome_if_authorized="slot_lost",
        kept="confirm",
        at=now,
    )


def _extend(
    booking: CalendarBooking, command: ExtendHold, now: datetime, policy: Policy
) -> Decision:
    if booking.status == "expired":
        return HoldExpired()
    if booking.status == "confirmed":  # the webhook was faster than the browser
        return Repeat(booking.booking_id)
    if booking.status != "pending":
        return BookingState(f"the booking is {booking.status}")
    longest = booking.created_at + policy.hold_longest
    if booking.hold_expires_at is not None and booking.hold_expires_at >= longest:
        return Repeat(booking.booking_id)
    return Change(
        command=command,
        was=booking,
        became="pending",
        event="booking.hold_extended",
        hold_expires_at=longest,
        is_told=False,
        at=now,
    )


def _cancel(booking: CalendarBooking, command: Cancel, now: datetime, policy: Policy) -> Decision:
    if booking.status == "cancelled" and booking.last_command_id == command.command_id:
        return Repeat(booking.booking_id)
    if command.by == "instructor":
        return _cancel_by_instructor(booking, command, now, policy)
    if booking.status not in {"pending", "confirmed"}:
        return BookingState(f"the booking is {booking.status}")
    if booking.status == "confirmed" and now >= booking.start_at:
        return BookingState("the lesson has begun")
    quoted = command.quoted
    if quoted is not None and quoted.start_at != booking.start_at:
        return QuoteExpired()
    outcome = _outcome(booking, command, was_authorized=False, now=now, policy=policy)
    if_authorized = _outcome(booking, command, was_authorized=True, now=now, policy=policy)
    return _cancelled(booking, command, outcome, if_authorized, now)


def _cancel_by_instructor(
    booking: CalendarBooking, command: Cancel, now: datetime, policy: Policy
) -> Decision:
    is_open = booking.status in {"pending", "confirmed"}
    is_unpaid_for = booking.status == "completed" and now < booking.end_at + policy.capture_after
    if not is_open and not is_unpaid_for:
        return BookingState(f"the booking is {booking.status}")
    guard: Guard = "secured" if is_unpaid_for else ""
    return _cancelled(booking, command, "by_instructor", "by_instructor", now, guard=guard)


def _cancelled(
    booking: CalendarBooking,
    command: Cancel,
    outcome: Outcome,
    outcome_if_authorized: Outcome,
    now: datetime,
    *,
    guard: Guard = "",
) -> Change:
    return Change(
        command=command,
        was=booking,
        became="cancelled",
        event="booking.cancelled",
        guard=guard,
        outcome=outcome,
        outcome_if_authorized=outcome_if_authorized,
        cancelled_by=command.actor.id,
        cancel_reason=command.reason,
        at=now,
    )


def _outcome(
    booking: CalendarBooking,
    command: Cancel,
    *,
    was_authorized: bool,
    now: datetime,
    policy: Policy,
) -> Outcome:
    """How the student's cancellation ends the booking; which of the two is told by the payment."""
    if command.quoted is not None and not command.is_excused:
        return OUTCOME_OF_TIER[command.quoted.tier]
    sticky = booking.sticky_lead_seconds
    terms = Terms(
        start_at=booking.start_at,
        created_at=booking.created_at,
        is_pending=booking.status == "pending",
        was_authorized=was_authorized,
        sticky_lead=None if sticky is None else timedelta(seconds=sticky),
        is_excused=command.is_excused,
    )
    return OUTCOME_OF_TIER[tier(terms, now=now, policy=policy)]


def _cancel_unpaid(
    booking: CalendarBooking, command: CancelUnpaid, now: datetime, policy: Policy
) -> Decision:
    if booking.status == "cancelled" and booking.outcome == "payment_failed":
        return Repeat(booking.booking_id)
    if booking.status != "confirmed":
        return BookingState(f"the booking is {booking.status}")
    if now < booking.start_at - policy.cancel_unpaid_before:
        return BookingState("there is still time to pay")
    return Change(
        command=command,
        was=booking,
        became="cancelled",
        event="booking.cancelled",
        guard="unpaid",
        outcome="payment_failed",
        outcome_if_authorized="payment_failed",
        kept="cancel_unpaid",
        at=now,
    )


def _expire(booking: CalendarBooking, command: Expire, now: datetime) -> Decision:
    if booking.status == "expired":
        return Repeat(booking.booking_id)
    if booking.status != "pending":
        return BookingState(f"the booking is {booking.status}")
    if booking.hold_expires_at is not None and now < booking.hold_expires_at:
        return BookingState("the hold is not over yet")
    return expiry(booking, command, now)


def expiry(booking: CalendarBooking, command: Expire, now: datetime) -> Change:
    """The end of a hold that is over."""
    return Change(
        command=command,
        was=booking,
        became="expired",
        event="booking.expired",
        kept="expire_hold",
        at=now,
    )


def _start(booking: CalendarBooking, command: Start, now: datetime) -> Decision:
    if booking.status == "completed" or booking.started_at is not None:
        return Repeat(booking.booking_id)
    if booking.status != "confirmed":
        return BookingState(f"the booking is {booking.status}")
    if now < booking.start_at:
        return BookingState("the lesson has not begun yet")
    return Change(
        command=command,
        was=booking,
        became="confirmed",
        event="booking.started",
        guard="secured",
        is_start=True,
        kept="start",
        at=now,
    )


def _mark_no_show(booking: CalendarBooking, command: MarkNoShow, now: datetime) -> Decision:
    if booking.status == "no_show":
        return Repeat(booking.booking_id)
    if booking.status not in {"confirmed", "completed"} or now < booking.start_at:
        return BookingState(f"the booking is {booking.status}")
    outcome = OUTCOME_OF_ABSENT[command.absent]
    return Change(
        command=command,
        was=booking,
        became="no_show",
        event="booking.no_show",
        outcome=outcome,
        outcome_if_authorized=outcome,
        is_start=True,
        kept="uphold_no_show",
        at=now,
    )


def _complete(booking: CalendarBooking, command: Complete, now: datetime) -> Decision:
    if booking.status == "completed":
        return Repeat(booking.booking_id)
    if booking.status != "confirmed":
        return BookingState(f"the booking is {booking.status}")
    if now < booking.end_at:
        return BookingState("the lesson is not over yet")
    return Change(
        command=command,
        was=booking,
        became="completed",
        event="booking.completed",
        # what began is over when its time is; money lost meanwhile is asked for afterwards
        guard="" if booking.started_at is not None else "secured",
        is_start=True,
        kept="complete",
        at=now,
    )


def entry_after(change: Change) -> CalendarBooking | None:
    """The booking as its calendar remembers it afterwards; None when it forgets it."""
    if change.became not in REMEMBERED:
        return None
    if change.moved is not None:
        return entry_moved(change, change.moved)
    was = change.was
    return msgspec.structs.replace(
        was,
        status=change.became,
        hold_expires_at=change.hold_expires_at or was.hold_expires_at,
        started_at=was.started_at or (change.at if change.is_start else None),
        outcome=None,
        last_command_id=None,
    )


def refuse_rules(memory: Memory, command: ChangeAvailability) -> DomainError | None:
    """Why an instructor's rules cannot be replaced by these; None when they can."""
    actor = command.actor
    if actor.kind in {"student", "instructor"} and actor.id != memory.instructor_id:
        return NotFound()
    if command.if_version is not None and command.if_version != memory.rules_version:
        return CalendarChanged()
    rules = command.availability
    if len({(rule.weekday, rule.opens_minute) for rule in rules.weekly}) < len(rules.weekly):
        return Invalid("two windows of a day open at the same time", pointer="/weekly")
    if len({day.exception_on for day in rules.exceptions}) < len(rules.exceptions):
        return Invalid("a date stands there twice", pointer="/exceptions")
    try:
        zone(rules.policy.time_zone)
    except Invalid as unknown:
        return unknown
    return None
