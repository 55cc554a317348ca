"""What mails say: plain words, the reader's own time, money told exactly.

A letter is written from the booking as it is now, so nobody hears of what is no longer so.
"""

from collections.abc import Callable
from datetime import datetime
from html import escape
from uuid import UUID

import msgspec

from domain.bookings import BookingStatus, Outcome, PaymentStatus
from domain.events import Topic
from domain.money import words
from domain.settings import Policy
from domain.times import zone
from domain.timings import UNPAID

Payload = dict[str, str | int | None]


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """Who reads a letter."""

    user_id: UUID
    email: str
    display_name: str
    time_zone: str


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """What a letter tells of a booking."""

    booking_id: UUID
    status: BookingStatus
    outcome: Outcome | None
    payment_status: PaymentStatus
    start_at: datetime
    end_at: datetime
    student_id: UUID
    student_name: str
    instructor_id: UUID
    instructor_name: str
    title: str
    price_cents: int
    card_amount_cents: int
    instructor_amount_cents: int
    currency: str


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One mail: a subject and paragraphs."""

    subject: str
    paragraphs: tuple[str, ...]

    def text(self, link: str) -> str:
        """As plain text."""
        return "\n\n".join([*self.paragraphs, link, "InstaInstru"]) + "\n"

    def html(self, link: str) -> str:
        """As a simple page."""
        body = "".join(f"<p>{escape(each)}</p>" for each in self.paragraphs)
        link = escape(link)
        return (
            f'<!doctype html><html lang="en"><title>{escape(self.subject)}</title>'
            f'<body>{body}<p><a href="{link}">{link}</a></p><p>InstaInstru</p></body></html>'
        )


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """Why a letter is written, to whom, about what."""

    topic: Topic
    payload: Payload
    lesson: Lesson
    reader: Reader
    now: datetime
    policy: Policy
    alternatives: tuple[datetime, ...] = ()
    """Starts that are free in the place of one that was lost."""

    @property
    def is_student(self) -> bool:
        """Whether the reader is the one who booked."""
        return self.reader.user_id == self.lesson.student_id

    @property
    def amount(self) -> str:
        """What the card is charged, in words."""
        return words(self.lesson.card_amount_cents, self.lesson.currency)

    @property
    def share(self) -> str:
        """What the instructor receives, in words."""
        return words(self.lesson.instructor_amount_cents, self.lesson.currency)

    @property
    def what(self) -> str:
        """The lesson in one phrase, seen from the reader."""
        lesson = self.lesson
        other = lesson.instructor_name if self.is_student else lesson.student_name
        return f"{lesson.title} with {other}, {self.when(lesson.start_at)}"

    def when(self, instant: datetime) -> str:
        """An instant in the reader's zone."""
        local = instant.astimezone(zone(self.reader.time_zone))
        return f"{local:%a} {local.day} {local:%b %Y}, {local:%H:%M} ({self.reader.time_zone})"


def letter_of(occasion: Occasion) -> Letter | None:
    """The letter for this reader; `None` when it does not concern them or is no longer so."""
    write = _LETTERS.get(occasion.topic)
    return None if write is None else write(occasion)


def _confirmed(occasion: Occasion) -> Letter | None:
    lesson, policy = occasion.lesson, occasion.policy
    if lesson.status != "confirmed":
        return None
    if not occasion.is_student:
        return Letter(
            subject=f"New lesson: {occasion.what}",
            paragraphs=(
                f"{lesson.student_name} has booked a lesson: {occasion.what}.",
                f"You receive {occasion.share} a day after the lesson.",
            ),
        )
    asked_at = lesson.start_at - policy.authorize_before
    money = f"Your card is authorised for {occasion.amount} and charged a day after the lesson."
    if asked_at > occasion.now:
        money = (
            f"Nothing is charged today. Your card is authorised for {occasion.amount} on "
            f"{occasion.when(asked_at)} and charged a day after the lesson."
        )
    free_until = lesson.start_at - policy.free_until
    cancelling = (
        "Cancelling now costs a part or all of the price; your lesson's page says how much."
    )
    if free_until > occasion.now:
        cancelling = f"You can cancel free of charge until {occasion.when(free_until)}."
    return Letter(
        subject=f"Your lesson is booked: {occasion.what}",
        paragraphs=(f"Your lesson is booked: {occasion.what}.", money, cancelling),
    )


_ENDS_FOR_STUDENT: dict[str, str] = {
    "free": "Nothing was charged.",
    "credit": "Your card was charged {amount}, and the same amount is yours as credit for a year.",
    "charged": "As it was cancelled less than 12 hours ahead, your card is charged {amount}.",
    "by_instructor": "Your instructor cancelled it. Nothing was charged.",
    "payment_failed": "Your card could not be authorised in time. Nothing was charged.",
}


def _cancelled(occasion: Occasion) -> Letter | None:
    lesson = occasion.lesson
    if lesson.status != "cancelled":
        return None
    if occasion.is_student:
        money = _ENDS_FOR_STUDENT.get(lesson.outcome or "", "Nothing was charged.")
        ending = money.format(amount=occasion.amount)
    elif lesson.outcome == "charged":
        ending = f"It was cancelled less than 12 hours ahead, so you receive {occasion.share}."
    else:
        ending = "The time is free for others again."
    return Letter(
        subject=f"Cancelled: {occasion.what}",
        paragraphs=(f"This lesson is cancelled: {occasion.what}.", ending),
    )


def _unpaid(occasion: Occasion, subject: str, *paragraphs: str) -> Letter | None:
    """For the student of a lesson whose money is still not sure."""
    lesson = occasion.lesson
    is_so = lesson.status == "confirmed" and lesson.payment_status in UNPAID
    if not (is_so and occasion.is_student):
        return None
    return Letter(subject=subject, paragraphs=paragraphs)


def _deadline(occasion: Occasion) -> str:
    return occasion.when(occasion.lesson.start_at - occasion.policy.cancel_unpaid_before)


def _retry(occasion: Occasion) -> Letter | None:
    if not occasion.payload.get("is_first"):
        return None
    return _unpaid(
        occasion,
        "Your card was declined, we will try again",
        f"Your card was declined for your lesson: {occasion.what}.",
        "Nothing is lost: we try again every two hours. If you like, choose another card now.",
        f"The lesson is kept for you until {_deadline(occasion)}.",
    )


def _card_required(occasion: Occasion) -> Letter | None:
    return _unpaid(
        occasion,
        "Please choose another card for your lesson",
        f"Your card was declined for your lesson: {occasion.what}.",
        f"Please choose another card by {_deadline(occasion)}; "
        "the lesson is kept for you till then.",
    )


def _action_required(occasion: Occasion) -> Letter | None:
    return _unpaid(
        occasion,
        "Your bank asks you to confirm your card payment",
        f"Your bank wants you to confirm the payment for your lesson: {occasion.what}.",
        f"Please do so by {_deadline(occasion)}; the lesson is kept for you till then.",
    )


def _warned(occasion: Occasion) -> Letter | None:
    return _unpaid(
        occasion,
        "Your lesson will be cancelled unless your card works",
        f"We still could not authorise your card for your lesson: {occasion.what}.",
        f"Please choose another card by {_deadline(occasion)}. "
        "After that the lesson is cancelled, and nothing is charged.",
    )


def _settled(occasion: Occasion) -> Letter | None:
    if occasion.is_student:
        return Letter(
            subject=f"Receipt: {occasion.amount} for {occasion.lesson.title}",
            paragraphs=(
                f"We charged your card {occasion.amount} for {occasion.what}.",
                "Thank you for learning with us.",
            ),
        )
    return Letter(
        subject=f"You are paid {occasion.share}",
        paragraphs=(f"{occasion.share} is on its way to you for {occasion.what}.",),
    )


def _refunded(occasion: Occasion) -> Letter | None:
    if not occasion.is_student:
        return None
    amount = words(int(occasion.payload.get("refunded_cents") or 0), occasion.lesson.currency)
    if not occasion.payload.get("amount_cents"):
        return Letter(
            subject=f"Refund: {amount} credit for {occasion.lesson.title}",
            paragraphs=(f"You have the {amount} credit back that paid for {occasion.what}.",),
        )
    return Letter(
        subject=f"Refund: {amount} for {occasion.lesson.title}",
        paragraphs=(
            f"We gave {amount} back to your card for {occasion.what}.",
            "Your bank shows it within five to ten days.",
        ),
    )


def _credit_issued(occasion: Occasion) -> Letter | None:
    if not occasion.is_student:
        return None
    cents, until = occasion.payload.get("amount_cents"), occasion.payload.get("expires_at")
    amount = words(int(cents or 0), occasion.lesson.currency)
    ends = occasion.when(datetime.fromisoformat(str(until)))
    return Letter(
        subject=f"You have {amount} credit",
        paragraphs=(
            f"The charge for your cancelled lesson is yours as credit: {amount}.",
            f"It is good for any lesson until {ends}.",
        ),
    )


def _moved(occasion: Occasion) -> Letter | None:
    if occasion.lesson.status != "confirmed":
        return None
    return Letter(
        subject=f"Moved: {occasion.what}",
        paragraphs=(f"This lesson has another time: {occasion.what}.",),
    )


def _proposed(occasion: Occasion) -> Letter | None:
    payload = occasion.payload
    is_own = payload.get("proposed_by") == ("student" if occasion.is_student else "instructor")
    if is_own or occasion.lesson.status != "confirmed":
        return None
    new = occasion.when(datetime.fromisoformat(str(payload.get("start_at"))))
    ends = occasion.when(datetime.fromisoformat(str(payload.get("expires_at"))))
    free = "If it does not suit you, you may cancel free of charge." if occasion.is_student else ""
    told = (
        f"You are asked to move a lesson to {new}: {occasion.what}.",
        f"The lesson stays where it is unless you agree by {ends}.",
        free,
    )
    return Letter(
        subject=f"May your lesson move to {new}?", paragraphs=tuple(each for each in told if each)
    )


def _declined(occasion: Occasion) -> Letter | None:
    is_own = occasion.payload.get("proposed_by") == (
        "student" if occasion.is_student else "instructor"
    )
    if not is_own or occasion.lesson.status != "confirmed":
        return None
    return Letter(
        subject=f"It stays when it is: {occasion.what}",
        paragraphs=(f"The other side cannot move this lesson: {occasion.what}.",),
    )


def _reported(occasion: Occasion) -> Letter | None:
    is_accused = occasion.payload.get("absent") == (
        "student" if occasion.is_student else "instructor"
    )
    if not is_accused or occasion.lesson.status not in {"confirmed", "completed"}:
        return None
    return Letter(
        subject=f"Did you miss this lesson? {occasion.what}",
        paragraphs=(
            f"The other side says that you did not come: {occasion.what}.",
            "If you did, say so within 24 hours; a person then decides. Otherwise it holds.",
        ),
    )


def _no_show(occasion: Occasion) -> Letter | None:
    lesson = occasion.lesson
    if lesson.status != "no_show":
        return None
    if lesson.outcome == "no_show_instructor":
        money = "Nothing is charged." if occasion.is_student else "You are not paid for it."
    elif occasion.is_student:
        money = f"Your card is charged {occasion.amount}, as for a lesson taught."
    else:
        money = f"You receive {occasion.share}, as for a lesson taught."
    return Letter(
        subject=f"Missed: {occasion.what}",
        paragraphs=(f"This lesson did not take place: {occasion.what}.", money),
    )


def _collection(occasion: Occasion) -> Letter | None:
    if occasion.lesson.payment_status != "collection":
        return None
    if not occasion.is_student:
        return Letter(
            subject=f"Not yet paid: {occasion.what}",
            paragraphs=(
                f"The student's card was declined for {occasion.what}.",
                f"You receive {occasion.share} when they have paid; we have asked them to.",
            ),
        )
    return Letter(
        subject=f"Please pay {occasion.amount} for your lesson",
        paragraphs=(
            f"Your card was declined and {occasion.amount} is still due: {occasion.what}.",
            f"Please pay it with another card within {occasion.policy.collect_within.days} days.",
        ),
    )


def _slot_lost(occasion: Occasion) -> Letter | None:
    if not occasion.is_student or occasion.lesson.outcome != "slot_lost":
        return None
    times = " and ".join(occasion.when(each) for each in occasion.alternatives)
    offer = f"Free at the moment: {times}." if times else "Please look for another time."
    return Letter(
        subject=f"Somebody was faster: {occasion.what}",
        paragraphs=(
            f"Your payment came when the time was taken already: {occasion.what}.",
            "Nothing was charged; what was reserved on your card is let go.",
            offer,
        ),
    )


_LETTERS: dict[Topic, Callable[[Occasion], Letter | None]] = {
    "booking.confirmed": _confirmed,
    "booking.cancelled": _cancelled,
    "booking.moved": _moved,
    "booking.move_proposed": _proposed,
    "booking.move_declined": _declined,
    "booking.no_show_reported": _reported,
    "booking.no_show": _no_show,
    "booking.slot_lost": _slot_lost,
    "payment.collection_opened": _collection,
    "payment.retry_scheduled": _retry,
    "payment.card_required": _card_required,
    "payment.action_required": _action_required,
    "payment.warned": _warned,
    "payment.settled": _settled,
    "payment.refunded": _refunded,
    "credit.issued": _credit_issued,
}
