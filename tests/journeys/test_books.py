"""Two witnesses of every cent agree, whatever this world has played before."""

from datetime import timedelta

from sandbox.client import Market
from tests.journeys.kit import Lesson


async def test_our_ledger_and_stripes_books_agree_to_the_cent(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.travel(lesson.end_at + timedelta(hours=26))
    admin = await market.admin()
    run = await admin.post("/api/admin/reconciliation")
    assert (run["differences"], run["unseen_accounts"], run["unseen_checks"]) == (0, [], [])
    page = await admin.get("/api/admin/reconciliation", state="open")
    assert (page["items"], page["payouts_are_stopped"]) == ([], False)
