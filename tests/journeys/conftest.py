"""A market to play journeys in: the worker's whole world, through its public address."""

from collections.abc import AsyncIterator

import pytest_asyncio

from sandbox.client import Market
from sandbox.world import World


@pytest_asyncio.fixture
async def market(world: World) -> AsyncIterator[Market]:
    """The running marketplace; its clock runs again afterwards."""
    async with Market(world.url) as market:
        yield market
        await market.send("POST", "/sandbox/clock", body={"frozen": False})
