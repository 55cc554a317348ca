"""Calendars: policy, version, rules and what fills them; read whole, written under its version."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from domain.availability import Busy, CalendarPolicy, ExceptionDay, Rule, Rules
from domain.bookings import Modality, Outcome
from domain.ids import ServiceId, UserId
from storage.query import Tx, query


class CalendarService(msgspec.Struct, frozen=True, kw_only=True):
    """What a lesson may be booked as; archived services are left out."""

    id: ServiceId
    hourly_rate_cents: int
    durations_minutes: tuple[int, ...]
    modalities: tuple[Modality, ...]


class CalendarBooking(Busy, frozen=True, kw_only=True):
    """A booking as its calendar decides about it; the last two only when it was looked up alone."""

    created_at: datetime
    started_at: datetime | None
    sticky_lead_seconds: int | None
    modality: Modality = "online"
    original_start_at: datetime | None = None
    moves: int = 0
    late_moves: int = 0
    outcome: Outcome | None = None
    last_command_id: UUID | None = None


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """One instructor's calendar at one instant, all parts of one snapshot.

    `bookings` are those that block time, and those taught in the last eight days (they count for
    the daily and weekly limits). `is_bookable`: published, a service, transfers and payouts active.
    """

    instructor_id: UserId
    version: int
    rules_version: int
    is_bookable: bool
    stripe_account_id: str | None
    rules: Rules
    services: tuple[CalendarService, ...]
    bookings: tuple[CalendarBooking, ...]

    @property
    def shortest_minutes(self) -> int:
        """The shortest lesson offered, in minutes; zero without any service."""
        return min((min(each.durations_minutes) for each in self.services), default=0)


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """What an instructor set: rules, exceptions, policy. Each change raises `version`."""

    version: int
    rules: Rules


class CalendarVersion(msgspec.Struct, frozen=True, kw_only=True):
    """The version a calendar has risen to."""

    instructor_id: UserId
    version: int


@query
async def calendar_by_instructor(
    tx: Tx, *, instructor_id: UserId, now: datetime
) -> Calendar | None: ...


@query
async def availability_by_instructor(tx: Tx, *, instructor_id: UserId) -> Availability | None: ...


@query
async def insert_calendar(tx: Tx, *, instructor_id: UserId, time_zone: str) -> None: ...


@query
async def raise_versions(tx: Tx, *, instructor_ids: list[UserId]) -> list[CalendarVersion]: ...


@query
async def bump_version(tx: Tx, *, instructor_id: UserId) -> int | None: ...


@query
async def replace_policy(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    instructor_id: UserId,
    time_zone: str,
    grid_minutes: int,
    buffer_before_minutes: int,
    buffer_after_minutes: int,
    minimum_notice_minutes: int,
    horizon_days: int,
    lessons_per_day_max: int | None,
    minutes_per_week_max: int | None,
    is_tight: bool,
    approval: str,
) -> None: ...


@query
async def delete_weekly_rules(tx: Tx, *, instructor_id: UserId) -> None: ...


@query
async def insert_weekly_rules(
    tx: Tx,
    *,
    instructor_id: UserId,
    weekdays: list[int],
    opens_minutes: list[int],
    closes_minutes: list[int],
) -> None: ...


@query
async def delete_exceptions(tx: Tx, *, instructor_id: UserId) -> None: ...


@query
async def insert_exception(
    tx: Tx,
    *,
    instructor_id: UserId,
    exception_on: date,
    opens_minutes: list[int],
    closes_minutes: list[int],
) -> None: ...


async def replace_availability(tx: Tx, *, instructor_id: UserId, rules: Rules) -> None:
    """Writes an instructor's whole availability in the place of what was there.

    The caller holds the calendar's lock and raises its version in the same transaction.
    """
    policy: CalendarPolicy = rules.policy
    await replace_policy(tx, instructor_id=instructor_id, **msgspec.structs.asdict(policy))
    await delete_weekly_rules(tx, instructor_id=instructor_id)
    weekly: tuple[Rule, ...] = rules.weekly
    if weekly:
        await insert_weekly_rules(
            tx,
            instructor_id=instructor_id,
            weekdays=[rule.weekday for rule in weekly],
            opens_minutes=[rule.opens_minute for rule in weekly],
            closes_minutes=[rule.closes_minute for rule in weekly],
        )
    await delete_exceptions(tx, instructor_id=instructor_id)
    for day in rules.exceptions:
        await _insert_day(tx, instructor_id, day)


async def _insert_day(tx: Tx, instructor_id: UserId, day: ExceptionDay) -> None:
    await insert_exception(
        tx,
        instructor_id=instructor_id,
        exception_on=day.exception_on,
        opens_minutes=[window.opens_minute for window in day.windows],
        closes_minutes=[window.closes_minute for window in day.windows],
    )
