"""What a calendar's decision has written: a new booking, a change of one, or other rules."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from actors.calendar_commands import BookingCommand, Hold
from domain.availability import Rules
from domain.bookings import BookingStatus, Outcome, PaymentStatus
from domain.errors import DomainError
from domain.pricing import Split
from domain.times import Span
from domain.timings import TimingKind
from storage.calendars import CalendarBooking

Guard = Literal["", "payable", "secured", "unpaid"]
"""What the payment must be for a change: see `sql/bookings/change_bookings.sql`."""


class NewBooking(msgspec.Struct, frozen=True, kw_only=True):
    """A slot taken: everything the new rows hold, frozen for good."""

    command: Hold
    span: Span
    status: BookingStatus
    hold_expires_at: datetime | None
    payment_status: PaymentStatus
    split: Split
    time_zone: str
    start_local: str
    buffer_before_minutes: int
    buffer_after_minutes: int
    at: datetime


class NewTime(msgspec.Struct, frozen=True, kw_only=True):
    """When a moved booking is from now on, and what its history of moves is by that."""

    span: Span
    time_zone: str
    start_local: str
    buffer_before_minutes: int
    buffer_after_minutes: int
    moves: int
    late_moves: int
    sticky_lead_seconds: int | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A new state for a booking there is. `kept`: the timing whose promise this fulfils."""

    command: BookingCommand
    was: CalendarBooking
    became: BookingStatus
    event: str
    at: datetime
    guard: Guard = ""
    outcome: Outcome | None = None
    outcome_if_authorized: Outcome | None = None
    hold_expires_at: datetime | None = None
    is_start: bool = False
    cancelled_by: UUID | None = None
    cancel_reason: str | None = None
    kept: TimingKind | None = None
    is_told: bool = True
    moved: NewTime | None = None

    @property
    def is_retake(self) -> bool:
        """Whether a slot given up is taken again, so that the learner must be free, too."""
        return self.was.status == "expired" and self.became == "confirmed"


class NewRules(msgspec.Struct, frozen=True, kw_only=True):
    """Other openings or another policy."""

    rules: Rules
    at: datetime


Effect = NewBooking | Change | NewRules


class Repeat(msgspec.Struct, frozen=True):
    """It is so already: read the booking and answer with it."""

    booking_id: UUID


class Wait(msgspec.Struct, frozen=True):
    """What speaks against it is not committed yet: decide again when it is."""


Decision = NewBooking | Change | Repeat | Wait | DomainError
