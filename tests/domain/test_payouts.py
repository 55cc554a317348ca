"""How much of what is there is paid out, and what a payout becomes."""

import msgspec
import pytest

from domain.errors import Invalid, PayoutUnavailable
from domain.movements import InstantQuote, PayoutStatus
from domain.payouts import PayoutState, is_newer, less_frozen, net_for, state_of
from tests.domain.test_postings import PAYOUT


def quote(gross: int, net: int, destination: str = "ba_1") -> InstantQuote:
    """What one destination would get."""
    return InstantQuote(destination=destination, gross_cents=gross, net_cents=net, currency="usd")


ALL = quote(8500, 8330)


@pytest.mark.parametrize(
    ("amount", "net"),
    [(None, 8330), (8500, 8330), (8499, 8329), (5000, 4900), (52, 50), (333, 326)],
)
def test_a_part_takes_its_share_of_the_quoted_net_rounded_down(
    amount: int | None, net: int
) -> None:
    assert net_for((ALL,), amount) == (ALL, net)


def test_the_best_destination_is_chosen() -> None:
    worse = quote(8500, 8000, "ba_2")
    assert net_for((worse, ALL), None) == (ALL, 8330)
    assert net_for((ALL, worse), 8500) == (ALL, 8330)


@pytest.mark.parametrize(
    ("quotes", "told"),
    [
        ((), "nothing can be paid out to your bank account at once"),
        ((quote(50, 49),), "there is less than $0.50 to pay out"),
    ],
)
def test_nothing_is_paid_out_where_there_is_too_little(
    quotes: tuple[InstantQuote, ...], told: str
) -> None:
    with pytest.raises(PayoutUnavailable) as refused:
        net_for(quotes, None)
    assert refused.value.detail == told


def test_half_a_dollar_can_be_paid_out() -> None:
    least = quote(51, 50)
    assert net_for((least,), None) == (least, 50)
    assert net_for((least,), 51) == (least, 50)


@pytest.mark.parametrize(
    ("amount", "told"),
    [(8501, "at most 8500 cents can be paid out"), (51, "at least $0.50 must arrive")],
)
def test_a_wish_must_fit(amount: int, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        net_for((ALL,), amount)
    assert (refused.value.detail, refused.value.pointer) == (told, "/amount_cents")


def test_what_disputes_may_take_is_left_out_in_proportion() -> None:
    both = (ALL, quote(1000, 980, "ba_2"))
    assert less_frozen(both, 0) == both
    assert less_frozen(both, 1000) == (quote(7500, 7350),)
    assert less_frozen(both, 999) == (quote(7501, 7350), quote(1, 0, "ba_2"))
    assert less_frozen(both, 8500) == ()


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", "in_transit"),
        ("in_transit", "in_transit"),
        ("paid", "paid"),
        ("failed", "failed"),
        ("canceled", "canceled"),
    ],
)
def test_states_of_stripe_in_our_words(status: PayoutStatus, state: PayoutState) -> None:
    assert state_of(msgspec.structs.replace(PAYOUT, status=status)) == state


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("requested", "in_transit", True),
        ("in_transit", "in_transit", True),
        ("paid", "in_transit", False),
        ("paid", "failed", True),
        ("failed", "paid", False),
        ("canceled", "failed", True),
        ("in_transit", "requested", False),
        ("refused", "paid", False),
    ],
)
def test_a_payout_goes_forward_only(
    before: PayoutState, after: PayoutState, expected: bool
) -> None:
    assert is_newer(before, after) is expected
