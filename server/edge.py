"""The outermost layer: a request id, safe headers on every answer, bounds, a metric.

Plain ASGI around Litestar's own, because it also sees what no route answers. Sockets pass through
untouched but for their id, so that a frame to thousands of watchers costs nothing here.
"""

import re
import secrets
from typing import cast
from urllib.parse import urlsplit

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.types.asgi_types import HTTPResponseStartEvent
from prometheus_client import Histogram

from domain.errors import BodyTooLarge, DomainError, Invalid
from gateways.clock import Clock
from gateways.settings import Settings
from server.problems import MEDIA_TYPE, body_of, headers_of, status_of

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
HSTS_SECONDS = 2 * 365 * 86_400
QUERY_BYTES_MAX = 8_192
PATH_BYTES_MAX = 2_048

Headers = list[tuple[bytes, bytes]]

requests_seconds = Histogram(
    "http_requests_seconds",
    "How long requests took, by route, method and status class.",
    ("route", "method", "status"),
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


class Edge:
    """Wraps the application's ASGI handler."""

    def __init__(self, app: ASGIApp, *, settings: Settings, clock: Clock) -> None:
        """Headers are made once: they are the same for every answer."""
        self._app = app
        self._clock = clock
        self._headers = safe_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request or serves one socket; HEAD is GET without the body (RFC 9110)."""
        request_id = _request_id(scope)
        scope["state"]["request_id"] = request_id
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = self._clock.monotonic()
        status = 500
        is_head = scope["method"] == "HEAD"
        asked = cast("Scope", {**scope, "method": "GET"}) if is_head else scope

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._complete(message, request_id)
            elif is_head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        try:
            if refusal := _refusal(asked):
                await _refuse(refusal, send_safely)
            else:
                await self._app(asked, receive, send_safely)
        finally:
            route = asked.get("path_template") or "none"
            labels = (route, scope["method"], f"{status // 100}xx")
            requests_seconds.labels(*labels).observe(self._clock.monotonic() - started)

    def _complete(self, message: HTTPResponseStartEvent, request_id: str) -> None:
        """Adds what every answer carries; a cache rule of the handler's own stays."""
        headers: Headers = [*message.get("headers", []), *self._headers]
        headers.append((b"x-request-id", request_id.encode()))
        if not any(name == b"cache-control" for name, _ in headers):
            headers.append((b"cache-control", b"no-store"))
        message["headers"] = headers


def safe_headers(settings: Settings) -> Headers:
    """Security headers. Scripts and frames come from us and from Stripe's one origin."""
    stripe = origin_of(settings.stripe_js_url)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {stripe}",
            f"connect-src 'self' {stripe}",
            f"frame-src {stripe}",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
    headers = [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"strict-origin-when-cross-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), microphone=(), geolocation=(self)"),
    ]
    if settings.is_secure:
        rule = f"max-age={HSTS_SECONDS}; includeSubDomains"
        headers.append((b"strict-transport-security", rule.encode()))
    return headers


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, as a Content-Security-Policy names them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _request_id(scope: Scope) -> str:
    """The caller's own id when it is harmless, else a fresh one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            shown = value.decode("latin-1")
            return shown if REQUEST_ID.fullmatch(shown) else secrets.token_hex(16)
    return secrets.token_hex(16)


def _refusal(scope: Scope) -> DomainError | None:
    """What no handler should have to look at."""
    query = scope["query_string"]
    if b"%00" in query or "\x00" in scope["path"]:
        return Invalid("an address cannot hold the character U+0000")
    if len(query) > QUERY_BYTES_MAX or len(scope["path"]) > PATH_BYTES_MAX:
        return BodyTooLarge("the address is too long")
    return None


async def _refuse(refusal: DomainError, send: Send) -> None:
    body = body_of(refusal)
    headers = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), **headers_of(refusal)}
    await send(
        {
            "type": "http.response.start",
            "status": status_of(refusal),
            "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
