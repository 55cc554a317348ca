"""What cancelling does to the money, now and later, in the words of the person who would cancel."""

from datetime import datetime, timedelta

import msgspec

from domain import money
from domain.cancellation import Money, Terms, Tier, TierAhead, quote
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
    told = quote(_terms(lesson), _money(lesson), side="student", now=now, policy=POLICY)
    return [Stage(until_at=each.until_at, cost=_cost(each, lesson)) for each in told.tiers]


def consequence_for_student(lesson: Lesson, *, now: datetime) -> str:
    """What happens if the student cancels now."""
    told = quote(_terms(lesson), _money(lesson), side="student", now=now, policy=POLICY)
    credit = money.words(told.credit_cents, lesson.currency)
    match told.tier:
        case "free" if told.credit_cents:
            return f"Cancelling now is free, and your credit of {credit} comes back."
        case "free":
            return "Cancelling now is free. Nothing is charged."
        case "credit":
            return f"Cancelling now turns the price into credit: {credit} for your next lessons."
        case "full":
            return f"Cancelling now costs the full price, {_price(lesson)}."


def _cost(stage: TierAhead, lesson: Lesson) -> str:
    costs: dict[Tier, str] = {
        "free": "Free",
        "credit": f"{money.words(stage.credit_cents, lesson.currency)} becomes credit",
        "full": f"{_price(lesson)} is due",
    }
    return costs[stage.tier]


def _price(lesson: Lesson) -> str:
    return money.words(lesson.price_cents, lesson.currency)


def _money(lesson: Lesson) -> Money:
    return Money(
        card_cents=lesson.card_amount_cents,
        credit_cents=lesson.credit_applied_cents,
        instructor_cents=lesson.instructor_amount_cents,
        is_reserved=lesson.was_authorized,
    )


def _terms(lesson: Lesson) -> Terms:
    sticky = lesson.sticky_lead_seconds
    return Terms(
        start_at=lesson.start_at,
        created_at=lesson.created_at,
        is_pending=lesson.status == "pending",
        was_authorized=lesson.was_authorized,
        sticky_lead=None if sticky is None else timedelta(seconds=sticky),
        is_excused=lesson.is_excused,
    )
