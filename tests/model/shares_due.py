"""What an instructor has of a booking, by its payment's status: told from the specification."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.model.reference import fee_of_refund, shares

WHOLE = {"settled", "partially_refunded", "refunded"}
PARTLY = {"captured", "payout_pending"}
MOVING = {"refunding", "refund_failed"}
"""A refund is under way or has failed: the transfer is taken back already, or not yet."""


@dataclass(frozen=True)
class Refunded:
    """One refund to the card."""

    amount: int
    reverses: bool


@dataclass(frozen=True)
class Taken:
    """What is known of a booking's money."""

    price: int
    credit: int
    payment: str
    before_dispute: str | None = None
    recovery: str | None = None
    lost: int = 0
    """What banks took for good, of the charge."""
    is_topped_up: bool = False
    withheld: int = 0


def share_due(taken: Taken, refunds: Sequence[Refunded]) -> list[int]:
    """What the instructor may have now: one amount, but while something is under way."""
    status = taken.payment
    if status == "disputed":
        status = taken.before_dispute or "settled"
    if status == "dispute_lost":
        return _lost(taken, refunds)
    if status not in WHOLE | PARTLY | MOVING:
        return [0]
    part = shares(taken.price, taken.credit)
    there = part.destination + (part.top_up if taken.is_topped_up else 0)
    if taken.withheld and not taken.is_topped_up:
        # a refund lessens what is owed, of which nothing is there yet
        return [0]
    if taken.withheld:
        there = part.instructor
    left = there - _taken_back(taken, refunds)
    if status in MOVING:
        return list(dict.fromkeys([left, there, *_before(taken, refunds, there)]))
    if status == "refunded" and taken.is_topped_up:
        # the top-up goes back with a full refund, unless the instructor has spent it
        return [left - part.top_up, left]
    return [left]


def _taken_back(taken: Taken, refunds: Sequence[Refunded]) -> int:
    part = shares(taken.price, taken.credit)
    back = returned = 0
    for each in refunds:
        if each.reverses:
            fee = fee_of_refund(part, each.amount, returned)
            returned += fee
            back += each.amount - fee
    return back


def _before(taken: Taken, refunds: Sequence[Refunded], there: int) -> list[int]:
    """The same without the newest refund, which may not have been made yet."""
    return [there - _taken_back(taken, refunds[:-1])]


def _lost(taken: Taken, refunds: Sequence[Refunded]) -> list[int]:
    """Taken back from the instructor, once that is done; credit they never had is not."""
    before = Taken(
        price=taken.price,
        credit=taken.credit,
        payment=taken.before_dispute or "settled",
        is_topped_up=taken.is_topped_up,
        withheld=taken.withheld,
    )
    had = share_due(before, refunds)
    part = shares(taken.price, taken.credit)
    kept = part.top_up if taken.is_topped_up else 0
    # of a dispute about a part, a part is taken back, with its part of the fee
    parts = [*refunds, Refunded(taken.lost, reverses=True)]
    left = [each + _taken_back(taken, refunds) - _taken_back(taken, parts) for each in had]
    after = left if 0 < taken.lost < part.card else [*left, kept, 0]
    match taken.recovery:
        case "done":
            return after
        case "wanted":
            return [*had, *after]
        case _:
            return had
