"""Random life against the reference: the same seeds each time here, thousands in `make chaos`."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.clock import ClockWriter
from sandbox.emulator import Emulator
from tests.actors.money_kit import Market, open_market
from tests.model.driver import Run
from tests.model.hands import MarketHands
from tests.model.wire import Wire

SEED = int(os.environ.get("SEED", "1"))
RUNS = int(os.environ.get("RUNS", "3"))
STEPS = int(os.environ.get("STEPS", "12"))


@pytest_asyncio.fixture
async def wire(nats_url: str) -> AsyncIterator[Wire]:
    """What the marketplace reaches its bus by."""
    made = Wire(nats_url)
    await made.open()
    yield made
    await made.close()


@pytest_asyncio.fixture
async def market(
    fresh_database_url: str, wire: Wire, stripe_emulator: Emulator, clock_writer: ClockWriter
) -> AsyncIterator[Market]:
    """A marketplace of this test's own, whose line to NATS can be cut."""
    async with open_market(fresh_database_url, wire.url, stripe_emulator, clock_writer) as opened:
        yield opened


# nats-py forgets to close a connection that is cut while it connects anew
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
async def test_any_life_is_what_the_reference_tells(market: Market, wire: Wire, seed: int) -> None:
    run = Run(MarketHands(market), seed, wire)
    await run.live(STEPS)
    print(f"seed {seed}: {dict(run.counted)}")  # noqa: T201 - shown by make chaos
