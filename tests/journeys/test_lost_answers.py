"""Answers that never came, processes that died, queues that vanished: one ledger in the end."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import nats
import pytest
from nats.aio.msg import Msg

from sandbox.client import JSON, Market, Person, Refused
from sandbox.world import World
from tests.journeys.kit import LOG_LINES, PLAIN, POLL_SECONDS, POLLS_MAX, Lesson

pytestmark = pytest.mark.world

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
JOURNALS = ["charge", "transfer", "application_fee"]
EVERYTHING = {"event": ".*"}
TRAVELS_MAX = 5


@asynccontextmanager
async def faults(lesson: Lesson, *rules: JSON) -> AsyncIterator[list[str]]:
    """Rules at Stripe while the block lasts; their ids."""
    made = [(await lesson.stripe_post("/_emulator/faults", each))["id"] for each in rules]
    try:
        yield made
    finally:
        for each in made:
            await lesson.stripe_delete(f"/_emulator/faults/{each}")


@asynccontextmanager
async def pushed(world: World, lesson: Lesson) -> AsyncIterator[Counter[str]]:
    """What the student's devices are told while the block lasts: how often each event."""
    told: Counter[str] = Counter()
    client = await nats.connect(world.nats_url)

    async def hear(message: Msg) -> None:
        told[msgspec.json.decode(message.data)["event"]] += 1

    await client.subscribe(f"events.user.{lesson.student.id}", cb=hear)
    await client.flush()
    try:
        yield told
    finally:
        await client.close()


async def captures(lesson: Lesson) -> list[JSON]:
    """Requests to capture this lesson's money that Stripe worked, whatever it answered."""
    log = await lesson.stripe("/_emulator/log", method="POST", limit=LOG_LINES)
    own = f"cap:{lesson.booking['id']}"
    tried = [each for each in log["data"] if (each["key"] or "").startswith(own)]
    return [each for each in tried if each["decision"] != "replayed"]


async def captured(lesson: Lesson) -> None:
    """Waits until Stripe has worked the capture."""
    for _ in range(POLLS_MAX):
        if await captures(lesson):
            return
        await asyncio.sleep(POLL_SECONDS)
    raise TimeoutError("nothing is captured")


async def arrive(lesson: Lesson, **distance: float) -> None:
    """Travels after the end, however long the world needs to come to rest on the way."""
    for _ in range(TRAVELS_MAX):
        try:
            await lesson.after_end(**distance)
        except Refused as refusal:
            if refusal.code != "world-not-quiet":
                raise
        else:
            return
    raise TimeoutError("the world does not come to rest")


@pytest.mark.parametrize(
    "missing",
    ["payment_intent.succeeded", "charge.captured", "(transfer|application_fee).*"],
    ids=["no word of the intent", "no word of the charge", "no word of transfer and fee"],
)
async def test_m39_a_capture_whose_answer_is_lost_and_whose_worker_dies_is_booked_once(
    market: Market, world: World, missing: str
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.after_end(hours=23)
    lost = {"action": "500_after_commit", "times": 0, "match": {"path": ".*/capture"}}
    unruly = (
        {"action": "drop", "times": 0, "match": {"event": missing}},
        {"action": "duplicate", "count": 2, "times": 0, "match": EVERYTHING},
        {"action": "reorder", "window": 9, "times": 0, "match": EVERYTHING},
    )
    async with pushed(world, lesson) as told, faults(lesson, *unruly):
        async with faults(lesson, lost):
            travelling = asyncio.ensure_future(arrive(lesson, hours=24))
            await captured(lesson)
            await world.kill("worker")
        await world.start_process("worker")
        await travelling
        await arrive(lesson, hours=30)
        assert (await lesson.read())["payment_status"] == "settled"
        assert await lesson.totals() == PAID
        assert len(await captures(lesson)) == 1
        assert await lesson.writes_total() == PLAIN
        assert await lesson.journal_kinds() == JOURNALS
        assert told["payment.settled"] == 1
        assert len(await lesson.mails("receipt")) == 1
        assert len(await lesson.mails("you are paid", to=lesson.offer.instructor)) == 1


async def lose_streams(world: World) -> list[str]:
    """Deletes every stream of the queue, with all that waits in it; their names."""
    client = await nats.connect(world.nats_url)
    stream = client.jetstream()
    names = [each.config.name for each in await stream.streams_info()]
    for each in names:
        await stream.delete_stream(each)
    await client.close()
    return [str(each) for each in names]


async def test_x7_all_that_is_due_runs_although_the_queue_vanishes(
    market: Market, world: World
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book(await lesson.script("insufficient_funds", "insufficient_funds", "ok"))
    await lesson.before(hours=23)
    assert (await lesson.read())["payment_status"] == "auth_retry"
    assert await lose_streams(world)
    fired = await lesson.before(hours=22)
    assert [each["kind"] for each in fired] == ["authorize"]
    # gone once more, at the very moment when something is due
    travelling = asyncio.ensure_future(lesson.before(hours=19))
    await lose_streams(world)
    await travelling
    assert (await lesson.read())["payment_status"] == "authorized"
    await lose_streams(world)
    await arrive(lesson, hours=24)
    assert (await lesson.read())["payment_status"] == "settled"
    assert await lesson.totals() == PAID
    assert await lesson.journal_kinds() == JOURNALS
    assert await lesson.writes_total() == {**PLAIN, "confirm": 3}
    assert len(await lesson.mails("receipt")) == 1


async def test_a_queue_that_vanishes_loses_no_cent_of_the_whole_ledger(
    market: Market, world: World
) -> None:
    first, second = await Lesson.arrange(market), await Lesson.arrange(market)
    admin = await market.admin()
    before = await balances(admin)
    await first.book()
    await second.book()
    await second.before(hours=20)
    await second.cancel()
    await lose_streams(world)
    await arrive(first, hours=24)
    after = await balances(admin)
    moved = {each: after[each] - before.get(each, 0) for each in after}
    # credit of an earlier journey in this world may end meanwhile
    moved["CRA"] += moved.pop("CRX", 0)
    assert sum(after.values()) == 0
    assert {each: cents for each, cents in moved.items() if cents} == {
        "SP": 1180 + 9680,
        "SC": 8500,
        "WAL": -8500,
        "REV": -1500,
        "CRA": -10_000,
        "XPR": 640,
    }


async def balances(admin: Person) -> dict[str, int]:
    """The whole ledger by account class, the float beside it."""
    listed = (await admin.get("/api/admin/ledger/balances"))["balances"]
    sums: Counter[str] = Counter()
    for each in listed:
        sums[each["account"].split(":")[0]] += each["balance_cents"]
    return dict(sums)
