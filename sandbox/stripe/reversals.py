"""Transfer reversals: money a connected account gives back to the platform."""

from typing import Any, Final

from sandbox.stripe.application_fees import refund_part
from sandbox.stripe.balances import CURRENCY, add_transaction, journal
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import emit
from sandbox.stripe.lists import UNDATED, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routing import Route, get, post
from sandbox.stripe.transfers import can_give_back

Doc = dict[str, Any]

METADATA: Final = {"metadata": "map"}


def share(part: int, whole: int, amount: int, left: int) -> int:
    """`amount · part / whole` rounded half up, no more than what is left."""
    return min(left, (2 * amount * part + whole) // (2 * whole))


def reverse(
    ctx: Ctx,
    transfer: Doc,
    amount: int,
    *,
    source_refund: str | None = None,
    metadata: Doc | None = None,
) -> Doc:
    """Take money back from a connected account, as far as below zero."""
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
    _mirror(ctx, transfer, reversal, taken["id"])
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"].insert(0, reversal)
    ctx.save(transfer)
    emit(ctx, "transfer.reversed", transfer)
    return reversal


def _mirror(ctx: Ctx, transfer: Doc, reversal: Doc, transaction_id: str) -> None:
    """The reversal as the connected account sees it: a refund of the payment it had got."""
    there = ctx.on(transfer["destination"])
    payment = there.load("charge", transfer["destination_payment"])
    payment["amount_refunded"] += reversal["amount"]
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    there.save(payment)
    there.insert(
        {
            "id": reversal["destination_payment_refund"],
            "object": "refund",
            "amount": reversal["amount"],
            "balance_transaction": transaction_id,
            "charge": payment["id"],
            "created": ctx.now,
            "currency": CURRENCY,
            "customer": None,
            "customer_account": None,
            "metadata": {},
            "payment_intent": None,
            "payment_method": None,
            "reason": None,
            "receipt_number": None,
            "source_transfer_reversal": reversal["id"],
            "status": "succeeded",
            "transfer_reversal": None,
        }
    )


def refund_fee_share(ctx: Ctx, transfer: Doc, part: int, whole: int) -> None:
    """Give `part / whole` of a transfer's application fee back, half up, at most what is left."""
    if transfer["_"]["fee"]:
        fee = ctx.load("application_fee", transfer["_"]["fee"])
        left = fee["amount"] - fee["amount_refunded"]
        refund_part(ctx, fee, share(part, whole, fee["amount"], left))


def create(ctx: Ctx, p: Doc, transfer_id: str) -> Doc:
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
    reversal = reverse(ctx, transfer, amount, metadata=merge_metadata({}, p.get("metadata")))
    if p.get("refund_application_fee"):
        refund_fee_share(ctx, transfer, amount, transfer["amount"])
    return reversal


def list_reversals(ctx: Ctx, p: Doc, transfer_id: str) -> Doc:
    """GET /v1/transfers/{id}/reversals."""
    ctx.load("transfer", transfer_id)
    url = f"/v1/transfers/{transfer_id}/reversals"
    return page(
        ctx, "transfer_reversal", {**p, "transfer": transfer_id}, url, filters=("transfer",)
    )


def retrieve(ctx: Ctx, p: Doc, transfer_id: str, reversal_id: str) -> Doc:  # noqa: ARG001
    """GET /v1/transfers/{id}/reversals/{reversal}."""
    reversal = ctx.load("transfer_reversal", reversal_id)
    if reversal["transfer"] != transfer_id:
        raise missing("transfer_reversal", reversal_id)
    return reversal


def update(ctx: Ctx, p: Doc, transfer_id: str, reversal_id: str) -> Doc:
    """POST /v1/transfers/{id}/reversals/{reversal}: metadata."""
    reversal = retrieve(ctx, p, transfer_id, reversal_id)
    if "metadata" in p:
        reversal["metadata"] = merge_metadata(reversal["metadata"], p["metadata"])
    ctx.save(reversal)
    transfer = ctx.load("transfer", transfer_id)
    kept = transfer["reversals"]["data"]
    transfer["reversals"]["data"] = [
        reversal if each["id"] == reversal_id else each for each in kept
    ]
    ctx.save(transfer)
    emit(ctx, "transfer.updated", transfer)
    return reversal


ROUTES: list[Route] = [
    post(
        "/v1/transfers/{id}/reversals",
        create,
        {"amount": "int", "description": "str", "refund_application_fee": "bool", **METADATA},
    ),
    get("/v1/transfers/{id}/reversals", list_reversals, UNDATED),
    get("/v1/transfers/{id}/reversals/{reversal}", retrieve),
    post("/v1/transfers/{id}/reversals/{reversal}", update, METADATA),
]
