"""The money scenarios of the spine, to the cent, through HTTP and the virtual clock.

Expected: the booking's ledger by account class, in cents, debit positive.
"""

from datetime import datetime, timedelta

import pytest

from sandbox.client import Market, Refused
from tests.journeys.kit import PLAIN, Lesson

pytestmark = pytest.mark.world

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
TURNED_INTO_CREDIT = {"SP": 9680, "CRA": -10000, "XPR": 320}


async def test_m01_a_lesson_is_authorised_a_day_before_and_captured_a_day_after(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    answer = await lesson.book()
    assert answer["payment"]["action"] == "none"
    assert (lesson.booking["status"], lesson.booking["payment_status"]) == (
        "confirmed",
        "scheduled",
    )
    assert await lesson.intents() == []

    fired = await lesson.before(hours=24)
    assert [f["kind"] for f in fired] == ["authorize"]
    assert (await lesson.read())["payment_status"] == "authorized"
    assert await lesson.totals() == {}

    fired = await lesson.after_end(hours=24)
    assert [f["kind"] for f in fired] == ["start", "complete", "capture"]
    assert (await lesson.read())["payment_status"] == "settled"
    assert lesson.booking["status"] == "completed"
    assert await lesson.totals() == PAID
    assert len(await lesson.intents()) == 1
    assert await lesson.writes("/confirm") == 1
    assert await lesson.writes("/capture") == 1
    assert await lesson.writes_total() == PLAIN


async def test_m01_every_timing_fires_at_its_own_due_time(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    fired = await lesson.after_end(hours=25)
    assert {f["kind"]: datetime.fromisoformat(f["due_at"]) for f in fired} == {
        "authorize": lesson.start_at - timedelta(hours=24),
        "start": lesson.start_at,
        "complete": lesson.end_at,
        "capture": lesson.end_at + timedelta(hours=24),
    }
    captured = (await lesson.intents())[0]
    charge = await lesson.stripe(f"/v1/charges/{captured['latest_charge']}")
    transaction = await lesson.stripe(f"/v1/balance_transactions/{charge['balance_transaction']}")
    due_at = lesson.end_at + timedelta(hours=24)
    assert transaction["created"] == int(due_at.timestamp())


async def test_m02_the_fee_is_rounded_half_up_once(market: Market) -> None:
    lesson = await Lesson.arrange(market, price_cents=4999)
    await lesson.book()
    await lesson.after_end(hours=24)
    expected = {"SP": 575, "SC": 4249, "WAL": -4249, "REV": -750, "XPR": 175}
    assert await lesson.totals() == expected
    assert await lesson.writes_total() == PLAIN


async def test_m04_a_lesson_today_is_authorised_at_once_with_a_longer_window(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market, lead=timedelta(hours=6))
    await lesson.book()
    assert lesson.booking["payment_status"] == "authorized"
    intent = (await lesson.intents())[0]
    charge = await lesson.stripe(f"/v1/charges/{intent['latest_charge']}")
    window = charge["payment_method_details"]["card"]["capture_before"] - charge["created"]
    assert timedelta(seconds=window) == timedelta(days=7)

    fired = await lesson.after_end(hours=24)
    assert [f["kind"] for f in fired] == ["start", "complete", "capture"]
    assert await lesson.totals() == PAID
    assert await lesson.writes_total() == PLAIN


async def test_m05_a_declined_card_leaves_the_slot_to_somebody_else(market: Market) -> None:
    lesson = await Lesson.arrange(market, lead=timedelta(hours=6))
    with pytest.raises(Refused) as refusal:
        await lesson.book("pm_card_visa_chargeDeclined")
    assert (refusal.value.status, refusal.value.code) == (402, "card-declined")
    lesson.booking = {"id": refusal.value.problem["booking_id"]}
    assert (await lesson.read())["status"] == "pending"
    assert not await lesson.is_listed()

    cancelled = await lesson.cancel()
    assert (cancelled["status"], cancelled["outcome"]) == ("cancelled", "free")
    assert await lesson.totals() == {}
    assert all(intent["status"] == "canceled" for intent in await lesson.intents())
    assert await lesson.writes_total() == {"attach": 1, "create": 1, "release": 1}
    assert await lesson.is_listed()

    other = await market.register(f"o.{lesson.student.email}", "Other", "student", "UTC")
    await lesson.book(by=other)
    assert lesson.booking["status"] == "confirmed"


@pytest.mark.parametrize(
    ("name", "ahead", "outcome", "expected"),
    [
        ("m08", timedelta(hours=23, minutes=59, seconds=59), "credit", TURNED_INTO_CREDIT),
        ("m09", timedelta(hours=12), "credit", TURNED_INTO_CREDIT),
        ("m10", timedelta(hours=11, minutes=59, seconds=59), "charged", PAID),
    ],
    ids=["M08", "M09", "M10"],
)
async def test_m08_to_m10_a_cancellation_costs_by_how_late_it_comes(
    market: Market, name: str, ahead: timedelta, outcome: str, expected: dict[str, int]
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.travel(lesson.start_at - ahead)
    cancelled = await lesson.cancel()
    assert (cancelled["status"], cancelled["outcome"]) == ("cancelled", outcome), name
    assert await lesson.totals() == expected
    assert await lesson.writes_total() == PLAIN
    assert await lesson.is_listed() == (ahead > timedelta(minutes=30))

    credit = await lesson.student.get("/api/payments/credits/balance")
    assert credit["balance_cents"] == (10_000 if outcome == "credit" else 0)
    if outcome == "credit":
        issued_at = lesson.start_at - ahead
        expires_at = datetime.fromisoformat(credit["lots"][0]["expires_at"])
        assert expires_at - issued_at == timedelta(days=365)


async def test_a_cancellation_a_day_before_is_free(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.travel(lesson.start_at - timedelta(hours=24, seconds=1))
    cancelled = await lesson.cancel()
    assert (cancelled["outcome"], cancelled["payment_status"]) == ("free", "released")
    assert await lesson.totals() == {}
    assert await lesson.intents() == []


async def test_m12_the_second_try_of_the_ladder_succeeds(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book(await lesson.script("insufficient_funds", "ok"))
    await lesson.before(hours=24)
    assert (await lesson.read())["payment_status"] == "auth_retry"
    fired = await lesson.before(hours=22)
    assert [f["kind"] for f in fired] == ["authorize"]
    assert (await lesson.read())["payment_status"] == "authorized"
    fired = await lesson.before(hours=17)
    assert fired == []
    assert await lesson.writes("/confirm") == 2
    await lesson.after_end(hours=24)
    assert await lesson.totals() == PAID
    assert await lesson.writes_total() == {**PLAIN, "confirm": 2}


async def test_m13_a_card_that_never_works_is_warned_about_once_and_frees_the_slot(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book("pm_card_chargeCustomerFail")
    fired = await lesson.before(hours=18)
    assert [f["kind"] for f in fired] == ["authorize"] * 4
    assert await lesson.writes("/confirm") == 4
    assert (await lesson.read())["payment_status"] == "card_required"

    fired = await lesson.before(hours=12)
    assert [f["kind"] for f in fired] == ["warn_payment"]
    assert len(await lesson.mails("card")) >= 1
    warned = len(await lesson.mails(""))

    fired = await lesson.before(hours=6)
    assert "cancel_unpaid" in [f["kind"] for f in fired]
    ended = await lesson.read()
    assert (ended["status"], ended["outcome"]) == ("cancelled", "payment_failed")
    assert ended["payment_status"] == "released"
    assert [i["status"] for i in await lesson.intents()] == ["canceled"]
    assert await lesson.writes_total() == {"attach": 1, "create": 1, "confirm": 4, "release": 1}
    assert await lesson.totals() == {}
    assert await lesson.is_listed()
    assert len(await lesson.mails("")) == warned + 1


async def test_a_credit_expires_exactly_a_year_after_its_issue(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=20)
    await lesson.cancel()
    fired = await market.travel(lesson.start_at - timedelta(hours=20) + timedelta(days=365))
    assert "expire_credit" in [f["kind"] for f in fired["fired"]]
    assert (await lesson.student.get("/api/payments/credits/balance"))["balance_cents"] == 0
    assert await lesson.totals() == {"SP": 9680, "XPR": 320, "CRX": -10000}
