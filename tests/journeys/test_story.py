"""The demo's story, whole, in a world of its own kind."""

import pytest

from sandbox.client import Market
from sandbox.story import Story

pytestmark = pytest.mark.world

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}


async def test_fifty_students_race_one_wins_and_the_instructor_is_paid(market: Market) -> None:
    lines: list[str] = []
    story = Story(market, tell=lines.append)
    await story.play()
    assert await story.totals() == PAID
    assert await story.connected_balance() == 8500
    told = "\n".join(lines)
    assert "1 booked, 49 were told the time is taken" in told
    assert "is gone (somebody holds it),\n   and with it 6 starts that overlap it." in told
