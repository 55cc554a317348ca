"""What happened to a lesson, in order, in the words of the person who reads."""

from datetime import datetime

import msgspec

from domain import money
from domain.bookings import BookingEvent
from server.pages.payment_words import Side
from storage.lessons import Lesson

FOR_BOTH = {
    "booking.held": "Time held",
    "booking.requested": "Lesson requested",
    "booking.confirmed": "Lesson booked",
    "booking.moved": "Lesson moved",
    "booking.expired": "The held time ran out",
    "booking.started": "Lesson began",
    "booking.completed": "Lesson ended",
    "booking.no_show": "Reported as missed",
}
FOR_STUDENT = {
    "payment.scheduled": "Card saved",
    "payment.authorized": "{price} reserved on your card",
    "payment.auth_retry": "Your card was declined",
    "payment.card_required": "Your card was declined; another one is needed",
    "payment.action_required": "Your bank asks you to confirm",
    "payment.captured": "{price} charged",
    "payment.released": "The reservation on your card was let go",
    "payment.credited": "{price} came back as credit",
    "payment.refunded": "Refunded",
    "payment.partially_refunded": "Partly refunded",
}
FOR_INSTRUCTOR = {
    "payment.scheduled": "Student's card saved",
    "payment.authorized": "Student's card authorised",
    "payment.auth_retry": "The student's card was declined",
    "payment.card_required": "The student's card was declined; another one is asked for",
    "payment.captured": "{share} paid to you",
}


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the story."""

    at: datetime
    text: str


def story_of(events: list[BookingEvent], lesson: Lesson, *, side: Side) -> list[Happening]:
    """The events that mean something to the reader, oldest first; steps in between are left out."""
    told = ((event, _text(event, lesson, side)) for event in events)
    return [Happening(at=event.at, text=text) for event, text in told if text]


def _text(event: BookingEvent, lesson: Lesson, side: Side) -> str:
    if event.event == "booking.cancelled":
        return _cancelled(event, lesson, side)
    if event.event == "payment.released" and not lesson.was_authorized:
        return ""
    words = FOR_BOTH | (FOR_STUDENT if side == "student" else FOR_INSTRUCTOR)
    return words.get(event.event, "").format(
        price=money.words(lesson.price_cents, lesson.currency),
        share=money.words(lesson.instructor_amount_cents, lesson.currency),
    )


def _cancelled(event: BookingEvent, lesson: Lesson, side: Side) -> str:
    names = {"student": lesson.student_name, "instructor": lesson.instructor_name}
    if event.actor_kind == side:
        return "Cancelled by you"
    return f"Cancelled by {names.get(event.actor_kind, 'InstaInstru')}"
