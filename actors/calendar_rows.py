"""The rows of a batch: one tuple a turn, turned into one array a column."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from actors.calendar_effects import Change, Effect, NewBooking
from actors.calendar_judgement import Candidate
from actors.calendar_turns import Share, Turn
from domain.bookings import ActorKind, Booking, BookingStatus, Outcome, PaymentStatus
from domain.ids import BookingId, UserId, new_id
from domain.times import Span
from domain.timings import Due
from storage.bookings import ChangedBooking
from storage.timings import BookingTimes

E = TypeVar("E", bound=Effect)


class Item(msgspec.Struct, Generic[E], frozen=True, kw_only=True):
    """A turn in a batch; `version` is the one its calendar gets."""

    turn: Turn
    effect: E
    instructor_id: UserId
    version: int


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of an event about a booking; who acts on it reads the booking anew."""

    booking_id: BookingId
    version: int
    status: BookingStatus
    outcome: Outcome | None
    payment_status: PaymentStatus
    start_at: datetime
    calendar_version: int
    by: ActorKind


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Details of an audit row: which command it was."""

    command_id: object
    flag: str | None = None
    """What the change says of the student, if anything."""


encode = msgspec.json.encode

JUDGE_COLUMNS = (
    "booking_ids", "instructor_ids", "student_ids", "learner_ids", "start_ats", "end_ats",
    "are_holds", "spend_credit",
)  # fmt: skip

HOLD_COLUMNS = (
    "ids", "instructor_ids", "student_ids", "learner_ids", "service_ids", "start_ats", "end_ats",
    "time_zones", "start_locals", "buffers_before", "buffers_after", "modalities", "places",
    "notes", "statuses", "holds_expire_at", "created_ats", "prices", "platform_fees",
    "instructor_amounts", "credits_applied", "card_amounts", "destinations", "application_fees",
    "top_ups", "payment_statuses", "payment_method_ids", "timing_ids", "timing_kinds",
    "timing_due_ats", "event_ids", "events", "actor_kinds", "actor_ids", "request_ids",
    "calendar_versions", "outbox_ids", "payloads",
)  # fmt: skip

CHANGE_COLUMNS = (
    "ids", "statuses", "guards", "outcomes", "outcomes_if_authorized", "holds_expire_at",
    "are_starts", "ats", "cancelled_by", "cancel_reasons",
)  # fmt: skip

RECORD_COLUMNS = (
    "event_ids", "booking_ids", "instructor_ids", "student_ids", "calendar_versions", "events",
    "were", "became", "actor_kinds", "actor_ids", "causes", "request_ids", "ats", "details",
    "are_told", "outbox_ids", "payloads",
)  # fmt: skip

FLAG_COLUMNS = ("ids", "user_ids", "kinds", "booking_ids")

STRIKE_COLUMNS = ("booking_ids", "instructor_ids", "kinds")


def columns(names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> dict[str, Any]:
    """Rows as arguments of a set-based query: one array a column."""
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def items_of(shares: Sequence[Share], kind: type[E]) -> list[Item[E]]:
    """The turns of one kind, in the order of their shares."""
    return [
        Item(
            turn=turn,
            effect=effect,
            instructor_id=share.instructor_id,
            version=share.version + 1,
        )
        for share in shares
        for turn in share.turns
        if isinstance(effect := turn.effect, kind)
    ]


def judge_row(one: Candidate) -> tuple[object, ...]:
    """One candidate for `judge_holds`."""
    return (
        one.booking_id, one.instructor_id, one.student_id, one.learner_id, one.span.start_at,
        one.span.end_at, one.is_hold, one.spends_credit,
    )  # fmt: skip


def hold_row(
    item: Item[NewBooking], booking: Booking, due: Due, now: datetime
) -> tuple[object, ...]:
    """One new booking for `hold_slots`, with its payment, timing, audit row and event."""
    new, command, parts = item.effect, item.effect.command, item.effect.split
    actor = command.actor
    event = "booking.confirmed" if new.status == "confirmed" else "booking.held"
    return (
        booking.id, booking.instructor_id, booking.student_id, booking.learner_id,
        booking.service_id, booking.start_at, booking.end_at, booking.time_zone, new.start_local,
        new.buffer_before_minutes, new.buffer_after_minutes, booking.modality, command.place,
        command.note, new.status, new.hold_expires_at, new.at, parts.price_cents,
        parts.platform_fee_cents, parts.instructor_amount_cents, parts.credit_applied_cents,
        parts.card_amount_cents, parts.destination_cents, parts.application_fee_cents,
        parts.top_up_cents, new.payment_status, command.payment_method_id, new_id(now), due.kind,
        due.due_at, new_id(now), event, actor.kind, actor.id, actor.request_id, item.version,
        new_id(now), encode(_told(booking, item.version, by=actor.kind)),
    )  # fmt: skip


def change_row(change: Change) -> tuple[object, ...]:
    """One new state for `change_bookings`."""
    return (
        change.was.booking_id, change.became, change.guard, change.outcome,
        change.outcome_if_authorized, change.hold_expires_at, change.is_start, change.at,
        change.cancelled_by, change.cancel_reason,
    )  # fmt: skip


def record_row(item: Item[Change], booking: ChangedBooking, now: datetime) -> tuple[object, ...]:
    """One change for `record_changes`: audit row and event."""
    change, command = item.effect, item.effect.command
    actor, flag = command.actor, flag_row(item, booking)
    return (
        new_id(now), booking.id, booking.instructor_id, booking.student_id, item.version,
        change.event, change.was.status, change.became, actor.kind, actor.id,
        CAUSES[type(command).__name__], actor.request_id, change.at,
        encode(Asked(command_id=command.command_id, flag=str(flag[2]) if flag else None)),
        change.is_told, new_id(now), encode(_told(booking, item.version, by=actor.kind)),
    )  # fmt: skip


def strike_row(item: Item[Change], booking: ChangedBooking) -> tuple[object, ...] | None:
    """What the instructor has to answer for after a change; mostly nothing."""
    was, command = item.effect.was.status, item.effect.command
    if command.actor.kind == "admin" and booking.outcome == "by_instructor":
        # not their doing: the marketplace itself has cancelled
        return None
    if booking.outcome == "no_show_instructor":
        return (booking.id, booking.instructor_id, "no_show")
    if booking.outcome == "by_instructor" and was in {"confirmed", "completed"}:
        return (booking.id, booking.instructor_id, "cancelled")
    return None


def flag_row(item: Item[Change], booking: ChangedBooking) -> tuple[object, ...] | None:
    """What somebody should look at about the student after a change; mostly nothing.

    Late, free, and no card ever authorised: somebody who does this again and again keeps times
    without ever paying (`money.md` §1.4). What credit alone paid was never to be authorised.
    """
    is_spared = booking.outcome == "free" and item.effect.outcome_if_authorized == "credit"
    if not is_spared or booking.authorized_at is not None or booking.card_amount_cents == 0:
        return None
    return (new_id(item.effect.at), booking.student_id, "late_without_authorization", booking.id)


CAUSES = {
    "Confirm": "confirm",
    "ExtendHold": "extend_hold",
    "Cancel": "cancel",
    "CancelUnpaid": "cancel_unpaid",
    "Expire": "expire",
    "Start": "start",
    "Complete": "complete",
    "Move": "move",
    "MarkNoShow": "no_show",
}
"""What the audit calls each command."""


def _told(booking: Booking, version: int, *, by: ActorKind) -> Told:
    return Told(
        booking_id=booking.id,
        version=booking.version,
        status=booking.status,
        outcome=booking.outcome,
        payment_status=booking.payment_status,
        start_at=booking.start_at,
        calendar_version=version,
        by=by,
    )


def candidate_of_new(item: Item[NewBooking]) -> Candidate:
    """Who wants a slot for the first time."""
    command = item.effect.command
    return Candidate(
        booking_id=command.booking_id,
        instructor_id=item.instructor_id,
        student_id=command.student_id,
        learner_id=command.learner_id,
        span=item.effect.span,
        is_hold=item.effect.status == "pending",
        is_retake=False,
        spends_credit=command.spends_credit,
    )


def candidate_of_old(item: Item[Change]) -> Candidate:
    """Who wants a slot back."""
    was = item.effect.was
    return Candidate(
        booking_id=was.booking_id,
        instructor_id=item.instructor_id,
        student_id=was.student_id,
        learner_id=was.learner_id,
        span=Span(was.start_at, was.end_at),
        is_hold=False,
        is_retake=True,
    )


def times_of_new(booking: Booking) -> BookingTimes:
    """What the first timing of a new booking is computed from."""
    return BookingTimes(
        booking_id=booking.id,
        status=booking.status,
        payment_status=booking.payment_status,
        start_at=booking.start_at,
        end_at=booking.end_at,
        hold_expires_at=booking.hold_expires_at,
        is_started=False,
        attempt=0,
        is_warned=False,
        schedule_version=1,
        cycle=1,
        capture_before=None,
        authorized_at=None,
        ended_at=None,
        report_state=None,
        report_upheld_at=None,
    )


def times_of_changed(booking: ChangedBooking) -> BookingTimes:
    """What the timings of a changed booking are computed from."""
    return BookingTimes(
        booking_id=booking.id,
        status=booking.status,
        payment_status=booking.payment_status,
        start_at=booking.start_at,
        end_at=booking.end_at,
        hold_expires_at=booking.hold_expires_at,
        is_started=booking.is_started,
        attempt=booking.attempt,
        is_warned=booking.is_warned,
        schedule_version=booking.schedule_version,
        cycle=booking.cycle,
        outcome=booking.outcome,
        capture_before=booking.capture_before,
        authorized_at=booking.authorized_at,
        ended_at=booking.ended_at,
        report_state=booking.report_state,
        report_upheld_at=booking.report_upheld_at,
    )


def plain(changed: ChangedBooking) -> Booking:
    """The booking without what only timings need, as askers get it."""
    return Booking(**{name: getattr(changed, name) for name in Booking.__struct_fields__})
