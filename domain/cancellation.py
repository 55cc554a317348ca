"""What a cancellation costs, by how early it comes: nothing, a credit, or the full price."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from domain.bookings import Outcome
from domain.settings import Policy
from domain.times import lead

Tier = Literal["free", "credit", "full"]

OUTCOME_OF_TIER: dict[Tier, Outcome] = {"free": "free", "credit": "credit", "full": "charged"}


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The facts a cancellation is judged by. `sticky_lead` is the worst lead of earlier moves."""

    start_at: datetime
    created_at: datetime
    is_pending: bool
    was_authorized: bool
    sticky_lead: timedelta | None = None


def tier(terms: Terms, *, now: datetime, policy: Policy) -> Tier:
    """The student's tier at `now`; half-open windows: exactly 24 h ahead is free, 12 h is credit.

    A booking still pending is free; so is an undo within minutes of booking, and a credit tier
    where no authorization ever succeeded (nothing was ever reserved, so nothing is turned over).
    """
    if terms.is_pending or is_undo(terms, now=now, policy=policy):
        return "free"
    judged = lead(terms.start_at, now)
    if terms.sticky_lead is not None:
        judged = min(judged, terms.sticky_lead)
    if judged >= policy.free_until:
        return "free"
    if judged >= policy.credit_until:
        return "credit" if terms.was_authorized else "free"
    return "full"


def is_undo(terms: Terms, *, now: datetime, policy: Policy) -> bool:
    """Whether this takes back a booking made just now, for a start that is not too close."""
    is_fresh = now - terms.created_at <= policy.undo_within
    return is_fresh and lead(terms.start_at, now) > policy.undo_lead
