"""The weekly availability with exceptions and booking rules, ready to be edited."""

from collections.abc import Iterable
from datetime import date
from zoneinfo import ZoneInfo

import msgspec
from litestar import get
from litestar.response import Redirect, Template

from domain.availability import ExceptionDay
from domain.openings import Approval, CalendarPolicy
from server.guards import known
from server.pages.frame import Frame, show
from server.pages.open_hours import clock, hours_a_week
from server.pages.teaching import id_of, instructor_of
from server.pages.words import MONTHS, WEEKDAYS, WEEKDAYS_LONG
from server.requests import Request
from storage.calendars import Availability, availability_by_instructor


class WindowField(msgspec.Struct, frozen=True, kw_only=True):
    """A window as its two fields show it."""

    opens: str
    closes: str


class WeekdayRow(msgspec.Struct, frozen=True, kw_only=True):
    """A weekday and its windows."""

    name: str
    windows: list[WindowField]


class ExceptionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A date with hours of its own; none: closed."""

    date: str
    label: str
    windows: list[WindowField]


class PolicyFields(msgspec.Struct, frozen=True, kw_only=True):
    """The policy as the API takes it."""

    grid_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    minimum_notice_minutes: int
    horizon_days: int
    lessons_per_day_max: int | None
    minutes_per_week_max: int | None
    tight: bool
    approval: Approval


class CalendarFields(msgspec.Struct, frozen=True, kw_only=True):
    """What is edited, and the version it was read at."""

    version: int
    time_zone: str
    policy: PolicyFields


@get("/teach/availability", include_in_schema=False, guards=[known])
async def availability(request: Request) -> Template | Redirect:
    """The instructor's week."""
    frame = await instructor_of(request)
    if not isinstance(frame, Frame):
        return frame
    found = await availability_by_instructor(request.parts.reads, instructor_id=id_of(frame))
    if found is None:
        return Redirect("/teach")
    today = frame.now.astimezone(ZoneInfo(found.rules.policy.time_zone)).date()
    return show(
        "teach_availability",
        frame,
        {
            "calendar": _calendar(found),
            "weekdays": _weekdays(found),
            "exceptions": [_exception(day) for day in _ahead(found, today)],
            "open_hours": hours_a_week(found),
            "today": today.isoformat(),
        },
    )


def _calendar(found: Availability) -> CalendarFields:
    policy = found.rules.policy
    return CalendarFields(version=found.version, time_zone=policy.time_zone, policy=_policy(policy))


def _policy(policy: CalendarPolicy) -> PolicyFields:
    return PolicyFields(
        grid_minutes=policy.grid_minutes,
        buffer_before_minutes=policy.buffer_before_minutes,
        buffer_after_minutes=policy.buffer_after_minutes,
        minimum_notice_minutes=policy.minimum_notice_minutes,
        horizon_days=policy.horizon_days,
        lessons_per_day_max=policy.lessons_per_day_max,
        minutes_per_week_max=policy.minutes_per_week_max,
        tight=policy.is_tight,
        approval=policy.approval,
    )


def _weekdays(found: Availability) -> list[WeekdayRow]:
    return [
        WeekdayRow(
            name=name,
            windows=_fields(
                (rule.opens_minute, rule.closes_minute)
                for rule in found.rules.weekly
                if rule.weekday == weekday
            ),
        )
        for weekday, name in enumerate(WEEKDAYS_LONG)
    ]


def _ahead(found: Availability, today: date) -> list[ExceptionDay]:
    """Exceptions that still matter; those of dates gone by are left to rest."""
    return sorted(
        (day for day in found.rules.exceptions if day.exception_on >= today),
        key=lambda day: day.exception_on,
    )


def _exception(day: ExceptionDay) -> ExceptionRow:
    on = day.exception_on
    return ExceptionRow(
        date=on.isoformat(),
        label=f"{WEEKDAYS[on.weekday()]} {on.day} {MONTHS[on.month - 1]} {on.year}",
        windows=_fields((window.opens_minute, window.closes_minute) for window in day.windows),
    )


def _fields(windows: Iterable[tuple[int, int]]) -> list[WindowField]:
    return [
        WindowField(opens=clock(opens), closes=clock(closes)) for opens, closes in sorted(windows)
    ]
