"""Payouts: what an instructor can have at once, what it costs, and what becomes of it.

The fee is Stripe's to tell (its pricing, in either way of rounding); nothing here computes it.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.errors import Invalid, PayoutUnavailable
from domain.ids import UserId
from domain.movements import InstantQuote, PayoutSeen

PayoutState = Literal["requested", "in_transit", "paid", "failed", "canceled", "refused"]

INSTANT_MINIMUM_CENTS = 50
RANKS: dict[PayoutState, int] = {
    "requested": 0,
    "in_transit": 1,
    "paid": 2,
    "canceled": 3,
    "failed": 3,
    "refused": 3,
}
"""A payout goes forward only; one that was paid can still fail."""


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    """One payout of an instructor, in minor units; the gross is net and fee together.

    `is_asked`: the instructor asked for it, as against Stripe's own schedule.
    """

    id: UUID
    instructor_id: UserId
    state: PayoutState
    is_instant: bool
    is_asked: bool
    net_cents: int
    fee_cents: int
    fee_refunded_cents: int
    currency: str
    stripe_payout_id: str | None
    arrival_at: datetime | None
    failure_code: str | None
    created_at: datetime
    finished_at: datetime | None


def less_frozen(quotes: tuple[InstantQuote, ...], frozen_cents: int) -> tuple[InstantQuote, ...]:
    """The quotes with what disputes may still take left out; the net shrinks in proportion."""
    if not frozen_cents:
        return quotes
    return tuple(
        InstantQuote(
            destination=each.destination,
            gross_cents=each.gross_cents - frozen_cents,
            net_cents=(each.gross_cents - frozen_cents) * each.net_cents // each.gross_cents,
            currency=each.currency,
        )
        for each in quotes
        if each.gross_cents > frozen_cents
    )


def net_for(quotes: tuple[InstantQuote, ...], amount_cents: int | None) -> tuple[InstantQuote, int]:
    """Where an instant payout goes, and what to ask Stripe for so that it takes `amount_cents`.

    All that is there without an amount. For a part, the share of the quoted net, rounded down: so
    net and fee never take more than was asked. Raises `PayoutUnavailable`, `Invalid`.
    """
    if not quotes:
        raise PayoutUnavailable("nothing can be paid out to your bank account at once")
    best = max(quotes, key=lambda each: each.net_cents)
    if best.net_cents < INSTANT_MINIMUM_CENTS:
        raise PayoutUnavailable("there is less than $0.50 to pay out")
    if amount_cents is None or amount_cents == best.gross_cents:
        return best, best.net_cents
    if amount_cents > best.gross_cents:
        raise Invalid(f"at most {best.gross_cents} cents can be paid out", pointer="/amount_cents")
    net = amount_cents * best.net_cents // best.gross_cents
    if net < INSTANT_MINIMUM_CENTS:
        raise Invalid("at least $0.50 must arrive", pointer="/amount_cents")
    return best, net


def state_of(seen: PayoutSeen) -> PayoutState:
    """What a payout at Stripe is in our words."""
    match seen.status:
        case "pending" | "in_transit":
            return "in_transit"
        case "paid" | "failed" | "canceled":
            return seen.status


def is_newer(before: PayoutState, after: PayoutState) -> bool:
    """Whether an observation is not older than what is known."""
    return RANKS[after] >= RANKS[before]
