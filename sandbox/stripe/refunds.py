"""Refunds, transfer reversals and application fee refunds: money on its way back."""

from typing import Any, Final

from sandbox.stripe.balances import CARDS, CURRENCY, add_transaction, journal
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import emit
from sandbox.stripe.lists import LIST, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routing import Route, get, post
from sandbox.stripe.transfers import can_give_back

Doc = dict[str, Any]

REASONS: Final = ("duplicate", "fraudulent", "requested_by_customer")
METADATA_SPEC: Final = {"metadata": "map"}


def share(part: int, whole: int, amount: int, left: int) -> int:
    """`amount · part / whole` rounded half up, no more than what is left."""
    return min(left, (2 * amount * part + whole) // (2 * whole))


def create(ctx: Ctx, p: Doc) -> Doc:
    """POST /v1/refunds: the refund, then the transfer's reversal, then the fee's share."""
    charge = _charge_of(ctx, p)
    amount = _amount(charge, p)
    if p.get("refund_application_fee") and not p.get("reverse_transfer"):
        raise invalid(
            "You must reverse the transfer (reverse_transfer=true) when refunding the application"
            " fee of a destination payment.",
            param="refund_application_fee",
        )
    transfer_id = charge.get("transfer")
    if p.get("reverse_transfer") and not transfer_id:
        raise invalid(
            "Cannot reverse the transfer of a charge that has no transfer.",
            param="reverse_transfer",
        )
    if p.get("reason") and p["reason"] not in REASONS:
        raise invalid(f"Invalid reason: must be one of {', '.join(REASONS)}", param="reason")
    refund = _refund(ctx, charge, amount, p)
    if p.get("reverse_transfer"):
        transfer = ctx.load("transfer", transfer_id)
        back = share(
            amount,
            charge["amount_captured"],
            transfer["amount"],
            transfer["amount"] - transfer["amount_reversed"],
        )
        reversal = reverse(
            ctx,
            transfer,
            back,
            source_refund=refund["id"],
            refund_fee=bool(p.get("refund_application_fee")),
            fee_part=(amount, charge["amount_captured"]),
        )
        refund["transfer_reversal"] = reversal["id"]
    ctx.save(refund)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    ctx.save(charge)
    emit(ctx, "refund.created", refund)
    emit(ctx, "charge.refunded", charge)
    return refund


def _charge_of(ctx: Ctx, p: Doc) -> Doc:
    """The captured charge to refund."""
    if p.get("payment_intent"):
        intent = ctx.load("payment_intent", p["payment_intent"], param="payment_intent")
        if intent["status"] != "succeeded":
            raise invalid(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                code="payment_intent_unexpected_state",
                param="payment_intent",
            )
        return ctx.load("charge", intent["latest_charge"])
    if not p.get("charge"):
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or"
            " charge.",
            code="parameter_missing",
        )
    charge = ctx.load("charge", p["charge"], param="charge")
    if not charge["captured"]:
        raise invalid(
            "Uncaptured charges cannot be refunded: cancel the PaymentIntent.",
            code="charge_not_refundable",
            param="charge",
        )
    return charge


def _amount(charge: Doc, p: Doc) -> int:
    """Cents to give back: asked for, or all that is left."""
    if charge["disputed"]:
        raise invalid(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise invalid(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = left if p.get("amount") is None else p["amount"]
    if amount <= 0:
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        raise invalid(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )
    return amount


def _refund(ctx: Ctx, charge: Doc, amount: int, p: Doc) -> Doc:
    """The refund object and its balance transaction (the object is kept)."""
    refund_id = ctx.new_id("re")
    transaction = add_transaction(
        ctx, ctx.account, "refund", -amount, refund_id, description="REFUND FOR CHARGE"
    )
    journal(ctx, [(ctx.account, -amount, transaction["id"]), (CARDS, amount, None)])
    refund: Doc = {
        "id": refund_id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": transaction["id"],
        "charge": charge["id"],
        "created": ctx.now,
        "currency": CURRENCY,
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": merge_metadata({}, p.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": p.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
        "_": {},
    }
    return ctx.insert(refund)


def reverse(
    ctx: Ctx,
    transfer: Doc,
    amount: int,
    *,
    source_refund: str | None = None,
    refund_fee: bool = False,
    fee_part: tuple[int, int] | None = None,
    metadata: Doc | None = None,
) -> Doc:
    """Take money back from a connected account; `fee_part` is the share of the fee given back."""
    reversal_id, payment_refund_id = ctx.new_id("trr"), ctx.new_id("pyr")
    destination, free_at = transfer["destination"], transfer["_"]["available_on"]
    back = add_transaction(ctx, "", "transfer_refund", amount, reversal_id, available_on=free_at)
    taken = add_transaction(
        ctx, destination, "payment_refund", -amount, payment_refund_id, available_on=free_at
    )
    journal(ctx, [(destination, -amount, taken["id"]), ("", amount, back["id"])])
    reversal: Doc = {
        "id": reversal_id,
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": back["id"],
        "created": ctx.now,
        "currency": CURRENCY,
        "destination_payment_refund": payment_refund_id,
        "metadata": metadata or {},
        "source_refund": source_refund,
        "transfer": transfer["id"],
    }
    ctx.insert(reversal)
    _refund_on_account(ctx, transfer, amount, payment_refund_id, taken["id"])
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"].insert(0, reversal)
    ctx.save(transfer)
    emit(ctx, "transfer.reversed", transfer)
    if refund_fee and transfer["_"]["fee"]:
        fee = ctx.load("application_fee", transfer["_"]["fee"])
        part, whole = fee_part or (amount, transfer["amount"])
        left = fee["amount"] - fee["amount_refunded"]
        refund_fee_part(ctx, fee, share(part, whole, fee["amount"], left))
    return reversal


def _refund_on_account(
    ctx: Ctx, transfer: Doc, amount: int, refund_id: str, transaction_id: str
) -> None:
    """The mirror of a reversal on the connected account."""
    there = ctx.on(transfer["destination"])
    payment = there.load("charge", transfer["destination_payment"])
    payment["amount_refunded"] += amount
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    there.save(payment)
    there.insert(
        {
            "id": refund_id,
            "object": "refund",
            "amount": amount,
            "balance_transaction": transaction_id,
            "charge": payment["id"],
            "created": ctx.now,
            "currency": CURRENCY,
            "metadata": {},
            "payment_intent": None,
            "reason": None,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "succeeded",
            "transfer_reversal": None,
        }
    )


def refund_fee_part(ctx: Ctx, fee: Doc, amount: int, metadata: Doc | None = None) -> Doc | None:
    """Give a part of an application fee back to the connected account."""
    if amount <= 0:
        return None
    refund_id, free_at = ctx.new_id("fr"), fee["_"]["available_on"]
    out = add_transaction(
        ctx, "", "application_fee_refund", -amount, refund_id, available_on=free_at
    )
    back = add_transaction(
        ctx, fee["account"], "application_fee_refund", amount, refund_id, available_on=free_at
    )
    journal(ctx, [("", -amount, out["id"]), (fee["account"], amount, back["id"])])
    fee_refund: Doc = {
        "id": refund_id,
        "object": "fee_refund",
        "amount": amount,
        "balance_transaction": out["id"],
        "created": ctx.now,
        "currency": CURRENCY,
        "fee": fee["id"],
        "metadata": metadata or {},
    }
    ctx.insert(fee_refund)
    fee["amount_refunded"] += amount
    fee["refunded"] = fee["amount_refunded"] == fee["amount"]
    fee["refunds"]["data"].insert(0, fee_refund)
    ctx.save(fee)
    emit(ctx, "application_fee.refunded", fee)
    return fee_refund


def create_reversal(ctx: Ctx, p: Doc, transfer_id: str) -> Doc:
    """POST /v1/transfers/{id}/reversals."""
    transfer = ctx.load("transfer", transfer_id)
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = left if p.get("amount") is None else p["amount"]
    if amount <= 0 or amount > left:
        raise invalid(
            f"Amount {amount} is more than what is left to reverse on the transfer ({left}).",
            code="parameter_invalid_integer" if amount <= 0 else None,
            param="amount",
        )
    if not can_give_back(ctx, transfer, amount):
        raise invalid(
            "The connected account has insufficient funds for this reversal.",
            code="balance_insufficient",
        )
    return reverse(
        ctx,
        transfer,
        amount,
        refund_fee=bool(p.get("refund_application_fee")),
        metadata=merge_metadata({}, p.get("metadata")),
    )


def retrieve(ctx: Ctx, p: Doc, refund_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/refunds/{id}."""
    return ctx.load("refund", refund_id)


def update(ctx: Ctx, p: Doc, refund_id: str) -> Doc:
    """POST /v1/refunds/{id}."""
    refund = ctx.load("refund", refund_id)
    if "metadata" in p:
        refund["metadata"] = merge_metadata(refund["metadata"], p["metadata"])
    ctx.save(refund)
    emit(ctx, "refund.updated", refund)
    return refund


def list_refunds(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/refunds."""
    return page(ctx, "refund", p, "/v1/refunds", filters=("charge", "payment_intent"))


def list_reversals(ctx: Ctx, p: Doc, transfer_id: str) -> Doc:
    """GET /v1/transfers/{id}/reversals."""
    ctx.load("transfer", transfer_id)
    url = f"/v1/transfers/{transfer_id}/reversals"
    return page(
        ctx, "transfer_reversal", {**p, "transfer": transfer_id}, url, filters=("transfer",)
    )


def retrieve_reversal(ctx: Ctx, p: Doc, transfer_id: str, reversal_id: str) -> Doc:  # noqa: ARG001
    """GET /v1/transfers/{id}/reversals/{reversal}."""
    reversal = ctx.load("transfer_reversal", reversal_id)
    if reversal["transfer"] != transfer_id:
        raise missing("transfer_reversal", reversal_id)
    return reversal


def retrieve_fee(ctx: Ctx, p: Doc, fee_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/application_fees/{id}."""
    return ctx.load("application_fee", fee_id)


def list_fees(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/application_fees."""
    return page(ctx, "application_fee", p, "/v1/application_fees", filters=("charge",))


def create_fee_refund(ctx: Ctx, p: Doc, fee_id: str) -> Doc:
    """POST /v1/application_fees/{id}/refunds."""
    fee = ctx.load("application_fee", fee_id)
    left = fee["amount"] - fee["amount_refunded"]
    amount = left if p.get("amount") is None else p["amount"]
    if not 0 < amount <= left:
        raise invalid(f"Only {left} of this fee are left to refund.", param="amount")
    return refund_fee_part(ctx, fee, amount, merge_metadata({}, p.get("metadata"))) or {}


def list_fee_refunds(ctx: Ctx, p: Doc, fee_id: str) -> Doc:
    """GET /v1/application_fees/{id}/refunds."""
    url = f"/v1/application_fees/{fee_id}/refunds"
    return page(ctx, "fee_refund", {**p, "fee": fee_id}, url, filters=("fee",))


BACK: Final = {"amount": "int", "metadata": "map"}
ROUTES: list[Route] = [
    post(
        "/v1/refunds",
        create,
        BACK
        | {"charge": "str", "payment_intent": "str", "reason": "str"}
        | {"refund_application_fee": "bool", "reverse_transfer": "bool"},
    ),
    get("/v1/refunds", list_refunds, LIST | {"charge": "str", "payment_intent": "str"}),
    get("/v1/refunds/{id}", retrieve),
    post("/v1/refunds/{id}", update, METADATA_SPEC),
    post(
        "/v1/transfers/{id}/reversals",
        create_reversal,
        BACK | {"description": "str", "refund_application_fee": "bool"},
    ),
    get("/v1/transfers/{id}/reversals", list_reversals, LIST),
    get("/v1/transfers/{id}/reversals/{reversal}", retrieve_reversal),
    get("/v1/application_fees", list_fees, LIST | {"charge": "str"}),
    get("/v1/application_fees/{id}", retrieve_fee),
    post("/v1/application_fees/{id}/refunds", create_fee_refund, BACK),
    get("/v1/application_fees/{id}/refunds", list_fee_refunds, LIST),
]
