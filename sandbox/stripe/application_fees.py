"""Application fees: what the platform keeps of a payment or a payout, and gives back of it."""

from typing import Any, Final

from sandbox.stripe.balances import CURRENCY, add_transaction, journal
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import emit
from sandbox.stripe.lists import LIST, UNDATED, embedded, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routing import Route, get, post

Doc = dict[str, Any]

METADATA: Final = {"metadata": "map"}


def make_fee(
    ctx: Ctx,
    amount: int,
    account: str,
    source: tuple[str, str],
    *,
    originating: str | None = None,
    available_on: int | None = None,
) -> Doc:
    """Keep a fee and the platform's side of it; `source` is (`charge` or `payout`, its id).

    The account's side stands in the fee of its own balance transaction: `fee_detail`.
    """
    fee_id = ctx.new_id("fee")
    kind, source_id = source
    transaction = add_transaction(
        ctx, "", "application_fee", amount, fee_id, available_on=available_on
    )
    fee: Doc = {
        "id": fee_id,
        "object": "application_fee",
        "account": account,
        "amount": amount,
        "amount_refunded": 0,
        "application": "ca_" + ctx.store.seed_token("application"),
        "balance_transaction": transaction["id"],
        "charge": source_id if kind == "charge" else None,
        "created": ctx.now,
        "currency": CURRENCY,
        "fee_source": {kind: source_id, "type": kind},
        "livemode": False,
        "originating_transaction": originating,
        "refunded": False,
        "refunds": embedded([], f"/v1/application_fees/{fee_id}/refunds"),
        "_": {"available_on": available_on},
    }
    ctx.on("").insert(fee)
    emit(ctx.on(""), "application_fee.created", fee)
    return fee


def fee_detail(fee: Doc) -> Doc:
    """How a balance transaction names the application fee in it."""
    return {
        "amount": fee["amount"],
        "application": fee["application"],
        "currency": CURRENCY,
        "description": "Application fee",
        "type": "application_fee",
    }


def refund_part(ctx: Ctx, fee: Doc, amount: int, metadata: Doc | None = None) -> Doc | None:
    """Give a part of an application fee back to the connected account; None for nothing."""
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
    home = ctx.on("")
    home.insert(fee_refund)
    fee["amount_refunded"] += amount
    fee["refunded"] = fee["amount_refunded"] == fee["amount"]
    fee["refunds"]["data"].insert(0, fee_refund)
    ctx.save(fee)
    emit(home, "application_fee.refunded", fee)
    return fee_refund


def retrieve(ctx: Ctx, p: Doc, fee_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/application_fees/{id}."""
    return ctx.load("application_fee", fee_id)


def list_fees(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/application_fees; a payout's fee is found without the filter."""
    return page(ctx, "application_fee", p, "/v1/application_fees", filters=("charge",))


def create_refund(ctx: Ctx, p: Doc, fee_id: str) -> Doc:
    """POST /v1/application_fees/{id}/refunds."""
    fee = ctx.load("application_fee", fee_id)
    left = fee["amount"] - fee["amount_refunded"]
    amount = left if p.get("amount") is None else p["amount"]
    if not 0 < amount <= left:
        raise invalid(f"Only {left} of this fee are left to refund.", param="amount")
    return refund_part(ctx, fee, amount, merge_metadata({}, p.get("metadata"))) or {}


def list_refunds(ctx: Ctx, p: Doc, fee_id: str) -> Doc:
    """GET /v1/application_fees/{id}/refunds."""
    ctx.load("application_fee", fee_id)
    url = f"/v1/application_fees/{fee_id}/refunds"
    return page(ctx, "fee_refund", {**p, "fee": fee_id}, url, filters=("fee",))


def retrieve_refund(ctx: Ctx, p: Doc, fee_id: str, refund_id: str) -> Doc:  # noqa: ARG001
    """GET /v1/application_fees/{id}/refunds/{refund}."""
    fee_refund = ctx.load("fee_refund", refund_id)
    if fee_refund["fee"] != fee_id:
        raise missing("fee_refund", refund_id)
    return fee_refund


def update_refund(ctx: Ctx, p: Doc, fee_id: str, refund_id: str) -> Doc:
    """POST /v1/application_fees/{id}/refunds/{refund}: metadata."""
    fee_refund = retrieve_refund(ctx, p, fee_id, refund_id)
    if "metadata" in p:
        fee_refund["metadata"] = merge_metadata(fee_refund["metadata"], p["metadata"])
    ctx.save(fee_refund)
    fee = ctx.load("application_fee", fee_id)
    kept = fee["refunds"]["data"]
    fee["refunds"]["data"] = [fee_refund if each["id"] == refund_id else each for each in kept]
    ctx.save(fee)
    emit(ctx, "application_fee.refund.updated", fee_refund)
    return fee_refund


ROUTES: list[Route] = [
    get("/v1/application_fees", list_fees, LIST | {"charge": "str"}),
    get("/v1/application_fees/{id}", retrieve),
    post("/v1/application_fees/{id}/refunds", create_refund, {"amount": "int", **METADATA}),
    get("/v1/application_fees/{id}/refunds", list_refunds, UNDATED),
    get("/v1/application_fees/{id}/refunds/{refund}", retrieve_refund),
    post("/v1/application_fees/{id}/refunds/{refund}", update_refund, METADATA),
]
