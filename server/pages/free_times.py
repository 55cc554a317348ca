"""Free times for the first picture of a page; from then on the live view keeps it true."""

from datetime import datetime

from domain.ids import ServiceId
from domain.offers import offered_slots
from domain.settings import POLICY
from domain.times import Span
from storage.calendars import Calendar


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
