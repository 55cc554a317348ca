"""The emulator as an ASGI application: wiring, life, and the way from socket to answer."""

import asyncio
import signal
import socket
import struct
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Final

from sandbox.stripe import (
    account_debits,
    accounts,
    application_fees,
    balance_settings,
    balances,
    capabilities,
    charges,
    customers,
    disputes,
    events,
    external_accounts,
    fraud,
    onboarding,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    reversals,
    searching,
    setup_intents,
    topups,
    transfers,
    webhooks,
)
from sandbox.stripe.browser import Pages
from sandbox.stripe.clock import EmulatorClock
from sandbox.stripe.control import Control
from sandbox.stripe.deliveries import Deliverer
from sandbox.stripe.due import run_due
from sandbox.stripe.faults import Faults
from sandbox.stripe.pipeline import Api
from sandbox.stripe.protocol import BODY_MAX, CORS, Dropped, Reply, Request, json_reply
from sandbox.stripe.routing import Router
from sandbox.stripe.settings import Config, Settings
from sandbox.stripe.store import Store

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MODULES: Final = (
    account_debits,
    accounts,
    application_fees,
    balance_settings,
    balances,
    capabilities,
    charges,
    customers,
    disputes,
    events,
    external_accounts,
    fraud,
    onboarding,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    reversals,
    searching,
    setup_intents,
    topups,
    transfers,
    webhooks,
)
TICK_SECONDS: Final = 1.0
KEYS_SWEPT_EVERY: Final = 60


class App:
    """One emulator."""

    def __init__(self, settings: Settings) -> None:
        """Open the state; nothing runs before the lifespan starts."""
        self.store = Store(settings.data / "emulator.sqlite", settings.seed)
        self.clock = EmulatorClock(settings.clock_file, self.store)
        self.config = Config()
        self.faults = Faults(self.store)
        self.deliverer = Deliverer(self.store, self.clock, self.config, self.faults)
        router = Router([route for module in MODULES for route in module.ROUTES])
        self.api = Api(
            self.store, self.clock, self.config, settings, self.faults, self.deliverer, router
        )
        self.control = Control(
            self.store, self.clock, self.config, self.faults, self.deliverer, self.api.limits
        )
        self.pages = Pages(self.control)
        self.background: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Start and stop what runs in the background."""
        await receive()
        self.control.open_account()
        self.background = [
            asyncio.create_task(self.deliverer.run()),
            asyncio.create_task(self._tick()),
        ]
        for task in self.background:
            task.add_done_callback(_must_not_end)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in self.background:
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        self.store.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _tick(self) -> None:
        """Do due work by ourselves, at most a second late."""
        for count in range(1, 1 << 62):
            if run_due(self.store, self.clock, self.config):
                self.deliverer.wake()
            if count % KEYS_SWEPT_EVERY == 0:
                expiry = self.config.key_expiry_seconds * 1_000_000
                self.api.keys.forget_older(self.clock.now_us() - expiry)
            await asyncio.sleep(TICK_SECONDS)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request."""
        request = await _read(scope, receive)
        try:
            reply = await self._answer(request)
        except Dropped as dropped:
            await asyncio.sleep(dropped.seconds)
            if dropped.is_death:
                signal.raise_signal(signal.SIGKILL)
            await _cut(send, is_reset=dropped.is_reset)
            return
        await _write(reply, send)

    async def _answer(self, request: Request | None) -> Reply:
        """API, control, or pages."""
        if request is None:
            return json_reply({"error": {"message": "The body is too large."}}, 413)
        if request.method == "OPTIONS":
            return Reply(status=204, body=b"", headers=CORS)
        if request.path.startswith("/v1/"):
            return await self.api.handle(request)
        if page := self.pages.answer(request):
            return page
        if request.path.startswith("/_emulator/"):
            return self.control.handle(request, request.path.removeprefix("/_emulator/"))
        return json_reply({"error": {"message": f"Nothing at {request.path}"}}, 404)


def _must_not_end(task: asyncio.Task[None]) -> None:
    """A background part that failed takes the process with it: a supervisor starts it anew."""
    if not task.cancelled() and (error := task.exception()):
        traceback.print_exception(error)
        signal.raise_signal(signal.SIGTERM)


async def _read(scope: Scope, receive: Receive) -> Request | None:
    """The whole request; None when its body is too large."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > BODY_MAX:
            return None
        if not message.get("more_body"):
            break
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers={
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        },
        body=body,
        scheme=scope.get("scheme", "http"),
    )


async def _write(reply: Reply, send: Send) -> None:
    """Send an answer, distorted if a fault wants it so."""
    headers = [
        (b"content-type", reply.content_type),
        (b"content-length", str(len(reply.body)).encode()),
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if reply.mode == "truncate":
        half = reply.body[: len(reply.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await _cut(send)
        return
    if reply.mode == "slow_drip":
        for position in range(len(reply.body) - 1):
            drop = reply.body[position : position + 1]
            await send({"type": "http.response.body", "body": drop, "more_body": True})
            await asyncio.sleep(reply.seconds)
        reply.body = reply.body[-1:]
    await send({"type": "http.response.body", "body": reply.body})


async def _cut(send: Send, *, is_reset: bool = False) -> None:
    """Close the socket without an answer: uvicorn's cycle holds its transport."""
    cycle = getattr(send, "__self__", None)
    if cycle is not None:
        if is_reset:
            peer = cycle.transport.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        cycle.transport.abort()
        cycle.disconnected = True
    await asyncio.sleep(0)
