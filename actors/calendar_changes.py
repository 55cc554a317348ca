"""What is told on `calendar.changed.<instructor>` after a commit: a hint for live copies.

Core NATS, so it can be lost: a copy applies a change only when `previous_version` is its own
version, and loads the calendar anew at a gap and at every change of kind `rules` or `reload`.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.bookings import BookingStatus
from domain.ids import BookingId, LearnerId, UserId

SUBJECT = "calendar.changed"


class BookingChange(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="booking"):
    """One booking that came, changed or went. `was` is null for a new one."""

    booking_id: BookingId
    start_at: datetime
    end_at: datetime
    buffer_before_minutes: int
    buffer_after_minutes: int
    was: BookingStatus | None
    became: BookingStatus
    hold_expires_at: datetime | None
    student_id: UserId
    learner_id: LearnerId


class RulesChange(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="rules"):
    """Openings or policy changed: a copy must be loaded anew."""


class Reloaded(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="reload"):
    """What the calendar rests on was written elsewhere: a copy must be loaded anew."""


Change = BookingChange | RulesChange | Reloaded


class CalendarChanged(msgspec.Struct, frozen=True, kw_only=True):
    """All changes of one calendar in one transaction, under one new version.

    A `reload` has no `previous_version` of meaning: both are what the calendar was found at.
    """

    instructor_id: UserId
    previous_version: int
    version: int
    at: datetime
    changes: list[Change]


def subject_of(instructor_id: UUID) -> str:
    """Where the changes of one calendar are told."""
    return f"{SUBJECT}.{instructor_id}"


SUBJECT_OF_ALL = f"{SUBJECT}.*"
"""Hears the changes of every calendar."""

encode_changed = msgspec.json.Encoder().encode
decode_changed = msgspec.json.Decoder(CalendarChanged).decode
