"""Refunds and disputes that meet, to the cent, on real Postgres and the Stripe emulator."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from actors.credits import Grant
from actors.payment_records import Why
from actors.refunds import RefundWish
from domain.bookings import SYSTEM
from domain.errors import BookingState, Invalid
from domain.ids import new_id
from domain.people import Viewer
from domain.refunds import Refund
from sandbox.clock import ClockWriter
from sandbox.emulator import Emulator
from storage.credits import lots_of_user
from storage.disputes import frozen_of_instructor
from tests.actors.money_kit import Lesson, Market, open_market

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
REFUNDED = {"SP": -320, "XPR": 320}
CREDITED = {"SP": 9680, "CRA": -10_000, "XPR": 320}


@pytest_asyncio.fixture
async def market(
    fresh_database_url: str, nats_url: str, stripe_emulator: Emulator, clock_writer: ClockWriter
) -> AsyncIterator[Market]:
    """A marketplace of this test's own."""
    async with open_market(fresh_database_url, nats_url, stripe_emulator, clock_writer) as opened:
        yield opened


async def paid(market: Market, card: str = "pm_card_visa", *, credit: int = 0) -> Lesson:
    """A lesson that was given and paid for."""
    lesson = await market.lesson()
    if credit:
        wish = Grant(
            user_id=lesson.student.user_id, amount_cents=credit, expires_at=None, reason="a test"
        )
        await market.money.credits.grant(
            wish, lot_id=new_id(market.clock.now()), viewer=lesson.instructor
        )
    await lesson.book(card)
    await lesson.after_end(hours=30)
    return lesson


async def credited(market: Market, card: str = "pm_card_visa") -> Lesson:
    """A lesson that was turned into credit."""
    lesson = await market.lesson()
    await lesson.book(card)
    await lesson.before(hours=20)
    await lesson.cancel()
    return lesson


def admin(lesson: Lesson) -> Viewer:
    return Viewer(
        user_id=lesson.student.user_id,
        roles=frozenset({"admin"}),
        session_id=lesson.student.session_id,
        request_id="a refund",
    )


async def refund(lesson: Lesson, cents: int, *, reverses: bool = True) -> Refund:
    market = lesson.market
    wish = RefundWish(amount_cents=cents, reason="ill", reverses_transfer=reverses)
    made = await market.money.refunds.refund(
        lesson.id, wish, refund_id=new_id(market.clock.now()), viewer=admin(lesson)
    )
    await market.settle()
    return made


async def charge_of(lesson: Lesson) -> str:
    (intent,) = await lesson.market.intents(lesson.id)
    return str(intent["latest_charge"])


async def question(lesson: Lesson, *, settles: bool = True, **how: object) -> str:
    """The bank asks about the charge; the dispute's id."""
    path = f"/_emulator/charges/{await charge_of(lesson)}/dispute"
    made = await lesson.market.control(path, how)
    if settles:
        await lesson.market.settle()
    return str(made["id"])


async def decide(lesson: Lesson, dispute_id: str, how: str) -> None:
    await lesson.market.control(f"/_emulator/disputes/{dispute_id}/{how}", {})
    await lesson.market.settle()


async def refund_at_stripe(lesson: Lesson, **fields: str) -> dict[str, Any]:
    """What somebody does in Stripe's dashboard."""
    form = {"charge": await charge_of(lesson), **fields}
    answer = await lesson.market.http.post("/v1/refunds", data=form)
    assert answer.status_code == 200, answer.text
    await lesson.market.settle()
    return answer.json()


BOTH = {"reverse_transfer": "true", "refund_application_fee": "true"}


async def status(lesson: Lesson) -> str:
    return (await lesson.read()).payment_status


async def spendable(lesson: Lesson) -> list[int]:
    market = lesson.market
    lots = await lots_of_user(
        market.db.reads, user_id=lesson.student.user_id, now=market.clock.now()
    )
    return [each.remaining_cents for each in lots]


async def topics(lesson: Lesson) -> list[str]:
    rows = await lesson.market.db.reads.fetch(
        "SELECT topic FROM outbox WHERE subject_id = $1 AND topic LIKE 'payment.%' ORDER BY id",
        lesson.id,
    )
    return [row[0] for row in rows]


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


async def warn(lesson: Lesson) -> None:
    path = f"/_emulator/charges/{await charge_of(lesson)}/fraud_warning"
    await lesson.market.control(path, {})
    await lesson.market.settle()


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
