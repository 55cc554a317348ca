"""What a cancellation costs, by how early it comes: nothing, a credit, or the full price.

A quote tells it beforehand and is honoured for a minute, so that nobody pays for having read.
"""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from domain.bookings import Outcome
from domain.settings import Policy
from domain.times import lead

Tier = Literal["free", "credit", "full"]
Side = Literal["student", "instructor"]

OUTCOME_OF_TIER: dict[Tier, Outcome] = {"free": "free", "credit": "credit", "full": "charged"}


QUOTE_LIFE = timedelta(seconds=60)
LATER = timedelta(microseconds=1)
"""The boundaries belong to the better tier: the next one begins just after."""


class Quoted(msgspec.Struct, frozen=True, kw_only=True):
    """What a student was told about cancelling a booking that starts then."""

    tier: Tier
    start_at: datetime


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """What a booking's cancellation can move, in minor units."""

    card_cents: int
    """What its card pays, credit taken off."""
    credit_cents: int
    """What the student's credit pays."""
    instructor_cents: int
    is_reserved: bool
    """Whether the card's part is reserved or taken now."""


class TierAhead(msgspec.Struct, frozen=True, kw_only=True):
    """What cancelling costs from `from_at` until `until_at`, inclusive."""

    tier: Tier
    from_at: datetime
    until_at: datetime
    charged_cents: int
    credit_cents: int


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What cancelling now does: to the card, to the student's credit, to the instructor."""

    viewer: Side
    tier: Tier
    card_release_cents: int
    credit_cents: int
    charged_cents: int
    instructor_receives_cents: int
    valid_until: datetime
    tiers: tuple[TierAhead, ...]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The facts a cancellation is judged by. `sticky_lead` is the worst lead of earlier moves."""

    start_at: datetime
    created_at: datetime
    is_pending: bool
    was_authorized: bool
    sticky_lead: timedelta | None = None
    is_excused: bool = False
    """The instructor asked for another time and the student has not agreed."""


def tier(terms: Terms, *, now: datetime, policy: Policy) -> Tier:
    """The student's tier at `now`; half-open windows: exactly 24 h ahead is free, 12 h is credit.

    A booking still pending is free; so is an undo within minutes of booking, and a credit tier
    where no authorization ever succeeded (nothing was ever reserved, so nothing is turned over).
    """
    if terms.is_pending or terms.is_excused or is_undo(terms, now=now, policy=policy):
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


def quote(terms: Terms, money: Money, *, side: Side, now: datetime, policy: Policy) -> Quote:
    """What cancelling does at `now`, and for the student when it will become dearer."""
    current: Tier = tier(terms, now=now, policy=policy) if side == "student" else "free"
    return Quote(
        viewer=side,
        tier=current,
        card_release_cents=money.card_cents if current == "free" and money.is_reserved else 0,
        credit_cents=_credit(current, money),
        charged_cents=_charged(current, money),
        instructor_receives_cents=money.instructor_cents if current == "full" else 0,
        valid_until=now + QUOTE_LIFE,
        tiers=_ahead(terms, money, now=now, policy=policy) if side == "student" else (),
    )


def _credit(of_tier: Tier, money: Money) -> int:
    """What the student has in credit afterwards because of it: given back, and given anew."""
    match of_tier:
        case "free":
            return money.credit_cents
        case "credit":
            return money.credit_cents + money.card_cents
        case "full":
            return 0


def _charged(of_tier: Tier, money: Money) -> int:
    return 0 if of_tier == "free" else money.card_cents


def _ahead(terms: Terms, money: Money, *, now: datetime, policy: Policy) -> tuple[TierAhead, ...]:
    """The tiers from now to the start; neighbours that cost the same are one."""
    edges = {
        terms.created_at + policy.undo_within,
        terms.start_at - policy.undo_lead - LATER,
        terms.start_at - policy.free_until,
        terms.start_at - policy.credit_until,
        terms.start_at,
    }
    ahead: list[TierAhead] = []
    since = now
    for edge in sorted(each for each in edges if now <= each <= terms.start_at):
        at = since + LATER if ahead else since
        following = _tier_ahead(terms, at=at, now=now, policy=policy)
        if ahead and ahead[-1].tier == following:
            ahead[-1] = msgspec.structs.replace(ahead[-1], until_at=edge)
        else:
            ahead.append(
                TierAhead(
                    tier=following,
                    from_at=since,
                    until_at=edge,
                    charged_cents=_charged(following, money),
                    credit_cents=_credit(following, money),
                )
            )
        since = edge
    return tuple(ahead)


def _tier_ahead(terms: Terms, *, at: datetime, now: datetime, policy: Policy) -> Tier:
    """The tier at `at`; the card is taken to work when its time comes."""
    will_be_asked = now <= terms.start_at - policy.authorize_before < at
    supposed = msgspec.structs.replace(terms, was_authorized=terms.was_authorized or will_be_asked)
    return tier(supposed, now=at, policy=policy)
