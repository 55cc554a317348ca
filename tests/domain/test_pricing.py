"""Prices and splits: to the cent in the known cases, and in sums that always come out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.money import CARD_MINIMUM_CENTS, share_half_up, words
from domain.pricing import price_of, split

BPS = 1500


@pytest.mark.parametrize(
    ("rate", "minutes", "price"),
    [
        (10_000, 60, 10_000),
        (10_000, 30, 5_000),
        (4_999, 60, 4_999),
        (4_999, 30, 2_500),
        (4_999, 45, 3_749),
        (4_999, 90, 7_499),
        (1, 30, 1),
        (100, 45, 75),
    ],
)
def test_a_price_is_rate_by_minutes_rounded_half_up(rate: int, minutes: int, price: int) -> None:
    assert price_of(rate, minutes) == price


@pytest.mark.parametrize(
    ("price", "credit", "fee", "instructor", "card", "application_fee", "top_up"),
    [
        (10_000, 0, 1_500, 8_500, 10_000, 1_500, 0),
        (4_999, 0, 750, 4_249, 4_999, 750, 0),  # 749.85
        (10_000, 1_000, 1_500, 8_500, 9_000, 500, 0),
        (10_000, 1_500, 1_500, 8_500, 8_500, 0, 0),
        (10_000, 3_000, 1_500, 8_500, 7_000, 0, 1_500),
        (10_000, 10_000, 1_500, 8_500, 0, 0, 8_500),
        (50, 0, 8, 42, 50, 8, 0),  # 7.50
    ],
)
def test_a_split_is_right_to_the_cent(
    price: int, credit: int, fee: int, instructor: int, card: int, application_fee: int, top_up: int
) -> None:
    made = split(price, credit_cents=credit, fee_bps=BPS)
    assert made.platform_fee_cents == fee
    assert made.instructor_amount_cents == instructor
    assert made.card_amount_cents == card
    assert made.application_fee_cents == application_fee
    assert made.top_up_cents == top_up


@given(
    price=st.integers(CARD_MINIMUM_CENTS, 20_000_000),
    share=st.integers(0, 10_000),
    fee_bps=st.integers(0, 10_000),
)
def test_every_split_comes_out(price: int, share: int, fee_bps: int) -> None:
    credit = price * share // 10_000
    made = split(price, credit_cents=credit, fee_bps=fee_bps)
    assert made.price_cents == price
    assert made.credit_applied_cents + made.card_amount_cents == price
    assert made.platform_fee_cents + made.instructor_amount_cents == price
    assert made.destination_cents + made.application_fee_cents == made.card_amount_cents
    assert made.destination_cents + made.top_up_cents == made.instructor_amount_cents
    assert min(made.destination_cents, made.application_fee_cents, made.top_up_cents) >= 0
    assert made.application_fee_cents == 0 or made.top_up_cents == 0
    assert abs(20_000 * made.platform_fee_cents - 2 * price * fee_bps) <= 10_000
    assert made.card_amount_cents == 0 or made.card_amount_cents >= CARD_MINIMUM_CENTS
    assert credit - CARD_MINIMUM_CENTS < made.credit_applied_cents <= credit


def test_a_credit_leaves_no_card_part_below_the_minimum() -> None:
    made = split(10_000, credit_cents=9_960, fee_bps=BPS)
    assert (made.credit_applied_cents, made.card_amount_cents) == (9_950, 50)


@pytest.mark.parametrize(("price", "credit"), [(49, 0), (1_000, -1), (1_000, 1_001)])
def test_what_cannot_be_split_is_refused(price: int, credit: int) -> None:
    with pytest.raises(Invalid):
        split(price, credit_cents=credit, fee_bps=BPS)


@given(amount=st.integers(0, 10**9), part=st.integers(0, 10**4), whole=st.integers(1, 10**4))
def test_a_share_is_never_half_a_cent_off(amount: int, part: int, whole: int) -> None:
    share = share_half_up(amount, numerator=part, denominator=whole)
    error = 2 * (share * whole - amount * part)
    assert -whole < error <= whole


@pytest.mark.parametrize(
    ("amount", "part", "whole"), [(-1, 1, 2), (1, -1, 2), (1, 1, 0), (1, 1, -2)]
)
def test_a_share_of_nothing_sensible_is_refused(amount: int, part: int, whole: int) -> None:
    with pytest.raises(Invalid):
        share_half_up(amount, numerator=part, denominator=whole)


@pytest.mark.parametrize(
    ("cents", "currency", "text"),
    [
        (0, "usd", "$0.00"),
        (5, "usd", "$0.05"),
        (120_450, "usd", "$1,204.50"),
        (-990, "usd", "-$9.90"),
        (100, "eur", "EUR 1.00"),
    ],
)
def test_an_amount_is_written_as_people_read_it(cents: int, currency: str, text: str) -> None:
    assert words(cents, currency) == text
