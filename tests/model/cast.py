"""Cards, prices and hours of random lives, and the pair of a lesson with its story."""

from datetime import timedelta
from typing import Generic, TypeVar

from tests.model.facts import Card
from tests.model.reference import HOUR
from tests.model.story import Story

L = TypeVar("L")

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
CARDS = (
    Card("pm_card_visa"),
    Card("pm_card_visa"),
    Card("script", ("soft", "ok")),
    Card("script", ("soft", "soft", "ok")),
    Card("script", ("soft", "soft", "soft", "ok")),
    Card("script", ("hard",)),
    Card("pm_card_chargeCustomerFail", ("soft",)),
    Card("pm_card_authenticationRequired", ("asks",)),
    Card("pm_card_createDispute", dispute="chargeback"),
    Card("pm_card_createDisputeInquiry", dispute="inquiry"),
)
GOOD = CARDS[0]
STEPS = {"soft": "insufficient_funds", "ok": "ok", "hard": "stolen_card"}
LEADS = (5 * 24, 5 * 24, 30, 24, 23, 13, 7, 3)
PRICES = (10_000, 10_000, 4999, 9999, 3333, 2000, 50, 58, 333, 12_345)
GIFTS = (1000, 3000, 20, 9980, 20_000, 777)
MOVES = (2, 20, 30, 5 * 24, 9 * 24, -24, -3 * 24)
"""Hours from the present start."""
LESSONS_MAX = 4
PROPOSALS_MAX = 3
BRINK = (24, 24, 12, 12)
"""Hours before the start at which the price of a cancellation changes."""


class Wrong(AssertionError):
    """Product and reference disagree, or an invariant is broken."""


class Thread(Generic[L]):
    """One lesson with its story."""

    def __init__(self, lesson: L, story: Story) -> None:
        """The lesson is the product's, the story the reference's."""
        self.lesson = lesson
        self.story = story

    @property
    def is_live(self) -> bool:
        """Whether it blocks its time."""
        return self.story.status in {"pending", "confirmed"}


def hours(number: float) -> timedelta:
    """So many hours."""
    return number * HOUR
