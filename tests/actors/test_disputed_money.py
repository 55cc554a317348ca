"""Refunds and disputes that meet, to the cent, on real Postgres and the Stripe emulator."""

from datetime import timedelta
from typing import Any

import pytest

from actors.refunds import RefundWish
from domain.errors import BookingState, Invalid
from domain.ids import new_id
from tests.actors.books_kit import line, write
from tests.actors.money_kit import Market
from tests.actors.refunds_kit import (
    BOTH,
    REFUNDED,
    admin,
    charge_of,
    decide,
    paid,
    question,
    refund,
    refund_at_stripe,
    spendable,
    status,
    topics,
)

# --- disputes that are blocked --------------------------------------------------------------------


async def test_a_prevented_dispute_leaves_the_lesson_paid_as_it_was(market: Market) -> None:
    lesson = await paid(market)
    before = await lesson.totals()
    for how in ({}, {"inquiry": True}):
        asked = await question(lesson, **how)
        assert await status(lesson) == "disputed"
        await decide(lesson, asked, "prevent")
        assert await status(lesson) == "settled"
        assert await lesson.totals() == before


# --- refunds under a dispute ----------------------------------------------------------------------


async def test_an_inquiry_refunded_in_the_dashboard_ends_refunded_with_credit_given_back(
    market: Market,
) -> None:
    lesson = await paid(market, credit=3000)
    asked = await question(lesson, inquiry=True)
    assert await status(lesson) == "disputed"
    await refund_at_stripe(lesson, reverse_transfer="true")
    assert await status(lesson) == "disputed"
    await decide(lesson, asked, "win")
    assert await status(lesson) == "refunded"
    assert await spendable(lesson) == [3000]
    assert await lesson.totals() == {"SP": -233, "XPR": 233}


async def test_a_refund_that_was_under_way_when_a_dispute_came_is_not_under_way_for_ever(
    market: Market,
) -> None:
    lesson = await paid(market, "pm_card_pendingRefund")
    made = await refund(lesson, 4000)
    assert await status(lesson) == "refunding"
    asked = await question(lesson, inquiry=True)
    await market.control(f"/_emulator/refunds/{made.stripe_refund_id}/settle", {})
    await market.settle()
    assert await status(lesson) == "disputed"
    await decide(lesson, asked, "win")
    assert await status(lesson) == "partially_refunded"


async def test_a_refund_that_a_dispute_overtakes_is_refused_and_nothing_is_told_twice(
    market: Market,
) -> None:
    lesson = await paid(market)
    before = await topics(lesson)
    await question(lesson, settles=False)
    wish = RefundWish(amount_cents=4000, reason="ill")
    made = await market.money.refunds.refund(
        lesson.id, wish, refund_id=new_id(market.clock.now()), viewer=admin(lesson)
    )
    assert (made.state, made.failure_reason) == ("refused", "charge_disputed")
    assert await status(lesson) == "settled"
    assert await topics(lesson) == before
    await market.settle()
    assert await status(lesson) == "disputed"


async def test_a_refund_that_was_made_at_stripe_already_is_taken_in_instead_of_refused(
    market: Market,
) -> None:
    lesson = await paid(market)
    form = {"charge": await charge_of(lesson), **BOTH}
    assert (await market.http.post("/v1/refunds", data=form)).status_code == 200
    wish = RefundWish(amount_cents=10_000, reason="ill")
    made = await market.money.refunds.refund(
        lesson.id, wish, refund_id=new_id(market.clock.now()), viewer=admin(lesson)
    )
    assert made.state == "refused"
    assert await status(lesson) == "refunded"
    await market.settle()
    assert await lesson.totals() == REFUNDED
    assert (await topics(lesson)).count("payment.refunded") == 1


# --- appeals --------------------------------------------------------------------------------------


async def test_an_appeal_opens_a_lost_dispute_again_and_what_was_taken_back_stays_so(
    market: Market,
) -> None:
    lesson = await paid(market)
    asked = await question(lesson)
    await decide(lesson, asked, "lose")
    assert (await status(lesson), await lesson.totals()) == (
        "dispute_lost",
        {"SP": -1820, "XPR": 320, "XDF": 1500},
    )
    await decide(lesson, asked, "appeal")
    assert await status(lesson) == "disputed"
    await decide(lesson, asked, "win")
    assert await status(lesson) == "dispute_lost"
    # the bank's money is here again, and a person pays the instructor
    assert await lesson.totals() == {"SP": 8180, "XPR": 320, "XDF": 1500, "XLS": -10_000}


# --- credit and its refunds -----------------------------------------------------------------------


async def test_a_refund_that_the_platform_bears_leaves_the_instructor_the_top_up(
    market: Market,
) -> None:
    lesson = await paid(market, credit=3000)
    await refund(lesson, 7000, reverses=False)
    assert await status(lesson) == "refunded"
    assert await spendable(lesson) == [3000]
    totals = await lesson.totals()
    assert (totals["SC"], totals["WAL"], totals["XGW"]) == (8500, -8500, 8500)
    assert "REV" not in totals


async def test_a_lesson_paid_by_credit_alone_is_refunded_as_credit_and_only_whole(
    market: Market,
) -> None:
    lesson = await paid(market, credit=10_000)
    assert (await lesson.totals())["SC"] == 8500
    with pytest.raises(Invalid):
        await refund(lesson, 4000)
    made = await refund(lesson, 10_000)
    assert (made.state, made.is_credit) == ("succeeded", True)
    assert await status(lesson) == "refunded"
    assert await spendable(lesson) == [10_000]
    assert await lesson.totals() == {}
    with pytest.raises(BookingState):
        await refund(lesson, 10_000)


async def test_a_lesson_paid_by_credit_can_be_refunded_at_the_platforms_cost(
    market: Market,
) -> None:
    lesson = await paid(market, credit=10_000)
    await refund(lesson, 10_000, reverses=False)
    assert await spendable(lesson) == [10_000]
    assert await lesson.totals() == {"SP": -8500, "SC": 8500, "WAL": -8500, "XGW": 8500}


# --- the inbox ------------------------------------------------------------------------------------


async def test_an_event_that_fails_by_our_own_fault_is_set_aside_in_the_end(
    market: Market,
) -> None:
    lesson = await paid(market)
    path = f"/_emulator/charges/{await charge_of(lesson)}/dispute"
    made: Any = await market.control(path, {})
    # somebody has posted by hand what the event will tell of
    moved = str(made["balance_transactions"][0]["id"])
    await write(market, "stripe_fee", line("SP", -11_500, moved), line("XDF", 11_500))
    await market.settle()
    state = "SELECT state FROM stripe_events WHERE type = 'charge.dispute.created'"
    assert await market.value(state) == "received"
    await market.travel(market.clock.now() + timedelta(hours=1))
    assert await market.value(state) == "quarantined"
    why = "SELECT error FROM stripe_events WHERE type = 'charge.dispute.created'"
    assert str(await market.value(why)).startswith("UniqueViolationError")
