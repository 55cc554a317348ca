"""Every request to Stripe passes here once a try: at its pace, and timed.

Stripe lets 25 requests a second through to one endpoint and 100 in all; who asks more is told 429
and asks again. So each process keeps a pace of its own per endpoint, and several processes share
Stripe's limit by a smaller number each (`STRIPE_CALLS_PER_SECOND`).
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import stripe
from aiolimiter import AsyncLimiter
from prometheus_client import Histogram

from gateways.stripe_key import REFUSAL, UNAUTHORIZED, KeyGate

TIMEOUT = httpx.Timeout(connect=3.0, read=20.0, write=10.0, pool=5.0)
BURST = 5
"""So many at once; with 20 a second that is never more than Stripe's 25 in any second."""

WORDS = frozenset({
    "v1", "account", "account_links", "accounts", "application_fees", "attach", "balance",
    "balance_settings", "balance_transactions", "cancel", "capabilities", "capture", "charges",
    "close", "confirm", "customers", "detach", "disputes", "early_fraud_warnings", "events",
    "external_accounts", "login_links", "payment_intents", "payment_methods", "payouts",
    "persons", "radar", "refunds", "reversals", "reverse", "setup_intents", "topups", "transfers",
    "webhook_endpoints",
})  # fmt: skip
"""What addresses are made of; anything else is somebody's id and never becomes a label."""

PROBE_PATH = "/v1/balance"
PROBE_HEADERS = frozenset({"Authorization", "Stripe-Version", "User-Agent"})

BUCKETS_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 75)
ANSWERED = Histogram(
    "stripe_call_seconds",
    "How long Stripe takes to answer, by endpoint and by what came of it.",
    ("op", "outcome"),
    buckets=BUCKETS_SECONDS,
)


class Pace:
    """So many requests a second to each endpoint, with a small burst."""

    def __init__(self, per_second: int | None) -> None:
        """`None` sets no pace."""
        self._per_second = per_second
        self._limiters: dict[str, AsyncLimiter] = {}

    async def wait(self, endpoint: str) -> None:
        """Returns when the next request may go out; first come, first served."""
        if self._per_second is None:
            return
        limiter = self._limiters.get(endpoint)
        if limiter is None:
            period = timedelta(seconds=BURST) // self._per_second
            limiter = AsyncLimiter(BURST, period.total_seconds())
            self._limiters[endpoint] = limiter
        await limiter.acquire()


class StripeHttp(stripe.HTTPXClient):
    """The SDK's client on httpx: paced, timed, and with the body given as httpx wants it now."""

    def __init__(self, pace: Pace) -> None:
        """Belongs to the event loop it is used in."""
        super().__init__()  # pyright: ignore[reportUnknownMemberType] - the SDK's own annotation
        self._pace = pace
        self.gate = KeyGate()

    def _get_request_args_kwargs(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | bytes | None
    ) -> list[Any]:
        # the SDK passes encoded forms as `data`, which httpx has deprecated for text
        options = {"headers": headers, "content": post_data or None, "timeout": TIMEOUT}
        return [(method, url), options]

    async def request_async(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: str | bytes | None = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One try of one request; while Stripe refuses our key, its refusal without asking."""
        if not await self.gate.lets_through(lambda: self._probed(url, headers)):
            return REFUSAL, UNAUTHORIZED, {}
        answer = await self._asked(method, url, headers, post_data)
        self.gate.hear(answer[1])
        return answer

    async def _probed(self, url: str, headers: Mapping[str, str]) -> int:
        """The status of a read that costs nothing, with the same key."""
        parts = urlsplit(url)
        balance = urlunsplit((parts.scheme, parts.netloc, PROBE_PATH, "", ""))
        kept = {name: value for name, value in headers.items() if name in PROBE_HEADERS}
        return (await self._asked("get", balance, kept, None))[1]

    async def _asked(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | bytes | None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        endpoint = endpoint_of(method, url)
        await self._pace.wait(endpoint)
        loop, outcome = asyncio.get_running_loop(), "lost"
        started = loop.time()
        try:
            answer = await super().request_async(  # pyright: ignore[reportUnknownMemberType] - the SDK leaves the body untyped
                method, url, headers, post_data
            )
            outcome = outcome_of(answer[1])
        finally:
            ANSWERED.labels(op=endpoint, outcome=outcome).observe(loop.time() - started)
        return answer


def endpoint_of(method: str, url: str) -> str:
    """The endpoint of an address, ids left out: `POST /v1/payment_intents/{id}/confirm`."""
    parts = urlsplit(url).path.strip("/").split("/")
    return f"{method.upper()} /" + "/".join(part if part in WORDS else "{id}" for part in parts)


def outcome_of(status: int) -> str:
    """What came of a request, from a closed set."""
    if status < 400:
        return "ok"
    if status == 402:
        return "declined"
    if status in {409, 429}:
        return "busy"
    return "refused" if status < 500 else "failed"
