"""Bookings: what people read of them, and the set-based statements of the group commit."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.bookings import Booking, BookingEvent, BookingStatus, PaymentStatus
from domain.ids import BookingId, LearnerId, UserId
from domain.no_shows import ReportState
from storage.calendars import CalendarBooking
from storage.query import Tx, query


class LockedParty(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar (by its instructor, with its version) or a learner; the transaction has its lock.

    `student_id` is whose learner it is; calendars have none.
    """

    id: UUID
    version: int | None
    student_id: UserId | None


class HoldFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks about one wanted slot, read under the locks of its calendar and its learner.

    `rival_id` is a booking of the same learner that overlaps; `is_rival_over`: only a hold that
    has ended and was not expired yet. Counts are of live holds, `held_this_hour` of all made.
    """

    booking_id: BookingId
    is_known: bool
    rival_id: BookingId | None
    rival_instructor_id: UserId | None
    is_rival_over: bool | None
    held_here: int
    held_live: int
    held_this_hour: int
    has_credit: bool
    """Whether its student has credit and wants to spend it here."""


class LockedBooking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking whose lock the transaction holds."""

    id: BookingId
    status: BookingStatus


class ChangedBooking(Booking, frozen=True, kw_only=True):
    """A booking just changed, with what its timings are computed from."""

    schedule_version: int
    is_started: bool
    cycle: int
    attempt: int
    is_warned: bool
    capture_before: datetime | None
    authorized_at: datetime | None
    ended_at: datetime | None
    report_state: ReportState | None
    report_upheld_at: datetime | None


@query
async def booking_by_id(tx: Tx, *, booking_id: BookingId, viewer_id: UserId) -> Booking | None: ...


@query
async def booking_of_anyone(tx: Tx, *, booking_id: BookingId) -> Booking | None: ...


@query
async def bookings_of_student(
    tx: Tx, *, student_id: UserId, before_id: BookingId | None, limit: int
) -> list[Booking]: ...


@query
async def bookings_of_instructor(
    tx: Tx, *, instructor_id: UserId, before_id: BookingId | None, limit: int
) -> list[Booking]: ...


@query
async def booking_events_by_booking(
    tx: Tx, *, booking_id: BookingId, viewer_id: UserId
) -> list[BookingEvent]: ...


@query
async def calendar_booking_by_id(
    tx: Tx, *, booking_id: BookingId, instructor_id: UserId
) -> CalendarBooking | None: ...


@query
async def lock_parties(
    tx: Tx, *, instructor_ids: list[UserId], student_ids: list[UserId]
) -> list[LockedParty]: ...


@query
async def lock_bookings(tx: Tx, *, booking_ids: list[BookingId]) -> list[LockedBooking]: ...


@query
async def judge_holds(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    booking_ids: list[BookingId],
    instructor_ids: list[UserId],
    student_ids: list[UserId],
    learner_ids: list[LearnerId],
    start_ats: list[datetime],
    end_ats: list[datetime],
    are_holds: list[bool],
    spend_credit: list[bool],
    now: datetime,
    hour_ago: datetime,
    oldest_id: UUID,
) -> list[HoldFacts]: ...


@query
async def hold_slots(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    ids: list[BookingId],
    instructor_ids: list[UserId],
    student_ids: list[UserId],
    learner_ids: list[LearnerId],
    service_ids: list[UUID],
    start_ats: list[datetime],
    end_ats: list[datetime],
    time_zones: list[str],
    start_locals: list[str],
    buffers_before: list[int],
    buffers_after: list[int],
    modalities: list[str],
    places: list[str | None],
    notes: list[str | None],
    statuses: list[BookingStatus],
    holds_expire_at: list[datetime | None],
    created_ats: list[datetime],
    prices: list[int],
    platform_fees: list[int],
    instructor_amounts: list[int],
    credits_applied: list[int],
    card_amounts: list[int],
    destinations: list[int],
    application_fees: list[int],
    top_ups: list[int],
    payment_statuses: list[PaymentStatus],
    payment_method_ids: list[str | None],
    timing_ids: list[UUID],
    timing_kinds: list[str],
    timing_due_ats: list[datetime],
    event_ids: list[UUID],
    events: list[str],
    actor_kinds: list[str],
    actor_ids: list[UUID | None],
    request_ids: list[str | None],
    calendar_versions: list[int],
    outbox_ids: list[UUID],
    payloads: list[bytes],
    tzdb_version: str,
    fee_bps: int,
    policy_version: int,
) -> list[BookingId]: ...


@query
async def change_bookings(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    ids: list[BookingId],
    statuses: list[BookingStatus],
    guards: list[str],
    outcomes: list[str | None],
    outcomes_if_authorized: list[str | None],
    holds_expire_at: list[datetime | None],
    are_starts: list[bool],
    ats: list[datetime],
    cancelled_by: list[UUID | None],
    cancel_reasons: list[str | None],
) -> list[ChangedBooking]: ...


@query
async def record_changes(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    event_ids: list[UUID],
    booking_ids: list[BookingId],
    instructor_ids: list[UserId],
    student_ids: list[UserId],
    calendar_versions: list[int],
    events: list[str],
    were: list[str],
    became: list[str],
    actor_kinds: list[str],
    actor_ids: list[UUID | None],
    causes: list[str],
    request_ids: list[str | None],
    ats: list[datetime],
    details: list[bytes],
    are_told: list[bool],
    outbox_ids: list[UUID],
    payloads: list[bytes],
) -> None: ...
