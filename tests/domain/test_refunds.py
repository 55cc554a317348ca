"""What a payment becomes by its refunds, in any order and number of looks."""

import itertools

import msgspec
import pytest

from domain.bookings import PaymentStatus
from domain.errors import BookingState, Invalid
from domain.movements import MovementsSeen, RefundSeen, RefundStatus
from domain.refunds import after_refunds, check_refund
from tests.domain.test_payments import payment

TAKEN = {"payment_intent_id": "pi_1", "captured_cents": 10_000}


def seen(*refunds: tuple[int, RefundStatus]) -> MovementsSeen:
    shown = tuple(
        RefundSeen(
            id=f"re_{number}",
            payment_intent_id="pi_1",
            amount_cents=cents,
            status=status,
            reason=None,
            failure_reason=None,
            transaction_id=f"txn_{number}",
            failure_transaction_id=None,
        )
        for number, (cents, status) in enumerate(refunds)
    )
    return MovementsSeen(payment_intent_id="pi_1", refunds=shown, reversals=(), fee_refunds=())


@pytest.mark.parametrize(
    ("refunds", "became"),
    [
        ((), "settled"),
        (((10_000, "succeeded"),), "refunded"),
        (((4000, "succeeded"),), "partially_refunded"),
        (((4000, "succeeded"), (6000, "succeeded")), "refunded"),
        (((4000, "succeeded"), (6000, "pending")), "refunding"),
        (((10_000, "failed"),), "refund_failed"),
        (((10_000, "failed"), (10_000, "succeeded")), "refunded"),
        (((10_000, "canceled"),), "refund_failed"),
        (((4000, "succeeded"), (6000, "canceled")), "partially_refunded"),
    ],
)
def test_a_payment_follows_all_its_refunds(
    refunds: tuple[tuple[int, RefundStatus], ...], became: PaymentStatus
) -> None:
    settled = payment("settled", **TAKEN)
    assert after_refunds(settled, seen(*refunds), is_planned=False) == became


def test_looks_in_any_order_end_with_the_newest_truth() -> None:
    looks = [
        seen((4000, "pending")),
        seen((4000, "succeeded")),
        seen((4000, "succeeded"), (6000, "succeeded")),
    ]
    for order in itertools.permutations(looks):
        status: PaymentStatus = "settled"
        for look in (*order, looks[-1]):
            status = after_refunds(payment(status, **TAKEN), look, is_planned=False)
        assert status == "refunded"


@pytest.mark.parametrize("status", ["disputed", "dispute_lost", "authorized", "released"])
def test_a_refund_changes_no_payment_that_it_cannot_be_of(status: PaymentStatus) -> None:
    refunds = seen((10_000, "succeeded"))
    assert after_refunds(payment(status, **TAKEN), refunds, is_planned=False) == status


def test_refunds_of_another_intent_change_nothing() -> None:
    other = msgspec.structs.replace(seen((10_000, "succeeded")), payment_intent_id="pi_2")
    assert after_refunds(payment("settled", **TAKEN), other, is_planned=False) == "settled"


@pytest.mark.parametrize("status", ["disputed", "refunding", "refunded", "scheduled", "credited"])
def test_only_money_that_lies_still_is_refunded(status: PaymentStatus) -> None:
    with pytest.raises(BookingState):
        check_refund(payment(status, **TAKEN), amount_cents=1, refunded_cents=0)


@pytest.mark.parametrize(("cents", "earlier"), [(0, 0), (10_001, 0), (6001, 4000)])
def test_no_more_is_refunded_than_is_left(cents: int, earlier: int) -> None:
    with pytest.raises(Invalid):
        check_refund(payment("settled", **TAKEN), amount_cents=cents, refunded_cents=earlier)


def test_what_is_left_can_be_refunded_to_the_cent() -> None:
    check_refund(payment("settled", **TAKEN), amount_cents=6000, refunded_cents=4000)
    with pytest.raises(BookingState):
        check_refund(payment("settled", **TAKEN), amount_cents=1, refunded_cents=10_000)
