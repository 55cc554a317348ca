"""`GET /api/live`: slots as they change, and what concerns the viewer, over a WebSocket.

A plain ASGI route: what it says to one socket is small, and what the hub says to thousands takes
the short way of `server/sockets.py`.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import msgspec
import structlog
from litestar import asgi
from litestar.connection import ASGIConnection
from litestar.types import Receive, Scope, Send
from prometheus_client import Gauge

from actors.live import Hub, open_hub
from actors.live_frames import PONG, Outlet, Shape, problem_of
from actors.live_sockets import SUBSCRIPTIONS_MAX, Socket
from domain.errors import DomainError, Invalid, NotSignedIn, RateLimited, TokenRefused, Unavailable
from domain.people import Viewer
from domain.times import to_utc
from gateways.bus import Bus
from gateways.clock import Clock
from server.auth import SESSION_ENDED
from server.availability_window import WINDOW_DEFAULT, window_of
from server.bodies import decode_body
from server.limits import SOCKET
from server.parts import Parts
from server.problems import InternalError, body_of, headers_of, status_of
from server.requests import Connection, address_of, parts_of, request_id_of, scope_of
from server.sockets import EXTENSION
from server.tokens import Grant
from storage.database import Database

MESSAGES_PER_SECOND = 20
SUBSCRIBES_AT_ONCE = SUBSCRIPTIONS_MAX
"""The first subscribes have no pace: who comes back to fifty calendars need not wait."""
REFUSED_MAX = 200
"""Messages refused for their pace before the socket is closed."""
MESSAGE_BYTES_MAX = 4096
TOO_FAST = 1008

log: structlog.stdlib.BoundLogger = structlog.get_logger()
sockets_open = Gauge("live_sockets", "Open sockets of /api/live.", multiprocess_mode="livesum")


class _Asks(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    rename={"from_at": "from", "to_at": "to"},
):
    topic: Literal["me"] | None = None
    instructor_id: UUID | None = None
    duration_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] | None = None
    service_id: UUID | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None
    after_version: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None


class Subscribe(_Asks, frozen=True, kw_only=True, tag="subscribe"):
    """Wants to hear of an instructor's slots, or of what concerns the viewer."""


class Unsubscribe(_Asks, frozen=True, kw_only=True, tag="unsubscribe"):
    """Wants to hear no more; what it does not name matches everything of that instructor."""


class Ping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="ping"):
    """Wants to know whether somebody is there."""


@asgi("/api/live", copy_scope=False)
async def live(scope: Scope, receive: Receive, send: Send) -> None:
    """Serves one socket from its upgrade to its end."""
    if scope["type"] != "websocket":
        raise Invalid("open this address as a WebSocket")
    await receive()
    try:
        viewer, outlet = await _admitted(ASGIConnection(scope))
    except DomainError as refusal:
        await _deny(send, refusal)
    else:
        await send(cast("Any", {"type": "websocket.accept"}))
        await _serve(parts_of(ASGIConnection(scope)), viewer, outlet, receive)


@asynccontextmanager
async def open_live(*, db: Database, bus: Bus, clock: Clock) -> AsyncGenerator[Hub]:
    """The hub of this process; it closes the sockets of sessions that end."""
    async with open_hub(db=db, bus=bus, clock=clock, rolling=WINDOW_DEFAULT) as hub:

        async def ended(_subject: str, payload: bytes) -> None:
            hub.end_session(UUID(payload.decode("ascii")))

        subscription = await bus.subscribe(SESSION_ENDED, ended)
        await bus.flush()
        try:
            yield hub
        finally:
            await subscription.end()


async def _admitted(connection: Connection) -> tuple[Viewer | None, Outlet]:
    """Who opens a socket, and its writing end; raises why it may not be opened."""
    parts = parts_of(connection)

    async def redeem(grant: Grant) -> None:
        try:
            await parts.limits.use_ticket(grant.token_id)
        except RateLimited as used:
            raise TokenRefused("this ticket was used before") from used

    viewer = await parts.auth.authenticate_socket(
        connection.headers,
        connection.cookies,
        ticket=connection.query_params.get("ticket"),
        request_id=request_id_of(connection),
        redeem=redeem,
    )
    parts.limits.spend(SOCKET, viewer=viewer, address=address_of(connection))
    extensions: dict[str, Any] = scope_of(connection).get("extensions") or {}
    outlet = cast("Outlet | None", extensions.get(EXTENSION))
    if outlet is None:
        log.error("live.no_outlet")  # another server than the one of server/serving.py
        raise Unavailable
    return viewer, outlet


async def _deny(send: Send, refusal: DomainError) -> None:
    """Answers an upgrade with a problem instead."""
    headers = {"content-type": "application/problem+json", **headers_of(refusal)}
    start = {
        "type": "websocket.http.response.start",
        "status": status_of(refusal),
        "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
    }
    await send(cast("Any", start))
    await send(cast("Any", {"type": "websocket.http.response.body", "body": body_of(refusal)}))


async def _serve(parts: Parts, viewer: Viewer | None, outlet: Outlet, receive: Receive) -> None:
    socket = parts.hub.enter(
        outlet,
        user_id=viewer.user_id if viewer else None,
        session_id=viewer.session_id if viewer else None,
    )
    conversation = Conversation(parts, socket)
    sockets_open.inc()
    try:
        while True:
            message = cast("dict[str, Any]", await receive())
            if message["type"] == "websocket.disconnect":
                return
            await conversation.hear(message.get("text"))
    finally:
        sockets_open.dec()
        parts.hub.leave(socket)


class Conversation:
    """What one client asks, one message at a time."""

    def __init__(self, parts: Parts, socket: Socket) -> None:
        """Begins with a full allowance of messages."""
        self._hub = parts.hub
        self._clock = parts.clock
        self._is_limited = parts.settings.rate_limits
        self._socket = socket
        self._allowance = float(MESSAGES_PER_SECOND)
        self._subscribes_left = SUBSCRIBES_AT_ONCE
        self._heard_at = parts.clock.monotonic()
        self._refused = 0

    async def hear(self, text: str | None) -> None:
        """Acts on a message; what is wrong with it is told, and the socket stays open."""
        asks: Subscribe | Unsubscribe | None = None
        try:
            message = self._read(text)
            asks = None if isinstance(message, Ping) else message
            self._spend_on(message)
            if isinstance(message, Ping):
                self._socket.say(PONG)
                return
            if isinstance(message, Subscribe):
                await self._subscribe(message)
            else:
                self._unsubscribe(message)
        except DomainError as refusal:
            self._refuse(refusal, asks)
        except Exception:
            log.exception("live.message_failed")
            self._refuse(InternalError(), asks)

    async def _subscribe(self, wanted: Subscribe) -> None:
        if wanted.topic is not None:
            if self._socket.user_id is None:
                raise NotSignedIn
            await self._hub.follow_me(self._socket, self._socket.user_id)
            return
        shape = shape_of(wanted, now=self._clock.now())
        await self._hub.watch(self._socket, shape, wanted.after_version)

    def _unsubscribe(self, unwanted: Unsubscribe) -> None:
        if unwanted.topic is not None:
            self._hub.unfollow_me(self._socket)
            return
        for shape in [each for each in self._socket.subscriptions if is_meant(each, unwanted)]:
            self._hub.unwatch(self._socket, shape)

    def _refuse(self, refusal: DomainError, asks: Subscribe | Unsubscribe | None) -> None:
        self._socket.say(
            problem_of(
                refusal,
                instructor_id=asks.instructor_id if asks else None,
                duration_minutes=asks.duration_minutes if asks else None,
                service_id=asks.service_id if asks else None,
            )
        )

    def _read(self, text: str | None) -> Subscribe | Unsubscribe | Ping:
        """What a message says; nonsense counts as a message too."""
        try:
            return _decoded(text)
        except Invalid:
            self._spend()
            raise

    def _spend_on(self, message: Subscribe | Unsubscribe | Ping) -> None:
        if isinstance(message, Subscribe) and self._subscribes_left:
            self._subscribes_left -= 1
        else:
            self._spend()

    def _spend(self) -> None:
        """Takes one of the messages a socket may send; `RateLimited` when there is none."""
        if not self._is_limited:
            return
        now = self._clock.monotonic()
        refill = (now - self._heard_at) * MESSAGES_PER_SECOND
        self._heard_at = now
        self._allowance = min(MESSAGES_PER_SECOND, self._allowance + refill)
        if self._allowance < 1:
            self._refused += 1
            if self._refused > REFUSED_MAX:
                self._socket.outlet.end(TOO_FAST, "too many messages")
            raise RateLimited
        self._allowance -= 1


def _decoded(text: str | None) -> Subscribe | Unsubscribe | Ping:
    if text is None:
        raise Invalid("send text frames")
    if len(text) > MESSAGE_BYTES_MAX:
        raise Invalid("a message has at most 4096 characters")
    message = decode_body(text.encode(), Subscribe | Unsubscribe | Ping)
    return cast("Subscribe | Unsubscribe | Ping", message)


def shape_of(wanted: Subscribe, *, now: datetime) -> Shape:
    """What a subscription asks for; `Invalid` when it is not all there."""
    if wanted.instructor_id is None:
        raise Invalid("name an instructor or the topic me", pointer="/instructor_id")
    if wanted.duration_minutes is None:
        raise Invalid("say how long the lesson lasts", pointer="/duration_minutes")
    window_of(wanted.from_at, wanted.to_at, now=now)
    return Shape(
        instructor_id=wanted.instructor_id,
        duration_minutes=wanted.duration_minutes,
        service_id=wanted.service_id,
        from_at=to_utc(wanted.from_at) if wanted.from_at else None,
        to_at=to_utc(wanted.to_at) if wanted.to_at else None,
    )


def is_meant(shape: Shape, unwanted: Unsubscribe) -> bool:
    """Whether a subscription is one of those to end."""
    if unwanted.instructor_id != shape.instructor_id:
        return False
    named = (
        (unwanted.duration_minutes, shape.duration_minutes),
        (unwanted.service_id, shape.service_id),
        (unwanted.from_at, shape.from_at),
        (unwanted.to_at, shape.to_at),
    )
    return all(wanted is None or wanted == has for wanted, has in named)
