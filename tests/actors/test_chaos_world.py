"""Random lives of a whole world over its public address, processes dying on the way."""

import os
from pathlib import Path

import pytest

from sandbox.client import Market
from sandbox.ports import free_port
from sandbox.world import World
from tests.model.world_driver import WorldRun
from tests.model.world_hands import WorldHands

SEED = int(os.environ.get("SEED", "1"))
STEPS = int(os.environ.get("WORLD_STEPS", "0"))
A_LIFE = 20
"""Steps of one life; the next one begins with new people in the same world."""

pytestmark = pytest.mark.world


@pytest.mark.skipif(not STEPS, reason="long: part of make chaos (WORLD_STEPS)")
async def test_any_life_over_the_api_is_what_the_reference_tells(tmp_path: Path) -> None:
    settings = {"PAYOUT_SCHEDULE": "manual"}
    world = World(tmp_path / "world", free_port(), settings=settings, demo=False)
    await world.start()
    try:
        async with Market(world.url, is_patient=True) as market:
            for life in range(max(1, STEPS // A_LIFE)):
                run = WorldRun(await WorldHands.of(world, market), SEED + life)
                await run.live(min(STEPS, A_LIFE))
                print(f"seed {SEED + life}: {dict(run.counted)}")  # noqa: T201 - shown by make chaos
    finally:
        await world.stop()
