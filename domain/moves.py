"""Moving a lesson: who may do it alone, how far, and what it does to the price of cancelling."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from domain.cancellation import Side
from domain.errors import ConsentNeeded, DomainError, SlotNotOffered
from domain.ids import BookingId
from domain.settings import Policy
from domain.times import lead

ProposalState = Literal["open", "accepted", "declined", "withdrawn", "expired"]


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for another time that the other side has to agree to."""

    id: UUID
    booking_id: BookingId
    proposed_by: Side
    start_at: datetime
    end_at: datetime
    reason: str | None
    state: ProposalState
    schedule_version: int
    """Which time of the booking it would replace; it means nothing for a later one."""
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What a booking's history of moves is after one more; `sticky_lead_seconds`: the worst."""

    moves: int
    late_moves: int
    sticky_lead_seconds: int | None


class History(msgspec.Struct, frozen=True, kw_only=True):
    """When a booking is, when it was first, and how often its student has moved it alone."""

    start_at: datetime
    original_start_at: datetime | None
    moves: int
    late_moves: int
    sticky_lead_seconds: int | None


def after_move(
    history: History,
    *,
    by: Side,
    to: datetime,
    has_consent: bool,
    now: datetime,
    policy: Policy,
) -> Moved | DomainError:
    """What the booking is after the move; `ConsentNeeded` when the other side must agree first.

    A student moves twice alone while cancelling is free, and once more while it costs a credit.
    The tier of a student's late move follows the booking, so that a move never makes it cheaper.
    """
    first = history.original_start_at or history.start_at
    if to > first + policy.move_within:
        return SlotNotOffered("a lesson can move at most 30 days from its first time")
    ahead = lead(history.start_at, now)
    if not has_consent and not _may_alone(history, by, ahead, policy):
        return ConsentNeeded()
    is_late = ahead < policy.free_until
    is_alone = not has_consent
    sticky = history.sticky_lead_seconds
    if by == "student" and is_late:
        seconds = int(ahead / timedelta(seconds=1))
        sticky = seconds if sticky is None else min(sticky, seconds)
    return Moved(
        moves=history.moves + (is_alone and not is_late),
        late_moves=history.late_moves + (is_alone and is_late),
        sticky_lead_seconds=sticky,
    )


def _may_alone(history: History, by: Side, ahead: timedelta, policy: Policy) -> bool:
    if by == "instructor":
        return False
    if ahead >= policy.free_until:
        return history.moves < policy.moves_free
    return ahead >= policy.credit_until and history.late_moves < policy.moves_late


def expiry_of(start_at: datetime, *, now: datetime, policy: Policy) -> datetime:
    """When a proposal made now ends, for a lesson that starts then."""
    return min(now + policy.proposal_life, start_at)
