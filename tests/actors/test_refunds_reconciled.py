"""Refunds of every kind against Stripe's own books: on an emulator of this module's own."""

from datetime import timedelta

import pytest

from actors.credits import Grant
from actors.refunds import RefundWish
from domain.ids import new_id
from domain.people import Viewer
from domain.refunds import Refund
from storage.disputes import frozen_of_instructor
from tests.actors.books_kit import FLOAT, balances, found, line, write
from tests.actors.money_kit import Lesson, Market


async def refund(lesson: Lesson, cents: int, *, reverses: bool = True) -> Refund:
    market = lesson.market
    wish = RefundWish(amount_cents=cents, reason="a test", reverses_transfer=reverses)
    made = await market.money.refunds.refund(
        lesson.id, wish, refund_id=new_id(market.clock.now()), viewer=lesson.student
    )
    await market.settle()
    return made


async def reconciled(market: Market) -> dict[str, int]:
    """The whole ledger without the float, after a run that found nothing."""
    run = await market.money.reconciliation.run(cause="test")
    assert (run.differences, await found(market)) == (0, {})
    ledger = await balances(market)
    ledger["SP"] = ledger.get("SP", 0) - FLOAT
    return {name: cents for name, cents in ledger.items() if cents and name != "BNK"}


@pytest.mark.parametrize("parts", [(3333,), (3333, 3333), (3333, 3333, 3333), (1, 1, 9997)])
async def test_parts_whose_fee_is_no_whole_cent_are_what_stripe_says(
    market: Market, parts: tuple[int, ...]
) -> None:
    lesson = await market.lesson(price_cents=9999)
    await lesson.book()
    await lesson.after_end(hours=30)
    for cents in parts:
        await refund(lesson, cents)
    ledger = await reconciled(market)
    given = sum(parts)
    (fees,) = (await market.http.get("/v1/application_fees", params={"limit": 1})).json()["data"]
    kept = fees["amount"] - fees["amount_refunded"]
    assert ledger.get("REV", 0) == -kept
    assert ledger.get("SC", 0) == 9999 - given - kept
    if given == 9999:
        assert ledger == {"SP": -ledger["XPR"], "XPR": ledger["XPR"]}


async def test_a_refund_after_the_instructor_was_paid_out_is_owed_by_them(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=25)
    await market.money.payouts.pay_out(
        None, payout_id=new_id(market.clock.now()), viewer=lesson.instructor
    )
    await market.settle()
    await refund(lesson, 10_000)
    assert await reconciled(market) == {
        "SP": -233, "SC": -8500, "WAL": 8500, "XPR": 320, "IPF": -170, "XIP": 83,
    }  # fmt: skip


async def test_a_failed_refund_waits_for_a_person_and_is_no_difference(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=30)
    made = await refund(lesson, 4000)
    await market.control(f"/_emulator/refunds/{made.stripe_refund_id}/fail", {})
    await market.travel(market.clock.now() + timedelta(hours=2))
    assert (await lesson.read()).payment_status == "refund_failed"
    assert (await reconciled(market))["CLR"] == -4000

    await write(market, "refund_absorbed", line(f"CLR:{lesson.id}", -100), line("XGW", 100))
    await market.travel(market.clock.now() + timedelta(hours=2))
    await market.money.reconciliation.run(cause="test")
    assert (await found(market))["transit_open", "CLR"].difference_cents == -100
    await write(market, "refund_absorbed", line(f"CLR:{lesson.id}", 100), line("XGW", -100))

    await refund(lesson, 4000, reverses=False)
    await market.travel(market.clock.now() + timedelta(hours=2))
    assert "CLR" not in await reconciled(market)


async def test_a_refund_that_waits_for_the_balance_is_no_difference(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=30)
    await market.control("/_emulator/config", {"platform_available_cents": 0})
    made = await refund(lesson, 10_000)
    assert made.state == "pending"
    await market.travel(market.clock.now() + timedelta(hours=2))
    run = await market.money.reconciliation.run(cause="test")
    assert (run.differences, await found(market)) == (0, {})


async def test_a_charge_turned_into_credit_and_disputed_reconciles(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=20)
    await lesson.cancel()
    (intent,) = await market.intents(lesson.id)
    made = await market.control(f"/_emulator/charges/{intent['latest_charge']}/dispute", {})
    await market.settle()
    await reconciled(market)
    await market.control(f"/_emulator/disputes/{made['id']}/lose", {})
    await market.settle()
    assert await reconciled(market) == {"SP": -1820, "XPR": 320, "XDF": 1500}


async def test_what_a_report_may_take_away_is_neither_topped_up_nor_paid_out(
    market: Market,
) -> None:
    lesson = await market.lesson()
    wish = Grant(
        user_id=lesson.student.user_id, amount_cents=3000, expires_at=None, reason="a test"
    )
    await market.money.credits.grant(
        wish, lot_id=new_id(market.clock.now()), viewer=lesson.instructor
    )
    await lesson.book()
    await lesson.after_end(hours=1)
    shows = market.money.no_shows
    await shows.report(lesson.id, "instructor", viewer=lesson.student)
    await shows.contest(lesson.id, viewer=lesson.instructor)
    await lesson.after_end(days=6)
    # the bank would have let it go: taken, and kept here
    booking = await lesson.read()
    assert (booking.status, booking.payment_status) == ("completed", "payout_pending")
    assert (await balances(market))["SC"] == 7000
    instructor_id = lesson.instructor.user_id
    assert await frozen_of_instructor(market.db.reads, instructor_id=instructor_id) == 8500
    await shows.resolve(lesson.id, is_upheld=False, viewer=_admin(lesson))
    await market.settle()
    assert (await lesson.read()).payment_status == "settled"
    assert (await reconciled(market))["SC"] == 8500
    assert await frozen_of_instructor(market.db.reads, instructor_id=instructor_id) == 0


LOST = {"SP": -1820, "XPR": 320, "XDF": 1500}


@pytest.mark.parametrize("cents", [3000, 10_000])
async def test_a_lost_dispute_after_a_failed_refund_takes_back_what_is_left(
    market: Market, cents: int
) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=30)
    made = await refund(lesson, cents)
    await market.control(f"/_emulator/refunds/{made.stripe_refund_id}/fail", {})
    await market.settle()
    assert (await lesson.totals())["CLR"] == -cents
    (intent,) = await market.intents(lesson.id)
    charge = f"/_emulator/charges/{intent['latest_charge']}/dispute"
    dispute = await market.control(charge, {})
    await market.settle()
    await market.control(f"/_emulator/disputes/{dispute['id']}/lose", {})
    await market.settle()
    assert (await lesson.read()).payment_status == "dispute_lost"
    assert await lesson.totals() == LOST
    instructor_id = lesson.instructor.user_id
    assert await frozen_of_instructor(market.db.reads, instructor_id=instructor_id) == 0
    await reconciled(market)


async def test_an_inquiry_freezes_nothing_and_a_lost_dispute_until_it_is_taken_back(
    market: Market,
) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=30)
    instructor_id = lesson.instructor.user_id

    async def frozen() -> int:
        return await frozen_of_instructor(market.db.reads, instructor_id=instructor_id)

    (intent,) = await market.intents(lesson.id)
    charge = f"/_emulator/charges/{intent['latest_charge']}/dispute"
    asked = await market.control(charge, {"inquiry": True})
    await market.settle()
    assert ((await lesson.read()).payment_status, await frozen()) == ("disputed", 0)
    await market.control(f"/_emulator/disputes/{asked['id']}/escalate", {})
    await market.settle()
    assert await frozen() == 10_000
    match = {"method": "POST", "path": "/reversals$"}
    await market.control("/_emulator/faults", {"action": "500_before", "match": match, "times": 20})
    await market.control(f"/_emulator/disputes/{asked['id']}/lose", {})
    await market.settle()
    assert ((await lesson.read()).payment_status, await frozen()) == ("dispute_lost", 10_000)
    await market.http.delete("/_emulator/faults")
    await market.money.payments.rescue(is_boot=True)
    await market.settle()
    assert await frozen() == 0


def _admin(lesson: Lesson) -> Viewer:
    return Viewer(
        user_id=lesson.student.user_id,
        roles=frozenset({"admin"}),
        session_id=lesson.student.session_id,
        request_id="a report",
    )


async def test_a_refund_that_stripe_does_not_answer_is_kept_and_made_once(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=30)
    rule = {"action": "500_before", "times": 0, "match": {"path": "^/v1/refunds$"}}
    fault = await market.control("/_emulator/faults", rule)
    refund_id = new_id(market.clock.now())
    wish = RefundWish(amount_cents=4000, reason="a test")

    async def ask() -> Refund:
        return await market.money.refunds.refund(
            lesson.id, wish, refund_id=refund_id, viewer=lesson.student
        )

    assert (await ask()).state == "planned"
    await market.http.delete(f"/_emulator/faults/{fault['id']}")
    await market.money.payments.rescue(is_boot=True)
    assert (await ask()).state == "succeeded"
    await market.settle()
    given = (await market.http.get("/v1/refunds", params={"limit": 10})).json()["data"]
    assert [each["amount"] for each in given] == [4000]
    assert await reconciled(market) == {
        "SP": 580, "SC": 5100, "WAL": -5100, "REV": -900, "XPR": 320,
    }  # fmt: skip
