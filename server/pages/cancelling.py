"""What cancelling does to the money, now and later, in the words of the person who would cancel."""

from datetime import datetime, timedelta

import msgspec

from domain import money
from domain.cancellation import Money, Terms, Tier, quote, tier
from domain.settings import POLICY
from storage.lessons import Lesson

CONSEQUENCE_FOR_INSTRUCTOR = (
    "The student pays nothing and is told at once. You are not paid, and the time is free again."
)


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What cancelling costs until an instant; the last one lasts until the start."""

    until_at: datetime
    cost: str


def stages_of(lesson: Lesson, *, now: datetime) -> list[Stage]:
    """The student's costs from now to the start, in order; empty once it has begun."""
    whole = Money(
        card_cents=lesson.price_cents,
        credit_cents=0,
        instructor_cents=lesson.instructor_amount_cents,
        is_reserved=lesson.was_authorized,
    )
    told = quote(_terms(lesson), whole, side="student", now=now, policy=POLICY)
    return [Stage(until_at=each.until_at, cost=_cost(lesson, each.tier)) for each in told.tiers]


def consequence_for_student(lesson: Lesson, *, now: datetime) -> str:
    """What happens if the student cancels now."""
    price = money.words(lesson.price_cents, lesson.currency)
    sentences: dict[Tier, str] = {
        "free": "Cancelling now is free. Nothing is charged.",
        "credit": f"Cancelling now charges {price} and gives it back as credit for other lessons.",
        "full": f"Cancelling now costs the full price, {price}.",
    }
    return sentences[tier(_terms(lesson), now=now, policy=POLICY)]


def _terms(lesson: Lesson) -> Terms:
    sticky = lesson.sticky_lead_seconds
    return Terms(
        start_at=lesson.start_at,
        created_at=lesson.created_at,
        is_pending=lesson.status == "pending",
        was_authorized=lesson.was_authorized,
        sticky_lead=None if sticky is None else timedelta(seconds=sticky),
    )


def _cost(lesson: Lesson, found: Tier) -> str:
    price = money.words(lesson.price_cents, lesson.currency)
    costs: dict[Tier, str] = {
        "free": "Free",
        "credit": f"{price} becomes credit",
        "full": f"{price} is due",
    }
    return costs[found]
