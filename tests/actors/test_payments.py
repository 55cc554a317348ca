"""The money scenarios of the spine to the cent, on real Postgres and the Stripe emulator."""

from datetime import datetime, timedelta

import pytest

from domain.errors import BookingState, CardDeclined, HoldExpired, NotFound, SlotTaken
from storage.credits import lots_of_user
from tests.actors.money_kit import Market

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
TURNED_INTO_CREDIT = {"SP": 9680, "CRA": -10000, "XPR": 320}


async def test_m01_a_lesson_is_authorised_a_day_before_and_captured_a_day_after(
    market: Market,
) -> None:
    lesson = await market.lesson()
    answer = await lesson.book()
    assert answer.payment.action == "none"
    assert (answer.booking.status, answer.booking.payment_status) == ("confirmed", "scheduled")
    assert await market.intents(lesson.id) == []

    assert await lesson.before(hours=24, seconds=1) == []
    assert await lesson.before(hours=24) == ["authorize"]
    assert (await lesson.read()).payment_status == "authorized"
    assert await lesson.totals() == {}

    assert await lesson.after_end(hours=24) == ["start", "complete", "capture"]
    booking = await lesson.read()
    assert (booking.status, booking.payment_status) == ("completed", "settled")
    assert await lesson.totals() == PAID
    assert len(await market.intents(lesson.id)) == 1
    assert await market.writes(lesson.id, "/confirm") == 1
    assert await market.writes(lesson.id, "/capture") == 1


async def test_m02_the_fee_is_rounded_half_up_once(market: Market) -> None:
    lesson = await market.lesson(price_cents=4999)
    await lesson.book()
    await lesson.after_end(hours=24)
    expected = {"SP": 575, "SC": 4249, "WAL": -4249, "REV": -750, "XPR": 175}
    assert await lesson.totals() == expected


async def test_m04_a_lesson_today_is_authorised_at_once_with_a_longer_window(
    market: Market,
) -> None:
    lesson = await market.lesson(lead=timedelta(hours=6))
    answer = await lesson.book()
    assert (answer.booking.status, answer.booking.payment_status) == ("confirmed", "authorized")
    authorized_at = await market.value("SELECT authorized_at FROM authorizations")
    until = await market.value("SELECT capture_before FROM authorizations")
    assert isinstance(authorized_at, datetime)
    assert isinstance(until, datetime)
    assert until - authorized_at == timedelta(days=7)
    assert await lesson.after_end(hours=24) == ["start", "complete", "capture"]
    assert await lesson.totals() == PAID


async def test_m05_a_declined_card_leaves_the_slot_to_somebody_else(market: Market) -> None:
    lesson = await market.lesson(lead=timedelta(hours=6))
    with pytest.raises(CardDeclined) as refusal:
        await lesson.book("pm_card_visa_chargeDeclined")
    assert refusal.value.facts["booking_id"] == str(lesson.id)
    assert (await lesson.read()).status == "pending"
    first = lesson.id

    cancelled = await lesson.cancel()
    assert (cancelled.status, cancelled.outcome) == ("cancelled", "free")
    assert cancelled.payment_status == "released"
    assert await lesson.totals() == {}
    assert all(i["status"] == "canceled" for i in await market.intents(first))

    other = await market._person("student")
    assert (await lesson.book(by=other)).booking.status == "confirmed"


@pytest.mark.parametrize(
    ("ahead", "outcome", "status", "expected"),
    [
        (timedelta(hours=24), "free", "released", {}),
        (
            timedelta(hours=23, minutes=59, seconds=59),
            "credit",
            "credited",
            TURNED_INTO_CREDIT,
        ),
        (timedelta(hours=12), "credit", "credited", TURNED_INTO_CREDIT),
        (timedelta(hours=11, minutes=59, seconds=59), "charged", "settled", PAID),
    ],
)
async def test_m08_to_m10_a_cancellation_costs_by_how_late_it_comes(
    market: Market, ahead: timedelta, outcome: str, status: str, expected: dict[str, int]
) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await market.travel(lesson.start_at - ahead)
    cancelled = await lesson.cancel()
    assert (cancelled.status, cancelled.outcome) == ("cancelled", outcome)
    assert cancelled.payment_status == status
    assert await lesson.totals() == expected

    student, now = lesson.student.user_id, market.clock.now()
    lots = await lots_of_user(market.db.reads, user_id=student, now=now)
    assert [lot.remaining_cents for lot in lots] == ([10_000] if outcome == "credit" else [])
    if outcome == "credit":
        assert lots[0].expires_at == now + timedelta(days=365)


async def test_m12_the_second_try_of_the_ladder_succeeds(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book(await market.script("insufficient_funds", "ok"))
    assert await lesson.before(hours=24) == ["authorize"]
    assert (await lesson.read()).payment_status == "auth_retry"
    assert await lesson.before(hours=22) == ["authorize"]
    assert (await lesson.read()).payment_status == "authorized"
    assert await lesson.before(hours=17) == []
    assert await market.writes(lesson.id, "/confirm") == 2
    await lesson.after_end(hours=24)
    assert await lesson.totals() == PAID


async def test_m13_a_card_that_never_works_is_warned_about_once_and_frees_the_slot(
    market: Market,
) -> None:
    lesson = await market.lesson()
    await lesson.book("pm_card_chargeCustomerFail")
    assert await lesson.before(hours=18) == ["authorize"] * 4
    assert await market.writes(lesson.id, "/confirm") == 4
    assert (await lesson.read()).payment_status == "card_required"
    assert await lesson.before(hours=12) == ["warn_payment"]
    fired = await lesson.before(hours=6)
    assert fired[0] == "cancel_unpaid"
    ended = await lesson.read()
    assert (ended.status, ended.outcome) == ("cancelled", "payment_failed")
    assert ended.payment_status == "released"
    assert [i["status"] for i in await market.intents(lesson.id)] == ["canceled"]
    assert await market.writes(lesson.id, "/confirm") == 4
    assert await lesson.totals() == {}
    topics = "SELECT count(*) FROM outbox WHERE topic = $1"
    assert await market.value(topics, "payment.warned") == 1
    assert await market.value(topics, "booking.cancelled") == 1


async def test_m14_a_stolen_card_is_not_tried_again_and_another_one_saves_the_lesson(
    market: Market,
) -> None:
    lesson = await market.lesson()
    await lesson.book(await market.script("stolen_card"))
    await lesson.before(hours=15)
    assert (await lesson.read()).payment_status == "card_required"
    assert await market.writes(lesson.id, "/confirm") == 1
    answer = await market.money.bookings.update_method(
        lesson.id, payment_method_id="pm_card_visa", viewer=lesson.student
    )
    assert answer.booking.payment_status == "authorized"
    await lesson.after_end(hours=24)
    assert await lesson.totals() == PAID


async def test_m15_a_challenge_passed_late_authorises_the_same_intent(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book("pm_card_authenticationRequired")
    await lesson.before(hours=20)
    assert (await lesson.read()).payment_status == "action_required"
    need = await market.money.bookings.payment_need(lesson.id, lesson.student)
    assert need is not None
    assert need.action == "authorize"
    assert need.client_secret
    intent = (await market.intents(lesson.id))[0]
    await market.control(f"/_emulator/3ds/{intent['id']}/complete", {})
    await market.settle()
    assert (await lesson.read()).payment_status == "authorized"
    await lesson.after_end(hours=24)
    assert await lesson.totals() == PAID
    assert len(await market.intents(lesson.id)) == 1


async def test_m16_a_challenge_never_answered_ends_the_booking(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book("pm_card_authenticationRequired")
    await lesson.before(hours=6)
    ended = await lesson.read()
    assert (ended.outcome, ended.payment_status) == ("payment_failed", "released")
    assert await lesson.totals() == {}


async def test_m17_without_an_authorization_a_cancellation_is_free(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book("pm_card_chargeCustomerFail")
    await lesson.before(hours=13)
    cancelled = await lesson.cancel()
    assert (cancelled.outcome, cancelled.payment_status) == ("free", "released")
    assert await lesson.totals() == {}


async def test_m18_a_late_cancellation_without_money_is_left_to_collect(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book("pm_card_chargeCustomerFail")
    await lesson.before(hours=10)
    cancelled = await lesson.cancel()
    assert (cancelled.outcome, cancelled.payment_status) == ("charged", "collection")
    assert await lesson.totals() == {}
    topics = "SELECT count(*) FROM outbox WHERE topic = 'payment.collection_opened'"
    assert await market.value(topics) == 1


async def test_m24_credit_expires_exactly_a_year_after_its_issue_and_once(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=20)
    await lesson.cancel()
    fired = await market.travel(lesson.start_at - timedelta(hours=20) + timedelta(days=365))
    assert fired.count("expire_credit") == 1
    assert await lesson.totals() == {"SP": 9680, "XPR": 320, "CRX": -10000}
    lot_id = await market.value("SELECT id FROM credit_lots")
    await market.money.credits.expire(lot_id)
    assert await lesson.totals() == {"SP": 9680, "XPR": 320, "CRX": -10000}


async def test_an_instructor_who_cancels_releases_the_money(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=2)
    cancelled = await lesson.cancel(by=lesson.instructor)
    assert (cancelled.outcome, cancelled.payment_status) == ("by_instructor", "released")
    assert [i["status"] for i in await market.intents(lesson.id)] == ["canceled"]
    assert await lesson.totals() == {}
    reason = await market.value("SELECT end_reason FROM authorizations")
    assert reason == "released"


async def test_a_saved_card_books_far_ahead_without_asking_stripe(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    lesson.start_at += timedelta(hours=2)
    count = "SELECT count(*)::int FROM stripe_operations"
    before = await market.value(count)
    answer = await lesson.book(None)
    assert (answer.booking.status, answer.booking.payment_status) == ("confirmed", "scheduled")
    assert await market.value(count) == before


async def test_without_a_card_the_browser_saves_one_and_confirm_goes_on(market: Market) -> None:
    lesson = await market.lesson()
    answer = await lesson.book(None)
    assert (answer.booking.status, answer.booking.payment_status) == ("pending", "card_setup")
    assert answer.payment.action == "setup"
    secret = answer.payment.client_secret
    assert secret
    again = await market.money.bookings.confirm(
        lesson.id, payment_method_id=None, viewer=lesson.student
    )
    assert (again.booking.status, again.payment.client_secret) == ("pending", secret)

    intent = secret.partition("_secret_")[0]
    confirmed = await market.http.post(
        f"/v1/setup_intents/{intent}/confirm",
        data={"payment_method": "pm_card_visa", "client_secret": secret},
        headers={"Authorization": f"Bearer {market.emulator.publishable_key}"},
    )
    assert confirmed.status_code == 200, confirmed.text
    done = await market.money.bookings.confirm(
        lesson.id, payment_method_id=None, viewer=lesson.student
    )
    assert (done.booking.status, done.booking.payment_status) == ("confirmed", "scheduled")
    assert [each.last4 for each in await market.money.cards.methods(lesson.student)] == ["4242"]
    stored = await market.value("SELECT string_agg(result::text, '') FROM stripe_operations")
    assert "secret" not in str(stored)


async def test_the_webhook_alone_confirms_what_the_browser_has_done(market: Market) -> None:
    lesson = await market.lesson(lead=timedelta(hours=6))
    answer = await lesson.book("pm_card_authenticationRequired")
    assert (answer.booking.status, answer.payment.action) == ("pending", "authorize")
    hold = answer.booking.hold_expires_at
    assert hold == answer.booking.created_at + timedelta(minutes=15)
    intent = (await market.intents(lesson.id))[0]
    await market.control(f"/_emulator/3ds/{intent['id']}/complete", {})
    await market.settle()
    booking = await lesson.read()
    assert (booking.status, booking.payment_status) == ("confirmed", "authorized")


async def test_a_hold_that_ends_leaves_nothing_open(market: Market) -> None:
    lesson = await market.lesson(lead=timedelta(hours=6))
    await lesson.book("pm_card_authenticationRequired")
    fired = await market.travel(market.clock.now() + timedelta(minutes=15))
    assert "expire_hold" in fired
    booking = await lesson.read()
    assert (booking.status, booking.payment_status) == ("expired", "released")
    assert [i["status"] for i in await market.intents(lesson.id)] == ["canceled"]
    with pytest.raises(HoldExpired):
        await market.money.bookings.confirm(
            lesson.id, payment_method_id="pm_card_visa", viewer=lesson.student
        )


async def test_money_that_comes_after_the_slot_is_gone_is_released(market: Market) -> None:
    lesson = await market.lesson(lead=timedelta(hours=6))
    await lesson.book("pm_card_authenticationRequired")
    first, intent = lesson.id, (await market.intents(lesson.id))[0]
    # the cardholder says yes at the last moment, and no webhook tells
    market.receiver.is_closed = True
    await market.control(f"/_emulator/3ds/{intent['id']}/complete", {})
    market.writer.freeze(market.clock.now() + timedelta(minutes=16))
    other = await market._person("student")
    await lesson.book(by=other)
    await market.settle()
    late = await market.booking(first)
    assert (late.status, late.outcome, late.payment_status) == ("expired", "slot_lost", "released")
    assert await market.totals(first) == {}


async def test_money_that_comes_late_retakes_a_slot_that_is_still_free(market: Market) -> None:
    lesson = await market.lesson(lead=timedelta(hours=6))
    await lesson.book("pm_card_authenticationRequired")
    intent = (await market.intents(lesson.id))[0]
    market.receiver.is_closed = True
    await market.control(f"/_emulator/3ds/{intent['id']}/complete", {})
    await market.travel(market.clock.now() + timedelta(minutes=16))
    late = await lesson.read()
    assert (late.status, late.payment_status) == ("confirmed", "authorized")


async def test_another_card_saves_a_declined_booking(market: Market) -> None:
    lesson = await market.lesson(lead=timedelta(hours=6))
    with pytest.raises(CardDeclined):
        await lesson.book("pm_card_chargeCustomerFail")
    assert (await lesson.read()).payment_status == "card_required"
    answer = await market.money.bookings.confirm(
        lesson.id, payment_method_id="pm_card_visa", viewer=lesson.student
    )
    assert (answer.booking.status, answer.booking.payment_status) == ("confirmed", "authorized")
    assert len(await market.intents(lesson.id)) == 1


async def test_a_loser_of_a_race_leaves_nothing_at_stripe(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    other = await market._person("student")
    with pytest.raises(SlotTaken):
        await lesson.book(by=other)
    query = "SELECT stripe_customer_id FROM users WHERE id = $1"
    assert await market.value(query, other.user_id) is None


async def test_the_same_request_again_gives_the_same_booking(market: Market) -> None:
    lesson = await market.lesson(lead=timedelta(hours=6))
    first = await lesson.book()
    second = await lesson.book(again=True)
    assert second.booking.id == first.booking.id
    assert second.is_repeat
    assert len(await market.intents(lesson.id)) == 1


async def test_nobody_else_learns_of_a_booking(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    stranger = await market._person("student")
    bookings = market.money.bookings
    with pytest.raises(NotFound):
        await bookings.cancel(lesson.id, reason=None, viewer=stranger)
    with pytest.raises(NotFound):
        await bookings.confirm(lesson.id, payment_method_id=None, viewer=stranger)
    with pytest.raises(NotFound):
        await bookings.update_method(lesson.id, payment_method_id="pm_card_visa", viewer=stranger)
    assert await bookings.payment_need(lesson.id, stranger) is None


async def test_a_cancelled_booking_cannot_be_confirmed(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.cancel()
    with pytest.raises(BookingState):
        await market.money.bookings.confirm(
            lesson.id, payment_method_id=None, viewer=lesson.student
        )
