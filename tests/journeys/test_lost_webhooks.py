"""What Stripe told and nobody heard is found by the hourly look, in a whole world."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from sandbox.client import JSON, Market
from tests.journeys.kit import Lesson

pytestmark = pytest.mark.world

POLL_SECONDS = 0.25
POLLS_MAX = 240
"""The clock asks every quarter of a minute whether an hour is over."""


@asynccontextmanager
async def deaf(lesson: Lesson) -> AsyncIterator[None]:
    """Whatever Stripe tells meanwhile is lost for good."""
    await lesson.stripe_post("/_emulator/faults", {"action": "drop", "times": 0, "match": {}})
    try:
        yield
    finally:
        await lesson.stripe_delete("/_emulator/faults")


async def standing(lesson: Lesson) -> JSON:
    return await lesson.offer.instructor.get("/api/instructor/stripe/status")


async def require(lesson: Lesson, **wanted: object) -> JSON:
    """Lets Stripe ask the instructor for something, or for nothing more; how they stand then."""
    account = (await standing(lesson))["account_id"]
    await lesson.stripe_post(f"/_emulator/accounts/{account}/requirements", wanted)
    await lesson.travel(await lesson.market.now())
    return await standing(lesson)


async def payment_status(lesson: Lesson) -> str:
    return (await lesson.read())["payment_status"]


async def looked_for(lesson: Lesson) -> None:
    """Some hours later: the clock asks for an hourly look by and by, in real time."""
    for _ in range(POLLS_MAX):
        await lesson.travel(await lesson.market.now() + timedelta(minutes=15))
        if await payment_status(lesson) != "settled" and (await standing(lesson))["bookable"]:
            return
        await asyncio.sleep(POLL_SECONDS)


async def test_what_nobody_told_of_is_found_by_the_hourly_look(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book("pm_card_createDisputeInquiry")
    past_due = "requirements.past_due"
    assert not (await require(lesson, due=["x"], disabled_reason=past_due))["bookable"]
    async with deaf(lesson):
        await require(lesson)
        await lesson.after_end(hours=24)
        assert await payment_status(lesson) == "settled"
    await looked_for(lesson)
    assert await payment_status(lesson) == "disputed"
    assert (await standing(lesson))["bookable"]
