"""Fixtures of the actor tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from gateways.clock import SharedClock
from sandbox.clock import ClockWriter
from sandbox.emulator import Emulator
from sandbox.nats import Nats
from sandbox.ports import free_port
from tests.actors.calendar_world import NOW, Market, market


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
) -> AsyncIterator[Market]:
    """Return a marketplace whose calendars live in this process; its time stands at `NOW`."""
    clock_writer.freeze(NOW)
    async with market(database_url, own_nats_url, SharedClock(clock_writer.path)) as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def own_emulator(worker_directory: Path, clock_file: Path) -> AsyncIterator[Emulator]:
    """An emulator whose books hold nothing but what these tests move."""
    emulator = Emulator(worker_directory / "reconciliation", free_port(), clock_file)
    await emulator.start()
    yield emulator
    await emulator.stop()
