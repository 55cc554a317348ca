"""When an instructor is open: weekly rules and exceptions in local time, turned into instants.

The one place where daylight saving lives. Instants inside are integer microseconds since 1970
(`micros`), because comparing and stepping integers is several times faster than datetimes.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from domain.times import Span, zone

Approval = Literal["instant", "request"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY_MINUTES = 1440
PLANS_MAX = 8192
DAYS_MAX = 1024


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Local minutes of one date; `closes <= opens` ends next day, equal ones last 24 h."""

    opens_minute: int
    closes_minute: int


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A weekly opening; weekday 0 is Monday, minutes as in `Window`."""

    weekday: int
    opens_minute: int
    closes_minute: int


class ExceptionDay(msgspec.Struct, frozen=True, kw_only=True):
    """One date's own windows instead of the weekly ones; none of them closes the date."""

    exception_on: date
    windows: tuple[Window, ...]


class CalendarPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How an instructor's time may be booked; defaults are those of the marketplace."""

    time_zone: str
    grid_minutes: int = 15
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    minimum_notice_minutes: int = 120
    horizon_days: int = 60
    lessons_per_day_max: int | None = None
    minutes_per_week_max: int | None = None
    is_tight: bool = False
    approval: Approval = "instant"


class Rules(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """A calendar without its bookings. Never changed in place: plans are cached by value."""

    policy: CalendarPolicy
    weekly: tuple[Rule, ...] = ()
    exceptions: tuple[ExceptionDay, ...] = ()


Stretch = tuple[int, int]
"""Half-open, in micros."""


class Day(msgspec.Struct, frozen=True):
    """A local date: its first instant, the next date's, and the openings that touch it.

    `openings` are merged and may reach into the neighbouring dates, so a lesson over midnight
    lies in one of them.
    """

    ordinal: int
    begins: int
    ends: int
    openings: tuple[Stretch, ...]


class Plan:
    """Rules made ready to be asked; remembers the local dates it has worked out."""

    def __init__(self, rules: Rules) -> None:
        """Sorts the rules by weekday and the exceptions by date."""
        self.policy = rules.policy
        self.zone = zone(rules.policy.time_zone)
        self.grid = rules.policy.grid_minutes * MINUTE
        self._weekly: dict[int, list[Window]] = {}
        for rule in rules.weekly:
            window = Window(opens_minute=rule.opens_minute, closes_minute=rule.closes_minute)
            self._weekly.setdefault(rule.weekday, []).append(window)
        self._exceptions = {day.exception_on.toordinal(): day.windows for day in rules.exceptions}
        self._days: dict[int, Day] = {}

    def ordinal_of(self, instant: datetime) -> int:
        """The local date of an instant, as a proleptic ordinal."""
        return instant.astimezone(self.zone).toordinal()

    def begins_at(self, ordinal: int) -> datetime:
        """The first instant of a local date, in UTC."""
        return instant_of(self.day(ordinal).begins)

    def day(self, ordinal: int) -> Day:
        """The local date with this ordinal."""
        known = self._days.get(ordinal)
        if known is None:
            if len(self._days) >= DAYS_MAX:
                self._days.clear()
            known = self._days[ordinal] = self._work_out(ordinal)
        return known

    def opened_on(self, ordinal: int) -> list[Stretch]:
        """What opens on this date, spill into the next included unless that has an exception."""
        windows: Sequence[Window] | None = self._exceptions.get(ordinal)
        if windows is None:
            windows = self._weekly.get((ordinal - 1) % 7, ())
        if not windows:
            return []
        next_begins = _begins(ordinal + 1, self.zone)
        is_next_owned = (ordinal + 1) in self._exceptions
        stretches: list[Stretch] = []
        for window in windows:
            opens_at = _instant(ordinal, window.opens_minute, self.zone, is_closing=False)
            closes_at = self._closes_at(ordinal, window, next_begins)
            if is_next_owned:
                closes_at = min(closes_at, next_begins)
            if opens_at < closes_at:
                stretches.append((opens_at, closes_at))
        return stretches

    def _closes_at(self, ordinal: int, window: Window, next_begins: int) -> int:
        minute = window.closes_minute
        if minute > window.opens_minute and minute < DAY_MINUTES:
            return _instant(ordinal, minute, self.zone, is_closing=True)
        if minute % DAY_MINUTES == 0:  # 24:00 and 00:00 of the next date are the end of this one
            return next_begins
        return _instant(ordinal + 1, minute, self.zone, is_closing=True)

    def _work_out(self, ordinal: int) -> Day:
        begins = _begins(ordinal, self.zone)
        ends = max(begins, _begins(ordinal + 1, self.zone))
        near = [part for near in (-1, 0, 1) for part in self.opened_on(ordinal + near)]
        touching = tuple(s for s in merged(near) if s[0] < ends and begins < s[1])
        return Day(ordinal, begins, ends, touching)


@lru_cache(maxsize=PLANS_MAX)
def plan_of(rules: Rules) -> Plan:
    """The plan of some rules; equal rules share one."""
    return Plan(rules)


def openings(rules: Rules, span: Span) -> list[Span]:
    """Where the instructor is open within a span: in UTC, in order, merged, cut to the span."""
    if span.end_at <= span.start_at:
        return []
    plan = plan_of(rules)
    first, last = plan.ordinal_of(span.start_at), plan.ordinal_of(span.end_at)
    parts = [part for ordinal in range(first - 1, last + 1) for part in plan.opened_on(ordinal)]
    low, high = micros(span.start_at), micros(span.end_at)
    cut = [(max(low, a), min(high, b)) for a, b in merged(parts) if a < high and low < b]
    return [Span(instant_of(a), instant_of(b)) for a, b in cut]


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same instants as few stretches as possible, in order; touching ones join."""
    result: list[Stretch] = []
    for begins, ends in sorted(stretches):
        if result and begins <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], ends))
        else:
            result.append((begins, ends))
    return result


def micros(instant: datetime) -> int:
    """An aware instant in microseconds since 1970."""
    return (instant - EPOCH) // MICROSECOND


def instant_of(at: int) -> datetime:
    """The UTC instant of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=at)


def _begins(ordinal: int, local: ZoneInfo) -> int:
    """The first instant of a local date; also where a skipped midnight would have been."""
    return _instant(ordinal, 0, local, is_closing=False)


def _instant(ordinal: int, minute: int, local: ZoneInfo, *, is_closing: bool) -> int:
    """A local time as an instant: past a gap; a repeated one opens at first, closes at second."""
    wall = datetime.fromordinal(ordinal) + timedelta(minutes=minute)
    first = micros(wall.replace(tzinfo=local, fold=0).astimezone(UTC))
    second = micros(wall.replace(tzinfo=local, fold=1).astimezone(UTC))
    if second < first:
        return _gap_ends(second, first, local)
    return second if is_closing else first


def _gap_ends(before: int, after: int, local: ZoneInfo) -> int:
    """The instant in `(before, after]` at which the clocks go forward, to the second."""
    old = instant_of(before).astimezone(local).utcoffset()
    while after - before > SECOND:
        middle = before + (after - before) // (2 * SECOND) * SECOND
        if instant_of(middle).astimezone(local).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
