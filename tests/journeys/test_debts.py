"""Debts to the cent, with credit and without, through HTTP and the virtual clock."""

from datetime import timedelta

import pytest

from sandbox.client import JSON, Market, fresh_key
from tests.journeys.kit import Lesson
from tests.journeys.test_credits import balance, ledger_of_student, transfers, with_credit
from tests.journeys.test_disputes import answer
from tests.journeys.test_moves import move

pytestmark = pytest.mark.world

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
PAID_WITH_CREDIT = {
    "SP": -1733,
    "SC": 8500,
    "WAL": -8500,
    "REV": -1500,
    "XPR": 233,
    "XGW": 3000,
}
TURNED_INTO_CREDIT = {"SP": 9680, "CRA": -10000, "XPR": 320}
MINUTES = timedelta(minutes=20)


async def use(lesson: Lesson, card: str) -> JSON:
    """Pays with another card, as the link in the letter asks for."""
    wish = {"booking_id": lesson.booking["id"], "payment_method_id": card}
    answer = await lesson.student.post("/api/payments/update-method", wish, key=fresh_key())
    await lesson.travel(await lesson.market.now())
    await lesson.read()
    return answer


async def in_debt(market: Market, credit_cents: int) -> Lesson:
    """A late cancellation whose card failed the one attempt."""
    lesson = await with_credit(market, credit_cents)
    await lesson.book(await lesson.script(*["insufficient_funds"] * 9))
    await lesson.before(hours=10)
    await lesson.cancel()
    assert (lesson.booking["outcome"], lesson.booking["payment_status"]) == (
        "charged",
        "collection",
    )
    return lesson


async def test_a_debt_keeps_its_credit_and_spends_it_when_it_is_paid(market: Market) -> None:
    lesson = await in_debt(market, 3000)
    assert (await balance(lesson))["balance_cents"] == 0
    assert await ledger_of_student(lesson) == {"CRR": -3000, "XGW": 3000}
    await use(lesson, "pm_card_visa")
    assert lesson.booking["payment_status"] == "settled"
    assert [each["amount"] for each in await transfers(lesson)] == [1500]
    assert await ledger_of_student(lesson) == PAID_WITH_CREDIT
    await lesson.after_end(days=20)
    assert (await lesson.read())["payment_status"] == "settled"
    assert await ledger_of_student(lesson) == PAID_WITH_CREDIT


async def test_a_debt_that_is_given_up_gives_its_credit_back(market: Market) -> None:
    lesson = await in_debt(market, 3000)
    await lesson.travel(await market.now() + timedelta(days=14))
    assert (await lesson.read())["payment_status"] == "written_off"
    assert (await balance(lesson))["balance_cents"] == 3000
    assert await ledger_of_student(lesson) == {"CRA": -3000, "XGW": 3000}
    assert [each["status"] for each in await lesson.intents()] == ["canceled"]


async def test_a_debt_is_given_up_only_when_its_intent_is_closed(market: Market) -> None:
    lesson = await in_debt(market, 3000)
    ends_at = await market.now() + timedelta(days=14)
    await lesson.travel(ends_at - timedelta(seconds=1))
    rule = {"action": "500_before", "times": 0, "match": {"path": ".*/cancel"}}
    fault = await lesson.stripe_post("/_emulator/faults", rule)
    try:
        await lesson.travel(ends_at)
        assert (await lesson.read())["payment_status"] == "collection"
        assert (await balance(lesson))["balance_cents"] == 0
        # the student pays in the very moment: what was open is paid, and the credit is spent
        (intent,) = await lesson.intents()
        await lesson.stripe_form(
            f"/v1/payment_intents/{intent['id']}/confirm", payment_method="pm_card_visa"
        )
    finally:
        await lesson.stripe_delete(f"/_emulator/faults/{fault['id']}")
    await lesson.travel(ends_at + MINUTES)
    paid = (await lesson.read())["payment_status"]
    if paid == "written_off":
        # the release came first: nothing was taken, and the credit is back
        assert await ledger_of_student(lesson) == {"CRA": -3000, "XGW": 3000}
        assert [each["status"] for each in await lesson.intents()] == ["canceled"]
    else:
        assert paid == "settled"
        assert await ledger_of_student(lesson) == PAID_WITH_CREDIT


async def test_a_debt_whose_money_was_lost_at_the_bank_can_be_paid(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.after_end(hours=3)
    (intent,) = await lesson.intents()
    method = intent["payment_method"]
    await lesson.stripe_form(f"/v1/payment_methods/{method}/detach")
    await lesson.stripe_form(f"/v1/payment_intents/{intent['id']}/cancel")
    await lesson.after_end(hours=24)
    assert (await lesson.read())["payment_status"] == "collection"
    await use(lesson, "pm_card_mastercard")
    assert lesson.booking["payment_status"] == "settled"
    assert await lesson.totals() == PAID
    assert sorted(each["status"] for each in await lesson.intents()) == ["canceled", "succeeded"]


async def test_a_debt_whose_intent_somebody_cancelled_can_be_paid_or_given_up(
    market: Market,
) -> None:
    for card in ("pm_card_visa", None):
        lesson = await in_debt(market, 3000)
        (intent,) = await lesson.intents()
        await lesson.stripe_form(f"/v1/payment_intents/{intent['id']}/cancel")
        await lesson.travel(await market.now())
        assert (await lesson.read())["payment_status"] == "collection"
        if card:
            await use(lesson, card)
            assert lesson.booking["payment_status"] == "settled"
            assert await ledger_of_student(lesson) == PAID_WITH_CREDIT
        else:
            await lesson.travel(await market.now() + timedelta(days=14))
            assert (await lesson.read())["payment_status"] == "written_off"
            assert await ledger_of_student(lesson) == {"CRA": -3000, "XGW": 3000}


@pytest.mark.parametrize(
    ("hours", "outcome", "totals"),
    [(20, "credit", TURNED_INTO_CREDIT), (11, "charged", PAID)],
)
async def test_a_cancellation_while_a_move_is_being_released_is_paid_once(
    market: Market, hours: int, outcome: str, totals: dict[str, int]
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=hours)
    rule = {"action": "500_before", "times": 0, "match": {"path": ".*/cancel"}}
    fault = await lesson.stripe_post("/_emulator/faults", rule)
    try:
        goal = lesson.start_at + timedelta(days=10)
        asked = await move(lesson, goal)
        if "proposal" in asked:
            path = f"/api/bookings/{lesson.booking['id']}/proposals/{asked['proposal']['id']}"
            await lesson.offer.instructor.post(f"{path}/accept", {})
        assert (await lesson.read())["payment_status"] == "releasing"
        path = f"/api/bookings/{lesson.booking['id']}/cancel"
        await lesson.student.post(path, {})
        await lesson.read()
        assert (lesson.booking["outcome"], lesson.booking["payment_status"]) == (
            outcome,
            "releasing",
        )
    finally:
        await lesson.stripe_delete(f"/_emulator/faults/{fault['id']}")
    await lesson.travel(await market.now() + MINUTES)
    await lesson.read()
    assert lesson.booking["payment_status"] == ("credited" if outcome == "credit" else "settled")
    assert await lesson.totals() == totals
    assert sorted(each["status"] for each in await lesson.intents()) == ["canceled", "succeeded"]


async def test_a_lost_dispute_ends_no_top_up_that_credit_owes(market: Market) -> None:
    lesson = await with_credit(market, 3000)
    await lesson.book("pm_card_createDispute")
    await lesson.after_end(hours=23)
    was = (await lesson.stripe("/_emulator/config"))["platform_available_cents"]
    await lesson.stripe_post("/_emulator/config", {"platform_available_cents": 0})
    try:
        await lesson.after_end(hours=24, minutes=10)
        assert (await lesson.read())["payment_status"] == "disputed"
        assert await transfers(lesson) == []
        await answer(lesson, "losing_evidence")
        assert lesson.booking["payment_status"] == "dispute_lost"
        assert await transfers(lesson) == []
    finally:
        await lesson.stripe_post("/_emulator/config", {"platform_available_cents": was})
    await lesson.after_end(hours=30)
    assert (await lesson.read())["payment_status"] == "dispute_lost"
    assert [each["amount"] for each in await transfers(lesson)] == [1500]
    assert await ledger_of_student(lesson) == {
        "SP": -3233,
        "SC": 1500,
        "WAL": -1500,
        "REV": -1500,
        "XPR": 233,
        "XDF": 1500,
        "XGW": 3000,
    }
