"""The queue between clock and workers: taskiq on NATS JetStream.

A message carries an id and means only "look at this row now": Postgres remembers what must happen,
so a lost stream, a lost message and a message twice are all harmless.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

import nats.errors
import nats.js.errors
import structlog
from nats.aio.msg import Msg
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from taskiq import AckableMessage, AcknowledgeType, BrokerMessage
from taskiq.exceptions import SendTaskError
from taskiq.kicker import AsyncKicker
from taskiq.receiver import Receiver
from taskiq_nats import PullBasedJetStreamBroker

from domain.errors import Unavailable

log = structlog.get_logger()

STREAM = "TASKS"
SUBJECT = "tasks"
DURABLE = "workers"
DAY_SECONDS = 86_400
ACK_WAIT_SECONDS = 120
DELIVERIES_MAX = 5
PENDING_MAX = 500
BATCH = 50
PULL_SECONDS = 5.0
REPAIR_PAUSES = (0.1, 0.25, 0.5, 1.0, 2.0)
AWAY_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8)
"""How long a task waits for a service that is away before the clock has to send it again."""
TASKS_AT_ONCE = 32
CONFIG_DIFFERS = 10058
COMPARED = ("ack_policy", "ack_wait", "max_deliver", "max_ack_pending", "filter_subject")
"""What a consumer must have as we ask for it; the server updates what may be updated."""

ALREADY_OVER = frozenset({"404", "408", "409"})
"""Statuses that end a pull without a message: nothing there, time over, too many unacknowledged."""

BROKEN = (nats.errors.Error, nats.js.errors.Error, OSError)


class QueueInvalidError(Exception):
    """The stream exists with another configuration; the sentence to print before exit 1."""


class Queue(PullBasedJetStreamBroker):
    """taskiq's broker with limits, JSON, no results, and an endless patience with NATS.

    The library's own loop waits for a whole batch once one message has come, and forever when the
    server was restarted; this one takes messages as they come and makes anew what is gone.
    """

    def __init__(self, nats_url: str, *, name: str = STREAM) -> None:
        """`name` tells streams of several worlds on one server apart."""
        subject = f"{SUBJECT}.{name}" if name != STREAM else SUBJECT
        super().__init__(
            nats_url,
            subject=subject,
            stream_name=name,
            durable=DURABLE,
            stream_config=StreamConfig(
                name=name,
                subjects=[subject],
                retention=RetentionPolicy.WORK_QUEUE,
                max_age=7 * DAY_SECONDS,
                discard=DiscardPolicy.NEW,
                storage=StorageType.FILE,
            ),
            consumer_config=ConsumerConfig(
                durable_name=DURABLE,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=ACK_WAIT_SECONDS,
                max_deliver=DELIVERIES_MAX,
                max_ack_pending=PENDING_MAX,
            ),
            pull_consume_batch=BATCH,
            pull_consume_timeout=PULL_SECONDS,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,
            connect_timeout=3,
            error_cb=_note,
        )

    async def startup(self) -> None:
        """Connects and makes the stream; `QueueInvalidError` when there is another one."""
        try:
            await super().startup()
        except BROKEN as error:
            raise QueueInvalidError(f"NATS cannot be used for tasks: {error}") from error

    async def kick(self, message: BrokerMessage) -> None:
        """Publishes one message and waits until it is stored."""
        try:
            await super().kick(message)
        except nats.js.errors.NoStreamResponseError:
            await self._add_or_reuse_stream()
            await super().kick(message)

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """Yields messages for ever, whatever happens to the server meanwhile."""
        inbox = self.client.new_inbox()
        subscription = await self.client.subscribe(inbox)  # pyright: ignore[reportUnknownMemberType] - nats-py's own annotation
        failures = 0
        while True:
            try:
                await self._ask(inbox)
                async for message in self._answers(subscription.next_msg):
                    failures = 0
                    yield AckableMessage(data=message.data, ack=message.ack)
            except (*BROKEN, TimeoutError) as error:
                log.info("queue.repaired", error=repr(error), failures=failures)
                await asyncio.sleep(REPAIR_PAUSES[min(failures, len(REPAIR_PAUSES) - 1)])
                failures += 1
                await self._repair()

    async def _ask(self, inbox: str) -> None:
        """Asks the consumer for the next messages."""
        request = {"batch": BATCH, "expires": int(PULL_SECONDS * 1_000_000_000)}
        await self.client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self.stream_name}.{self.durable}",
            json.dumps(request).encode(),
            reply=inbox,
        )

    async def _answers(
        self, next_message: Callable[..., Awaitable[Msg]]
    ) -> AsyncGenerator[Msg, None]:
        """The messages of one request; raises when the consumer is gone or silent."""
        for _ in range(BATCH):
            message = await next_message(timeout=PULL_SECONDS + 1)
            status = (message.headers or {}).get("Status")
            if status is None:
                yield message
            elif status in ALREADY_OVER and "Deleted" not in _description(message):
                return
            else:
                raise nats.js.errors.ServiceUnavailableError(code=int(status))

    async def _add_or_reuse_stream(self) -> None:
        try:
            await self.js.add_stream(config=self.stream_config)  # pyright: ignore[reportUnknownMemberType] - nats-py's own annotation
        except nats.js.errors.BadRequestError as error:
            if error.err_code != CONFIG_DIFFERS:
                raise
            raise QueueInvalidError(
                f"the stream {self.stream_name} exists with another configuration: delete it"
            ) from error

    async def _startup_consumer(self) -> None:
        config = self.consumer_config
        try:
            made = await self.js.add_consumer(stream=self.stream_name, config=config)  # pyright: ignore[reportUnknownMemberType] - nats-py's own annotation
        except (nats.js.errors.BadRequestError, nats.js.errors.ServerError) as error:
            raise self._other_consumer() from error
        if any(getattr(made.config, name) != getattr(config, name) for name in COMPARED):
            raise self._other_consumer()

    def _other_consumer(self) -> QueueInvalidError:
        where = f"{self.durable} of the stream {self.stream_name}"
        return QueueInvalidError(
            f"the consumer {where} exists with another configuration: delete it"
        )

    async def _repair(self) -> None:
        """Makes the stream and its consumer again when they are gone."""
        try:
            await self._add_or_reuse_stream()
            await self._startup_consumer()
        except (*BROKEN, TimeoutError) as error:
            log.warning("queue.unavailable", error=repr(error))


async def _note(error: Exception) -> None:
    log.info("nats.error", error=repr(error))


def _description(message: Msg) -> str:
    return str((message.headers or {}).get("Description", ""))


async def kick(queue: Queue, task: str, subject: str, *, once: str) -> bool:
    """Sends one task; `once` lets the stream drop a repetition. Whether it was stored."""
    kicker: AsyncKicker[[str], Any] = AsyncKicker(task, queue, {"Nats-Msg-Id": once})
    try:
        await kicker.kiq(subject)
    except SendTaskError as error:
        log.warning("task.not_sent", task=task, subject=subject, error=repr(error.__cause__))
        return False
    return True


async def work(
    queue: Queue, tasks: Mapping[str, Callable[[str], Awaitable[None]]], stopped: asyncio.Event
) -> None:
    """Runs tasks by their name until told to stop; each gets the id of the row to look at."""
    for name, task in tasks.items():
        queue.register_task(_guarded(name, task), task_name=name)
    queue.is_worker_process = True
    receiver = Receiver(
        queue,
        run_startup=False,
        max_async_tasks=TASKS_AT_ONCE,
        max_prefetch=0,
        ack_type=AcknowledgeType.WHEN_EXECUTED,
    )
    await receiver.listen(stopped)


def _guarded(name: str, task: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
    async def run(subject: str) -> None:
        try:
            await _patiently(task, subject)
        except Exception:
            # the row still waits: the clock sends it again
            log.exception("task.failed", task=name, subject=subject)

    return run


async def _patiently(task: Callable[[str], Awaitable[None]], subject: str) -> None:
    """Tries again while something does not answer; every task may be repeated."""
    for pause in AWAY_PAUSES:
        try:
            return await task(subject)
        except Unavailable:
            await asyncio.sleep(pause)
    return await task(subject)


logging.getLogger("taskiq").setLevel(logging.WARNING)
