"""kill -9 of any one process at any moment of the story ends in the same final ledger."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sandbox.client import Market
from sandbox.ports import free_port
from sandbox.story import Story, quietly
from sandbox.world import World

pytestmark = pytest.mark.world

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
PROCESSES = ("web", "worker", "clock", "stripe", "nats", "postgres")
SEED = 20_260_309


@pytest.mark.parametrize("victim", PROCESSES)
async def test_a_killed_process_changes_nothing_in_the_end(victim: str, tmp_path: Path) -> None:
    dice = random.Random(f"{SEED} {victim}")
    whole = World(tmp_path / "world", free_port(), demo=False)
    await whole.start()
    try:
        async with Market(whole.url, is_patient=True) as market:
            story = Story(market, tell=quietly, racers=8)
            for _, deed in story.steps:
                await _with_a_crash(whole, victim, deed, after_seconds=dice.random() * 0.4)
            assert await story.totals() == PAID
            assert await story.connected_balance() == 8500
            assert (await (await market.admin()).get("/api/admin/ledger/balances"))[
                "total_cents"
            ] == 0
    finally:
        await whole.stop()


async def _with_a_crash(
    whole: World, victim: str, deed: Callable[[], Awaitable[None]], *, after_seconds: float
) -> None:
    """Plays one step while the victim dies and comes back somewhere in the middle."""
    playing = asyncio.ensure_future(deed())
    await asyncio.sleep(after_seconds)
    await whole.kill(victim)
    await whole.start_process(victim)
    await playing
