"""What an error of Stripe's SDK means for us: the table of `docs/money.md`.

We look at HTTP status and `error.code`, never at the error's `type` (it differs between reports),
and never at `exception.code` (`None` on rate limits).
"""

import httpx
import stripe
import structlog

from domain.operations import Declined, Refused, Unknown
from gateways.stripe_objects import ErrorBody, decline_of

log = structlog.get_logger()

STALE_CODES = frozenset(
    {
        "payment_intent_unexpected_state",
        "setup_intent_unexpected_state",
        "charge_expired_for_capture",
        "capture_charge_authorization_expired",
        "charge_already_captured",
        "charge_already_refunded",
    }
)
IN_USE = "idempotency_key_in_use"


class IsStale(Exception):
    """Stripe's object is in another state than we thought: look at it again."""

    def __init__(self, code: str) -> None:
        """`code` is Stripe's."""
        super().__init__(code)
        self.code = code


class IsStoredFailure(Exception):
    """The key replays a server error for ever: only a read-back tells whether it happened."""


def is_busy(error: stripe.StripeError) -> bool:
    """Whether the same request with the same key may simply be sent again a little later."""
    if isinstance(error.__cause__, httpx.ConnectError):
        # nobody is there: it may be starting again
        return True
    return error.http_status == 429 or (error.http_status == 409 and error_of(error).code == IN_USE)


def error_of(error: stripe.StripeError) -> ErrorBody:
    """The error object in Stripe's answer; empty when there was none."""
    found = error.error
    if found is None:
        return ErrorBody(code=error.code, message=error.user_message)
    return ErrorBody(
        code=found.code,
        decline_code=found.decline_code,
        advice_code=found.advice_code,
        message=found.message,
    )


def outcome_of(error: stripe.StripeError) -> Declined | Refused | Unknown:
    """What a failed request means. Raises `IsStale` or `IsStoredFailure` where a read must tell."""
    found, status = error_of(error), error.http_status or 0
    log.info(
        "stripe.failed",
        status=status,
        code=found.code,
        decline_code=found.decline_code,
        advice_code=found.advice_code,
        request=error.request_id,
    )
    if isinstance(error, stripe.IdempotencyError):
        # our key scheme is broken: a new key could do it twice, so a person must look
        log.error("stripe.key_reused", request=error.request_id)
        return Unknown(reason="idempotency_error")
    if found.code in STALE_CODES:
        raise IsStale(found.code or "")
    if status == 402:
        return _declined(found)
    if status in {400, 403, 404}:
        return Refused(code=found.code or "invalid_request", message=found.message or str(error))
    if status >= 500 and (error.headers or {}).get("idempotent-replayed") == "true":
        raise IsStoredFailure
    if status == 401:
        log.error("stripe.key_refused", request=error.request_id)
    return Unknown(reason=found.code or f"{type(error).__name__} {status}".strip())


def _declined(found: ErrorBody) -> Declined | Refused:
    decline = decline_of(found)
    if decline is None:
        return Refused(code="payment_refused", message=found.message or "")
    return Declined(decline=decline)
