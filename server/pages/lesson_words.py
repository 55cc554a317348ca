"""What a lesson's state means to the person who looks: badge, payment, what cancelling does."""

from datetime import datetime, timedelta

import msgspec

from domain.bookings import Modality
from domain.ids import BookingId
from server.pages.cancelling import CONSEQUENCE_FOR_INSTRUCTOR, consequence_for_student
from server.pages.payment_words import ATTENTION, Side, Tone, payment_words
from server.pages.words import when
from storage.lessons import Lesson

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
