"""Lessons as pages show them: a booking with the names and titles that people know it by."""

from datetime import datetime

import msgspec

from domain.bookings import BookingStatus, Modality, Outcome, PaymentStatus
from domain.ids import BookingId, UserId
from storage.query import Tx, query


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """One booking in words. `was_authorized`: money was reserved for it at some time.

    `is_excused`: the instructor asked for another time and the student has not agreed.
    """

    id: BookingId
    instructor_id: UserId
    student_id: UserId
    instructor_name: str
    student_name: str
    title: str
    start_at: datetime
    end_at: datetime
    instructor_zone: str
    modality: Modality
    status: BookingStatus
    outcome: Outcome | None
    payment_status: PaymentStatus
    price_cents: int
    instructor_amount_cents: int
    currency: str
    hold_expires_at: datetime | None
    created_at: datetime
    sticky_lead_seconds: int | None
    was_authorized: bool
    card_amount_cents: int
    credit_applied_cents: int
    refunded_cents: int
    is_excused: bool


class LessonName(msgspec.Struct, frozen=True, kw_only=True):
    """What a lesson is called, and who teaches it."""

    id: BookingId
    title: str
    instructor_name: str


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A time kept for a student who has not finished booking."""

    booking_id: BookingId
    instructor_id: UserId
    instructor_name: str
    start_at: datetime
    expires_at: datetime


@query
async def lessons_of_student(
    tx: Tx, *, student_id: UserId, now: datetime, most: int
) -> list[Lesson]: ...


@query
async def lessons_of_instructor(
    tx: Tx, *, instructor_id: UserId, now: datetime, most: int
) -> list[Lesson]: ...


@query
async def lesson_by_id(tx: Tx, *, booking_id: BookingId, viewer_id: UserId) -> Lesson | None: ...


@query
async def lesson_names(
    tx: Tx, *, booking_ids: list[BookingId], viewer_id: UserId
) -> list[LessonName]: ...


@query
async def hold_of_student(tx: Tx, *, student_id: UserId, now: datetime) -> Hold | None: ...


@query
async def earned_by_instructor(tx: Tx, *, instructor_id: UserId) -> int: ...
