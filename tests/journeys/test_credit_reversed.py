"""The credit rule by its other variant: captured as usual, and the transfer taken back (§1.4 A)."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.client import JSON, Market
from sandbox.world import World
from tests.conftest import free_port
from tests.journeys.kit import PLAIN, Lesson

pytestmark = pytest.mark.world

M08 = {"SP": 9680, "CRA": -10_000, "XPR": 320}
OPEN = {
    "SP": 1180,
    "SC": 8500,
    "WAL": -8500,
    "REV": -1500,
    "CRA": -10_000,
    "CLR": 10_000,
    "XPR": 320,
}
REVERSAL = {"method": "POST", "path": "/v1/transfers/[^/]+/reversals"}


@pytest_asyncio.fixture(scope="module")
async def reversing(run_directory: Path, worker_name: str) -> AsyncIterator[World]:
    """A world of its own whose credit rule reverses."""
    settings = {"CREDIT_RULE": "reversal"}
    where = run_directory / f"reversing {worker_name}"
    whole = World(where, free_port(), demo=False, settings=settings)
    await whole.start()
    yield whole
    await whole.stop()


@pytest_asyncio.fixture
async def market(reversing: World) -> AsyncIterator[Market]:
    """Its marketplace; the clock runs again afterwards."""
    async with Market(reversing.url) as market:
        yield market
        await market.send("POST", "/sandbox/clock", body={"frozen": False})


async def credit_of(lesson: Lesson) -> JSON:
    return await lesson.student.get("/api/payments/credits/balance")


async def agreed(lesson: Lesson) -> None:
    """Stripe's own books add up and agree with ours."""
    books = await lesson.stripe("/_emulator/invariants")
    assert books["ok"] is True, books
    admin = await lesson.market.admin()
    run = await admin.post("/api/admin/reconciliation")
    incidents = await admin.get("/api/admin/reconciliation", state="open")
    assert (run["differences"], incidents["items"]) == (0, [])


async def reversals(lesson: Lesson) -> list[int]:
    """What was taken back of this booking's transfer."""
    (intent,) = await lesson.intents()
    charge = await lesson.stripe(f"/v1/charges/{intent['latest_charge']}")
    listed = await lesson.stripe(f"/v1/transfers/{charge['transfer']}/reversals")
    return [each["amount"] for each in listed["data"]]


@pytest.mark.parametrize(
    "ahead", [timedelta(hours=24) - timedelta(seconds=1), timedelta(hours=12)], ids=["M08", "M09"]
)
async def test_m08_and_m09_end_the_same_by_a_reversal(market: Market, ahead: timedelta) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.travel(lesson.start_at - ahead)
    cancelled = await lesson.cancel()
    assert (cancelled["outcome"], cancelled["payment_status"]) == ("credit", "credited")
    assert await lesson.totals() == M08
    assert await lesson.writes_total() == {**PLAIN, "reverse": 1}
    assert await reversals(lesson) == [10_000]
    (intent,) = await lesson.intents()
    assert intent["metadata"]["kept_as"] == "credit"
    credit = await credit_of(lesson)
    assert credit["balance_cents"] == 10_000
    expires_at = datetime.fromisoformat(credit["lots"][0]["expires_at"])
    assert expires_at - (lesson.start_at - ahead) == timedelta(days=365)
    await agreed(lesson)


async def test_x2_credit_is_there_at_once_though_the_reversal_hangs_for_hours(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=15)
    silence = {"action": "timeout_before", "seconds": 0.05, "times": 0, "match": REVERSAL}
    fault = await lesson.stripe_post("/_emulator/faults", silence)
    admin = await market.admin()
    try:
        cancelled = await lesson.cancel()
        assert (cancelled["outcome"], cancelled["payment_status"]) == ("credit", "credited")
        assert (await credit_of(lesson))["balance_cents"] == 10_000
        assert await lesson.totals() == OPEN
        operations = await admin.get("/api/admin/operations")
        (mine,) = [o for o in operations["items"] if o["booking_id"] == lesson.booking["id"]]
        assert mine["kind"] == "reverse_transfer"
        run = await admin.post("/api/admin/reconciliation")
        assert run["differences"] == 0
        offer = await lesson.offer.instructor.get("/api/payments/instant-payout")
        assert offer["quotes"] == []
        (intent,) = await lesson.intents()
        account = intent["transfer_data"]["destination"]
        balance = await lesson.stripe_of(account, "/v1/balance")
        assert [each["amount"] for each in balance["instant_available"]] == [8500]
        await lesson.before(hours=13)
        assert await lesson.totals() == OPEN
    finally:
        await lesson.stripe_delete(f"/_emulator/faults/{fault['id']}")
    await lesson.before(hours=12.5)
    for _ in range(100):
        if await lesson.totals() == M08:
            break
        await lesson.travel(await market.now() + timedelta(seconds=10))
    assert await lesson.totals() == M08
    assert await reversals(lesson) == [10_000]
    assert (await credit_of(lesson))["balance_cents"] == 10_000
    await agreed(lesson)


async def test_a_reversal_that_stripe_refuses_leaves_the_credit_and_is_tried_by_the_hour(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=15)
    refusal = {
        "action": "refuse",
        "status": 400,
        "reason": "balance_insufficient",
        "times": 0,
        "match": REVERSAL,
    }
    fault = await lesson.stripe_post("/_emulator/faults", refusal)
    try:
        await lesson.cancel()
        assert (await credit_of(lesson))["balance_cents"] == 10_000
        assert await lesson.totals() == OPEN
        fired = await lesson.before(hours=12, minutes=30)
        assert [each["kind"] for each in fired] == ["settle"] * 2
        assert await lesson.totals() == OPEN
    finally:
        await lesson.stripe_delete(f"/_emulator/faults/{fault['id']}")
    await lesson.before(hours=11, minutes=30)
    assert await lesson.totals() == M08
    await agreed(lesson)


async def test_a_restricted_instructor_makes_the_credit_rule_take_all_at_once(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=15)
    (intent,) = await lesson.intents()
    account = intent["transfer_data"]["destination"]
    await lesson.stripe_post(f"/_emulator/accounts/{account}", {"transfers": "inactive"})
    cancelled = await lesson.cancel()
    assert cancelled["payment_status"] == "credited"
    assert await lesson.totals() == M08
    assert await reversals(lesson) == []
    await agreed(lesson)


# I4 counts credit as issued that was taken back with its money
@pytest.mark.leaves("the student pays -10000 of 10000")
async def test_a_fraud_warning_takes_the_credit_back_with_the_money(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book("pm_card_createIssuerFraudRecord")
    await lesson.before(hours=15)
    await lesson.cancel()
    # the warning may have met the open reversal, and is looked at again a moment later
    await lesson.travel(await market.now() + timedelta(minutes=1))
    assert (await lesson.read())["payment_status"] == "refunded"
    assert (await credit_of(lesson))["balance_cents"] == 0
    assert await lesson.totals() == {"SP": -320, "XPR": 320}
    assert await reversals(lesson) == [10_000]
    await agreed(lesson)
