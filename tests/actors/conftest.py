"""Fixtures of the actor tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateways.clock import SharedClock
from sandbox.clock import ClockWriter
from sandbox.emulator import Emulator
from sandbox.nats import Nats
from sandbox.ports import free_port
from tests.actors import calendar_world
from tests.actors.money_kit import Market, open_market


@pytest_asyncio.fixture(scope="session")
async def own_nats_url(worker_directory: Path) -> AsyncIterator[str]:
    """Return a NATS of this worker's own: who hosts calendars hears what is asked on the bus."""
    nats = Nats(worker_directory / "own nats", free_port(), "secret")
    await nats.start()
    yield nats.url
    await nats.stop()


@pytest_asyncio.fixture
async def shop(
    database_url: str, own_nats_url: str, clock_writer: ClockWriter
) -> AsyncIterator[calendar_world.Market]:
    """Return a marketplace whose calendars live in this process; its time stands at `NOW`."""
    clock_writer.freeze(calendar_world.NOW)
    clock = SharedClock(clock_writer.path)
    async with calendar_world.market(database_url, own_nats_url, clock) as made:
        yield made


@pytest.fixture
def payout_rhythm() -> str:
    """Return how often the market pays out; tests of that override it."""
    return "manual"


@pytest_asyncio.fixture
async def market(
    fresh_database_url: str,
    nats_url: str,
    stripe_emulator: Emulator,
    clock_writer: ClockWriter,
    payout_rhythm: str,
) -> AsyncIterator[Market]:
    """Return a marketplace of this test's own, at a Stripe that knows nobody, with its money."""
    async with open_market(
        fresh_database_url, nats_url, stripe_emulator, clock_writer, payout_rhythm=payout_rhythm
    ) as opened:
        yield opened
