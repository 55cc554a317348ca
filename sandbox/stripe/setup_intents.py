"""Setup intents: a card is saved for later, nothing is charged."""

from typing import Any, Final

from sandbox.stripe.cards import card_of
from sandbox.stripe.charges import challenged
from sandbox.stripe.confirming import CHALLENGE, OK, next_action
from sandbox.stripe.context import Ctx, shown
from sandbox.stripe.customers import load_customer
from sandbox.stripe.errors import card_error, decline_fields, invalid, unauthorized
from sandbox.stripe.events import emit
from sandbox.stripe.intent_checks import check_options, check_owner
from sandbox.stripe.lists import LIST, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.payment_methods import (
    BROWSER_EXTRAS,
    DATA_SPEC,
    attach_to,
    from_data,
    resolve,
)
from sandbox.stripe.routing import Route, get, post

Doc = dict[str, Any]

OPEN: Final = ("requires_payment_method", "requires_confirmation", "requires_action")
CONFIRM_FIELDS: Final = {
    "payment_method": "str",
    "payment_method_data": DATA_SPEC,
    "payment_method_options": "any",
    "mandate_data": "any",
    "return_url": "str",
    "use_stripe_sdk": "bool",
}

TOLD_OF_CARD: Final = (
    "brand",
    "checks",
    "country",
    "exp_month",
    "exp_year",
    "fingerprint",
    "funding",
    "last4",
    "wallet",
)
"""What an attempt tells of its card."""
UNSET: Final = dict.fromkeys(
    (
        "application",
        "cancellation_reason",
        "customer_account",
        "excluded_payment_method_types",
        "flow_directions",
        "last_setup_error",
        "latest_attempt",
        "mandate",
        "next_action",
        "on_behalf_of",
        "payment_method",
        "payment_method_configuration_details",
        "single_use_mandate",
    )
)
"""What a new intent does not have yet, or never."""


def create(ctx: Ctx, p: Doc) -> Doc:
    """POST /v1/setup_intents."""
    check_options(p)
    if p.get("customer"):
        load_customer(ctx, p["customer"], param="customer")
    if p.get("allowed_payment_method_types") and p.get("automatic_payment_methods"):
        raise invalid(
            "You may only specify one of these parameters: allowed_payment_method_types,"
            " automatic_payment_methods.",
            param="allowed_payment_method_types",
        )
    intent_id = ctx.new_id("seti")
    intent: Doc = {
        **UNSET,
        "id": intent_id,
        "object": "setup_intent",
        "allowed_payment_method_types": p.get("allowed_payment_method_types"),
        "automatic_payment_methods": p.get("automatic_payment_methods"),
        "client_secret": f"{intent_id}_secret_{ctx.store.seed_token(intent_id)}",
        "created": ctx.now,
        "customer": p.get("customer"),
        "description": p.get("description"),
        "livemode": False,
        "metadata": merge_metadata({}, p.get("metadata")),
        "payment_method_options": {
            "card": {
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
        "usage": p.get("usage") or "off_session",
        "_": {},
    }
    ctx.insert(intent)
    emit(ctx, "setup_intent.created", intent)
    if p.get("payment_method") or p.get("payment_method_data"):
        intent["payment_method"] = _method(ctx, p, intent)["id"]
        intent["status"] = "requires_confirmation"
        ctx.save(intent)
    if p.get("confirm"):
        return _confirm(ctx, intent, p)
    return intent


def _method(ctx: Ctx, p: Doc, intent: Doc) -> Doc:
    """The payment method these parameters mean."""
    if p.get("payment_method_data"):
        return from_data(ctx, p["payment_method_data"])
    method_id = p.get("payment_method") or intent["payment_method"]
    if not method_id:
        raise _unexpected(
            intent,
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the"
            " SetupIntent with a payment method and then confirm it again.",
        )
    method = resolve(ctx, method_id)
    check_owner(method, intent)
    return method


def _unexpected(intent: Doc, message: str) -> Exception:
    return invalid(message, code="setup_intent_unexpected_state", setup_intent=shown(intent))


def _load(ctx: Ctx, p: Doc, intent_id: str) -> Doc:
    """An intent; the browser must show its client secret."""
    intent = ctx.load("setup_intent", intent_id)
    if ctx.is_publishable and p.get("client_secret") != intent["client_secret"]:
        raise unauthorized("The client_secret provided does not match the SetupIntent.")
    return intent


def confirm(ctx: Ctx, p: Doc, intent_id: str) -> Doc:
    """POST /v1/setup_intents/{id}/confirm."""
    intent = _load(ctx, p, intent_id)
    if intent["status"] not in OPEN:
        raise _unexpected(
            intent,
            f"You cannot confirm this SetupIntent because it has a status of {intent['status']}.",
        )
    return _confirm(ctx, intent, p)


def _confirm(ctx: Ctx, intent: Doc, p: Doc) -> Doc:
    """Check the card: it is saved, challenged or refused."""
    check_options(p)
    method = _method(ctx, p, intent)
    card = card_of(method)
    outcome = OK
    if not method["_"]["script"]:
        outcome = card.attach or (OK if card.auth == "never" else CHALLENGE)
    if outcome == CHALLENGE:
        return_url = None if p.get("use_stripe_sdk") else p.get("return_url")
        intent |= {
            "status": "requires_action",
            "payment_method": method["id"],
            "last_setup_error": None,
            "next_action": next_action(ctx, intent["id"], return_url),
        }
        _record_attempt(ctx, intent, method, "requires_action")
        ctx.save(intent)
        emit(ctx, "setup_intent.requires_action", intent)
        return intent
    if outcome != OK:
        error = {**decline_fields(outcome), "payment_method": shown(method)}
        _fail(ctx, intent, method, error)
        raise card_error(outcome, setup_intent=shown(intent), payment_method=shown(method))
    return _succeed(ctx, intent, method)


def _succeed(ctx: Ctx, intent: Doc, method: Doc, *, is_asked: bool = False) -> Doc:
    """The card belongs to the customer from now on."""
    if intent["customer"]:
        attach_to(ctx, method, intent["customer"], is_set_up=True)
    else:
        method["_"]["is_set_up"] = True
        ctx.save(method)
    intent |= {
        "status": "succeeded",
        "payment_method": method["id"],
        "last_setup_error": None,
        "next_action": None,
    }
    _record_attempt(ctx, intent, method, "succeeded", is_asked=is_asked)
    ctx.save(intent)
    emit(ctx, "setup_intent.succeeded", intent)
    return intent


def _fail(ctx: Ctx, intent: Doc, method: Doc, error: Doc, *, is_asked: bool = False) -> None:
    """The card was refused; the intent waits for another one."""
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_setup_error": error,
    }
    _record_attempt(ctx, intent, method, "failed", is_asked=is_asked)
    ctx.save(intent)
    emit(ctx, "setup_intent.setup_failed", intent)


def _record_attempt(
    ctx: Ctx, intent: Doc, method: Doc, status: str, *, is_asked: bool = False
) -> None:
    """One try of one card; `is_asked`: the cardholder has answered the bank."""
    attempt_id = ctx.new_id("setatt")
    card = {name: method["card"][name] for name in TOLD_OF_CARD}
    is_passed = status == "succeeded"
    card |= {
        "network": card["brand"],
        "three_d_secure": challenged(ctx, attempt_id, is_passed=is_passed) if is_asked else None,
    }
    ctx.insert(
        {
            "id": attempt_id,
            "object": "setup_attempt",
            "application": None,
            "created": ctx.now,
            "customer": intent["customer"],
            "customer_account": None,
            "flow_directions": None,
            "livemode": False,
            "on_behalf_of": None,
            "payment_method": method["id"],
            "payment_method_details": {"card": card, "type": "card"},
            "setup_error": intent["last_setup_error"],
            "setup_intent": intent["id"],
            "status": status,
            "usage": intent["usage"],
        }
    )
    intent["latest_attempt"] = attempt_id


def answer_challenge(ctx: Ctx, intent_id: str, *, is_passed: bool) -> Doc:
    """The cardholder's answer."""
    intent = ctx.load("setup_intent", intent_id)
    if intent["status"] != "requires_action":
        raise _unexpected(intent, f"No challenge is open: the status is {intent['status']}.")
    method = ctx.load("payment_method", intent["payment_method"])
    if is_passed:
        return _succeed(ctx, intent, method, is_asked=True)
    error = {
        "type": "invalid_request_error",
        "code": "setup_intent_authentication_failure",
        "message": "We are unable to authenticate your payment method. Please choose a different"
        " payment method and try again.",
        "payment_method": shown(method),
    }
    _fail(ctx, intent, method, error, is_asked=True)
    return intent


def cancel(ctx: Ctx, p: Doc, intent_id: str) -> Doc:
    """POST /v1/setup_intents/{id}/cancel."""
    intent = ctx.load("setup_intent", intent_id)
    if intent["status"] not in OPEN:
        raise _unexpected(
            intent,
            f"You cannot cancel this SetupIntent because it has a status of {intent['status']}.",
        )
    intent |= {
        "status": "canceled",
        "cancellation_reason": p.get("cancellation_reason"),
        "next_action": None,
    }
    ctx.save(intent)
    emit(ctx, "setup_intent.canceled", intent)
    return intent


def update(ctx: Ctx, p: Doc, intent_id: str) -> Doc:
    """POST /v1/setup_intents/{id}."""
    intent = ctx.load("setup_intent", intent_id)
    if p.get("customer"):
        intent["customer"] = load_customer(ctx, p["customer"], param="customer")["id"]
    if "description" in p:
        intent["description"] = p["description"]
    if "metadata" in p:
        intent["metadata"] = merge_metadata(intent["metadata"], p["metadata"])
    return ctx.save(intent)


def retrieve(ctx: Ctx, p: Doc, intent_id: str) -> Doc:
    """GET /v1/setup_intents/{id}."""
    return _load(ctx, p, intent_id)


def list_intents(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/setup_intents."""
    filters = ("customer", "payment_method")
    return page(ctx, "setup_intent", p, "/v1/setup_intents", filters=filters)


def list_attempts(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/setup_attempts."""
    return page(ctx, "setup_attempt", p, "/v1/setup_attempts", filters=("setup_intent",))


ROUTES: list[Route] = [
    post(
        "/v1/setup_intents",
        create,
        {
            "customer": "str",
            "usage": "str",
            "description": "str",
            "metadata": "map",
            "confirm": "bool",
            "allowed_payment_method_types": ["str"],
            "automatic_payment_methods": {"enabled": "bool", "allow_redirects": "str"},
            **CONFIRM_FIELDS,
        },
    ),
    get("/v1/setup_intents", list_intents, LIST | {"customer": "str", "payment_method": "str"}),
    get(
        "/v1/setup_intents/{id}",
        retrieve,
        {"expand": ["str"], "client_secret": "str", "key": "str"},
        browser=True,
    ),
    post(
        "/v1/setup_intents/{id}",
        update,
        {"customer": "str", "description": "str", "metadata": "map"},
    ),
    post("/v1/setup_intents/{id}/confirm", confirm, CONFIRM_FIELDS | BROWSER_EXTRAS, browser=True),
    post("/v1/setup_intents/{id}/cancel", cancel, {"cancellation_reason": "str"}),
    get("/v1/setup_attempts", list_attempts, LIST | {"setup_intent": "str!"}),
]
