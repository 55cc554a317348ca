"""Payouts to banks and debit cards: standard, instant, by schedule; cancel and reverse."""

from datetime import timedelta
from typing import Any, Final

from sandbox.stripe.accounts import load_account
from sandbox.stripe.application_fees import fee_detail, make_fee
from sandbox.stripe.balances import (
    BANK,
    CURRENCY,
    STRIPE_FEES,
    add_transaction,
    available_cents,
    check_source,
    instant_cents,
    journal,
    settles_on,
    stripe_detail,
)
from sandbox.stripe.clock import DAY_SECONDS, instant, micros
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit
from sandbox.stripe.external_accounts import load_bank, platform_bank
from sandbox.stripe.instant import fee_of, part_of
from sandbox.stripe.lists import LIST, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.payout_limits import check_instant, check_limit
from sandbox.stripe.routing import Route, get, post
from sandbox.stripe.schedules import settings_of

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
    """POST /v1/payouts: from the balance to the bank."""
    amount = p["amount"] or 0
    if amount <= 0:
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if p["currency"].lower() != CURRENCY:
        raise invalid("Only usd is supported.", param="currency")
    method = p.get("method") or "standard"
    if method not in ("standard", "instant"):
        raise invalid(f"Invalid method: must be standard or instant, not {method}", param="method")
    check_source(p)
    bank = destination(ctx, p.get("destination"))
    if method == "instant":
        return _create_instant(ctx, p, amount, bank)
    if available_cents(ctx, ctx.account) < amount:
        raise _insufficient()
    check_limit(ctx, amount)
    return send(ctx, amount, bank, p)


def _insufficient() -> Exception:
    return invalid(
        "You have insufficient funds in your Stripe account for this transfer.",
        code="balance_insufficient",
    )


def destination(ctx: Ctx, wanted: str | None) -> Doc:
    """The bank account or card a payout goes to; refuses accounts that may not be paid out."""
    if not ctx.account:
        bank = platform_bank(ctx)
        if wanted not in (None, bank["id"]):
            raise _unknown_destination(wanted)
        return bank
    account = load_account(ctx, ctx.account)
    banks = account["external_accounts"]["data"]
    if not account["payouts_enabled"] or not banks:
        raise invalid(
            "Cannot create payouts: this account has payouts disabled.", code="payouts_not_allowed"
        )
    chosen = [
        bank
        for bank in banks
        if bank["id"] == wanted or (wanted is None and bank["default_for_currency"])
    ]
    if not chosen:
        raise _unknown_destination(wanted)
    bank = load_bank(ctx, ctx.account, chosen[0]["id"])
    if bank["status"] == "errored":
        raise invalid(
            "Cannot create payouts: the last payout to this external account failed; update it or"
            " add another one.",
            code="payouts_not_allowed",
            param="destination",
        )
    return bank


def _unknown_destination(wanted: str | None) -> Exception:
    return invalid(
        f"No such external account: '{wanted}'", code="resource_missing", param="destination"
    )


def send(ctx: Ctx, amount: int, bank: Doc, p: Doc, *, is_automatic: bool = False) -> Doc:
    """A standard payout: pending until midnight, at the bank after two business days."""
    payout = new_payout(ctx, amount, bank, p)
    transaction = add_transaction(
        ctx, ctx.account, "payout", -amount, payout["id"], description="STRIPE PAYOUT"
    )
    journal(ctx, [(ctx.account, -amount, transaction["id"]), (BANK, amount, None)])
    arrival = settles_on(ctx)
    payout |= {
        "arrival_date": arrival,
        "automatic": is_automatic,
        "balance_transaction": transaction["id"],
        "reconciliation_status": "in_progress" if is_automatic else "not_applicable",
    }
    ctx.insert(payout)
    midnight = (ctx.today + DAY_SECONDS) * 1_000_000
    ctx.store.plan("send_payout", payout["id"], midnight)
    ctx.store.plan("pay_payout", payout["id"], max(arrival * 1_000_000, midnight + 1))
    emit(ctx, "payout.created", payout)
    return payout


def new_payout(ctx: Ctx, amount: int, bank: Doc, p: Doc) -> Doc:
    """A payout (not yet kept)."""
    return {
        **UNSET,
        "id": ctx.new_id("po"),
        "object": "payout",
        "amount": amount,
        "arrival_date": ctx.now,
        "automatic": False,
        "balance_transaction": None,
        "created": ctx.now,
        "currency": CURRENCY,
        "description": p.get("description") or "STRIPE PAYOUT",
        "destination": bank["id"],
        "livemode": False,
        "metadata": merge_metadata({}, p.get("metadata")),
        "method": "standard",
        "reconciliation_status": "not_applicable",
        "source_type": "card",
        "statement_descriptor": p.get("statement_descriptor")
        or settings_of(ctx, ctx.account)["statement_descriptor"],
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": bank["object"],
        "_": {},
    }


def _create_instant(ctx: Ctx, p: Doc, amount: int, bank: Doc) -> Doc:
    """An instant payout: `amount` arrives, the platform's fee comes on top, Stripe bills 1 %."""
    check_instant(ctx, amount, bank)
    balance = instant_cents(ctx, ctx.account)
    fee = fee_of(ctx.config, amount, balance) if ctx.account else 0
    cost = part_of(amount, ctx.config.instant_cost_bps)
    if amount + (fee if ctx.account else cost) > balance:
        raise _insufficient()
    payout = new_payout(ctx, amount, bank, p) | {"method": "instant", "status": "in_transit"}
    payout["_"]["cost_bps"] = ctx.config.instant_cost_bps
    if ctx.account:
        _take_with_fee(ctx, payout, fee)
        _bill(ctx, payout, cost)
    else:
        _take_with_cost(ctx, payout, cost)
    ctx.insert(payout)
    ctx.store.plan("pay_payout", payout["id"], ctx.now_us + ctx.config.instant_seconds * 1_000_000)
    emit(ctx, "payout.created", payout)
    return payout


def _take_with_fee(ctx: Ctx, payout: Doc, fee: int) -> None:
    """A connected account pays the payout and the platform's fee; pending money counts."""
    amount, fee_doc = payout["amount"], None
    if fee:
        fee_doc = make_fee(ctx, fee, ctx.account, ("payout", payout["id"]))
        payout |= {"application_fee": fee_doc["id"], "application_fee_amount": fee}
    taken = add_transaction(
        ctx,
        ctx.account,
        "payout",
        -amount,
        payout["id"],
        fee_details=[fee_detail(fee_doc)] if fee_doc else [],
        description="STRIPE PAYOUT",
        is_instant=True,
    )
    payout["balance_transaction"] = taken["id"]
    lines = [(ctx.account, -amount - fee, taken["id"]), (BANK, amount, None)]
    if fee_doc:
        lines.append(("", fee, fee_doc["balance_transaction"]))
    journal(ctx, lines)


def _bill(ctx: Ctx, payout: Doc, cost: int) -> None:
    """Stripe's price of a connected account's instant payout, billed to the platform."""
    if cost:
        billed = add_transaction(
            ctx,
            "",
            "stripe_fee",
            -cost,
            None,
            description=f"Instant Payouts fee for {payout['id']}",
        )
        journal(ctx, [("", -cost, billed["id"]), (STRIPE_FEES, cost, None)])


def _take_with_cost(ctx: Ctx, payout: Doc, cost: int) -> None:
    """The platform's own instant payout carries Stripe's price in its balance transaction."""
    amount = payout["amount"]
    taken = add_transaction(
        ctx,
        "",
        "payout",
        -amount,
        payout["id"],
        fee_details=[stripe_detail(cost, "Instant Payout fee")],
        description="STRIPE PAYOUT",
        is_instant=True,
    )
    payout["balance_transaction"] = taken["id"]
    journal(
        ctx, [("", -amount - cost, taken["id"]), (BANK, amount, None), (STRIPE_FEES, cost, None)]
    )


def cancel(ctx: Ctx, p: Doc, payout_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """POST /v1/payouts/{id}/cancel: only while pending."""
    payout = ctx.load("payout", payout_id)
    if payout["status"] != "pending":
        raise invalid("Only pending payouts can be canceled.", code="payout_already_canceled")
    for work in ("send_payout", "pay_payout"):
        ctx.store.unplan(work, payout_id)
    amount = payout["amount"]
    back = add_transaction(
        ctx, ctx.account, "payout_cancel", amount, payout_id, description="STRIPE PAYOUT CANCEL"
    )
    journal(ctx, [(BANK, -amount, None), (ctx.account, amount, back["id"])])
    payout |= {"status": "canceled", "failure_balance_transaction": back["id"]}
    ctx.save(payout)
    emit(ctx, "payout.canceled", payout)
    return payout


def reverse(ctx: Ctx, p: Doc, payout_id: str) -> Doc:
    """POST /v1/payouts/{id}/reverse: a paid standard payout comes back, as a negative payout."""
    payout = ctx.load("payout", payout_id)
    if payout["status"] != "paid" or payout["method"] != "standard" or not ctx.account:
        raise invalid("Only paid standard payouts of connected accounts can be reversed.")
    if payout["reversed_by"] or payout["original_payout"]:
        raise invalid("This payout was already reversed.", code="payout_reconciliation_not_ready")
    bank = load_bank(ctx, ctx.account, payout["destination"])
    amount, arrival = payout["amount"], settles_on(ctx)
    back = new_payout(ctx, -amount, bank, p) | {
        "arrival_date": arrival,
        "original_payout": payout_id,
    }
    received = add_transaction(
        ctx,
        ctx.account,
        "payout",
        amount,
        back["id"],
        available_on=arrival,
        description="STRIPE PAYOUT REVERSAL",
    )
    journal(ctx, [(BANK, -amount, None), (ctx.account, amount, received["id"])])
    back["balance_transaction"] = received["id"]
    ctx.insert(back)
    payout["reversed_by"] = back["id"]
    ctx.save(payout)
    at = instant(ctx.now_us) + timedelta(seconds=arrival - ctx.now)
    ctx.store.plan("pay_payout", back["id"], micros(at))
    emit(ctx, "payout.created", back)
    emit(ctx, "payout.updated", payout)
    return back


def retrieve(ctx: Ctx, p: Doc, payout_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/payouts/{id}."""
    return ctx.load("payout", payout_id)


def update(ctx: Ctx, p: Doc, payout_id: str) -> Doc:
    """POST /v1/payouts/{id}: metadata."""
    payout = ctx.load("payout", payout_id)
    if "metadata" in p:
        payout["metadata"] = merge_metadata(payout["metadata"], p["metadata"])
    ctx.save(payout)
    emit(ctx, "payout.updated", payout)
    return payout


def list_payouts(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/payouts."""
    filters = ("status", "destination")
    return page(ctx, "payout", p, "/v1/payouts", filters=filters, ranges=("arrival_date",))


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
    get(
        "/v1/payouts",
        list_payouts,
        LIST | {"status": "str", "destination": "str", "arrival_date": "range"},
    ),
    get("/v1/payouts/{id}", retrieve),
    post("/v1/payouts/{id}", update, {"metadata": "map"}),
    post("/v1/payouts/{id}/cancel", cancel, {}),
    post("/v1/payouts/{id}/reverse", reverse, {"metadata": "map"}),
]
