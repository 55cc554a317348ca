"""The edges of the money rules, each where a small mistake would not be seen elsewhere."""

import uuid

import pytest

from domain.bookings import PaymentStatus
from domain.disputes import Dispute, after_disputes, can_be_disputed, is_newer
from domain.errors import BookingState, Invalid
from domain.pricing import price_of, split
from domain.refunds import Refund, after_refunds, check_refund, not_older, state_of
from tests.domain.test_fold_algebra import Back as Given
from tests.domain.test_fold_algebra import movements
from tests.domain.test_payments import BOOKING, START, payment


@pytest.mark.parametrize(
    ("price", "credit", "detail"),
    [
        (49, 0, "a lesson costs at least 50 cents"),
        (100, -1, "a credit is between nothing and the price"),
        (100, 101, "a credit is between nothing and the price"),
    ],
)
def test_impossible_prices_and_credits_are_refused_in_a_sentence(
    price: int, credit: int, detail: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        split(price, credit_cents=credit, fee_bps=1500)
    assert refusal.value.detail == detail
    pointer = "/hourly_rate_cents" if price < 50 else None
    assert getattr(refusal.value, "pointer", None) == pointer


@pytest.mark.parametrize(
    ("price", "credit", "used"),
    [(50, 0, 0), (50, 50, 50), (100, 49, 49), (100, 50, 50), (100, 51, 50), (100, 99, 50)],
)
def test_the_card_pays_nothing_or_at_least_fifty_cents(price: int, credit: int, used: int) -> None:
    parts = split(price, credit_cents=credit, fee_bps=1500)
    assert (parts.credit_applied_cents, parts.card_amount_cents) == (used, price - used)
    assert (parts.price_cents, parts.fee_bps) == (price, 1500)


def test_a_price_is_a_rate_for_its_minutes() -> None:
    assert [price_of(10_001, minutes) for minutes in (30, 45, 60, 90)] == [
        5001,
        7501,
        10_001,
        15_002,
    ]


@pytest.mark.parametrize(
    ("status", "refunded", "amount", "detail"),
    [
        ("disputed", 0, 1, "the payment is disputed: the bank decides about this money"),
        ("dispute_lost", 0, 1, "the payment is disputed: the bank decides about this money"),
        ("refunding", 0, 1, "another refund of this payment is under way"),
        ("scheduled", 0, 1, "nothing can be refunded: the payment is scheduled"),
        ("settled", 10_000, 1, "everything has been refunded"),
        ("settled", 0, 0, "between 1 and 10000 cents can be refunded"),
        ("settled", 9_999, 2, "between 1 and 1 cents can be refunded"),
    ],
)
def test_a_refund_that_cannot_be_says_why(
    status: PaymentStatus, refunded: int, amount: int, detail: str
) -> None:
    taken = payment(status, captured_cents=10_000)
    with pytest.raises((BookingState, Invalid)) as refusal:
        check_refund(taken, amount_cents=amount, refunded_cents=refunded)
    assert refusal.value.detail == detail
    if isinstance(refusal.value, Invalid):
        assert refusal.value.pointer == "/amount_cents"
    check_refund(payment("settled", captured_cents=10_000), amount_cents=1, refunded_cents=9_999)


def stored(state: str, *, stripe_id: str | None = "re_0", cents: int = 4000) -> Refund:
    return Refund(
        id=uuid.UUID(int=7),
        booking_id=BOOKING,
        amount_cents=cents,
        currency="usd",
        reverses_transfer=True,
        cause="admin",
        reason="requested_by_customer",
        requested_by=None,
        state=state,
        stripe_refund_id=stripe_id,
        failure_reason="lost_or_stolen_card",
        created_at=START,
        finished_at=None,
    )


def test_a_look_too_old_to_show_a_refund_is_given_it_as_it_was_last_seen() -> None:
    old = movements([], 0, 0)
    (shown,) = not_older(old, [stored("succeeded"), stored("planned", stripe_id=None)]).refunds
    assert (shown.id, shown.payment_intent_id) == ("re_0", "pi_1")
    assert (shown.amount_cents, shown.status) == (4000, "succeeded")
    assert (shown.reason, shown.failure_reason) == ("requested_by_customer", "lost_or_stolen_card")
    assert (shown.transaction_id, shown.failure_transaction_id) == (None, None)
    assert shown.refund_id == uuid.UUID(int=7)
    assert not_older(old, [stored("refused")]).refunds == ()


@pytest.mark.parametrize(
    ("seen", "known", "became"),
    [
        ("pending", "succeeded", "succeeded"),
        ("succeeded", "pending", "succeeded"),
        ("succeeded", "failed", "failed"),
        ("failed", "succeeded", "failed"),
        ("requires_action", "canceled", "canceled"),
        ("requires_action", "pending", "pending"),
        ("canceled", "failed", "canceled"),
    ],
)
def test_a_refund_goes_on_and_never_back(seen: str, known: str, became: str) -> None:
    look = movements([Given(4000, (seen,), reverses=False)], 0, 0)
    (shown,) = not_older(look, [stored(known)]).refunds
    assert state_of(shown) == became


@pytest.mark.parametrize("path", ["pending", "requires_action"])
def test_a_refund_under_way_is_refunding(path: str) -> None:
    look = movements([Given(4000, (path,), reverses=False)], 0, 0)
    taken = payment("settled", captured_cents=10_000)
    assert after_refunds(taken, look, is_planned=False) == "refunding"
    done = movements([Given(4000, ("succeeded",), reverses=False)], 0, 0)
    assert after_refunds(taken, done, is_planned=True) == "refunding"
    assert after_refunds(taken, done, is_planned=False) == "partially_refunded"


def dispute(status: str, *, number: int = 0, previous: PaymentStatus = "settled") -> Dispute:
    return Dispute(
        id=f"du_{number}",
        booking_id=BOOKING,
        status=status,
        reason="fraudulent",
        amount_cents=10_000,
        currency="usd",
        previous_status=previous,
        recovery="none",
        evidence_count=0,
        evidence_due_at=None,
        created_at=START,
        closed_at=None,
    )


@pytest.mark.parametrize(
    ("now", "disputes", "became"),
    [
        ("settled", (), "settled"),
        ("settled", ("needs_response",), "disputed"),
        ("disputed", ("won",), "settled"),
        ("disputed", ("prevented",), "settled"),
        ("disputed", ("warning_closed",), "settled"),
        ("partially_refunded", ("won",), "partially_refunded"),
        ("disputed", ("lost",), "dispute_lost"),
        ("disputed", ("lost", "won"), "dispute_lost"),
        ("dispute_lost", ("lost", "under_review"), "disputed"),
        ("disputed", ("won", "won"), "settled"),
    ],
)
def test_a_payment_follows_all_its_disputes(
    now: PaymentStatus, disputes: tuple[str, ...], became: PaymentStatus
) -> None:
    found = [
        dispute(each, number=n, previous="disputed" if n else "settled")
        for n, each in enumerate(disputes)
    ]
    assert after_disputes(payment(now), found) == became


def test_only_what_was_taken_can_be_disputed() -> None:
    assert can_be_disputed(payment("captured", captured_cents=1))
    assert not can_be_disputed(payment("captured"))
    assert is_newer("won", "lost")
    assert is_newer("needs_response", "needs_response")
    assert not is_newer("needs_response", "warning_closed")
