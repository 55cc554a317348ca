"""When we pay instructors out by ourselves, and how much of what they have."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

PayoutRhythm = Literal["weekly", "daily", "manual"]

STANDARD_MINIMUM_CENTS = 100
"""Less than this waits for the next time: every standard payout costs the platform money."""
BEGIN = timedelta(hours=12)
"""When payouts of a day begin, after midnight UTC: a bank's morning in the Americas."""
SPREAD_SECONDS = 4 * 60 * 60
"""Each instructor has a second of their own within these hours, so that Stripe is never flooded."""
SATURDAY = 5
DAY = timedelta(days=1)


def next_payout_at(
    rhythm: PayoutRhythm, instructor_id: UUID, *, after: datetime
) -> datetime | None:
    """The first instant past `after` at which an instructor is paid; `None`: never by itself.

    Weekly is Monday, daily every day on which banks work. The same instructor always has the same
    time of day.
    """
    if rhythm == "manual":
        return None
    midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
    own = BEGIN + timedelta(seconds=instructor_id.int % SPREAD_SECONDS)
    due_at = midnight + own
    while due_at <= after or not _is_payout_day(rhythm, due_at):
        due_at += DAY
    return due_at


def _is_payout_day(rhythm: PayoutRhythm, day: datetime) -> bool:
    return day.weekday() == 0 if rhythm == "weekly" else day.weekday() < SATURDAY


def payable_cents(*, available_cents: int, pending_cents: int, frozen_cents: int) -> int:
    """What may leave an account now; 0 when that is less than a payout is worth.

    Money not settled yet waits; a debt that settles later is kept back today.
    """
    free = available_cents + min(0, pending_cents) - frozen_cents
    return free if free >= STANDARD_MINIMUM_CENTS else 0
