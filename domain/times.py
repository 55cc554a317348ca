"""Instants, local times and spans. Intervals are half-open; instants are aware and in UTC."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones, reset_tzpath

import msgspec
import tzdata

from domain.errors import Invalid

# the pinned package alone, never the machine's own files: every process sees the same rules
reset_tzpath(to=())

TZDB_VERSION: str = tzdata.IANA_VERSION
"""The edition of the zones' rules, recorded with each booking's local time."""

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""An aware datetime; the door turns it into UTC with `to_utc`."""

ZONES = frozenset(available_timezones()) - {"Factory"}
"""`Factory` is what a machine without a zone is in, not a place."""

YEAR_MIN = 1970
YEAR_MAX = 2999
"""Instants and dates outside these years are slips of the pen, and make sums overflow."""


class Span(msgspec.Struct, frozen=True, order=True):
    """A half-open stretch of time `[start_at, end_at)`."""

    start_at: datetime
    end_at: datetime

    def overlaps(self, other: "Span") -> bool:
        """Whether the two share an instant; touching spans do not."""
        return self.start_at < other.end_at and other.start_at < self.end_at


def to_utc(instant: datetime, *, pointer: str | None = None) -> datetime:
    """The same instant in UTC; refuses a naive one and one of a far age."""
    if instant.tzinfo is None:
        raise Invalid("an instant needs a zone or Z", pointer=pointer)
    refuse_far_year(instant, pointer=pointer)
    return instant.astimezone(UTC)


def rfc3339(at: datetime) -> str:
    """An instant as the API writes it, in UTC with a Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def refuse_far_year(day: date, *, pointer: str | None = None) -> None:
    """Raises `Invalid` for a date or instant of a year that nobody means."""
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise Invalid(f"a year lies between {YEAR_MIN} and {YEAR_MAX}", pointer=pointer)


def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; `Invalid` when there is none of that name."""
    if name not in ZONES:
        raise Invalid(f"{name!r} is not an IANA time zone", pointer="/time_zone")
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError as error:
        raise Invalid(f"{name!r} is not an IANA time zone", pointer="/time_zone") from error


def lead(start_at: datetime, now: datetime) -> timedelta:
    """How long until the start, in absolute seconds."""
    return start_at - now
