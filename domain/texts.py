"""What people write freely: bounded lengths, and never a payment card's number.

Card data goes from the browser to Stripe and never through us; a number that could be one is
refused wherever a field is annotated with one of these types.
"""

import re
from typing import Annotated

import msgspec

from domain.errors import Invalid

FREE_TEXT = "free_text"
CARD_LENGTH_MIN = 13

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, extra={FREE_TEXT: True})]
Line = Annotated[str, msgspec.Meta(max_length=300, extra={FREE_TEXT: True})]
Text = Annotated[str, msgspec.Meta(max_length=2000, extra={FREE_TEXT: True})]
LongText = Annotated[str, msgspec.Meta(max_length=10_000, extra={FREE_TEXT: True})]

_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")


def refuse_card_number(text: str, *, pointer: str) -> None:
    """Raises `Invalid` for a text with a number of 13 to 19 digits whose check digit fits."""
    if len(text) < CARD_LENGTH_MIN:
        return
    for found in _CARD.finditer(text):
        if _is_luhn([int(digit) for digit in found[0] if digit.isdigit()]):
            raise Invalid("this looks like a card number; never send one here", pointer=pointer)


def _is_luhn(digits: list[int]) -> bool:
    """Whether the check digit of a card number fits (ISO/IEC 7812-1 annex B)."""
    doubled = (
        digit if position % 2 == 0 else sum(divmod(2 * digit, 10))
        for position, digit in enumerate(reversed(digits))
    )
    return sum(doubled) % 10 == 0
