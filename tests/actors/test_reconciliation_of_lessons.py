"""Whatever a lesson's money does, both books tell the same: on an emulator of this module's own."""

import asyncio
from datetime import timedelta

import pytest

from actors.credits import Grant
from actors.refunds import RefundWish
from domain.ids import new_id
from domain.reconciliation import PATIENCE
from storage.reconciliation import payouts_are_stopped
from tests.actors.books_kit import FLOAT, balances, found
from tests.actors.money_kit import Market


async def test_a_lesson_reconciles_to_the_cent(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=24)
    run = await market.money.reconciliation.run(cause="test")
    assert (run.differences, run.unseen_accounts, run.unseen_checks) == (0, [], [])
    assert (run.ingested, run.posted, run.accounts) == (5, 1, 2)
    expected = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
    assert await balances(market) == {**expected, "SP": FLOAT + 1180, "BNK": -FLOAT}
    assert run.available_cents == FLOAT
    assert not await payouts_are_stopped(market.db.reads)


async def test_credit_and_its_end_reconcile_too(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=20)
    await lesson.cancel()
    run = await market.money.reconciliation.run(cause="test")
    assert (run.differences, (await balances(market))["CRA"]) == (0, -10_000)
    await market.travel(market.clock.now() + timedelta(days=366))
    again = await market.money.reconciliation.run(cause="test")
    assert (again.differences, (await balances(market))["CRX"]) == (0, -10_000)


@pytest.mark.parametrize("amount_cents", [10_000, 4000])
async def test_refunds_reconcile_on_both_sides(market: Market, amount_cents: int) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=30)
    wish = RefundWish(amount_cents=amount_cents, reason="a test")
    await market.money.refunds.refund(
        lesson.id, wish, refund_id=new_id(market.clock.now()), viewer=lesson.student
    )
    await market.settle()
    run = await market.money.reconciliation.run(cause="test")
    assert (run.differences, await found(market)) == (0, {})
    share = {10_000: {"SP": -320}, 4000: {"SP": 580, "SC": 5100, "WAL": -5100, "REV": -900}}
    expected = {"XPR": 320, **share[amount_cents]}
    assert await balances(market) == {**expected, "SP": FLOAT + expected["SP"], "BNK": -FLOAT}


async def test_credit_reconciles_reserved_used_and_owed(market: Market) -> None:
    reconciliation = market.money.reconciliation
    lesson = await market.lesson()
    wish = Grant(
        user_id=lesson.student.user_id, amount_cents=3000, expires_at=None, reason="a test"
    )
    await market.money.credits.grant(
        wish, lot_id=new_id(market.clock.now()), viewer=lesson.instructor
    )
    await lesson.book()
    assert (await reconciliation.run(cause="test")).differences == 0
    assert (await balances(market))["CRR"] == -3000
    async with market.db.transaction() as tx:
        await tx.execute("UPDATE credit_uses SET amount_cents = 2990")
    assert (await reconciliation.run(cause="test")).differences == 1
    assert (await found(market))["credit_differs", "CRR"].difference_cents == -10
    async with market.db.transaction() as tx:
        await tx.execute("UPDATE credit_uses SET amount_cents = 3000")
    await market.control("/_emulator/config", {"platform_available_cents": 0})
    await lesson.after_end(hours=24)
    run = await reconciliation.run(cause="test")
    assert (run.differences, await found(market)) == (0, {})
    owing = await balances(market)
    assert (owing["PAY"], owing["SC"]) == (-1500, 7000)
    await market.control("/_emulator/config", {"platform_available_cents": FLOAT})
    await lesson.after_end(hours=30)
    run = await reconciliation.run(cause="test")
    assert (run.differences, await found(market)) == (0, {})
    paid = await balances(market)
    assert ("PAY" in paid, paid["SC"], paid["REV"]) == (False, 8500, -1500)


async def test_a_dispute_reconciles_while_it_is_open(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book("pm_card_createDispute")
    await lesson.after_end(hours=24)
    run = await market.money.reconciliation.run(cause="test")
    assert (run.differences, await found(market)) == (0, {})
    open_one = await balances(market)
    assert (open_one["DSP"], open_one["XDF"]) == (10_000, 1500)


async def test_an_instant_payout_reconciles_whoever_looks_first(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=25)
    payouts, reconciliation = market.money.payouts, market.money.reconciliation
    _, run = await asyncio.gather(
        payouts.pay_out(None, payout_id=new_id(market.clock.now()), viewer=lesson.instructor),
        reconciliation.run(cause="test", patience=PATIENCE),
    )
    await market.settle()
    run = await reconciliation.run(cause="test")
    assert (run.differences, await found(market)) == (0, {})
    expected = {"SP": FLOAT + 1267, "REV": -1500, "XPR": 320, "IPF": -170, "XIP": 83, "BNK": -FLOAT}
    assert await balances(market) == expected
    await market.travel(market.clock.now() + timedelta(days=5))
    assert (await reconciliation.run(cause="test")).differences == 0
