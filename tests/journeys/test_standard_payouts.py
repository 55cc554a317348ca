"""Instructors are paid out week by week: what is theirs for sure, and never while books differ."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from domain.standard_payouts import next_payout_at
from sandbox.client import JSON, Market
from sandbox.ports import free_port
from sandbox.world import World
from tests.journeys.kit import Lesson

pytestmark = pytest.mark.world

TAMPER = "UPDATE ledger_balances SET balance_cents = balance_cents + $2 WHERE account = $1"


@pytest_asyncio.fixture(scope="module")
async def weekly(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A marketplace that pays out on Mondays."""
    folder: Path = tmp_path_factory.mktemp("weekly")
    settings = {"PAYOUT_SCHEDULE": "weekly"}
    whole = World(folder / "world", free_port(), settings=settings, demo=False)
    await whole.start()
    yield whole
    await whole.stop()


@pytest_asyncio.fixture
async def mondays(weekly: World) -> AsyncIterator[Market]:
    async with Market(weekly.url) as market:
        yield market
        await market.send("POST", "/sandbox/clock", body={"frozen": False})


async def payouts(lesson: Lesson) -> list[JSON]:
    """The instructor's payouts, oldest first."""
    history = await lesson.offer.instructor.get("/api/instructor/analytics/payouts")
    return list(reversed(history["items"]))


async def monday_after(lesson: Lesson, at: datetime) -> datetime:
    """When the instructor is paid next."""
    due_at = next_payout_at("weekly", UUID(lesson.offer.instructor.id), after=at)
    assert due_at is not None
    return due_at


async def taught(market: Market) -> Lesson:
    """A lesson that ends a week before a Monday on which its money is available."""
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.after_end(hours=25)
    return lesson


async def test_a_lesson_is_paid_out_on_a_monday_without_asking(mondays: Market) -> None:
    lesson = await taught(mondays)
    # three days later the money is available for sure
    monday = await monday_after(lesson, lesson.end_at + timedelta(days=6))
    await lesson.travel(monday)
    (payout,) = await payouts(lesson)
    assert (payout["net_cents"], payout["is_instant"], payout["is_asked"]) == (8500, False, False)
    created_at = datetime.fromisoformat(payout["created_at"])
    assert created_at.astimezone(UTC).weekday() == 0
    await lesson.travel(monday + timedelta(days=4))
    (payout,) = await payouts(lesson)
    assert payout["state"] == "paid"
    admin = await mondays.admin()
    run = await admin.post("/api/admin/reconciliation")
    assert (run["differences"], run["unseen_accounts"]) == (0, [])


async def test_an_incident_holds_payouts_and_its_end_lets_them_go(
    mondays: Market, weekly: World
) -> None:
    lesson = await taught(mondays)
    status = await lesson.offer.instructor.get("/api/instructor/stripe/status")
    account = f"SC:{status['account_id']}"
    before = await payouts(lesson)
    monday = await monday_after(lesson, lesson.end_at + timedelta(days=6))
    await tamper(weekly, account, 1)
    assert await are_stopped(mondays) is True
    await lesson.travel(monday)
    assert await payouts(lesson) == before == []
    await tamper(weekly, account, -1)
    assert await are_stopped(mondays) is False
    await lesson.travel(await mondays.now() + timedelta(minutes=1))
    assert [each["net_cents"] for each in await payouts(lesson)] == [8500]


async def tamper(world: World, account: str, cents: int) -> None:
    """Write past the application, as the database's owner can."""
    connection = await asyncpg.connect(world.database_url)
    await connection.execute(TAMPER, account, cents)
    await connection.close()


async def are_stopped(market: Market) -> bool:
    """Compare the books; whether payouts wait then."""
    admin = await market.admin()
    await admin.post("/api/admin/reconciliation")
    page = await admin.get("/api/admin/reconciliation", state="open")
    return bool(page["payouts_are_stopped"])


async def test_the_dashboard_at_stripe_is_one_click_away(mondays: Market) -> None:
    lesson = await Lesson.arrange(mondays)
    path = "/api/instructor/stripe/dashboard-link"
    link = await lesson.offer.instructor.post(path)
    status = await lesson.offer.instructor.get("/api/instructor/stripe/status")
    assert f"/express/{status['account_id']}/" in link["url"]
