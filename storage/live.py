"""What live copies of calendars read besides the calendar itself: versions, and steps back."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.bookings import BookingStatus
from domain.ids import BookingId, LearnerId, UserId
from storage.calendars import CalendarVersion
from storage.query import Tx, query


class EarlierBooking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking and the status it had before some versions; `was` is null for one not yet made.

    `steps` is how many of those versions bookings made: all of them, or rules changed as well.
    `known_at`: when the version before was made, as far as a booking made it; `missed_at`: when the
    first one after it was.
    """

    booking_id: BookingId
    start_at: datetime
    end_at: datetime
    buffer_before_minutes: int
    buffer_after_minutes: int
    student_id: UserId
    learner_id: LearnerId
    was: BookingStatus | None
    steps: int
    known_at: datetime
    missed_at: datetime


@query
async def bookings_since_version(
    tx: Tx, *, instructor_id: UUID, after_version: int, version: int
) -> list[EarlierBooking]: ...


@query
async def versions_of_calendars(tx: Tx, *, instructor_ids: list[UUID]) -> list[CalendarVersion]: ...
