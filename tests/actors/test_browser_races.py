"""What the browser says and what Stripe tells meet: the student is answered as if alone."""

import asyncio
from datetime import timedelta
from random import Random

import pytest

from actors.bookings import BookingAnswer
from actors.calendar_commands import ExtendHold
from actors.payment_records import Why
from domain.bookings import SYSTEM, Actor
from domain.ids import CommandId, new_id
from domain.operations import (
    Answer,
    Call,
    CancelIntent,
    IntentSeen,
    MethodSeen,
    SetupSeen,
)
from tests.actors.chaos_kit import MOMENTS_MAX, weave
from tests.actors.money_kit import Lesson, Market

ROUNDS = 12
TOLD = "SELECT count(*)::int FROM outbox WHERE topic = $1 AND subject_id = $2"
HEARD = Why(actor=SYSTEM, cause="webhook")


async def saved_in_the_browser(market: Market, secret: str) -> str:
    """Save a card the way the card form does; the id it answers with."""
    intent = secret.partition("_secret_")[0]
    answer = await market.http.post(
        f"/v1/setup_intents/{intent}/confirm",
        data={"payment_method": "pm_card_visa", "client_secret": secret},
        headers={"Authorization": f"Bearer {market.emulator.publishable_key}"},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["payment_method"])


async def hear_of_it(market: Market, lesson: Lesson, secret: str) -> None:
    """Do what the webhook of a saved card does."""
    stripe = market.money.stripe
    seen = await stripe.setup_intent(secret.partition("_secret_")[0])
    assert isinstance(seen, SetupSeen)
    method = await stripe.method(str(seen.payment_method_id))
    assert isinstance(method, MethodSeen)
    await market.money.payments.observe_setup(lesson.id, seen, method, HEARD)


async def look(market: Market, lesson: Lesson, intent: str) -> None:
    """Do what the webhook of a challenge does."""
    seen = await market.money.stripe.intent(intent)
    assert isinstance(seen, IntentSeen)
    await market.money.payments.observe(lesson.id, seen, HEARD)


async def after_a_moment(seed: int, lesson: Lesson, card: str | None) -> BookingAnswer:
    """Confirm as the page does, the later the greater the seed."""
    await asyncio.sleep(MOMENTS_MAX * seed / 2)
    return await lesson.market.money.bookings.confirm(
        lesson.id, payment_method_id=card, viewer=lesson.student
    )


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_a_saved_card_books_whoever_tells_of_it_first(market: Market, seed: int) -> None:
    lesson = await market.lesson()
    booked = await lesson.book(None)
    secret = str(booked.payment.client_secret)
    card = await saved_in_the_browser(market, secret)
    weave(market.process, Random(seed))
    confirm = after_a_moment(seed, lesson, card)
    answer, _ = await asyncio.gather(confirm, hear_of_it(market, lesson, secret))
    assert (answer.booking.status, answer.booking.payment_status) == ("confirmed", "scheduled")
    again = await market.money.bookings.confirm(
        lesson.id, payment_method_id=card, viewer=lesson.student
    )
    assert again.is_repeat
    assert [each.last4 for each in await market.money.cards.methods(lesson.student)] == ["4242"]


async def test_a_hold_is_not_extended_once_the_booking_is_confirmed(market: Market) -> None:
    lesson = await market.lesson()
    booked = await lesson.book("pm_card_visa")
    command = ExtendHold(
        command_id=CommandId(new_id(market.clock.now())),
        actor=Actor(kind="student", id=lesson.student.user_id),
        booking_id=booked.booking.id,
    )
    extended = await market.process.calendars.ask(lesson.instructor.user_id, command)
    assert extended.is_repeat
    assert (extended.booking.status, extended.booking.hold_expires_at) == ("confirmed", None)


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_a_challenge_books_whoever_tells_of_it_first(market: Market, seed: int) -> None:
    lesson = await market.lesson(lead=timedelta(hours=6))
    await lesson.book("pm_card_authenticationRequired")
    intent = str((await market.intents(lesson.id))[0]["id"])
    await market.control(f"/_emulator/3ds/{intent}/complete", {})
    weave(market.process, Random(seed))
    confirm = after_a_moment(seed, lesson, None)
    answer, _ = await asyncio.gather(confirm, look(market, lesson, intent))
    assert (answer.booking.status, answer.booking.payment_status) == ("confirmed", "authorized")


@pytest.mark.parametrize("is_taken", [False, True])
async def test_a_challenge_passed_while_its_money_is_let_go_is_told(
    market: Market, monkeypatch: pytest.MonkeyPatch, *, is_taken: bool
) -> None:
    lesson = await market.lesson(lead=timedelta(hours=6))
    await lesson.book("pm_card_authenticationRequired")
    first, intent = lesson.id, str((await market.intents(lesson.id))[0]["id"])
    market.receiver.is_closed = True
    perform = market.money.stripe.perform

    async def performed(call: Call, *, key: str) -> Answer:
        if isinstance(call, CancelIntent):
            await market.control(f"/_emulator/3ds/{intent}/complete", {})
        return await perform(call, key=key)

    monkeypatch.setattr(market.money.stripe, "perform", performed)
    if is_taken:
        market.writer.freeze(market.clock.now() + timedelta(minutes=16))
        await lesson.book(by=await market._person("student"))
        await market.settle()
    else:
        await market.travel(market.clock.now() + timedelta(minutes=16))
    late = await market.booking(first)
    assert (late.status, late.outcome, late.payment_status) == ("expired", "slot_lost", "released")
    assert await market.totals(first) == {}
    await market.travel(lesson.start_at)
    assert (await market.booking(first)).outcome == "slot_lost"
    assert await market.value(TOLD, "booking.slot_lost", first) == 1
