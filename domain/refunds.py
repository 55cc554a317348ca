"""Refunds: who may ask for what, and what a booking's payment becomes by what Stripe shows.

A refund is folded from all refunds of a charge at once, and a look that is older than what is known
is lifted to it first, so order, repetition and lateness do not matter.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.bookings import PaymentStatus
from domain.errors import BookingState, Invalid
from domain.ids import BookingId
from domain.movements import MovementsSeen, RefundSeen, RefundStatus
from domain.payments import MoneyFacts, Payment
from domain.withholding import to_pay

RefundCause = Literal["admin", "by_instructor", "no_show_instructor", "fraud_warning", "stripe"]
RefundState = Literal["planned", "pending", "succeeded", "failed", "canceled", "refused"]

REFUNDABLE: frozenset[PaymentStatus] = frozenset(
    {"captured", "payout_pending", "settled", "partially_refunded", "refund_failed"}
)
"""Money was taken, nothing is under way, and no dispute freezes it."""

FOLLOWS: frozenset[PaymentStatus] = REFUNDABLE.union(("refunding", "refunded", "credited"))
"""Statuses that a refund may change."""

_Shown = tuple[int, RefundState]

OF_REFUNDS: frozenset[PaymentStatus] = frozenset(
    {"refunding", "refunded", "partially_refunded", "refund_failed"}
)
"""Statuses that nothing but refunds makes."""

RANKS: dict[RefundStatus, int] = {
    "pending": 0,
    "requires_action": 0,
    "succeeded": 1,
    "canceled": 2,
    "failed": 2,
}
"""A refund may still fail after it has succeeded, never the other way round."""

SHOWN: dict[RefundState, RefundStatus] = {
    "pending": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "canceled",
}
"""What our states were read from; the others are not at Stripe."""


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money given back for one booking. `cause` tells by which rule; amounts in minor units."""

    id: UUID
    booking_id: BookingId
    amount_cents: int
    currency: str
    reverses_transfer: bool
    cause: RefundCause
    reason: str | None
    requested_by: UUID | None
    state: RefundState
    stripe_refund_id: str | None
    failure_reason: str | None
    created_at: datetime
    finished_at: datetime | None
    is_credit: bool = False
    """Whether it gave credit back, for a lesson that no card has paid for."""


def check_refund(
    payment: Payment,
    *,
    amount_cents: int,
    refunded_cents: int,
    consumed_cents: int = 0,
    is_top_up_owed: bool = False,
) -> None:
    """Raises `BookingState` when nothing can be refunded now, `Invalid` for too much.

    The card comes first: the refund that takes its last cent gives all credit back as well. Credit
    is given back whole or not at all. `is_top_up_owed`: the instructor is to keep what has not been
    paid to them yet.
    """
    if payment.status in {"disputed", "dispute_lost"}:
        raise BookingState("the payment is disputed: the bank decides about this money")
    if payment.status == "refunding":
        raise BookingState("another refund of this payment is under way")
    if payment.status not in REFUNDABLE:
        raise BookingState(f"nothing can be refunded: the payment is {payment.status}")
    is_by_card = payment.captured_cents > 0
    left = payment.captured_cents - refunded_cents if is_by_card else consumed_cents
    if left <= 0:
        raise BookingState("everything has been refunded")
    if not is_by_card and amount_cents != left:
        raise Invalid(f"credit goes back whole: {left} cents", pointer="/amount_cents")
    if not 0 < amount_cents <= left:
        raise Invalid(f"between 1 and {left} cents can be refunded", pointer="/amount_cents")
    if is_top_up_owed and amount_cents == left:
        raise BookingState("the instructor is still to be paid a part: wait, or reverse")


def state_of(seen: RefundSeen) -> RefundState:
    """What one refund at Stripe is in our words."""
    match seen.status:
        case "pending" | "requires_action":
            return "pending"
        case "succeeded":
            return "succeeded"
        case "failed":
            return "failed"
        case "canceled":
            return "canceled"


def not_older(seen: MovementsSeen, known: Sequence[Refund]) -> MovementsSeen:
    """The look with what is known already and newer than it; `known` is oldest first.

    Lists are read outside a transaction, so an old one may come after a newer one.
    """
    states: dict[str | None, RefundStatus] = {
        each.stripe_refund_id: SHOWN.get(each.state, "pending") for each in known
    }
    there = {each.id for each in seen.refunds}
    lifted = [
        msgspec.structs.replace(each, status=states[each.id])
        if each.id in states and RANKS[states[each.id]] > RANKS[each.status]
        else each
        for each in seen.refunds
    ]
    missing = [each for each in known if each.stripe_refund_id not in there]
    return msgspec.structs.replace(seen, refunds=(*lifted, *_remembered(seen, missing)))


def _remembered(seen: MovementsSeen, known: Sequence[Refund]) -> list[RefundSeen]:
    """Refunds a look is too old to show, as they were last seen; their journals are posted."""
    return [
        RefundSeen(
            id=each.stripe_refund_id,
            payment_intent_id=seen.payment_intent_id,
            amount_cents=each.amount_cents,
            status=SHOWN[each.state],
            reason=each.reason,
            failure_reason=each.failure_reason,
            transaction_id=None,
            failure_transaction_id=None,
            refund_id=each.id,
        )
        for each in known
        if each.stripe_refund_id is not None and each.state in SHOWN
    ]


def after_refunds(payment: Payment, seen: MovementsSeen, *, is_planned: bool) -> PaymentStatus:
    """The payment's status by all its refunds. `is_planned`: one more is still to be sent."""
    if seen.payment_intent_id != payment.payment_intent_id or payment.status not in FOLLOWS:
        return payment.status
    if not seen.refunds:
        return payment.status
    if is_planned:
        return "refunding"
    shown: list[_Shown] = [(each.amount_cents, state_of(each)) for each in seen.refunds]
    return _folded(payment.captured_cents, shown)


def after_overlay(
    facts: MoneyFacts, payment: Payment, refunds: Sequence[Refund], *, base: PaymentStatus
) -> PaymentStatus:
    """The status when nothing lies over a payment any more: refunds went on meanwhile.

    `refunds` is oldest first; `base` was the status before.
    """
    shown: list[_Shown] = [
        (each.amount_cents, each.state) for each in refunds if each.state != "refused"
    ]
    if shown:
        return _folded(payment.captured_cents, shown)
    return resting(facts, payment) if base in OF_REFUNDS else base


def resting(facts: MoneyFacts, payment: Payment) -> PaymentStatus:
    """Where captured money lies still when none of it has gone back."""
    if facts.lot_left_cents is not None:
        return "credited"
    return "payout_pending" if is_unpaid(facts, payment) else "settled"


def is_unpaid(facts: MoneyFacts, payment: Payment) -> bool:
    """Whether the instructor is still to be paid from the platform's own balance."""
    return payment.top_up_id is None and to_pay(facts, payment) > 0


def _folded(captured_cents: int, refunds: Sequence[_Shown]) -> PaymentStatus:
    """What amounts and states of refunds, oldest first and at least one, make of a payment."""
    if any(state in {"planned", "pending"} for _, state in refunds):
        return "refunding"
    given = sum(cents for cents, state in refunds if state == "succeeded")
    if given >= captured_cents:
        return "refunded"
    if refunds[-1][1] == "failed":
        return "refund_failed"
    return "partially_refunded" if given else "refund_failed"
