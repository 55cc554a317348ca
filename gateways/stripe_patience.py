"""Asking Stripe again while it is busy, and what a read that failed means."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import stripe
import structlog
from prometheus_client import Counter

from domain.operations import Refused, Unknown
from gateways.stripe_outcomes import is_busy, log_failure

log = structlog.get_logger()

T = TypeVar("T")

UNREADABLE = Counter(
    "stripe_unreadable_total", "Objects of Stripe with a value that we do not know."
)

BUSY_PAUSES = (0.25, 0.5, 1.0, 2.0)
"""Waits before the same request is sent again after 429 or a twin in flight; the SDK has none."""


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Asks again, the same way, while Stripe says that it is busy."""
    for pause in BUSY_PAUSES:
        try:
            return await ask()
        except stripe.StripeError as error:
            if not is_busy(error):
                raise
        await asyncio.sleep(pause)
    return await ask()


def reading(error: stripe.StripeError) -> Refused | Unknown:
    """What a failed read means: not there, or try again."""
    log_failure(error)
    if error.http_status in {400, 403, 404}:
        return Refused(code=(error.error and error.error.code) or "missing", message=str(error))
    return Unknown(reason=f"{type(error).__name__} {error.http_status or ''}".strip())


async def looked(ask: Callable[[], Awaitable[T]]) -> T | Refused | Unknown:
    """A read: what was found, that it is not there, or that nobody answered.

    What Stripe shows and we cannot read (a value newer than we are) is unknown until we can.
    """
    try:
        return await patiently(ask)
    except stripe.StripeError as error:
        return reading(error)
    except msgspec.ValidationError as error:
        UNREADABLE.inc()
        log.exception("stripe.unreadable")
        return Unknown(reason=f"unreadable: {error}")
