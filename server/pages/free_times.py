"""Free times for the first picture of a page; from then on the live view keeps it true."""

from datetime import date, datetime, timedelta

import msgspec

from domain.ids import ServiceId
from domain.offers import offered_slots
from domain.settings import POLICY
from domain.times import Span
from server.pages.frame import Frame
from server.pages.weeks import DAYS, first_date, start_of_date
from storage.calendars import Calendar

WEEKS_MAX = 26


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """From where on times are watched."""

    from_at: datetime


def first_shown(frame: Frame, *, week: int, start: datetime | None) -> date:
    """The page of days to show: that of the time asked for, else that of the week asked for."""
    today = first_date(frame.now, frame.zone, 0)
    if start is not None and start > frame.now:
        ahead = (first_date(start, frame.zone, 0) - today).days
        return today + timedelta(days=min(ahead // DAYS, WEEKS_MAX) * DAYS)
    return today + timedelta(days=week * DAYS)


def starts_of_week(
    calendar: Calendar, *, service_id: ServiceId, minutes: int, first: date, frame: Frame
) -> list[datetime]:
    """Starts that can be booked in the days shown, in order."""
    window = Span(
        start_of_date(first, frame.zone),
        start_of_date(first + timedelta(days=DAYS), frame.zone),
    )
    return free_starts(
        calendar, service_id=service_id, minutes=minutes, window=window, now=frame.now
    )


def free_starts(
    calendar: Calendar, *, service_id: ServiceId, minutes: int, window: Span, now: datetime
) -> list[datetime]:
    """Starts that can be booked within the window, in order; none while not bookable."""
    if not calendar.is_bookable:
        return []
    found = offered_slots(
        calendar.rules,
        calendar.bookings,
        calendar.services,
        service_id=service_id,
        duration_minutes=minutes,
        window=window,
        now=now,
        policy=POLICY,
    )
    return [span.start_at for span in found]
