"""Disputes to the cent: open, lost, won, asked about; and an issuer's warning."""

import pytest

from sandbox.client import JSON, Market, Refused, fresh_key
from tests.journeys.kit import PLAIN, Lesson

pytestmark = pytest.mark.world

OPEN = {
    "SP": -10_320,
    "SC": 8500,
    "WAL": -8500,
    "REV": -1500,
    "XPR": 320,
    "XDF": 1500,
    "DSP": 10_000,
}
LOST = {"SP": -1820, "XPR": 320, "XDF": 1500}
WON = {"SP": -320, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320, "XDF": 1500}
PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}


async def disputed(market: Market, card: str = "pm_card_createDispute") -> Lesson:
    lesson = await Lesson.arrange(market)
    await lesson.book(card)
    await lesson.after_end(hours=24)
    await lesson.read()
    return lesson


async def dispute_of(lesson: Lesson) -> JSON:
    listed = await (await lesson.market.admin()).get("/api/admin/disputes")
    (dispute,) = (each for each in listed["items"] if each["booking_id"] == lesson.booking["id"])
    return dispute


async def answer(lesson: Lesson, text: str) -> None:
    dispute = await dispute_of(lesson)
    path = f"/api/admin/disputes/{dispute['id']}/evidence"
    await (await lesson.market.admin()).post(path, {"text": text}, key=fresh_key())
    await lesson.after_end(hours=25)
    await lesson.read()


async def test_m34_a_dispute_is_open_then_lost_and_the_share_is_taken_back(
    market: Market,
) -> None:
    lesson = await disputed(market)
    assert lesson.booking["payment_status"] == "disputed"
    assert await lesson.totals() == OPEN
    await answer(lesson, "losing_evidence")
    assert lesson.booking["payment_status"] == "dispute_lost"
    assert await lesson.totals() == LOST
    assert await lesson.writes_total() == {**PLAIN, "reverse": 1}
    dispute = await dispute_of(lesson)
    assert (dispute["status"], dispute["recovery"]) == ("lost", "done")


async def test_m35_a_won_dispute_costs_its_fee_alone(market: Market) -> None:
    lesson = await disputed(market)
    await answer(lesson, "winning_evidence")
    assert lesson.booking["payment_status"] == "settled"
    assert await lesson.totals() == WON
    assert await lesson.writes_total() == PLAIN
    with pytest.raises(Refused) as again:
        await answer(lesson, "losing_evidence")
    assert (again.value.status, again.value.code) == (409, "dispute-closed")
    assert (await dispute_of(lesson))["status"] == "won"


async def test_nothing_is_refunded_or_paid_out_while_a_bank_decides(market: Market) -> None:
    lesson = await disputed(market)
    admin = await market.admin()
    path = f"/api/admin/bookings/{lesson.booking['id']}/refund"
    with pytest.raises(Refused) as refund:
        await admin.post(path, {"amount_cents": 1, "reason": "no"}, key=fresh_key())
    assert refund.value.code == "booking-state"
    quoted = await lesson.offer.instructor.get("/api/payments/instant-payout")
    assert quoted["quotes"] == []
    with pytest.raises(Refused) as payout:
        await lesson.offer.instructor.post("/api/payments/instant-payout", {}, key=fresh_key())
    assert payout.value.code == "payout-unavailable"
    assert await lesson.totals() == OPEN


async def test_an_inquiry_moves_nothing_and_ends_where_it_began(market: Market) -> None:
    lesson = await disputed(market, "pm_card_createDisputeInquiry")
    assert lesson.booking["payment_status"] == "disputed"
    assert await lesson.totals() == PAID
    await lesson.after_end(days=150)
    assert (await lesson.read())["payment_status"] == "settled"
    assert await lesson.totals() == PAID


async def test_an_inquiry_that_somebody_refunds_in_the_dashboard_ends_refunded(
    market: Market,
) -> None:
    lesson = await disputed(market, "pm_card_createDisputeInquiry")
    (intent,) = await lesson.intents()
    await lesson.stripe_form(
        "/v1/refunds",
        payment_intent=intent["id"],
        reverse_transfer="true",
        refund_application_fee="true",
    )
    await lesson.travel(await market.now())
    assert (await lesson.read())["payment_status"] == "disputed"
    await lesson.after_end(days=150)
    assert (await lesson.read())["payment_status"] == "refunded"
    assert await lesson.totals() == {"SP": -320, "XPR": 320}


async def test_credit_cannot_be_spent_while_a_bank_asks_about_its_payment(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book("pm_card_createDispute")
    await lesson.before(hours=20)
    await lesson.cancel()
    await lesson.travel(await market.now())
    assert (await lesson.read())["payment_status"] == "disputed"
    assert (await lesson.student.get("/api/payments/credits/balance"))["balance_cents"] == 0
    await answer(lesson, "losing_evidence")
    assert lesson.booking["payment_status"] == "dispute_lost"
    assert (await lesson.student.get("/api/payments/credits/balance"))["balance_cents"] == 0
    assert await lesson.totals() == LOST


async def test_a_late_cancellation_that_its_issuer_calls_fraud_goes_back(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book("pm_card_createIssuerFraudRecord")
    await lesson.before(hours=6)
    await lesson.cancel()
    await lesson.travel(await market.now())
    assert (await lesson.read())["payment_status"] == "refunded"
    assert await lesson.totals() == {"SP": -320, "XPR": 320}
    listed = await (await market.admin()).get("/api/admin/refunds")
    mine = [each for each in listed["items"] if each["booking_id"] == lesson.booking["id"]]
    assert [(each["cause"], each["state"]) for each in mine] == [("fraud_warning", "succeeded")]


async def test_a_dispute_is_for_admins_alone(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    for person in (lesson.student, lesson.offer.instructor):
        with pytest.raises(Refused) as refusal:
            await person.get("/api/admin/disputes")
        assert refusal.value.status == 403
