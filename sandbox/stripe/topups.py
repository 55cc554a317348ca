"""Top-ups: money from the platform's bank into its balance."""

from typing import Any, Final

from sandbox.stripe.balances import BANK, CURRENCY, add_transaction, journal
from sandbox.stripe.clock import after_business_days
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit
from sandbox.stripe.lists import LIST, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routing import Route, get, post

Doc = dict[str, Any]

FAILING_SOURCES: Final = {
    "btok_us_verified_noAccount": "no_account",
    "btok_us_verified_accountClosed": "account_closed",
    "btok_us_verified_insufficientFunds": "insufficient_funds",
    "btok_us_verified_debitNotAuthorized": "debit_not_authorized",
    "btok_us_verified_invalidCurrency": "invalid_currency",
}


def create(ctx: Ctx, p: Doc) -> Doc:
    """POST /v1/topups: pending until the bank paid."""
    if ctx.account:
        raise invalid("Top-ups fill the platform's own balance.")
    amount = p["amount"] or 0
    if amount <= 0:
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if p["currency"].lower() != CURRENCY:
        raise invalid("Only usd is supported.", param="currency")
    arrival = after_business_days(ctx.now, ctx.config.topup_business_days)
    topup: Doc = {
        "id": ctx.new_id("tu"),
        "object": "topup",
        "amount": amount,
        "balance_transaction": None,
        "created": ctx.now,
        "currency": CURRENCY,
        "description": p.get("description"),
        "expected_availability_date": arrival,
        "failure_code": None,
        "failure_message": None,
        "initiated_by": "user",
        "livemode": False,
        "metadata": merge_metadata({}, p.get("metadata")),
        "source": None,
        "statement_descriptor": p.get("statement_descriptor"),
        "status": "pending",
        "transfer_group": p.get("transfer_group"),
        "_": {"failure": FAILING_SOURCES.get(p.get("source") or "")},
    }
    ctx.insert(topup)
    ctx.store.plan("settle_topup", topup["id"], max(arrival * 1_000_000, ctx.now_us))
    emit(ctx, "topup.created", topup)
    return topup


def settle_topup(ctx: Ctx, topup_id: str) -> None:
    """Due work: the money is there and available, or the bank refused."""
    topup = ctx.load("topup", topup_id)
    if topup["status"] != "pending":
        return
    if failure := topup["_"]["failure"]:
        topup |= {
            "status": "failed",
            "failure_code": failure,
            "failure_message": f"The bank refused the debit: {failure}.",
        }
        ctx.save(topup)
        emit(ctx, "topup.failed", topup)
        return
    amount = topup["amount"]
    got = add_transaction(ctx, "", "topup", amount, topup_id, description="STRIPE TOPUP")
    journal(ctx, [(BANK, -amount, None), ("", amount, got["id"])])
    topup |= {"status": "succeeded", "balance_transaction": got["id"]}
    ctx.save(topup)
    emit(ctx, "topup.succeeded", topup)


def cancel(ctx: Ctx, p: Doc, topup_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """POST /v1/topups/{id}/cancel: only while pending."""
    topup = ctx.load("topup", topup_id)
    if topup["status"] != "pending":
        raise invalid(f"Only pending top-ups can be canceled; this one is {topup['status']}.")
    ctx.store.unplan("settle_topup", topup_id)
    topup["status"] = "canceled"
    ctx.save(topup)
    emit(ctx, "topup.canceled", topup)
    return topup


def retrieve(ctx: Ctx, p: Doc, topup_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/topups/{id}."""
    return ctx.load("topup", topup_id)


def update(ctx: Ctx, p: Doc, topup_id: str) -> Doc:
    """POST /v1/topups/{id}."""
    topup = ctx.load("topup", topup_id)
    if "description" in p:
        topup["description"] = p["description"]
    if "metadata" in p:
        topup["metadata"] = merge_metadata(topup["metadata"], p["metadata"])
    return ctx.save(topup)


def list_topups(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/topups."""
    return page(ctx, "topup", p, "/v1/topups", filters=("status",), ranges=("amount",))


ROUTES: list[Route] = [
    post(
        "/v1/topups",
        create,
        {
            "amount": "int!",
            "currency": "str!",
            "description": "str",
            "metadata": "map",
            "source": "str",
            "statement_descriptor": "str",
            "transfer_group": "str",
        },
    ),
    get("/v1/topups", list_topups, LIST | {"status": "str", "amount": "range"}),
    get("/v1/topups/{id}", retrieve),
    post("/v1/topups/{id}", update, {"description": "str", "metadata": "map"}),
    post("/v1/topups/{id}/cancel", cancel, {}),
]
