"""The queue loses nothing that matters: repetition, a deleted stream, a server that goes away."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import nats
import pytest
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig

from actors.broker import DURABLE, PULL_SECONDS, Queue, QueueInvalidError, kick, work
from domain.errors import Unavailable
from sandbox.nats import Nats
from sandbox.ports import free_port

PATIENCE_SECONDS = 30.0


class Done:
    """What the tasks were given, in order, and when."""

    def __init__(self) -> None:
        self.subjects: list[str] = []
        self.at: dict[str, float] = {}
        self._told = asyncio.Event()

    async def note(self, subject: str) -> None:
        self.subjects.append(subject)
        self.at[subject] = time.perf_counter()
        self._told.set()

    async def has(self, count: int) -> None:
        """Waits until so many tasks have run."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.subjects) < count:
                self._told.clear()
                await self._told.wait()


def a_name() -> str:
    return f"T{uuid4().hex[:12]}"


@asynccontextmanager
async def running(url: str, name: str, done: Done) -> AsyncIterator[Queue]:
    """A worker that notes what it gets, and the queue that sends to it."""
    producer, consumer = Queue(url, name=name), Queue(url, name=name)
    await producer.startup()
    await consumer.startup()
    stopped = asyncio.Event()
    worker = asyncio.create_task(work(consumer, {"note": done.note}, stopped))
    try:
        yield producer
    finally:
        stopped.set()
        await worker
        await consumer.shutdown()
        await producer.shutdown()


async def test_a_task_wakes_an_idle_worker_at_once(nats_url: str) -> None:
    done = Done()
    async with running(nats_url, a_name(), done) as queue:
        lateness = []
        for number in range(30):
            sent = time.perf_counter()
            assert await kick(queue, "note", f"{number}", once=uuid4().hex)
            await done.has(number + 1)
            lateness.append(done.at[f"{number}"] - sent)
    lateness.sort()
    assert lateness[15] < PULL_SECONDS / 2
    assert done.subjects == [f"{number}" for number in range(30)]


async def test_the_same_message_sent_twice_runs_once(nats_url: str) -> None:
    done = Done()
    async with running(nats_url, a_name(), done) as queue:
        for _ in range(3):
            await kick(queue, "note", "same", once="the same")
        await kick(queue, "note", "last", once="another")
        await done.has(2)
    assert done.subjects == ["same", "last"]


async def test_a_failing_task_does_not_stop_the_worker(nats_url: str) -> None:
    done = Done()

    async def fail(subject: str) -> None:
        await done.note(subject)
        raise RuntimeError(subject)

    name, stopped = a_name(), asyncio.Event()
    queue = Queue(nats_url, name=name)
    await queue.startup()
    worker = asyncio.create_task(work(queue, {"fail": fail, "note": done.note}, stopped))
    await kick(queue, "fail", "first", once="1")
    await kick(queue, "unheard_of", "never", once="2")
    await kick(queue, "note", "second", once="3")
    await done.has(2)
    stopped.set()
    await worker
    await queue.shutdown()
    assert done.subjects == ["first", "second"]


async def test_a_task_waits_for_what_is_away(nats_url: str) -> None:
    done, tries = Done(), []

    async def fetch(subject: str) -> None:
        tries.append(subject)
        if len(tries) < 3:
            raise Unavailable("not yet")
        await done.note(subject)

    name, stopped = a_name(), asyncio.Event()
    queue = Queue(nats_url, name=name)
    await queue.startup()
    worker = asyncio.create_task(work(queue, {"fetch": fetch}, stopped))
    await kick(queue, "fetch", "it", once="1")
    await done.has(1)
    stopped.set()
    await worker
    await queue.shutdown()
    assert tries == ["it"] * 3


async def test_a_deleted_stream_comes_back_by_itself(nats_url: str) -> None:
    done, name = Done(), a_name()
    client = await nats.connect(nats_url)
    async with running(nats_url, name, done) as queue:
        await kick(queue, "note", "before", once="1")
        await done.has(1)
        await client.jetstream().delete_stream(name)
        assert await kick(queue, "note", "after", once="2")
        await done.has(2)
    await client.close()
    assert done.subjects == ["before", "after"]


async def test_a_stream_of_another_shape_is_refused(nats_url: str) -> None:
    name = a_name()
    client = await nats.connect(nats_url)
    await client.jetstream().add_stream(StreamConfig(name=name, subjects=[f"tasks.{name}"]))
    queue = Queue(nats_url, name=name)
    with pytest.raises(QueueInvalidError, match="another configuration"):
        await queue.startup()
    await queue.shutdown()
    await client.close()


async def test_a_consumer_of_another_shape_is_refused(nats_url: str) -> None:
    name = a_name()
    async with another_consumer(nats_url, name, deliver_subject="elsewhere"):
        queue = Queue(nats_url, name=name)
        with pytest.raises(QueueInvalidError, match=f"the consumer workers of the stream {name}"):
            await queue.startup()
        await queue.shutdown()


async def test_a_consumer_with_older_limits_gets_ours(nats_url: str) -> None:
    name = a_name()
    async with another_consumer(nats_url, name, ack_wait=30, max_deliver=-1) as client:
        queue = Queue(nats_url, name=name)
        await queue.startup()
        limits = (await client.consumer_info(name, DURABLE)).config
        await queue.shutdown()
    assert (limits.ack_wait, limits.max_deliver, limits.max_ack_pending) == (120, 5, 500)


@asynccontextmanager
async def another_consumer(
    nats_url: str, name: str, **shape: str | float
) -> AsyncIterator[JetStreamContext]:
    """Our stream with somebody else's consumer of our name."""
    queue = Queue(nats_url, name=name)
    await queue.startup()
    try:
        await queue.js.delete_consumer(name, DURABLE)
        config = ConsumerConfig(durable_name=DURABLE, ack_policy=AckPolicy.EXPLICIT, **shape)
        await queue.js.add_consumer(name, config)
        yield queue.js
    finally:
        await queue.shutdown()


async def test_a_server_that_was_away_loses_no_stored_message(tmp_path: Path) -> None:
    server = Nats(tmp_path, free_port(), "secret")
    await server.start()
    done = Done()
    try:
        async with running(server.url, a_name(), done) as queue:
            await kick(queue, "note", "before", once="1")
            await done.has(1)
            await server.stop()
            away = asyncio.create_task(kick(queue, "note", "meanwhile", once="2"))
            await asyncio.sleep(0.5)
            await server.start()
            if not await away:
                assert await kick(queue, "note", "meanwhile", once="2")
            await done.has(2)
            assert await kick(queue, "note", "after", once="3")
            await done.has(3)
    finally:
        await server.stop()
    assert done.subjects == ["before", "meanwhile", "after"]
