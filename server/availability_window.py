"""The window that slots are asked for: `?from=&to=`, and instants in an address."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar.params import QueryParameter

from domain.errors import Invalid
from domain.times import Instant, Span, to_utc

WINDOW_DEFAULT = timedelta(days=14)
WINDOW_MAX = timedelta(days=62)
INSTANT: dict[str, Any] = {"format": "date-time"}

# texts, because a framework that reads instants leniently takes plain numbers for them
FromAt = Annotated[
    str | None,
    QueryParameter(name="from", schema_extra=INSTANT, description="an instant; default now"),
]
ToAt = Annotated[
    str | None,
    QueryParameter(
        name="to",
        schema_extra=INSTANT,
        description="an instant; default 14 days on, at most 62 days",
    ),
]


def instant_in(text: str | None, name: str) -> datetime | None:
    """The instant that a parameter holds, in UTC; `Invalid` unless it is RFC 3339 with a zone."""
    if text is None:
        return None
    pointer = f"?{name}"
    try:
        instant = msgspec.convert(text, Instant)
    except msgspec.ValidationError as error:
        wanted = "an instant looks like 2027-03-09T17:00:00Z (in an address, + is written %2B)"
        raise Invalid(wanted, pointer=pointer) from error
    return to_utc(instant, pointer=pointer)


def window_of(from_at: datetime | None, to_at: datetime | None, *, now: datetime) -> Span:
    """The asked window in UTC; `Invalid` when it is naive, empty or too long."""
    start = to_utc(from_at, pointer="?from") if from_at else now
    end = to_utc(to_at, pointer="?to") if to_at else start + WINDOW_DEFAULT
    if end <= start:
        raise Invalid("`to` comes after `from`", pointer="?to")
    if end - start > WINDOW_MAX:
        raise Invalid(f"a window has at most {WINDOW_MAX.days} days", pointer="?to")
    return Span(start, end)


def asked_window(from_text: str | None, to_text: str | None, *, now: datetime) -> Span:
    """The window of two parameters, as `window_of`."""
    return window_of(instant_in(from_text, "from"), instant_in(to_text, "to"), now=now)
