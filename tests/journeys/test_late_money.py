"""Money that comes when the place is gone, and checkouts that nobody finishes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import pytest

from sandbox.client import JSON, Market, Refused, fresh_key
from tests.journeys.kit import POLL_SECONDS, POLLS_MAX, Lesson

pytestmark = pytest.mark.world

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
NEEDS_A_CHALLENGE = "pm_card_authenticationRequired"
SECOND = timedelta(seconds=1)
READ = {"method": "GET", "path": "/v1/payment_intents/pi_[^/]+$"}
UNREACHABLE = {"action": "500_before", "times": 0, "match": READ}
"""Keeps a late payment alive: nothing is let go at Stripe without a look at it before."""
WEBHOOKS: dict[str, list[JSON]] = {
    "before": [],
    "after": [{"action": "delay", "seconds": 900, "times": 0, "match": {"event": ".*"}}],
    "twice": [{"action": "duplicate", "count": 1, "times": 0, "match": {"event": ".*"}}],
}


async def somebody(market: Market) -> Lesson:
    """A student who was shown the bank's challenge and has not answered it."""
    lesson = await Lesson.arrange(market, lead=timedelta(hours=10))
    answer = await lesson.book(NEEDS_A_CHALLENGE)
    assert (answer["booking"]["status"], answer["payment"]["action"]) == ("pending", "authorize")
    return lesson


async def is_taken_by_somebody_else(lesson: Lesson) -> None:
    """Another student books the start; the first one's booking stays the lesson's."""
    first = lesson.booking
    name = f"o.{fresh_key()[:8]}@example.com"
    other = await lesson.market.register(name, "Oda", "student", "UTC")
    assert (await lesson.book(by=other))["booking"]["status"] == "confirmed"
    lesson.booking = first


async def asked(lesson: Lesson) -> None:
    """The student's browser comes back from the bank and asks what became of it."""
    with suppress(Refused):
        path = f"/api/bookings/{lesson.booking['id']}/confirm"
        await lesson.student.post(path, {}, key=fresh_key())


async def audit(lesson: Lesson) -> list[str]:
    told = await lesson.student.get(f"/api/bookings/{lesson.booking['id']}/events")
    return [each["event"] for each in told["items"]]


async def expired(lesson: Lesson) -> None:
    """Waits until the hold has ended."""
    for _ in range(POLLS_MAX):
        if (await lesson.read())["status"] == "expired":
            return
        await asyncio.sleep(POLL_SECONDS)
    raise TimeoutError("the hold does not end")


@asynccontextmanager
async def after_the_hold(lesson: Lesson, *rules: JSON) -> AsyncIterator[None]:
    """Time stands still at the end of the hold, before anything is let go, while the block lasts.

    The world then goes on; the further rules stay until it has come to rest.
    """
    made = [await lesson.stripe_post("/_emulator/faults", each) for each in (UNREACHABLE, *rules)]
    now = await lesson.market.now()
    travelling = asyncio.ensure_future(lesson.travel(now + timedelta(minutes=40)))
    try:
        await expired(lesson)
        yield
    finally:
        silence, *others = (f"/_emulator/faults/{each['id']}" for each in made)
        await lesson.stripe_delete(silence)
        await travelling
        for each in others:
            await lesson.stripe_delete(each)


async def pass_the_challenge(lesson: Lesson) -> None:
    """The cardholder says yes; the bank reserves the money."""
    (intent,) = await lesson.intents()
    assert intent["status"] == "requires_action"
    await lesson.stripe_post(f"/_emulator/3ds/{intent['id']}/complete", {})
    (late,) = await lesson.intents()
    assert late["status"] == "requires_capture"


@pytest.mark.parametrize("webhook", list(WEBHOOKS))
async def test_a_challenge_passed_when_the_slot_is_gone_is_let_go(
    market: Market, webhook: str
) -> None:
    lesson = await somebody(market)
    async with after_the_hold(lesson, *WEBHOOKS[webhook]):
        await is_taken_by_somebody_else(lesson)
        await pass_the_challenge(lesson)
        await asked(lesson)
    await asked(lesson)
    await lesson.read()
    assert (lesson.booking["status"], lesson.booking["outcome"]) == ("expired", "slot_lost")
    assert lesson.booking["payment_status"] == "released"
    assert [each["status"] for each in await lesson.intents()] == ["canceled"]
    assert (await audit(lesson)).count("booking.slot_lost") == 1
    (mail,) = await lesson.mails("somebody was faster")
    (offer,) = [each for each in mail["text"].splitlines() if "Free at the moment" in each]
    assert offer.count("(UTC)") == 2
    await lesson.after_end(hours=30)
    assert await lesson.writes("/capture") == 0
    assert await lesson.totals() == {}


async def test_a_challenge_passed_late_takes_the_slot_where_it_is_still_free(
    market: Market,
) -> None:
    lesson = await somebody(market)
    async with after_the_hold(lesson):
        await pass_the_challenge(lesson)
    await lesson.read()
    assert (lesson.booking["status"], lesson.booking["payment_status"]) == (
        "confirmed",
        "authorized",
    )
    assert not await lesson.is_listed()
    await lesson.after_end(hours=24)
    assert await lesson.totals() == PAID


@pytest.mark.parametrize(
    ("lead", "card", "action"),
    [
        (timedelta(days=5), None, "setup"),
        (timedelta(hours=10), NEEDS_A_CHALLENGE, "authorize"),
    ],
    ids=["card to be saved", "challenge to be passed"],
)
async def test_an_abandoned_checkout_frees_its_slot_and_is_resumed_in_time(
    market: Market, lead: timedelta, card: str | None, action: str
) -> None:
    lesson = await Lesson.arrange(market, lead=lead)
    first = await lesson.book(card)
    assert (first["booking"]["status"], first["payment"]["action"]) == ("pending", action)
    assert not await lesson.is_listed()

    again = await lesson.book(card)
    assert again["booking"]["id"] == first["booking"]["id"]
    assert again["booking"]["status"] == "pending"
    assert again["payment"] == first["payment"]
    ends_at = datetime.fromisoformat(again["booking"]["hold_expires_at"])

    await lesson.travel(ends_at - SECOND)
    assert not await lesson.is_listed()
    await lesson.travel(ends_at + SECOND)
    assert await lesson.is_listed()
    assert (await lesson.read())["status"] == "expired"

    anew = await lesson.book(card)
    assert anew["booking"]["id"] != first["booking"]["id"]
    assert (anew["booking"]["status"], anew["payment"]["action"]) == ("pending", action)
    assert anew["payment"]["client_secret"] != first["payment"]["client_secret"]
    await lesson.travel(await market.now() + timedelta(minutes=30))
    assert (await lesson.read())["status"] == "expired"
    assert await lesson.totals() == {}
    assert [each["status"] for each in await lesson.intents()] == (["canceled"] if card else [])
