"""Payment intents: create, change, confirm, read. Taking and releasing money: captures.py."""

from typing import Any, Final

from sandbox.stripe.balances import CURRENCY
from sandbox.stripe.captures import cancel, capture
from sandbox.stripe.confirming import attempt
from sandbox.stripe.context import Ctx, shown
from sandbox.stripe.customers import load_customer
from sandbox.stripe.descriptors import check_descriptors
from sandbox.stripe.errors import invalid, unauthorized
from sandbox.stripe.events import emit
from sandbox.stripe.intent_checks import (
    allowed_types,
    check_amount,
    check_options,
    check_owner,
    check_split,
)
from sandbox.stripe.lists import LIST, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.payment_methods import BROWSER_EXTRAS, DATA_SPEC, from_data, resolve
from sandbox.stripe.routing import Route, get, post

Doc = dict[str, Any]

CONFIRMABLE: Final = ("requires_payment_method", "requires_confirmation", "requires_action")
EDITABLE: Final = CONFIRMABLE
FREE_FIELDS: Final = (
    "description",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
    "shipping",
)
MONEY_FIELDS: Final = ("amount", "application_fee_amount", "setup_future_usage", "capture_method")
CONFIRM_FIELDS: Final = {
    "payment_method": "str",
    "payment_method_data": DATA_SPEC,
    "payment_method_options": "any",
    "setup_future_usage": "str",
    "receipt_email": "str",
    "return_url": "str",
    "shipping": "any",
    "off_session": "str",
    "mandate_data": "any",
    "use_stripe_sdk": "bool",
    "error_on_requires_action": "bool",
    "capture_method": "str",
    "allowed_payment_method_types": ["str"],
}
CHANGE_FIELDS: Final = {
    "application_fee_amount": "int",
    "customer": "str",
    "description": "str",
    "metadata": "map",
    "statement_descriptor": "str",
    "statement_descriptor_suffix": "str",
    "transfer_group": "str",
    "transfer_data": {"destination": "str!", "amount": "int"},
}

UNSET: Final = dict.fromkeys(
    (
        "application",
        "canceled_at",
        "cancellation_reason",
        "customer_account",
        "excluded_payment_method_types",
        "last_payment_error",
        "latest_charge",
        "managed_payments",
        "next_action",
        "payment_method",
        "payment_method_configuration_details",
        "processing",
        "review",
        "source",
    )
)
"""What a new intent does not have yet, or never."""
UNSET_CARD_OPTIONS: Final = dict.fromkeys(("installments", "mandate_options", "network"))
PASSED_ON: Final = (
    "allowed_payment_method_types",
    "application_fee_amount",
    "customer",
    "description",
    "on_behalf_of",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)
"""Parameters that become fields as they are."""


def create(ctx: Ctx, p: Doc) -> Doc:
    """POST /v1/payment_intents, confirmed at once with `confirm=true`."""
    if ctx.account:
        raise invalid(
            "The emulator has no direct charges: leave the Stripe-Account header out and name the"
            " account in transfer_data[destination]."
        )
    intent = _new_intent(ctx, p)
    ctx.insert(intent)
    emit(ctx, "payment_intent.created", intent)
    if p.get("payment_method") or p.get("payment_method_data"):
        method = _method(ctx, p, intent)
        intent["payment_method"] = method["id"]
        intent["status"] = "requires_confirmation"
        ctx.save(intent)
    if p.get("confirm"):
        return _confirm(ctx, intent, p)
    return intent


def _new_intent(ctx: Ctx, p: Doc) -> Doc:
    """An intent of these parameters (not yet kept)."""
    check_amount(p["amount"])
    check_descriptors(p)
    check_options(p)
    if p["currency"].lower() != CURRENCY:
        raise invalid(f"Invalid currency: {p['currency']}.", param="currency")
    if p.get("customer"):
        load_customer(ctx, p["customer"], param="customer")
    types = allowed_types(p)
    intent_id = ctx.new_id("pi")
    transfer_data = p.get("transfer_data")
    intent: Doc = {
        **UNSET,
        **{name: p.get(name) for name in PASSED_ON},
        "id": intent_id,
        "object": "payment_intent",
        "amount": p["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "automatic_payment_methods": p.get("automatic_payment_methods")
        and {"allow_redirects": "always", **p["automatic_payment_methods"]},
        "capture_method": p.get("capture_method") or "automatic_async",
        "client_secret": f"{intent_id}_secret_{ctx.store.seed_token(intent_id)}",
        "confirmation_method": p.get("confirmation_method") or "automatic",
        "created": ctx.now,
        "currency": CURRENCY,
        "livemode": False,
        "metadata": merge_metadata({}, p.get("metadata")),
        "payment_method_options": {
            "card": {**UNSET_CARD_OPTIONS, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": types,
        "status": "requires_payment_method",
        "transfer_data": transfer_data,
        "_": {},
    }
    check_split(ctx, intent)
    if transfer_data and not intent["transfer_group"]:
        intent["transfer_group"] = f"group_{intent_id}"
    return intent


def _method(ctx: Ctx, p: Doc, intent: Doc) -> Doc:
    """The payment method these parameters mean."""
    if p.get("payment_method_data"):
        return from_data(ctx, p["payment_method_data"])
    method_id = p.get("payment_method") or intent["payment_method"]
    if not method_id:
        raise unexpected_state(
            intent,
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can"
            " either update the PaymentIntent with a payment method and then confirm it again, or"
            " confirm it again directly with a payment method or ConfirmationToken.",
        )
    method = resolve(ctx, method_id)
    check_owner(method, intent)
    return method


def unexpected_state(intent: Doc, message: str) -> Exception:
    """400 with the intent as it is."""
    return invalid(message, code="payment_intent_unexpected_state", payment_intent=shown(intent))


def load_intent(ctx: Ctx, p: Doc, intent_id: str) -> Doc:
    """An intent; the browser must show its client secret."""
    intent = ctx.load("payment_intent", intent_id)
    if ctx.is_publishable and p.get("client_secret") != intent["client_secret"]:
        raise unauthorized("The client_secret provided does not match the PaymentIntent.")
    return intent


def confirm(ctx: Ctx, p: Doc, intent_id: str) -> Doc:
    """POST /v1/payment_intents/{id}/confirm."""
    intent = load_intent(ctx, p, intent_id)
    if intent["status"] not in CONFIRMABLE:
        raise unexpected_state(
            intent,
            "You cannot confirm this PaymentIntent because it has already succeeded after being"
            " previously confirmed."
            if intent["status"] == "succeeded"
            else f"This PaymentIntent's status is {intent['status']}, so it cannot be confirmed.",
        )
    return _confirm(ctx, intent, p)


def _confirm(ctx: Ctx, intent: Doc, p: Doc) -> Doc:
    """Try the card on the intent."""
    off_session = p.get("off_session") not in (None, "false")
    check_options(p)
    if ctx.is_publishable and intent["confirmation_method"] == "manual":
        raise invalid(
            "This PaymentIntent's confirmation_method is manual: confirm it with a secret key.",
            code="payment_intent_unexpected_state",
            payment_intent=shown(intent),
        )
    if off_session and ctx.is_publishable:
        raise invalid("off_session needs a secret key.", param="off_session")
    for name in ("setup_future_usage", "receipt_email", "shipping", "capture_method"):
        if p.get(name) is not None:
            intent[name] = p[name]
    method = _method(ctx, p, intent)
    return attempt(
        ctx,
        intent,
        method,
        off_session=off_session,
        return_url=None if p.get("use_stripe_sdk") else p.get("return_url"),
        refuse_challenge=bool(p.get("error_on_requires_action")),
    )


def update(ctx: Ctx, p: Doc, intent_id: str) -> Doc:
    """POST /v1/payment_intents/{id}: words always, money only before it is confirmed."""
    intent = ctx.load("payment_intent", intent_id)
    hard = [name for name in (*MONEY_FIELDS, "payment_method", "customer") if name in p]
    if hard and intent["status"] not in EDITABLE:
        raise unexpected_state(
            intent,
            f"This PaymentIntent's {hard[0]} could not be updated because it has a status of"
            f" {intent['status']}.",
        )
    check_descriptors(p)
    check_options(p)
    if "amount" in p:
        check_amount(p["amount"])
    for name in (*FREE_FIELDS, *MONEY_FIELDS):
        if name in p:
            intent[name] = p[name]
    if p.get("customer"):
        intent["customer"] = load_customer(ctx, p["customer"], param="customer")["id"]
    if p.get("transfer_data"):
        if not intent["transfer_data"]:
            raise invalid(
                "You cannot update transfer_data[amount] on a PaymentIntent without a destination.",
                param="transfer_data[amount]",
            )
        intent["transfer_data"] = intent["transfer_data"] | p["transfer_data"]
    if "metadata" in p:
        intent["metadata"] = merge_metadata(intent["metadata"], p["metadata"])
    check_split(ctx, intent)
    if p.get("payment_method"):
        intent["payment_method"] = _method(ctx, p, intent)["id"]
        intent["status"] = "requires_confirmation"
    return ctx.save(intent)


def retrieve(ctx: Ctx, p: Doc, intent_id: str) -> Doc:
    """GET /v1/payment_intents/{id}."""
    return load_intent(ctx, p, intent_id)


def list_intents(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/payment_intents."""
    return page(ctx, "payment_intent", p, "/v1/payment_intents", filters=("customer",))


ROUTES: list[Route] = [
    post(
        "/v1/payment_intents",
        create,
        {
            "amount": "int!",
            "currency": "str!",
            "confirm": "bool",
            "confirmation_method": "str",
            "automatic_payment_methods": {"enabled": "bool", "allow_redirects": "str"},
            "payment_method_configuration": "str",
            "on_behalf_of": "str",
            **CONFIRM_FIELDS,
            **CHANGE_FIELDS,
        },
    ),
    get("/v1/payment_intents", list_intents, LIST | {"customer": "str"}),
    get(
        "/v1/payment_intents/{id}",
        retrieve,
        {"expand": ["str"], "client_secret": "str", "key": "str"},
        browser=True,
    ),
    post(
        "/v1/payment_intents/{id}",
        update,
        {"amount": "int", "currency": "str"}
        | CHANGE_FIELDS
        | {"transfer_data": {"amount": "int"}}
        | {"payment_method": "str", "setup_future_usage": "str", "receipt_email": "str"}
        | {"capture_method": "str", "shipping": "any", "payment_method_options": "any"},
    ),
    post(
        "/v1/payment_intents/{id}/confirm", confirm, CONFIRM_FIELDS | BROWSER_EXTRAS, browser=True
    ),
    post(
        "/v1/payment_intents/{id}/capture",
        capture,
        {
            "amount_to_capture": "int",
            "application_fee_amount": "int",
            "final_capture": "bool",
            "metadata": "map",
            "statement_descriptor": "str",
            "statement_descriptor_suffix": "str",
            "transfer_data": {"amount": "int"},
        },
    ),
    post("/v1/payment_intents/{id}/cancel", cancel, {"cancellation_reason": "str"}),
]
