"""The window that slots are asked for: `?from=&to=`."""

from datetime import datetime, timedelta
from typing import Annotated

from litestar.params import QueryParameter

from domain.errors import Invalid
from domain.times import Span, to_utc

WINDOW_DEFAULT = timedelta(days=14)
WINDOW_MAX = timedelta(days=62)

FromAt = Annotated[
    datetime | None, QueryParameter(name="from", description="an instant; default now")
]
ToAt = Annotated[
    datetime | None,
    QueryParameter(name="to", description="an instant; default 14 days on, at most 62 days"),
]


def window_of(from_at: datetime | None, to_at: datetime | None, *, now: datetime) -> Span:
    """The asked window in UTC; `Invalid` when it is naive, empty or too long."""
    start = to_utc(from_at) if from_at else now
    end = to_utc(to_at) if to_at else start + WINDOW_DEFAULT
    if end <= start:
        raise Invalid("`to` comes after `from`", pointer="?to")
    if end - start > WINDOW_MAX:
        raise Invalid(f"a window has at most {WINDOW_MAX.days} days", pointer="?to")
    return Span(start, end)
