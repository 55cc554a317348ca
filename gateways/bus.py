"""NATS: publish, ask and answer, listen. A hint may be lost; Postgres is where certainty is.

The connection is tried for ever once it stood (nats-py gives up after 60 tries by itself).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription
from nats.js import JetStreamContext

from domain.errors import Unavailable

log = structlog.get_logger()

PATIENCE_SECONDS = 5.0
RECONNECT_SECONDS = 0.25
PENDING_BYTES_MAX = 8 * 1024 * 1024
ANSWERS_AT_ONCE_MAX = 1024
ANSWER_SECONDS = 2
WRITING_PAUSES = (0, 0, 0.001, 0.01, 0.1, 1)

Handler = Callable[[str, bytes], Awaitable[None]]
Answerer = Callable[[bytes], Awaitable[bytes]]


class NobodyAnswers(Unavailable):
    """Nobody listens there, or no answer came in time."""

    code = Unavailable.code


class Subscription:
    """Something listened to; `end` stops it."""

    def __init__(self, inner: NatsSubscription, tasks: set[asyncio.Task[None]]) -> None:
        """Made by `Bus`."""
        self._inner = inner
        self._tasks = tasks

    async def end(self) -> None:
        """Takes no more, and lets what was begun finish."""
        with suppress(nats.errors.Error):
            await self._inner.unsubscribe()
        if self._tasks:
            await asyncio.wait(self._tasks)


class Bus:
    """One process's connection to NATS. Make it with `Bus.connect`, end it with `close`."""

    def __init__(self, client: Client) -> None:
        """Made by `connect`."""
        self._client = client
        self._is_closing = False

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        name: str = "instainstru",
        on_closed: Callable[[], None] | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Self:
        """Connects; `Unavailable` with the address (never the password) when it cannot.

        `on_closed` is called when the connection ended for good, which only `close` should cause.
        """
        client = Client()
        bus = cls(client)

        async def closed() -> None:
            if on_closed is not None:
                on_closed()

        async def lost() -> None:
            if not bus._is_closing:
                log.info("bus.disconnected")

        try:
            async with asyncio.timeout(patience_seconds):
                await client.connect(
                    url,
                    name=name,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=RECONNECT_SECONDS,  # pyright: ignore[reportArgumentType] - it sleeps this long, fractions too
                    connect_timeout=max(1, int(patience_seconds)),
                    pending_size=PENDING_BYTES_MAX,
                    error_cb=_told,
                    disconnected_cb=lost,
                    reconnected_cb=_back,
                    closed_cb=closed,
                )
        except (OSError, TimeoutError, nats.errors.Error) as error:
            with suppress(Exception):
                await client.close()
            parts = urlsplit(url)
            where = f"{parts.hostname or 'localhost'}:{parts.port or 4222}"
            reason = str(error) or "no answer in time"
            raise Unavailable(f"NATS at {where} cannot be used: {reason}") from error
        return bus

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands at the moment."""
        return self._client.is_connected

    @property
    def jetstream(self) -> JetStreamContext:
        """NATS's own handle on streams, consumers and buckets."""
        return self._client.jetstream()  # pyright: ignore[reportUnknownMemberType] - its options have no types

    async def ping(self) -> None:
        """Asks the server for an answer; `Unavailable` when there is none."""
        if not self.is_connected:
            raise Unavailable("NATS does not answer", retry_after=1)
        await self.flush()

    async def publish(self, subject: str, payload: bytes) -> None:
        """Says something to whoever listens now: a hint, lost while there is no connection."""
        if not self._client.is_connected:
            return
        with suppress(nats.errors.Error):
            await self._client.publish(subject, payload)

    async def request(self, subject: str, payload: bytes, *, deadline_seconds: float) -> bytes:
        """One answer from whoever serves the subject.

        Raises `NobodyAnswers` at once when nobody listens, else after the deadline; then it is
        unknown whether the request was acted on.
        """
        try:
            answer = await self._client.request(subject, payload, timeout=deadline_seconds)
        except (nats.errors.Error, TimeoutError) as error:
            raise NobodyAnswers(f"nobody answers on {subject}", retry_after=1) from error
        return answer.data

    async def subscribe(self, subject: str, handler: Handler, *, queue: str = "") -> Subscription:
        """Calls `handler(subject, payload)` for each message, one after the other.

        With a `queue`, each message goes to one of those who named the same queue.
        """

        async def heard(message: Msg) -> None:
            try:
                await handler(message.subject, message.data)
            except Exception:
                log.exception("bus.handler_failed", subject=message.subject)

        return Subscription(await self._listen(subject, queue, heard), set())

    async def serve(self, subject: str, answerer: Answerer, *, queue: str = "") -> Subscription:
        """Answers requests, many at once; a failing answerer answers nothing and is logged."""
        tasks: set[asyncio.Task[None]] = set()

        async def answer(message: Msg) -> None:
            try:
                await message.respond(await answerer(message.data))
            except nats.errors.Error:
                log.info("bus.answer_lost", subject=message.subject)
            except Exception:
                log.exception("bus.answerer_failed", subject=message.subject)

        async def heard(message: Msg) -> None:
            if len(tasks) >= ANSWERS_AT_ONCE_MAX:
                # the subscription stops reading meanwhile: its own queue is bounded too
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            task = asyncio.create_task(answer(message))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        return Subscription(await self._listen(subject, queue, heard), tasks)

    async def _listen(
        self, subject: str, queue: str, heard: Callable[[Msg], Awaitable[None]]
    ) -> NatsSubscription:
        return await self._client.subscribe(subject, queue=queue, cb=heard)  # pyright: ignore[reportUnknownMemberType] - one of its options has no type

    async def flush(self) -> None:
        """Waits until the server has what was sent and knows what is listened to.

        Raises `Unavailable` when it does not answer. While there is no connection it waits for
        nothing: what is listened to is told to the server with the next one.
        """
        # nats-py's PING is written at once and overtakes what still waits to be written
        for pause in WRITING_PAUSES:
            if not self._client.pending_data_size:
                break
            await asyncio.sleep(pause)
        try:
            await self._client.flush(timeout=ANSWER_SECONDS)
        except (nats.errors.Error, TimeoutError) as error:
            raise Unavailable("NATS does not answer", retry_after=1) from error

    async def close(self) -> None:
        """Sends what waits and closes for good."""
        self._is_closing = True
        with suppress(nats.errors.Error, TimeoutError):
            await self._client.flush(timeout=1)
        with suppress(nats.errors.Error):
            await self._client.close()


async def _told(error: Exception) -> None:
    log.info("bus.error", error=repr(error))


async def _back() -> None:
    log.info("bus.reconnected")
