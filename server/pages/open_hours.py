"""How much of a week is open, in words."""

from storage.calendars import Availability

DAY_MINUTES = 1440


def length_minutes(opens: int, closes: int) -> int:
    """Minutes of a window; an end at or before the start means the next day."""
    return closes - opens if closes > opens else closes + DAY_MINUTES - opens


def hours_a_week(calendar: Availability | None) -> str:
    """`32 h` or `27 h 30 min`, exceptions left aside."""
    weekly = calendar.rules.weekly if calendar is not None else ()
    total = sum(length_minutes(rule.opens_minute, rule.closes_minute) for rule in weekly)
    hours, minutes = divmod(total, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def clock(minutes: int) -> str:
    """Minutes after midnight as `HH:MM`; 1440 is `24:00`."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
