"""Whether Stripe takes our key: after a 401 nothing goes out until a cheap read is answered again.

Each process learns it by itself. What was to be sent waits as it is stored, so nothing is lost and
nobody's lesson suffers from a key of ours.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()

PROBE_SECONDS = 30.0
"""How long, in real time, an answer tells whether the key is good."""
UNAUTHORIZED = 401
NOT_OF_THE_KEY = frozenset({409, 429})
"""Said by what stands in front of Stripe, before it looks at a key."""
REFUSAL = b'{"error": {"type": "invalid_request_error", "message": "Stripe refuses our key."}}'


class KeyGate:
    """Open while Stripe takes our key; belongs to the event loop it is used in."""

    def __init__(self) -> None:
        """Open, and nothing heard yet."""
        self.is_shut = False
        self.probe_seconds = PROBE_SECONDS
        self._heard_ms: int | None = None
        self._probing = asyncio.Lock()

    @property
    def is_fresh(self) -> bool:
        """Whether Stripe has told lately what it thinks of the key."""
        if self._heard_ms is None:
            return False
        return _now_ms() - self._heard_ms < self.probe_seconds * 1000

    def hear(self, status: int) -> None:
        """Takes the HTTP status of an answer in."""
        if status != UNAUTHORIZED and (status in NOT_OF_THE_KEY or status >= 500):
            return
        was_shut, self.is_shut = self.is_shut, status == UNAUTHORIZED
        self._heard_ms = _now_ms()
        if self.is_shut and not was_shut:
            log.error("stripe.key_refused")
        elif was_shut and not self.is_shut:
            log.warning("stripe.key_taken_again")

    async def lets_through(self, probe: Callable[[], Awaitable[int]]) -> bool:
        """Whether a request may go out; a shut gate asks with `probe` (a status) now and then."""
        if not self.is_shut:
            return True
        async with self._probing:
            if self.is_shut and not self.is_fresh:
                self.hear(await probe())
        return not self.is_shut


def _now_ms() -> int:
    """The event loop's own time."""
    return int(asyncio.get_running_loop().time() * 1000)
