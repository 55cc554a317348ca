"""What an error of Stripe's SDK means for us: the table of `docs/money.md`.

We look at HTTP status and `error.code`, never at the error's `type` (it differs between reports),
and never at `exception.code` (`None` on rate limits).
"""

import httpx
import stripe
import structlog

from domain.operations import KEY_REFUSED, Decline, Declined, Refused, Unknown
from gateways.stripe_key import UNAUTHORIZED
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
CARD_PARAMETERS = frozenset({"payment_method", "payment_method_data", "source"})
"""Parameters that name the card: what Stripe has against them, it has against the card."""


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
        param=found.param,
    )


def outcome_of(error: stripe.StripeError) -> Declined | Refused | Unknown:
    """What a failed request means. Raises `IsStale` or `IsStoredFailure` where a read must tell."""
    found, status = error_of(error), error.http_status or 0
    log_failure(error)
    if isinstance(error, stripe.IdempotencyError):
        # our key scheme is broken: a new key could do it twice, so a person must look
        return Unknown(reason="idempotency_error", needs_a_person=True)
    if found.code in STALE_CODES:
        raise IsStale(found.code or "")
    if status == 402:
        return _declined(found)
    if status in {400, 403, 404}:
        return _refused(found, str(error), is_forbidden=status == 403)
    if status >= 500 and (error.headers or {}).get("idempotent-replayed") == "true":
        raise IsStoredFailure
    if status == UNAUTHORIZED:
        return Unknown(reason=KEY_REFUSED)
    return Unknown(reason=found.code or f"{type(error).__name__} {status}".strip())


def log_failure(error: stripe.StripeError) -> None:
    """Writes down all that Stripe tells of a failure; what people cause is everyday life."""
    found = error.error
    intent = found.payment_intent if found else None
    write = log.info if error.http_status in {402, 404} else log.error
    write(
        "stripe.failed",
        http_status=error.http_status,
        code=found.code if found else error.code,
        decline_code=found.decline_code if found else None,
        advice_code=found.advice_code if found else None,
        network_advice_code=found.network_advice_code if found else None,
        payment_intent=intent.id if intent else None,
        request_id=error.request_id,
    )


def _declined(found: ErrorBody) -> Declined | Refused:
    decline = decline_of(found)
    if decline is None:
        return Refused(code="payment_refused", message=found.message or "")
    return Declined(decline=decline)


def _refused(found: ErrorBody, words: str, *, is_forbidden: bool) -> Declined | Refused:
    """A card that is no more is the card's doing; everything else is ours or the account's."""
    code = found.code or ("permission_denied" if is_forbidden else "invalid_request")
    if found.param in CARD_PARAMETERS:
        return Declined(
            decline=Decline(kind="hard", code=code, message="This card cannot be used any more.")
        )
    return Refused(code=code, message=found.message or words)
