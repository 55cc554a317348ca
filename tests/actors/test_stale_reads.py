"""Answers lost while Stripe's replicas lag: nothing is moved twice for a thing not yet shown."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from actors.refunds import RefundWish
from domain.errors import DomainError
from domain.ids import new_id
from tests.actors.money_kit import Lesson, Market
from tests.actors.test_chaos_credits import with_credit
from tests.actors.test_chaos_effects import ledger, paid_lesson
from tests.model.invariants import violations
from tests.model.reference import given_back, paid, shares, spent

OPEN = "SELECT count(*)::int FROM stripe_operations WHERE finished_at IS NULL"
PART = shares(10_000)
LOOKS = 4
"""Reads that lag: the first of them and some of the rescuer's."""


async def lag(market: Market, path: str, *, times: int = LOOKS) -> None:
    """Lets reads of these paths miss the last change."""
    match = {"method": "GET", "path": path}
    rule = {"action": "stale_read", "match": match, "times": times}
    await market.control("/_emulator/faults", rule)


async def lose(market: Market, path: str) -> None:
    """Lets the next write of this path be done, and its key answer 500 ever after."""
    match = {"method": "POST", "path": path}
    rule = {"action": "500_stored", "effects": True, "match": match}
    await market.control("/_emulator/faults", rule)


async def rescued(market: Market) -> None:
    """Looks again at once, several times, and then once more a minute of real time later."""
    for _ in range(LOOKS):
        await market.money.payments.rescue()
        await market.settle()
    async with market.db.transaction() as tx:
        await tx.execute(
            "UPDATE stripe_operations SET absent_since = absent_since - interval '1 minute'"
        )
    await market.money.payments.rescue()
    await market.settle()
    assert await market.value(OPEN) == 0
    assert await violations(market.settings.database_url, market.emulator.url) == []


async def made(market: Market, path: str, **headers: str) -> list[int]:
    """The amounts of what was made at Stripe under a path."""
    listed = await market.http.get(path, params={"limit": 100}, headers=headers)
    return [each["amount"] for each in listed.json()["data"]]


async def test_a_top_up_that_a_replica_does_not_show_yet_is_not_made_again(market: Market) -> None:
    lesson = await with_credit(market, 10_000)
    await lesson.book()
    await lose(market, "/v1/transfers$")
    await lag(market, "/v1/transfers$")
    await lesson.after_end(hours=24)
    await rescued(market)
    assert await made(market, "/v1/transfers") == [shares(10_000, 10_000).top_up]
    expected = ledger(paid(shares(10_000, 10_000)), spent(shares(10_000, 10_000)))
    assert await lesson.totals() == expected


def refund_of(market: Market, lesson: Lesson) -> Callable[[], Awaitable[object]]:
    """The wish to give 40 dollars back."""
    refund_id = new_id(market.clock.now())
    wish = RefundWish(amount_cents=4000, reason="They were ill.")
    return lambda: market.money.refunds.refund(
        lesson.id, wish, refund_id=refund_id, viewer=lesson.student
    )


@pytest.mark.parametrize("is_answered", [True, False])
@pytest.mark.parametrize("path", ["/v1/refunds$", "/reversals$", "/v1/"])
async def test_a_refund_that_a_replica_does_not_show_yet_is_not_made_again(
    market: Market, path: str, *, is_answered: bool
) -> None:
    lesson = await paid_lesson(market)
    if not is_answered:
        await lose(market, "/v1/refunds$")
    await lag(market, path)
    with suppress(DomainError):
        await refund_of(market, lesson)()
    await market.settle()
    await rescued(market)
    assert await made(market, "/v1/refunds") == [4000]
    assert await lesson.totals() == ledger(paid(PART), given_back(PART, 4000, reverses=True))


async def test_a_payout_that_a_replica_does_not_show_yet_is_not_made_again(market: Market) -> None:
    lesson = await paid_lesson(market)
    await lose(market, "/v1/payouts$")
    await lag(market, "/v1/payouts")
    payout_id = new_id(market.clock.now())

    async def ask() -> None:
        with suppress(DomainError):
            await market.money.payouts.pay_out(None, payout_id=payout_id, viewer=lesson.instructor)

    await ask()
    await market.settle()
    await rescued(market)
    await ask()
    account = await market.value(
        "SELECT stripe_account_id FROM instructors WHERE id = $1", lesson.instructor.user_id
    )
    assert len(await made(market, "/v1/payouts", **{"Stripe-Account": str(account)})) == 1
    states = "SELECT array_agg(state) FROM payouts WHERE instructor_id = $1"
    assert await market.value(states, lesson.instructor.user_id) == ["in_transit"]


async def test_a_capture_that_a_replica_does_not_show_yet_is_not_made_again(
    market: Market,
) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=23)
    await lose(market, "/capture$")
    await lag(market, "/v1/payment_intents/")
    await lesson.after_end(hours=25)
    await rescued(market)
    assert await lesson.totals() == ledger(paid(PART))
    (intent,) = await market.intents(lesson.id)
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 10_000)


async def test_what_was_really_never_made_is_made_a_minute_later(market: Market) -> None:
    lesson = await paid_lesson(market)
    rule = {"action": "500_stored", "match": {"method": "POST", "path": "/v1/refunds$"}}
    await market.control("/_emulator/faults", rule)
    with suppress(DomainError):
        await refund_of(market, lesson)()
    await market.settle()
    assert await market.value(OPEN) == 1
    assert await made(market, "/v1/refunds") == []
    await rescued(market)
    await market.travel(market.clock.now() + timedelta(minutes=5))
    assert await made(market, "/v1/refunds") == [4000]
    assert await lesson.totals() == ledger(paid(PART), given_back(PART, 4000, reverses=True))
