"""Money: integer minor units beside a currency. No floats, no division with remainder lost."""

from domain.errors import Invalid

CURRENCY = "usd"
BASIS_POINTS = 10_000
CARD_MINIMUM_CENTS = 50
"""Stripe refuses card amounts below 50 cents (US dollars)."""


def share_half_up(amount_cents: int, *, numerator: int, denominator: int) -> int:
    """`amount × numerator ÷ denominator`, rounded half up, for amounts ≥ 0."""
    if amount_cents < 0 or numerator < 0 or denominator <= 0:
        raise Invalid("a share is taken of a positive amount")
    return (2 * amount_cents * numerator + denominator) // (2 * denominator)


def words(amount_cents: int, currency: str = CURRENCY) -> str:
    """The amount as a person reads it, for example `$1,204.50`."""
    sign = "-" if amount_cents < 0 else ""
    whole, cents = divmod(abs(amount_cents), 100)
    mark = "$" if currency == "usd" else f"{currency.upper()} "
    return f"{sign}{mark}{whole:,}.{cents:02d}"
