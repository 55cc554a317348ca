"""What letters are made from: a reader, a lesson, and the reason to write."""

from datetime import datetime
from html import escape
from uuid import UUID

import msgspec

from domain.bookings import BookingStatus, Outcome, PaymentStatus
from domain.events import Topic
from domain.money import words
from domain.settings import Policy
from domain.times import zone

Payload = dict[str, str | int | None]


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """Who reads a letter."""

    user_id: UUID
    email: str
    display_name: str
    time_zone: str

    def when(self, instant: datetime) -> str:
        """An instant in the reader's zone."""
        local = instant.astimezone(zone(self.time_zone))
        return f"{local:%a} {local.day} {local:%b %Y}, {local:%H:%M} ({self.time_zone})"


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

    @property
    def is_instructor(self) -> bool:
        """Whether the reader is the one who teaches."""
        return self.reader.user_id == self.lesson.instructor_id

    def when(self, instant: datetime) -> str:
        """An instant in the reader's zone."""
        return self.reader.when(instant)
