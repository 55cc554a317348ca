"""Disputes and warnings whose webhooks never came, on real Postgres and the Stripe emulator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from actors.disputes import UNTOLD_AFTER
from tests.actors.money_kit import Lesson, Market
from tests.actors.refunds_kit import charge_of, decide, paid, question, status, topics, warn


@asynccontextmanager
async def deaf(market: Market) -> AsyncIterator[None]:
    """Whatever Stripe tells meanwhile is lost for good."""
    await market.control("/_emulator/faults", {"action": "drop", "times": 0, "match": {}})
    yield
    await market.settle()
    (await market.http.delete("/_emulator/faults")).raise_for_status()


async def warnings(market: Market) -> object:
    """How many warnings of issuers are known."""
    return await market.value("SELECT count(*)::int FROM fraud_warnings")


async def later(market: Market) -> None:
    """As long as a webhook may take."""
    await market.travel(market.clock.now() + UNTOLD_AFTER + timedelta(seconds=1))


async def test_a_dispute_that_nobody_told_of_is_found_once(market: Market) -> None:
    told, lesson = await paid(market), await paid(market)
    async with deaf(market):
        asked = await question(lesson)
    assert await status(lesson) == "settled"
    assert await market.money.disputes.search() == 0, "it may still be on its way"
    await later(market)
    assert await market.money.disputes.search() == 1
    assert (await status(lesson), await status(told)) == ("disputed", "settled")
    assert (await topics(lesson)).count("payment.disputed") == 1
    assert await market.money.disputes.search() == 0
    await decide(lesson, asked, "win")
    assert await status(lesson) == "settled"


async def test_an_inquiry_that_was_over_before_anybody_heard_of_it_leaves_the_lesson_paid(
    market: Market,
) -> None:
    lesson = await paid(market)
    before = await lesson.totals()
    async with deaf(market):
        asked = await question(lesson, inquiry=True)
        await decide(lesson, asked, "win")
    await later(market)
    assert await market.money.disputes.search() == 1
    assert (await status(lesson), await lesson.totals()) == ("settled", before)


async def test_a_lost_dispute_that_nobody_told_of_costs_what_a_told_one_costs(
    market: Market,
) -> None:
    lessons: list[Lesson] = []
    for is_deaf in (False, True):
        lesson = await paid(market)
        if is_deaf:
            async with deaf(market):
                await decide(lesson, await question(lesson), "lose")
            await later(market)
            assert await market.money.disputes.search() == 1
            await market.settle()
        else:
            await decide(lesson, await question(lesson), "lose")
        lessons.append(lesson)
    told, untold = lessons
    assert await status(told) == await status(untold) == "dispute_lost"
    assert await told.totals() == await untold.totals()


async def test_a_warning_that_nobody_told_of_is_found_once(market: Market) -> None:
    lesson = await paid(market)
    async with deaf(market):
        await warn(lesson)
    await later(market)
    assert await warnings(market) == 0
    assert await market.money.disputes.search() == 1
    assert await warnings(market) == 1
    assert (await topics(lesson)).count("payment.fraud_suspected") == 1
    assert await market.money.disputes.search() == 0


async def test_what_is_of_another_business_at_the_same_stripe_is_left_alone(market: Market) -> None:
    form = {
        "amount": "5000",
        "currency": "usd",
        "payment_method": "pm_card_createDispute",
        "allowed_payment_method_types[0]": "card",
        "confirm": "true",
    }
    made = await market.http.post("/v1/payment_intents", data=form)
    assert made.status_code == 200, made.text
    await market.settle()
    await later(market)
    opened = (await market.http.get("/v1/disputes")).json()["data"]
    assert len(opened) == 1
    assert await market.money.disputes.search() == 0


async def test_a_search_that_stripe_does_not_answer_comes_again(market: Market) -> None:
    lesson = await paid(market)
    async with deaf(market):
        await question(lesson)
    await later(market)
    silent = {"action": "500_before", "times": 0, "match": {"path": "^/v1/disputes"}}
    await market.control("/_emulator/faults", silent)
    assert await market.money.disputes.search() == 0
    assert await status(lesson) == "settled"
    (await market.http.delete("/_emulator/faults")).raise_for_status()
    assert await market.money.disputes.search() == 1
    assert await status(lesson) == "disputed"


async def test_a_hundred_and_more_that_were_opened_at_once_are_all_found(market: Market) -> None:
    lesson = await paid(market)
    charge = await charge_of(lesson)
    async with deaf(market):
        for _ in range(101):
            await market.control(f"/_emulator/charges/{charge}/fraud_warning", {})
    await later(market)
    assert await market.money.disputes.search() == 101
    assert await warnings(market) == 101
