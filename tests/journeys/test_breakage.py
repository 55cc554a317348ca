"""Credit that ends where the law lets a marketplace keep it: `CREDIT_BREAKAGE=income`."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.client import Market
from sandbox.ports import free_port
from sandbox.world import World
from tests.journeys.kit import PLAIN, Lesson
from tests.journeys.test_credits import balance, ledger_of_student, rearmed

pytestmark = pytest.mark.world

YEAR = timedelta(days=365)


@pytest_asyncio.fixture(scope="module")
async def keeping(run_directory: Path, worker_name: str) -> AsyncIterator[World]:
    """A world of its own that keeps what ends."""
    where = run_directory / f"keeping {worker_name}"
    whole = World(where, free_port(), demo=False, settings={"CREDIT_BREAKAGE": "income"})
    await whole.start()
    yield whole
    await whole.stop()


@pytest_asyncio.fixture
async def market(keeping: World) -> AsyncIterator[Market]:
    """Its marketplace; the clock runs again afterwards."""
    async with Market(keeping.url) as market:
        yield market
        await market.send("POST", "/sandbox/clock", body={"frozen": False})


async def test_m24_a_paid_credit_that_ends_is_income_once(market: Market, keeping: World) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=15)
    await lesson.cancel()
    issued_at = await market.now()
    await market.travel(issued_at + YEAR - timedelta(seconds=1), is_frozen=True)
    assert (await balance(lesson))["balance_cents"] == 10_000
    await market.travel(issued_at + YEAR, is_frozen=True)
    assert (await balance(lesson))["balance_cents"] == 0
    expected = {"SP": 9680, "BRK": -10_000, "XPR": 320}
    assert await ledger_of_student(lesson) == expected
    await rearmed(keeping, lesson)
    await market.travel(issued_at + YEAR + timedelta(hours=1), is_frozen=True)
    assert await ledger_of_student(lesson) == expected
    assert await lesson.writes_total() == PLAIN
