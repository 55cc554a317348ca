"""What people write freely: bounded lengths, readable, and never a payment card's number.

Card data goes from the browser to Stripe and never through us; a number that could be one is
refused wherever a field is annotated with one of these types.
"""

import re
from typing import Annotated

import msgspec

from domain.errors import Invalid

FREE_TEXT = "free_text"
ONE_LINE = "one_line"
CARD_LENGTH_MIN = 13

LINE: dict[str, bool] = {FREE_TEXT: True, ONE_LINE: True}
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, extra=LINE)]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=40, extra=LINE)]
Line = Annotated[str, msgspec.Meta(max_length=300, extra=LINE)]
Text = Annotated[str, msgspec.Meta(max_length=2000, extra={FREE_TEXT: True})]
LongText = Annotated[str, msgspec.Meta(max_length=10_000, extra={FREE_TEXT: True})]

_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CONTROL_IN_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Also what breaks lines or turns the direction of whatever is shown beside a name."""


def refuse_unreadable(text: str, *, pointer: str, is_one_line: bool) -> None:
    """Raises `Invalid` for control characters, and for a line of nothing but spaces."""
    if (_CONTROL_IN_LINE if is_one_line else _CONTROL).search(text):
        raise Invalid("this holds characters that cannot be shown", pointer=pointer)
    if is_one_line and text.isspace():
        raise Invalid("this is blank", pointer=pointer)


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
