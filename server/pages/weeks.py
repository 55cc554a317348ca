"""Free times as the days of a week in the reader's zone: what `parts/slots.html` draws."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from server.pages.words import MONTHS, WEEKDAYS

DAYS = 7
PARTS = (("morning", "Morning", 0), ("afternoon", "Afternoon", 12), ("evening", "Evening", 17))


class Start(msgspec.Struct, frozen=True):
    """One bookable start."""

    start_at: datetime


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of one day with its free times."""

    key: str
    label: str
    slots: list[Start]


class PartLabel(msgspec.Struct, frozen=True, kw_only=True):
    """The heading of one part across the week, and how many times stand under it."""

    key: str
    label: str
    count: int


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One local date: its names, its free times, whether a phone shows it first."""

    date: str
    weekday: str
    day: int
    month: str
    parts: list[Part]
    count: int
    is_current: bool

    @property
    def long_label(self) -> str:
        """`Tue 9 Mar`."""
        return f"{self.weekday} {self.day} {self.month}"

    @property
    def short_label(self) -> str:
        """`9 Mar`."""
        return f"{self.day} {self.month}"


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """Seven days and the headings of their parts."""

    days: list[Day]
    labels: list[PartLabel]


def first_date(now: datetime, zone: str, week: int) -> date:
    """The local date a page of times begins with: today, or that many weeks on."""
    return now.astimezone(ZoneInfo(zone)).date() + timedelta(days=DAYS * week)


def start_of_date(day: date, zone: str) -> datetime:
    """The first instant of a local date; the end of the gap when clocks skip midnight."""
    tz = ZoneInfo(zone)
    local = datetime.combine(day, time(), tzinfo=tz)
    at = local.astimezone(UTC)
    if at.astimezone(tz).date() == day:
        return at
    return (local + timedelta(hours=1)).astimezone(UTC)


def week_of(
    starts: Sequence[datetime], *, first: date, zone: str, picked: datetime | None = None
) -> Week:
    """Sorts starts (any order) into the seven local dates from `first` on."""
    tz = ZoneInfo(zone)
    wish = picked.astimezone(tz).date() if picked else None
    by_date: dict[date, list[datetime]] = {first + timedelta(days=n): [] for n in range(DAYS)}
    for start in sorted(starts):
        local = start.astimezone(tz).date()
        if local in by_date:
            by_date[local].append(start)
    current = wish if wish in by_date else next((d for d, free in by_date.items() if free), first)
    days = [_day(day, free, tz=tz, is_current=day == current) for day, free in by_date.items()]
    labels = [
        PartLabel(key=key, label=label, count=sum(len(day.parts[n].slots) for day in days))
        for n, (key, label, _) in enumerate(PARTS)
    ]
    return Week(days=days, labels=labels)


def _day(day: date, free: list[datetime], *, tz: ZoneInfo, is_current: bool) -> Day:
    return Day(
        date=day.isoformat(),
        weekday=WEEKDAYS[day.weekday()],
        day=day.day,
        month=MONTHS[day.month - 1],
        parts=[_part(n, free, tz) for n in range(len(PARTS))],
        count=len(free),
        is_current=is_current,
    )


def _part(index: int, free: list[datetime], tz: ZoneInfo) -> Part:
    key, label, from_hour = PARTS[index]
    until_hour = PARTS[index + 1][2] if index + 1 < len(PARTS) else 24
    slots = [Start(at) for at in free if from_hour <= at.astimezone(tz).hour < until_hour]
    return Part(key=key, label=label, slots=slots)
