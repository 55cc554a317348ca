"""Refunds to the cent, through HTTP and the virtual clock."""

import pytest

from sandbox.client import JSON, Market, Refused, fresh_key
from tests.journeys.kit import PLAIN, Lesson

pytestmark = pytest.mark.world

REFUNDED = {"SP": -320, "XPR": 320}
PARTLY_REFUNDED = {"SP": 580, "SC": 5100, "WAL": -5100, "REV": -900, "XPR": 320}


async def paid(market: Market) -> Lesson:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.after_end(hours=30)
    return lesson


async def refund(lesson: Lesson, cents: int, *, key: str | None = None, **more: bool) -> JSON:
    admin = await lesson.market.admin()
    path = f"/api/admin/bookings/{lesson.booking['id']}/refund"
    wish = {"amount_cents": cents, "reason": "They were ill.", **more}
    answer = await admin.post(path, wish, key=key or fresh_key())
    await lesson.travel(await lesson.market.now())
    await lesson.read()
    return answer


async def taken_back(lesson: Lesson) -> tuple[list[int], list[int], list[int]]:
    """Refunds, reversals of the transfer and refunds of the fee, as Stripe has them."""
    (intent,) = await lesson.intents()
    charge = await lesson.stripe(f"/v1/charges/{intent['latest_charge']}")
    lists = (
        await lesson.stripe("/v1/refunds", payment_intent=intent["id"]),
        await lesson.stripe(f"/v1/transfers/{charge['transfer']}/reversals"),
        await lesson.stripe(f"/v1/application_fees/{charge['application_fee']}/refunds"),
    )
    refunds, reversals, fees = ([each["amount"] for each in one["data"]] for one in lists)
    return refunds, reversals, fees


async def test_m30_a_full_refund_takes_back_transfer_and_fee(market: Market) -> None:
    lesson = await paid(market)
    answer = await refund(lesson, 10_000)
    assert (answer["refund"]["state"], answer["refund"]["cause"]) == ("succeeded", "admin")
    assert lesson.booking["payment_status"] == "refunded"
    assert await lesson.totals() == REFUNDED
    assert await lesson.writes_total() == {**PLAIN, "refund": 1}
    assert await taken_back(lesson) == ([10_000], [10_000], [1500])
    assert len(await lesson.mails("refund: $100.00")) == 1


async def test_m31_a_refund_of_a_part_takes_back_a_part(market: Market) -> None:
    lesson = await paid(market)
    await refund(lesson, 4000)
    assert lesson.booking["payment_status"] == "partially_refunded"
    assert await lesson.totals() == PARTLY_REFUNDED
    assert await lesson.writes_total() == {**PLAIN, "refund": 1}
    assert await taken_back(lesson) == ([4000], [4000], [600])
    with pytest.raises(Refused) as refusal:
        await refund(lesson, 6001)
    assert (refusal.value.status, refusal.value.code) == (400, "invalid")
    await refund(lesson, 6000)
    assert lesson.booking["payment_status"] == "refunded"
    assert await lesson.totals() == REFUNDED


async def test_a_refund_without_reversal_is_the_platforms_loss(market: Market) -> None:
    lesson = await paid(market)
    await refund(lesson, 10_000, reverse_transfer=False)
    assert await lesson.totals() == {
        "SP": -8820,
        "SC": 8500,
        "WAL": -8500,
        "REV": -1500,
        "XPR": 320,
        "XGW": 10_000,
    }


async def test_the_same_wish_twice_refunds_once(market: Market) -> None:
    lesson = await paid(market)
    first = await refund(lesson, 4000, key="once")
    again = await refund(lesson, 4000, key="once")
    assert again["refund"]["id"] == first["refund"]["id"]
    assert await lesson.totals() == PARTLY_REFUNDED


async def test_nothing_is_refunded_before_it_was_taken(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    with pytest.raises(Refused) as refusal:
        await refund(lesson, 10_000)
    assert refusal.value.code == "booking-state"


async def test_a_refund_made_at_stripe_itself_is_booked_as_well(market: Market) -> None:
    lesson = await paid(market)
    (intent,) = await lesson.intents()
    await lesson.stripe_form(
        "/v1/refunds",
        payment_intent=intent["id"],
        reverse_transfer="true",
        refund_application_fee="true",
    )
    await lesson.travel(await market.now())
    assert (await lesson.read())["payment_status"] == "refunded"
    assert await lesson.totals() == REFUNDED
    listed = await (await market.admin()).get("/api/admin/refunds")
    mine = [each for each in listed["items"] if each["booking_id"] == lesson.booking["id"]]
    assert [(each["cause"], each["state"]) for each in mine] == [("stripe", "succeeded")]


async def test_x6_a_refund_that_fails_is_ours_again_and_waits_for_a_person(
    market: Market,
) -> None:
    lesson = await paid(market)
    made = await refund(lesson, 10_000)
    await lesson.stripe_post(f"/_emulator/refunds/{made['refund']['stripe_refund_id']}/fail", {})
    await lesson.travel(await market.now())
    assert (await lesson.read())["payment_status"] == "refund_failed"
    # the instructor's share has come back, and the student's money is still to be given
    assert await lesson.totals() == {"SP": 9680, "XPR": 320, "CLR": -10_000}
    failed = await (await market.admin()).get("/api/admin/refunds", state="failed")
    assert made["refund"]["id"] in [each["id"] for each in failed["items"]]

    await refund(lesson, 10_000, reverse_transfer=False)
    assert lesson.booking["payment_status"] == "refunded"
    assert await lesson.writes_total() == {**PLAIN, "refund": 2}
    assert await lesson.totals() == REFUNDED
