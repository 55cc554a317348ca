"""The one split formula: price, credit, platform fee, instructor's share."""

import msgspec

from domain.errors import Invalid
from domain.money import BASIS_POINTS, CARD_MINIMUM_CENTS, share_half_up

MINUTES_PER_HOUR = 60


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """Who gets what of a lesson's price, in minor units; frozen on the booking for good.

    `price = credit + card` · `price = fee + instructor` · `card = destination + application fee` ·
    `instructor = destination + top-up`.
    """

    price_cents: int
    credit_applied_cents: int
    fee_bps: int
    platform_fee_cents: int
    instructor_amount_cents: int
    card_amount_cents: int
    destination_cents: int
    application_fee_cents: int
    top_up_cents: int


def price_of(hourly_rate_cents: int, duration_minutes: int) -> int:
    """The price of a lesson: rate × minutes ÷ 60, rounded half up."""
    return share_half_up(
        hourly_rate_cents, numerator=duration_minutes, denominator=MINUTES_PER_HOUR
    )


def split(price_cents: int, *, credit_cents: int, fee_bps: int) -> Split:
    """Splits a price; lowers the credit where the card part would fall below Stripe's minimum.

    Raises `Invalid` for a price below the minimum or a credit above the price.
    """
    if price_cents < CARD_MINIMUM_CENTS:
        raise Invalid("a lesson costs at least 50 cents", pointer="/hourly_rate_cents")
    if not 0 <= credit_cents <= price_cents:
        raise Invalid("a credit is between nothing and the price")
    credit = credit_cents
    if 0 < price_cents - credit < CARD_MINIMUM_CENTS:
        credit = price_cents - CARD_MINIMUM_CENTS
    fee = share_half_up(price_cents, numerator=fee_bps, denominator=BASIS_POINTS)
    instructor = price_cents - fee
    card = price_cents - credit
    destination = min(card, instructor)
    return Split(
        price_cents=price_cents,
        credit_applied_cents=credit,
        fee_bps=fee_bps,
        platform_fee_cents=fee,
        instructor_amount_cents=instructor,
        card_amount_cents=card,
        destination_cents=destination,
        application_fee_cents=card - destination,
        top_up_cents=instructor - destination,
    )
