"""What a lesson's state means to the person who looks: badge, payment, what cancelling does."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from domain import money
from domain.bookings import Modality
from domain.ids import BookingId
from domain.settings import POLICY
from server.pages.cancelling import CONSEQUENCE_FOR_INSTRUCTOR, consequence_for_student
from server.pages.words import when
from storage.lessons import Lesson

Side = Literal["student", "instructor"]
Tone = Literal["", "accent", "success", "warning", "danger"]

ATTENTION = frozenset({"auth_retry", "card_required", "action_required", "auth_lost"})
TAKEN = frozenset({"captured", "payout_pending", "settled"})
OPEN = frozenset(
    {"scheduled", "authorizing", "authorized", "capturing", "credit_only", "card_setup"}
)

BADGES: dict[str, tuple[str, Tone]] = {
    "pending": ("Held", "accent"),
    "requested": ("Requested", "accent"),
    "confirmed": ("Booked", "success"),
    "completed": ("Done", ""),
    "cancelled": ("Cancelled", ""),
    "expired": ("Not booked", ""),
    "no_show": ("Missed", "warning"),
}


class LessonView(msgspec.Struct, frozen=True, kw_only=True):
    """One lesson as `parts/lesson.html` draws it, from the viewer's side."""

    id: BookingId
    title: str
    other_name: str
    other_url: str | None
    start_at: datetime
    end_at: datetime
    zones_differ: bool
    other_zone: str
    modality: Modality
    minutes: int
    status_text: str
    status_tone: Tone
    payment_line: str
    payment_tone: Tone
    amount_cents: int
    currency: str
    is_past: bool
    is_student: bool
    needs_card: bool
    asks_bank: bool
    """The card is good; its bank wants to hear that its owner pays."""
    is_due: bool
    """Owed for a lesson that is over."""
    can_cancel: bool
    consequence: str
    finish_url: str | None


class Lessons(msgspec.Struct, frozen=True, kw_only=True):
    """A person's lessons, sorted: held first, then what is ahead, then what is over (newest)."""

    held: list[LessonView]
    upcoming: list[LessonView]
    past: list[LessonView]


def sort_lessons(lessons: list[Lesson], *, side: Side, zone: str, now: datetime) -> Lessons:
    """Writes every lesson in words, for the student or the instructor of all of them."""
    held = [one for one in lessons if one.status == "pending"]
    upcoming = [one for one in lessons if one.status == "confirmed" and one.end_at > now]
    over = [one for one in reversed(lessons) if one not in held and one not in upcoming]

    def views(some: list[Lesson]) -> list[LessonView]:
        return [view_of(one, side=side, zone=zone, now=now) for one in some]

    return Lessons(held=views(held), upcoming=views(upcoming), past=views(over))


def view_of(lesson: Lesson, *, side: Side, zone: str, now: datetime) -> LessonView:
    """One lesson in words, for its student or its instructor."""
    is_student = side == "student"
    text, tone = BADGES[lesson.status]
    if lesson.status == "confirmed" and lesson.payment_status in ATTENTION:
        text, tone = ("Card needed", "warning")
    line, line_tone = payment_words(lesson, side=side, zone=zone)
    there = lesson.instructor_zone
    is_hold = lesson.status == "pending"
    can_cancel = lesson.start_at > now and lesson.status in ("pending", "confirmed")
    return LessonView(
        id=lesson.id,
        title=lesson.title,
        other_name=lesson.instructor_name if is_student else lesson.student_name,
        other_url=f"/instructors/{lesson.instructor_id}" if is_student else None,
        start_at=lesson.start_at,
        end_at=lesson.end_at,
        zones_differ=is_student and when(lesson.start_at, zone) != when(lesson.start_at, there),
        other_zone=there,
        modality=lesson.modality,
        minutes=(lesson.end_at - lesson.start_at) // timedelta(minutes=1),
        status_text=text,
        status_tone=tone,
        payment_line=line,
        payment_tone=line_tone,
        amount_cents=lesson.price_cents if is_student else lesson.instructor_amount_cents,
        currency=lesson.currency,
        is_past=lesson.end_at <= now or lesson.status not in ("pending", "confirmed"),
        is_student=is_student,
        needs_card=is_student and _needs_card(lesson, now),
        asks_bank=is_student and lesson.payment_status == "action_required",
        is_due=is_student and lesson.payment_status == "collection",
        can_cancel=can_cancel,
        consequence=(
            consequence_for_student(lesson, now=now) if is_student else CONSEQUENCE_FOR_INSTRUCTOR
        ),
        finish_url=(
            f"/instructors/{lesson.instructor_id}?booking={lesson.id}"
            if is_hold and is_student
            else None
        ),
    )


def _needs_card(lesson: Lesson, now: datetime) -> bool:
    """Whether another card would save the lesson, or pay what is due for it."""
    if lesson.payment_status == "collection":
        return True
    is_open = lesson.status == "confirmed" and lesson.start_at > now
    return is_open and lesson.payment_status in ATTENTION


def payment_words(lesson: Lesson, *, side: Side, zone: str) -> tuple[str, Tone]:
    """Where the money stands, and its tone."""
    if lesson.status == "pending":
        until = lesson.hold_expires_at or lesson.start_at
        return f"Held until {when(until, zone, 'clock')}. Nothing is charged yet.", "accent"
    if lesson.status in ("cancelled", "expired", "no_show"):
        return _ended_words(lesson, side)
    if lesson.payment_status in ATTENTION:
        return _attention_words(lesson, side, zone), "warning"
    if lesson.payment_status in TAKEN:
        return _taken_words(lesson, side), "success"
    return _ahead_words(lesson, side, zone), "accent"


def _amount(lesson: Lesson, side: Side) -> str:
    cents = lesson.price_cents if side == "student" else lesson.instructor_amount_cents
    return money.words(cents, lesson.currency)


def _taken_words(lesson: Lesson, side: Side) -> str:
    amount = _amount(lesson, side)
    return f"{amount} charged" if side == "student" else f"{amount} paid to you"


def _ahead_words(lesson: Lesson, side: Side, zone: str) -> str:
    """Nothing is taken yet: what will be, and when."""
    charged = when(lesson.end_at + POLICY.capture_after, zone)
    amount = _amount(lesson, side)
    is_student = side == "student"
    if lesson.payment_status == "credit_only":
        return "Paid with credit" if is_student else f"{amount} comes to you on {charged}"
    if lesson.payment_status in ("authorized", "capturing"):
        if is_student:
            return f"Card authorised, charged on {charged}"
        return f"Card authorised, {amount} comes to you on {charged}"
    authorized = when(lesson.start_at - POLICY.authorize_before, zone)
    if lesson.payment_status == "authorizing":
        return "Card is being authorised"
    if not is_student:
        return f"Card saved, {amount} comes to you on {charged}"
    return f"Card saved, authorised on {authorized}"


def _attention_words(lesson: Lesson, side: Side, zone: str) -> str:
    until = when(lesson.start_at - POLICY.cancel_unpaid_before, zone)
    if side == "instructor":
        return (
            f"The student's card was declined. The lesson is cancelled on {until} if it stays so."
        )
    if lesson.payment_status == "auth_retry":
        return f"Your card was declined. We try again until {until}; another card settles it now."
    if lesson.payment_status == "action_required":
        return f"Your bank asks you to confirm by {until}, or the lesson is cancelled."
    return f"Your card was not accepted. Use another one by {until}, or the lesson is cancelled."


def _ended_words(lesson: Lesson, side: Side) -> tuple[str, Tone]:
    """A lesson that did not take place, and what became of its money."""
    amount = _amount(lesson, side)
    is_student = side == "student"
    match lesson.outcome:
        case "credit":
            return (f"{amount} came back as credit" if is_student else "Cancelled in time", "")
        case "charged" | "no_show_student":
            return _charged_words(lesson, side)
        case "by_instructor" | "no_show_instructor":
            told = "Cancelled by the instructor. Nothing was charged." if is_student else "Not paid"
            return told, ""
        case "payment_failed":
            return ("The card was declined. Nothing was charged.", "warning")
        case _:
            return ("Nothing was charged" if is_student else "Cancelled in time", "")


def _charged_words(lesson: Lesson, side: Side) -> tuple[str, Tone]:
    if lesson.payment_status in TAKEN:
        return _taken_words(lesson, side), "success"
    if lesson.payment_status == "collection":
        return "The price is still due", "warning"
    return f"{_amount(lesson, side)} is being charged", "accent"
