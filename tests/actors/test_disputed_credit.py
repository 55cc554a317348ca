"""Credit and early captures that a bank questions, to the cent, on the Stripe emulator."""

from datetime import timedelta

import pytest

from actors.payment_records import Why
from domain.bookings import SYSTEM
from storage.disputes import frozen_of_instructor
from tests.actors.money_kit import Lesson, Market
from tests.actors.refunds_kit import (
    BOTH,
    REFUNDED,
    credited,
    decide,
    paid,
    question,
    refund_at_stripe,
    spendable,
    status,
    topics,
    warn,
)

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
CREDITED = {"SP": 9680, "CRA": -10_000, "XPR": 320}


# --- the credit of a disputed cancellation --------------------------------------------------------


@pytest.mark.parametrize(("how", "left"), [("win", [10_000]), ("lose", [])])
async def test_credit_is_frozen_while_the_bank_asks_about_its_payment(
    market: Market, how: str, left: list[int]
) -> None:
    lesson = await credited(market)
    assert (await lesson.totals(), await spendable(lesson)) == (CREDITED, [10_000])
    asked = await question(lesson)
    assert (await status(lesson), await spendable(lesson)) == ("disputed", [])
    assert await frozen_of_instructor(market.db.reads, instructor_id=lesson.instructor.user_id) == 0
    await decide(lesson, asked, how)
    assert await spendable(lesson) == left
    if how == "win":
        assert await status(lesson) == "credited"
        assert await lesson.totals() == {"SP": 8180, "CRA": -10_000, "XPR": 320, "XDF": 1500}
    else:
        assert await status(lesson) == "dispute_lost"
        assert await lesson.totals() == {"SP": -1820, "XPR": 320, "XDF": 1500}


async def test_frozen_credit_does_not_expire_before_the_bank_has_decided(market: Market) -> None:
    lesson = await credited(market)
    ends_at = market.clock.now() + timedelta(days=365)
    await market.travel(ends_at - timedelta(days=2))
    asked = await question(lesson)
    await market.travel(ends_at + timedelta(days=2))
    assert (await lesson.totals())["CRA"] == -10_000
    await decide(lesson, asked, "win")
    await market.money.timings.sweep("expire_old_credits")
    await market.settle()
    assert "CRA" not in await lesson.totals()


async def next_lesson(lesson: Lesson) -> Lesson:
    """The same student books again, paid by credit."""
    again = await lesson.market.lesson()
    again.student = lesson.student
    await again.book()
    return again


async def test_spent_credit_stays_spent_when_its_dispute_is_lost_and_is_void_when_given_back(
    market: Market,
) -> None:
    lesson = await credited(market)
    other = await next_lesson(lesson)
    assert await spendable(lesson) == []
    asked = await question(lesson)
    await decide(lesson, asked, "lose")
    assert await lesson.totals() == {
        "SP": -1820, "CRA": -10_000, "XPR": 320, "XDF": 1500, "XLS": 10_000,
    }  # fmt: skip
    await other.cancel()
    assert await spendable(lesson) == []
    assert (await other.totals())["XLS"] == -10_000
    assert (
        await market.value(
            "SELECT count(*) FROM ledger_balances WHERE account LIKE 'CR_:%' AND balance_cents <> 0"
        )
        == 0
    )


@pytest.mark.parametrize("flags", [BOTH, {}])
@pytest.mark.parametrize("is_spent", [False, True])
async def test_a_refund_in_the_dashboard_takes_the_credit_back(
    market: Market, flags: dict[str, str], is_spent: bool
) -> None:
    lesson = await credited(market)
    if is_spent:
        await next_lesson(lesson)
    await refund_at_stripe(lesson, **flags)
    assert (await status(lesson), await spendable(lesson)) == ("refunded", [])
    # posted once, however often it is looked at
    await market.money.refunds.observe(lesson.id, Why(actor=SYSTEM, cause="a test"))
    spent = {"CRA": -10_000, "XLS": 10_000} if is_spent else {}
    assert await lesson.totals() == {**REFUNDED, **spent}


async def test_a_partial_refund_in_the_dashboard_takes_a_part_of_the_credit_back(
    market: Market,
) -> None:
    lesson = await credited(market)
    await refund_at_stripe(lesson, amount="3333", **BOTH)
    assert (await status(lesson), await spendable(lesson)) == ("partially_refunded", [6667])
    await refund_at_stripe(lesson, **BOTH)
    assert (await status(lesson), await spendable(lesson)) == ("refunded", [])
    assert await lesson.totals() == REFUNDED


# --- warnings of issuers --------------------------------------------------------------------------


async def test_a_charge_called_fraud_before_the_lesson_goes_back(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book("pm_card_createIssuerFraudRecord")
    await lesson.before(hours=6)
    await lesson.cancel()
    assert (await lesson.read()).outcome == "charged"
    assert (await status(lesson), await lesson.totals()) == ("refunded", REFUNDED)
    assert (await topics(lesson)).count("payment.fraud_suspected") == 1
    assert await market.value("SELECT cause FROM refunds") == "fraud_warning"


async def test_a_charge_called_fraud_after_the_lesson_is_told_and_stays(market: Market) -> None:
    lesson = await paid(market, "pm_card_createIssuerFraudRecord")
    assert (await status(lesson), await lesson.totals()) == ("settled", PAID)
    assert (await topics(lesson)).count("payment.fraud_suspected") == 1


async def test_credit_called_fraud_is_taken_back_while_all_of_it_is_there(market: Market) -> None:
    lesson = await credited(market)
    await warn(lesson)
    assert (await status(lesson), await spendable(lesson)) == ("refunded", [])
    assert await lesson.totals() == REFUNDED


async def test_credit_called_fraud_stays_when_it_was_spent(market: Market) -> None:
    lesson = await credited(market)
    await next_lesson(lesson)
    await warn(lesson)
    assert (await status(lesson), await lesson.totals()) == ("credited", CREDITED)


async def test_credit_that_cannot_be_refunded_after_a_warning_is_spendable_again(
    market: Market,
) -> None:
    lesson = await credited(market)
    match = {"method": "POST", "path": "^/v1/refunds$"}
    fault = {"action": "refuse", "match": match, "reason": "charge_not_refundable"}
    await market.control("/_emulator/faults", fault)
    await warn(lesson)
    assert (await status(lesson), await spendable(lesson)) == ("credited", [10_000])
