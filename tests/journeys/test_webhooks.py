"""Webhooks that are not Stripe's, or not for us: nothing moves, whatever they say."""

import asyncio
import hashlib
import hmac
from uuid import uuid4

import httpx
import msgspec
import pytest
import stripe

from gateways.clock import SystemClock
from sandbox.client import JSON, Market
from sandbox.world import World
from tests.journeys.kit import PLAIN, POLL_SECONDS, POLLS_MAX, Lesson

pytestmark = pytest.mark.world

DAY_SECONDS = 86_400


def event(lesson_intent: str, **changes: object) -> JSON:
    """Return an event that says that the lesson's money was taken."""
    return {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "type": "payment_intent.succeeded",
        "api_version": stripe.api_version,
        "livemode": False,
        "data": {"object": {"object": "payment_intent", "id": lesson_intent}},
        **changes,
    }


async def send(
    world: World, body: JSON, *, secret: str | None = None, seconds: int = 0
) -> httpx.Response:
    """Send an event signed with a secret (else ours), `seconds` from now."""
    payload = msgspec.json.encode(body)
    key = secret or world.environment["STRIPE_WEBHOOK_SECRETS"].split(",")[0]
    at = int(SystemClock().wall_now().timestamp()) + seconds
    signed = hmac.new(key.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={at},v1={signed}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=world.url, trust_env=False) as http:
        return await http.post("/api/webhooks/stripe", content=payload, headers=headers)


async def money(market: Market, lesson: Lesson) -> JSON:
    """Return all there is to change: the ledger, the booking, and its own lines."""
    admin = await market.admin()
    return {
        "balances": (await admin.get("/api/admin/ledger/balances"))["balances"],
        "booking": await lesson.read(),
        "totals": await lesson.totals(),
        "intents": [(each["id"], each["status"]) for each in await lesson.intents()],
    }


async def listed(market: Market, event_id: str) -> list[JSON]:
    admin = await market.admin()
    return (await admin.get("/api/admin/webhooks", event_id=event_id))["items"]


async def set_aside(market: Market, event_id: str) -> JSON:
    """Return an event when it has been set aside."""
    for _ in range(POLLS_MAX):
        found = await listed(market, event_id)
        if found and found[0]["state"] != "received":
            return found[0]
        await asyncio.sleep(POLL_SECONDS)
    raise AssertionError("the event is not worked")


@pytest.mark.parametrize(
    ("secret", "seconds"),
    [
        ("whsec_of_somebody_else", 0),
        (None, -301),
        (None, -DAY_SECONDS),
        (None, 70),
        (None, 100_000),
    ],
    ids=["forged", "old", "very old", "from the future", "far from the future"],
)
async def test_x4_an_event_that_is_not_stripes_or_not_of_now_is_refused(
    market: Market, world: World, secret: str | None, seconds: int
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=20)
    before = await money(market, lesson)
    body = event(before["intents"][0][0])
    answer = await send(world, body, secret=secret, seconds=seconds)
    assert answer.status_code == 400
    assert await listed(market, str(body["id"])) == []
    await lesson.travel(await market.now())
    assert await money(market, lesson) == before


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"account": "acct_of_strangers"}, "account"),
        ({"type": "something.unheard_of"}, "unknown type"),
        ({"livemode": True}, "other mode"),
        ({"api_version": "2019-12-03"}, "version"),
    ],
    ids=["foreign account", "unknown type", "wrong mode", "wrong version"],
)
async def test_x4_a_genuine_event_that_is_not_for_us_is_set_aside(
    market: Market, world: World, changes: dict[str, object], reason: str
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=20)
    before = await money(market, lesson)
    body = event(before["intents"][0][0], **changes)
    for _ in range(2):
        assert (await send(world, body)).status_code == 200
    kept = await set_aside(market, str(body["id"]))
    assert kept["state"] == "quarantined"
    assert reason in kept["reason"]
    await lesson.travel(await market.now())
    assert await money(market, lesson) == before
    await lesson.after_end(hours=24)
    expected = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
    assert await lesson.totals() == expected
    assert await lesson.writes_total() == PLAIN
