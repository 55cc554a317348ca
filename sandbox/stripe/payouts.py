"""Standard payouts to a bank, and their cancellation."""

from typing import Any, Final

from sandbox.stripe.accounts import load_account
from sandbox.stripe.balances import (
    BANK,
    CURRENCY,
    add_transaction,
    available_cents,
    journal,
    settles_on,
)
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit
from sandbox.stripe.lists import LIST, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routing import Route, get, post

Doc = dict[str, Any]

UNSET: Final = dict.fromkeys(
    (
        "application_fee",
        "application_fee_amount",
        "failure_balance_transaction",
        "failure_code",
        "failure_message",
        "original_payout",
        "payout_method",
        "reversed_by",
    )
)
"""What a standard payout has only when it fails, or never."""


def create(ctx: Ctx, p: Doc) -> Doc:
    """POST /v1/payouts: from the available balance to the bank, there after two business days."""
    if (p.get("method") or "standard") != "standard":
        raise invalid(
            "Instant payouts are not enabled for this account.",
            code="instant_payouts_config_disabled",
            param="method",
        )
    amount = p["amount"] or 0
    if amount <= 0:
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    destination = _destination(ctx, p.get("destination"))
    if available_cents(ctx, ctx.account) < amount:
        raise invalid(
            "You have insufficient funds in your Stripe account for this transfer.",
            code="balance_insufficient",
        )
    payout_id = ctx.new_id("po")
    transaction = add_transaction(
        ctx, ctx.account, "payout", -amount, payout_id, description="STRIPE PAYOUT"
    )
    journal(ctx, [(ctx.account, -amount, transaction["id"]), (BANK, amount, None)])
    arrival = settles_on(ctx)
    payout: Doc = {
        **UNSET,
        "id": payout_id,
        "object": "payout",
        "amount": amount,
        "arrival_date": arrival,
        "automatic": False,
        "balance_transaction": transaction["id"],
        "created": ctx.now,
        "currency": CURRENCY,
        "description": p.get("description"),
        "destination": destination,
        "livemode": False,
        "metadata": merge_metadata({}, p.get("metadata")),
        "method": "standard",
        "reconciliation_status": "not_applicable",
        "source_type": "card",
        "statement_descriptor": p.get("statement_descriptor"),
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }
    ctx.insert(payout)
    ctx.store.plan("pay_payout", payout_id, arrival * 1_000_000)
    emit(ctx, "payout.created", payout)
    return payout


def _destination(ctx: Ctx, wanted: str | None) -> str | None:
    """The bank account of a connected account; the platform's own is not modelled."""
    if not ctx.account:
        return None
    account = load_account(ctx, ctx.account)
    banks = [bank["id"] for bank in account["external_accounts"]["data"]]
    if not account["payouts_enabled"] or not banks:
        raise invalid(
            "Cannot create payouts: this account has payouts disabled.", code="payouts_not_allowed"
        )
    if wanted and wanted not in banks:
        raise invalid(
            f"No such external account: '{wanted}'", code="resource_missing", param="destination"
        )
    return wanted or banks[0]


def pay_payout(ctx: Ctx, payout_id: str) -> None:
    """Due work: the bank has the money."""
    payout = ctx.load("payout", payout_id)
    if payout["status"] not in ("pending", "in_transit"):
        return
    payout["status"] = "paid"
    payout["trace_id"] = {"status": "supported", "value": ctx.store.seed_token(payout_id)}
    ctx.save(payout)
    emit(ctx, "payout.updated", payout)
    emit(ctx, "payout.paid", payout)


def cancel(ctx: Ctx, p: Doc, payout_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """POST /v1/payouts/{id}/cancel: only while pending."""
    payout = ctx.load("payout", payout_id)
    if payout["status"] != "pending":
        raise invalid("Only pending payouts can be canceled.", code="payout_already_canceled")
    ctx.store.unplan("pay_payout", payout_id)
    amount = payout["amount"]
    back = add_transaction(ctx, ctx.account, "payout_cancel", amount, payout_id)
    journal(ctx, [(BANK, -amount, None), (ctx.account, amount, back["id"])])
    payout |= {"status": "canceled", "failure_balance_transaction": back["id"]}
    ctx.save(payout)
    emit(ctx, "payout.canceled", payout)
    return payout


def retrieve(ctx: Ctx, p: Doc, payout_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/payouts/{id}."""
    return ctx.load("payout", payout_id)


def list_payouts(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/payouts."""
    return page(ctx, "payout", p, "/v1/payouts", filters=("status", "destination"))


ROUTES: list[Route] = [
    post(
        "/v1/payouts",
        create,
        {
            "amount": "int!",
            "currency": "str!",
            "description": "str",
            "destination": "str",
            "metadata": "map",
            "method": "str",
            "source_type": "str",
            "statement_descriptor": "str",
        },
    ),
    get("/v1/payouts", list_payouts, LIST | {"status": "str", "destination": "str"}),
    get("/v1/payouts/{id}", retrieve),
    post("/v1/payouts/{id}/cancel", cancel, {}),
]
