"""Cards that fail, banks that ask, money that is lost: what still brings the lesson about."""

from datetime import timedelta

import pytest

from sandbox.client import JSON, Market, Refused, fresh_key
from tests.journeys.kit import PLAIN, Lesson

pytestmark = pytest.mark.world

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
NEEDS_A_CHALLENGE = "pm_card_authenticationRequired"


async def booked(market: Market, *steps: str, card: str | None = None) -> Lesson:
    lesson = await Lesson.arrange(market)
    await lesson.book(card or await lesson.script(*steps))
    return lesson


async def use(lesson: Lesson, card: str) -> JSON:
    wish = {"booking_id": lesson.booking["id"], "payment_method_id": card}
    answer = await lesson.student.post("/api/payments/update-method", wish, key=fresh_key())
    await lesson.travel(await lesson.market.now())
    await lesson.read()
    return answer


async def settled(lesson: Lesson) -> dict[str, int]:
    await lesson.after_end(hours=24)
    await lesson.read()
    return await lesson.totals()


async def test_m14_a_stolen_card_is_never_tried_again(market: Market) -> None:
    lesson = await booked(market, "stolen_card")
    await lesson.before(hours=15)
    assert (await lesson.read())["payment_status"] == "card_required"
    assert await lesson.writes("/confirm") == 1
    await use(lesson, "pm_card_visa")
    assert lesson.booking["payment_status"] == "authorized"
    assert await lesson.writes("/confirm") == 2
    assert await settled(lesson) == PAID
    assert len(await lesson.intents()) == 1
    assert await lesson.writes_total() == {**PLAIN, "attach": 2, "confirm": 2}


async def test_m15_a_challenge_is_passed_by_the_link_in_the_mail(market: Market) -> None:
    lesson = await booked(market, card=NEEDS_A_CHALLENGE)
    await lesson.before(hours=20)
    assert (await lesson.read())["payment_status"] == "action_required"
    assert await lesson.writes("/confirm") == 1
    (mail,) = await lesson.mails("bank asks")
    assert lesson.booking["id"] in mail["text"]
    shown = await lesson.student.get(f"/api/bookings/{lesson.booking['id']}")
    (intent,) = await lesson.intents()
    assert shown["payment"]["action"] == "authorize"
    assert shown["payment"]["client_secret"].startswith(intent["id"])
    await lesson.stripe_form(
        f"/v1/payment_intents/{intent['id']}/confirm", payment_method=NEEDS_A_CHALLENGE
    )
    await lesson.stripe_post(f"/_emulator/3ds/{intent['id']}/complete", {})
    await lesson.travel(await market.now())
    assert (await lesson.read())["payment_status"] == "authorized"
    assert await settled(lesson) == PAID
    assert [each["id"] for each in await lesson.intents()] == [intent["id"]]
    # the student's own browser confirmed the second time
    assert await lesson.writes_total() == PLAIN


async def test_m16_a_challenge_that_nobody_passes_ends_the_lesson(market: Market) -> None:
    lesson = await booked(market, card=NEEDS_A_CHALLENGE)
    await lesson.before(hours=6)
    await lesson.read()
    assert (lesson.booking["status"], lesson.booking["outcome"]) == ("cancelled", "payment_failed")
    assert await lesson.totals() == {}
    assert [each["status"] for each in await lesson.intents()] == ["canceled"]
    assert await lesson.writes_total() == {"attach": 1, "create": 1, "confirm": 1, "release": 1}
    assert await lesson.is_listed()


async def test_m17_without_a_reservation_a_credit_tier_is_free(market: Market) -> None:
    lesson = await booked(market, *["insufficient_funds"] * 9)
    await lesson.before(hours=13)
    await lesson.cancel()
    assert (lesson.booking["outcome"], lesson.booking["payment_status"]) == ("free", "released")
    assert await lesson.totals() == {}
    assert await lesson.writes_total() == {"attach": 1, "create": 1, "confirm": 4, "release": 1}
    credit = await lesson.student.get("/api/payments/credits/balance")
    assert credit["lots"] == []


async def in_debt(market: Market) -> Lesson:
    lesson = await booked(market, *["insufficient_funds"] * 9)
    await lesson.before(hours=10)
    await lesson.cancel()
    return lesson


async def test_m18_what_cannot_be_collected_is_a_debt(market: Market) -> None:
    lesson = await in_debt(market)
    assert (lesson.booking["outcome"], lesson.booking["payment_status"]) == (
        "charged",
        "collection",
    )
    assert await lesson.totals() == {}
    assert await lesson.writes_total() == {"attach": 1, "create": 1, "confirm": 5}
    (mail,) = await lesson.mails("please pay $100.00")
    assert f"/lessons/{lesson.booking['id']}" in mail["text"]
    (told,) = await lesson.mails("not yet paid", to=lesson.offer.instructor)
    assert "$85.00 when they have paid" in told["text"]


async def test_a_debt_is_paid_with_another_card(market: Market) -> None:
    lesson = await in_debt(market)
    with pytest.raises(Refused) as refusal:
        await use(lesson, await lesson.script("insufficient_funds"))
    assert refusal.value.code == "card-declined"
    await use(lesson, "pm_card_visa")
    assert lesson.booking["payment_status"] == "settled"
    assert await lesson.totals() == PAID
    await lesson.after_end(days=20)
    assert (await lesson.read())["payment_status"] == "settled"


async def test_a_debt_is_given_up_after_a_fortnight(market: Market) -> None:
    lesson = await in_debt(market)
    fired = await lesson.travel(await market.now() + timedelta(days=14))
    assert "write_off" in [each["kind"] for each in fired]
    assert (await lesson.read())["payment_status"] == "written_off"
    assert await lesson.totals() == {}
    assert [each["status"] for each in await lesson.intents()] == ["canceled"]


async def test_a_card_renewed_by_its_network_is_tried_again(market: Market) -> None:
    lesson = await booked(market, "expired_card", "ok")
    await lesson.before(hours=23)
    assert (await lesson.read())["payment_status"] == "card_required"
    methods = await lesson.student.get("/api/payments/methods")
    method_id = methods["items"][0]["id"]
    await lesson.stripe_post(f"/_emulator/payment_methods/{method_id}/update", {})
    await lesson.travel(await market.now())
    assert (await lesson.read())["payment_status"] == "authorized"
    assert await settled(lesson) == PAID


async def test_lost_money_is_reserved_anew_before_the_lesson(market: Market) -> None:
    lesson = await booked(market, card="pm_card_visa")
    await lesson.before(hours=20)
    (intent,) = await lesson.intents()
    await lesson.stripe_form(f"/v1/payment_intents/{intent['id']}/cancel")
    await lesson.travel(await market.now())
    assert (await lesson.read())["payment_status"] == "authorized"
    assert await settled(lesson) == PAID
    assert sorted(each["status"] for each in await lesson.intents()) == ["canceled", "succeeded"]


@pytest.mark.parametrize("hours", [-0.5, 3])
async def test_money_lost_after_the_lesson_began_is_asked_for_once_more(
    market: Market, hours: float
) -> None:
    lesson = await booked(market, card="pm_card_visa")
    await lesson.after_end(hours=hours)
    (intent,) = await lesson.intents()
    await lesson.stripe_form(f"/v1/payment_intents/{intent['id']}/cancel")
    assert await settled(lesson) == PAID
    assert lesson.booking["status"] == "completed"


async def test_an_answer_missing_at_the_last_moment_frees_the_slot(market: Market) -> None:
    lesson = await booked(market, "stolen_card")
    await lesson.before(hours=6, seconds=30)
    rule = {"action": "500_after_commit", "times": 0, "match": {"path": ".*/confirm"}}
    silent = {"action": "drop", "times": 0, "match": {"event": ".*"}}
    faults = [await lesson.stripe_post("/_emulator/faults", each) for each in (rule, silent)]
    try:
        with pytest.raises(Refused) as refusal:
            await use(lesson, "pm_card_visa")
        assert refusal.value.code == "payment-unavailable"
        await lesson.before(hours=6)
        await lesson.read()
        assert (lesson.booking["status"], lesson.booking["outcome"]) == (
            "cancelled",
            "payment_failed",
        )
        assert lesson.booking["payment_status"] != "authorized"
        assert await lesson.is_listed()
    finally:
        for fault in faults:
            await lesson.stripe_delete(f"/_emulator/faults/{fault['id']}")
    await lesson.before(hours=4)
    assert (await lesson.read())["payment_status"] == "released"
    assert await lesson.totals() == {}
    assert [each["status"] for each in await lesson.intents()] == ["canceled"]


async def test_late_money_finds_its_slot_gone_and_is_let_go(market: Market) -> None:
    lesson = await Lesson.arrange(market, lead=timedelta(hours=10))
    answer = await lesson.book(NEEDS_A_CHALLENGE)
    assert answer["payment"]["action"] == "authorize"
    first = lesson.booking
    (intent,) = await lesson.intents()
    await lesson.travel(await market.now() + timedelta(minutes=16))
    assert (await lesson.read())["status"] == "expired"
    other = await market.register("o." + fresh_key()[:8] + "@example.com", "Oda", "student", "UTC")
    assert (await lesson.book(by=other))["booking"]["status"] == "confirmed"
    lesson.booking = first
    released = await lesson.intents()
    assert [each["status"] for each in released] == ["canceled"]
    with pytest.raises(Exception, match="40"):
        await lesson.stripe_post(f"/_emulator/3ds/{intent['id']}/complete", {})
    await lesson.read()
    assert (lesson.booking["status"], lesson.booking["payment_status"]) == ("expired", "released")
    assert await lesson.totals() == {}
