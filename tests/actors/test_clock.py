"""Clock and worker together: on time, in order, once, whatever happens to the queue."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import nats

from actors.broker import Queue
from actors.clock import SLEEP_SECONDS, Told
from actors.clock import run as run_clock
from actors.wiring import Process
from actors.worker import run as run_worker
from domain.ids import new_id
from sandbox.nats import Nats
from sandbox.ports import free_port
from sandbox.quiet import Observer
from sandbox.travel import Traveller
from storage.credits import promise_for_lot
from tests.actors.money_kit import Market

PATIENCE_SECONDS = 30.0
AWAY_SECONDS = 2.0
PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
LATENESS = """
SELECT extract(epoch FROM completed_at - due_at)::float8 FROM timings
WHERE kind = 'expire_credit' AND state = 'completed' ORDER BY due_at
"""
POLLED_SECONDS = SLEEP_SECONDS / 2
"""Who is later than this has not been woken; `make bench` measures how late the others are."""


@asynccontextmanager
async def running(market: Market, nats_url: str, name: str) -> AsyncIterator[Traveller]:
    """Clock and worker as they run in their processes, on a queue of their own."""
    sender, receiver = Queue(nats_url, name=name), Queue(nats_url, name=name)
    await sender.startup()
    await receiver.startup()
    stopped = asyncio.Event()
    common = {"clock": market.clock, "db": market.db, "bus": market.bus, "money": market.money}
    tasks = [
        asyncio.create_task(run_clock(Process(queue=sender, **common), stopped)),
        asyncio.create_task(run_worker(Process(queue=receiver, **common), stopped)),
    ]
    traveller = Traveller(
        market.writer.path, Observer(market.settings.database_url, market.emulator.url)
    )
    try:
        yield traveller
    finally:
        stopped.set()
        await asyncio.gather(*tasks)
        await traveller.close()
        await sender.shutdown()
        await receiver.shutdown()


def a_name() -> str:
    return f"C{uuid4().hex[:12]}"


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Waits, not for ever, until something holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():  # noqa: ASYNC110 - other loops and the database are asked
            await asyncio.sleep(0.01)


async def promise(market: Market, count: int, *, apart: timedelta, first: timedelta) -> None:
    """So many timings that cost next to nothing, due one after the other."""
    now = market.clock.now()
    async with market.db.transaction() as tx:
        for number in range(count):
            due_at = now + first + number * apart
            await promise_for_lot(
                tx,
                timing_id=new_id(now),
                kind="expire_credit",
                lot_id=uuid4(),
                due_at=due_at,
                now=now,
            )
        await tx.execute("NOTIFY timings")


async def completed(market: Market, count: int) -> bool:
    done = "SELECT count(*)::int FROM timings WHERE state = 'completed'"
    return await market.value(done) == count


async def test_two_hundred_timings_a_second_begin_on_time_and_never_early(
    market: Market, nats_url: str
) -> None:
    async with running(market, nats_url, a_name()):
        market.writer.run(market.clock.now())
        apart = timedelta(milliseconds=5)
        await promise(market, 400, apart=apart, first=timedelta(seconds=3))
        await until(lambda: completed(market, 400))
    rows = await market.db.reads.fetch(LATENESS)
    late = [float(str(row[0])) for row in rows]
    assert min(late) >= 0
    assert max(late[:10]) < POLLED_SECONDS


async def test_an_idle_clock_follows_a_jump_of_time_at_once(market: Market, nats_url: str) -> None:
    async with running(market, nats_url, a_name()):
        await promise(market, 10, apart=timedelta(hours=1), first=timedelta(hours=1))
        loop = asyncio.get_running_loop()
        took = []
        for number in range(10):
            began = loop.time()
            market.writer.freeze(market.clock.now() + timedelta(hours=1))
            await until(lambda count=number + 1: completed(market, count))
            took.append(loop.time() - began)
    assert sorted(took)[5] < POLLED_SECONDS


async def test_a_lesson_runs_by_itself_from_booking_to_payment(
    market: Market, nats_url: str
) -> None:
    lesson = await market.lesson()
    async with running(market, nats_url, a_name()) as traveller:
        await lesson.book()
        travelled = await traveller.travel(lesson.end_at + timedelta(hours=24), stay=True)
        assert [each.kind for each in travelled.fired] == [
            "authorize",
            "start",
            "complete",
            "capture",
        ]
        booking = await lesson.read()
    assert (booking.status, booking.payment_status) == ("completed", "settled")
    assert await lesson.totals() == PAID


async def test_deleting_the_stream_during_the_ladder_loses_nothing(
    market: Market, nats_url: str
) -> None:
    lesson, name = await market.lesson(), a_name()
    client = await nats.connect(nats_url)
    async with running(market, nats_url, name) as traveller:
        await lesson.book(await market.script("insufficient_funds", "insufficient_funds", "ok"))
        for hours in (24, 22, 20):
            await client.jetstream().delete_stream(name)
            await traveller.travel(lesson.start_at - timedelta(hours=hours), stay=True)
        assert (await lesson.read()).payment_status == "authorized"
    await client.close()
    assert await market.writes(lesson.id, "/confirm") == 3


async def test_a_queue_that_is_away_delays_and_loses_nothing(
    market: Market, tmp_path: Path
) -> None:
    own = Nats(tmp_path, free_port(), "secret")
    await own.start()
    lesson = await market.lesson()
    try:
        async with running(market, own.url, a_name()) as traveller:
            await lesson.book()
            await traveller.travel(lesson.start_at - timedelta(hours=25), stay=True)
            await own.stop()
            target = lesson.end_at + timedelta(hours=24)
            travelling = asyncio.create_task(traveller.travel(target, stay=True))
            await asyncio.sleep(AWAY_SECONDS)
            assert not travelling.done()
            await own.start()
            kinds = [each.kind for each in (await travelling).fired]
    finally:
        await own.stop()
    assert kinds == ["authorize", "start", "complete", "capture"]
    assert await lesson.totals() == PAID


async def test_events_of_a_booking_are_told_live_in_order_and_once(
    market: Market, nats_url: str
) -> None:
    lesson = await market.lesson()
    heard: list[Told] = []
    client = await nats.connect(nats_url)

    async def hear(message: nats.aio.msg.Msg) -> None:
        heard.append(msgspec.json.decode(message.data, type=Told))

    await client.subscribe(f"events.user.{lesson.student.user_id}", cb=hear)
    await client.flush()
    async with running(market, nats_url, a_name()) as traveller:
        await lesson.book()
        await traveller.travel(lesson.end_at + timedelta(hours=24), stay=True)
    await client.close()
    assert [each.event for each in heard] == [
        "booking.held",
        "booking.confirmed",
        "payment.authorized",
        "booking.started",
        "booking.completed",
        "payment.captured",
        "payment.settled",
    ]
    assert {each.subject_id for each in heard} == {UUID(str(lesson.id))}
