"""Stripe's error bodies: one exception class and a constructor for each family."""

from typing import Any

Doc = dict[str, Any]

DOC_URL = "https://stripe.com/docs/error-codes/"

DECLINE_MESSAGES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "lost_card": "Your card was declined.",
    "stolen_card": "Your card was declined.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "card_velocity_exceeded": (
        "Your card was declined for making repeated attempts too frequently or exceeding its"
        " amount limit."
    ),
    "test_mode_live_card": (
        "Your card was declined. Your request was in test mode, but used a non test card."
    ),
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}
# Declines whose `code` is the reason itself; every other reason comes as `card_declined`.
OWN_CODES = {
    "expired_card",
    "incorrect_cvc",
    "incorrect_number",
    "processing_error",
    "authentication_required",
    "invalid_expiry_month",
    "invalid_expiry_year",
    "invalid_cvc",
    "invalid_number",
}
ADVICE = {
    "expired_card": "confirm_card_data",
    "incorrect_cvc": "confirm_card_data",
    "incorrect_number": "confirm_card_data",
    "lost_card": "do_not_try_again",
    "stolen_card": "do_not_try_again",
    "pickup_card": "do_not_try_again",
    "restricted_card": "do_not_try_again",
    "fraudulent": "do_not_try_again",
    "insufficient_funds": "try_again_later",
    "processing_error": "try_again_later",
    "issuer_not_available": "try_again_later",
    "try_again_later": "try_again_later",
}


class StripeError(Exception):
    """An answer other than 2xx.

    `keeps_effects`: what the handler wrote stays (a declined charge is a fact).
    `is_stored`: the answer is kept under the idempotency key.
    `should_retry`: the `Stripe-Should-Retry` header; None leaves it out.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",  # noqa: A002 -- Stripe's own word
        code: str | None = None,
        param: str | None = None,
        keeps_effects: bool = False,
        is_stored: bool = True,
        should_retry: bool | None = None,
        **extra: object,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.keeps_effects = keeps_effects
        self.is_stored = is_stored
        self.should_retry = should_retry
        fields: Doc = {"type": type, "message": message, "code": code, "param": param, **extra}
        self.error = {name: value for name, value in fields.items() if value is not None}
        if code:
            self.error["doc_url"] = DOC_URL + code.replace("_", "-")

    def body(self, request_id: str) -> Doc:
        """The JSON answer."""
        log_url = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": {**self.error, "request_log_url": log_url}}


def invalid(
    message: str, *, code: str | None = None, param: str | None = None, **extra: object
) -> StripeError:
    """400 `invalid_request_error`."""
    return StripeError(400, message, code=code, param=param, **extra)


def missing(kind: str, object_id: str, *, param: str = "id", status: int = 404) -> StripeError:
    """`resource_missing`: 404 for the object of the path, 400 for one a parameter names."""
    return StripeError(
        status, f"No such {kind}: '{object_id}'", code="resource_missing", param=param
    )


def unauthorized(message: str) -> StripeError:
    """401."""
    return StripeError(401, message, is_stored=False, should_retry=False)


def api_error(message: str, *, should_retry: bool | None = None) -> StripeError:
    """500 `api_error`."""
    return StripeError(500, message, type="api_error", should_retry=should_retry)


def key_in_use(key: str) -> StripeError:
    """409: a twin of this request is being worked on."""
    return StripeError(
        409,
        "There is currently another in-progress request using this Idempotent Key (that probably"
        f" means you submitted twice, and the other request is still going through): {key}. Please"
        " try again later.",
        type="idempotency_error",
        code="idempotency_key_in_use",
        is_stored=False,
    )


def lock_timeout(*, should_retry: bool | None = None) -> StripeError:
    """429: another request holds the object."""
    return StripeError(
        429,
        "This object cannot be accessed right now because another API request or Stripe process is"
        " currently accessing it. If you see this error intermittently, retry the request.",
        code="lock_timeout",
        is_stored=False,
        should_retry=should_retry,
    )


def rate_limited(*, should_retry: bool | None = None) -> StripeError:
    """429: too many requests."""
    return StripeError(
        429,
        "Request rate limit exceeded. Learn more about rate limits here"
        " https://stripe.com/docs/rate-limits.",
        code="rate_limit",
        is_stored=False,
        should_retry=should_retry,
    )


def decline_fields(reason: str) -> Doc:
    """`type`, `code`, `decline_code`, `message`, `advice_code` of a refused card."""
    code = reason if reason in OWN_CODES else "card_declined"
    fields: Doc = {
        "type": "card_error",
        "code": code,
        "decline_code": None if reason == "incorrect_number" else reason,
        "message": DECLINE_MESSAGES.get(reason, "Your card was declined."),
        "advice_code": ADVICE.get(reason),
        "doc_url": DOC_URL + code.replace("_", "-"),
    }
    if reason in {"incorrect_cvc", "invalid_cvc"}:
        fields["param"] = "cvc"
    if reason in {"incorrect_number", "invalid_number"}:
        fields["param"] = "number"
    if reason == "expired_card":
        fields["param"] = "exp_month"
    return {name: value for name, value in fields.items() if value is not None}


def card_error(reason: str, **extra: object) -> StripeError:
    """402 with the reason's code; `extra` carries the intent, the charge, the payment method."""
    fields = decline_fields(reason)
    message = fields.pop("message")
    fields.pop("doc_url")
    return StripeError(402, message, keeps_effects=True, should_retry=False, **fields, **extra)
