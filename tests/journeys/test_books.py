"""Two witnesses of every cent agree, whatever this world has played before."""

from datetime import timedelta

import httpx
from prometheus_client.parser import text_string_to_metric_families

from sandbox.client import Market
from sandbox.world import World
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


async def test_one_web_process_tells_what_all_processes_count(market: Market, world: World) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.travel(lesson.end_at + timedelta(hours=26))
    token = {"Authorization": f"Bearer {world.environment['METRICS_TOKEN']}"}
    async with httpx.AsyncClient(base_url=world.url, trust_env=False) as http:
        text = (await http.get("/metrics", headers=token)).text
        assert (await http.get("/metrics")).status_code == 404
    counted = {
        each.name: sum(sample.value for sample in each.samples)
        for each in text_string_to_metric_families(text)
    }
    by_worker, by_web, by_database = "captures", "http_requests_seconds", "recon_incidents_open"
    assert counted[by_worker] >= 1
    assert counted[by_web] > 0
    assert counted[by_database] == 0
    assert counted["oldest_negative_days"] >= 0
