"""Charges: what an intent leaves on a card, and the mirror of a transfer on its destination."""

from typing import Any, Final

from sandbox.stripe.balances import CURRENCY
from sandbox.stripe.cards import card_of
from sandbox.stripe.context import Ctx
from sandbox.stripe.descriptors import PREFIX, described
from sandbox.stripe.errors import decline_fields
from sandbox.stripe.events import emit
from sandbox.stripe.lists import LIST, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routing import Route, get, post

Doc = dict[str, Any]

OFF_SESSION_VISA_SECONDS: Final = 4 * 86_400 + 18 * 3_600
OTHER_SECONDS: Final = 7 * 86_400

UNSET: Final = dict.fromkeys(
    (
        "application",
        "application_fee",
        "application_fee_amount",
        "balance_transaction",
        "customer",
        "description",
        "failure_balance_transaction",
        "failure_code",
        "failure_message",
        "on_behalf_of",
        "outcome",
        "payment_intent",
        "payment_method",
        "payment_method_details",
        "receipt_email",
        "receipt_number",
        "receipt_url",
        "review",
        "shipping",
        "source",
        "source_transfer",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_data",
        "transfer_group",
    )
)
"""What a charge has only later, or never."""


def new_charge(ctx: Ctx, intent: Doc, payment_method: Doc, *, off_session: bool) -> Doc:
    """An authorized, uncaptured charge of an intent (not yet kept)."""
    is_manual = intent["capture_method"] == "manual"
    charge_id = ctx.new_id("ch")
    window = OTHER_SECONDS
    if off_session and payment_method["card"]["brand"] == "visa":
        window = OFF_SESSION_VISA_SECONDS
    card = _card_part(payment_method, intent["amount"])
    if is_manual:
        card["capture_before"] = ctx.now + window
    if intent["_"].get("is_authenticated"):
        card["three_d_secure"] = {**challenged(ctx, charge_id), "exemption_indicator": None}
    return _charge(
        ctx,
        charge_id,
        amount=intent["amount"],
        application_fee_amount=intent["application_fee_amount"],
        billing_details=payment_method["billing_details"],
        customer=intent["customer"],
        description=intent["description"],
        metadata=intent["metadata"],
        on_behalf_of=intent["on_behalf_of"],
        outcome={
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": card_of(payment_method).risk,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        payment_intent=intent["id"],
        payment_method=payment_method["id"],
        payment_method_details={"card": card, "type": "card"},
        receipt_email=intent["receipt_email"],
        **described(intent),
        transfer_data=intent["transfer_data"] and {"amount": None, **intent["transfer_data"]},
        transfer_group=intent["transfer_group"],
    )


def challenged(ctx: Ctx, subject: str, *, is_passed: bool = True) -> Doc:
    """What a bank's question to the cardholder came to."""
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05" if is_passed else None,
        "result": "authenticated" if is_passed else "failed",
        "result_reason": None if is_passed else "rejected",
        "transaction_id": ctx.store.seed_token(subject),
        "version": "2.2.0",
    }


def failed_charge(ctx: Ctx, intent: Doc, payment_method: Doc, reason: str) -> Doc:
    """Keep the charge a card refused."""
    charge = new_charge(ctx, intent, payment_method, off_session=False)
    fields = decline_fields(reason)
    charge["payment_method_details"]["card"].pop("capture_before", None)
    is_blocked = reason == "fraudulent"
    charge |= {
        "failure_code": fields["code"],
        "failure_message": fields["message"],
        "paid": False,
        "status": "failed",
        "outcome": {
            "advice_code": fields.get("advice_code"),
            "network_advice_code": None,
            "network_decline_code": None if is_blocked else "05",
            "network_status": "not_sent_to_network" if is_blocked else "declined_by_network",
            "reason": "highest_risk_level" if is_blocked else reason,
            "risk_level": "highest" if is_blocked else "normal",
            "seller_message": "The bank returned the decline code `" + reason + "`.",
            "type": "blocked" if is_blocked else "issuer_declined",
        },
    }
    ctx.insert(charge)
    emit(ctx, "charge.failed", charge)
    return charge


def account_payment(ctx: Ctx, payment_id: str, amount: int, transfer_id: str) -> Doc:
    """The charge object (`py_…`) a transfer makes where its money arrives (not yet kept)."""
    payment = _charge(
        ctx,
        payment_id,
        amount=amount,
        payment_method_details={"type": "stripe_account", "stripe_account": {}},
        source_transfer=transfer_id,
        transfer_group=None,
    )
    payment |= {"amount_captured": amount, "captured": True}
    return payment


def _charge(ctx: Ctx, charge_id: str, **fields: object) -> Doc:
    """Every field of a charge, succeeded unless said otherwise."""
    return {
        **UNSET,
        "id": charge_id,
        "object": "charge",
        "amount": 0,
        "amount_captured": 0,
        "amount_refunded": 0,
        "billing_details": {
            "address": None,
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": PREFIX,
        "captured": False,
        "created": ctx.now,
        "currency": CURRENCY,
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "paid": True,
        "refunded": False,
        "status": "succeeded",
        "_": {"available_on": None},
        **fields,
    }


def _card_part(payment_method: Doc, amount: int) -> Doc:
    """`payment_method_details.card` of a charge."""
    card = payment_method["card"]
    return {
        "amount_authorized": amount,
        "authorization_code": "123456",
        "brand": card["brand"],
        "checks": card["checks"],
        "country": card["country"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "transaction_link_id": None,
        "wallet": None,
    }


def retrieve(ctx: Ctx, p: Doc, charge_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/charges/{id}."""
    return ctx.load("charge", charge_id)


def update(ctx: Ctx, p: Doc, charge_id: str) -> Doc:
    """POST /v1/charges/{id}."""
    charge = ctx.load("charge", charge_id)
    for name in ("description", "receipt_email", "transfer_group"):
        if name in p:
            charge[name] = p[name]
    if "metadata" in p:
        charge["metadata"] = merge_metadata(charge["metadata"], p["metadata"])
    ctx.save(charge)
    emit(ctx, "charge.updated", charge)
    return charge


def list_charges(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/charges."""
    return page(
        ctx,
        "charge",
        p,
        "/v1/charges",
        filters=("customer", "payment_intent", "transfer_group"),
    )


ROUTES: list[Route] = [
    get(
        "/v1/charges",
        list_charges,
        LIST | {"customer": "str", "payment_intent": "str", "transfer_group": "str"},
    ),
    get("/v1/charges/{id}", retrieve),
    post(
        "/v1/charges/{id}",
        update,
        {
            "description": "str",
            "metadata": "map",
            "receipt_email": "str",
            "transfer_group": "str",
        },
    ),
]
