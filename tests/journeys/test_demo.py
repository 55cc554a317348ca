"""The demo marketplace: a load that was interrupted goes on where it stopped."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import asyncpg
import pytest

from gateways.clock import SystemClock
from sandbox import demo
from sandbox.ports import free_port
from sandbox.world import World

pytestmark = pytest.mark.world

EVERYBODY = """
SELECT
    (SELECT count(*) FROM instructors WHERE is_published AND has_payouts) AS bookable,
    (SELECT count(*) FROM services) AS services,
    (SELECT count(DISTINCT student_id) FROM bookings) AS students,
    (SELECT max(n) FROM (SELECT count(*) AS n FROM bookings GROUP BY student_id)) AS bookings_max
"""
BOOKED = "SELECT count(*) FROM bookings"


async def test_an_interrupted_demo_goes_on_where_it_stopped(tmp_path: Path) -> None:
    whole = World(tmp_path / "world", free_port(), demo=False)
    await whole.start()
    try:
        until = SystemClock().now() + demo.HISTORY
        await _interrupted(whole, demo.load(whole.url, until=until))
        played = await demo.load(whole.url, until=until)
        assert (len(played.instructors), len(played.students)) == (12, 20)
        connection = await asyncpg.connect(whole.database_url)
        found = await connection.fetchrow(EVERYBODY)
        await connection.close()
        assert dict(found) == {"bookable": 12, "services": 12, "students": 20, "bookings_max": 2}
    finally:
        await whole.stop()


async def _interrupted(whole: World, loading: Awaitable[demo.Demo]) -> None:
    """Plays the demo until a few lessons are booked, and no further."""
    task = asyncio.ensure_future(loading)
    connection = await asyncpg.connect(whole.database_url)
    async with asyncio.timeout(60):
        while await connection.fetchval(BOOKED) < 3:
            pass  # the question itself waits
    await connection.close()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
