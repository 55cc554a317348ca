"""Free times for the first picture of a page; from then on the live view keeps it true."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.availability import slots
from domain.bookings import Modality
from domain.settings import POLICY
from domain.times import Span
from storage.calendars import Calendar


def notice_floor(modalities: Sequence[Modality]) -> timedelta:
    """The shortest notice the platform allows: the shorter one when a lesson may be online."""
    return POLICY.notice_floor_online if "online" in modalities else POLICY.notice_floor_in_person


def free_starts(
    calendar: Calendar,
    *,
    minutes: int,
    modalities: Sequence[Modality],
    window: Span,
    now: datetime,
) -> list[datetime]:
    """Starts that can be booked within the window, in order; none while not bookable."""
    if not calendar.is_bookable:
        return []
    found = slots(
        calendar.rules,
        calendar.bookings,
        duration_minutes=minutes,
        window=window,
        notice_floor=notice_floor(modalities),
        shortest_minutes=calendar.shortest_minutes,
        now=now,
    )
    return [span.start_at for span in found]
