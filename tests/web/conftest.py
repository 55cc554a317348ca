"""Chromium before the worker's whole world, and people who use it."""

import secrets
from collections.abc import AsyncIterator
from typing import Protocol

import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from sandbox.client import Market, Offer, Person, open_for_lessons
from sandbox.world import World
from tests.web.kit import ZONE, Visitors

ALL_WEEK = [{"weekday": day, "opens": "09:00", "closes": "17:00"} for day in range(7)]


class Launch(Protocol):
    """How Chromium is started here."""

    executable: str
    flags: list[str]


@pytest_asyncio.fixture(scope="session")
async def chromium_process(chromium: Launch) -> AsyncIterator[Browser]:
    """Return one Chromium for this worker."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.executable, args=chromium.flags
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def visitors(chromium_process: Browser, world: World) -> AsyncIterator[Visitors]:
    """Return what opens windows; they are closed afterwards."""
    people = Visitors(chromium_process, world.url)
    yield people
    for context in people.contexts:
        await context.close()


@pytest_asyncio.fixture
async def market(world: World) -> AsyncIterator[Market]:
    """Return the running marketplace's API; its clock runs again afterwards."""
    async with Market(world.url) as market:
        yield market
        await market.send("POST", "/sandbox/clock", body={"frozen": False})


@pytest_asyncio.fixture
async def offer(market: Market) -> Offer:
    """Return piano lessons that can be booked every day from nine to five in New York."""
    mark = secrets.token_hex(4)
    instructor = await market.register(
        f"ana.{mark}@example.com", "Ana Belén Castellanos-Whitfield", "instructor", ZONE
    )
    return await open_for_lessons(
        instructor,
        skill="piano",
        title="Piano for beginners",
        hourly_rate_cents=6000,
        weekly=ALL_WEEK,
        headline="Patient piano lessons for those who begin and those who come back",
        bio="Fourteen years of teaching.",
        policy={"grid_minutes": 60},
    )


@pytest_asyncio.fixture
async def student(market: Market) -> Person:
    """Return a student without a card."""
    mark = secrets.token_hex(4)
    return await market.register(f"sam.{mark}@example.com", "Sam Okafor", "student", ZONE)
