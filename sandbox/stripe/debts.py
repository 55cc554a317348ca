"""Accounts that owe: their bank is debited if their settings allow it, else the platform pays."""

from typing import Any

from sandbox.stripe.balances import (
    BANK,
    CURRENCY,
    add_transaction,
    available_cents,
    balance_of,
    journal,
    pending_cents,
    settles_on,
)
from sandbox.stripe.context import Ctx
from sandbox.stripe.events import emit
from sandbox.stripe.external_accounts import load_bank
from sandbox.stripe.payouts import new_payout
from sandbox.stripe.schedules import settings_of

Doc = dict[str, Any]


def debt_of(ctx: Ctx, account: str) -> int:
    """What an account owes; zero or less when it owes nothing."""
    return -(available_cents(ctx, account) + pending_cents(ctx, account))


def debit_bank(ctx: Ctx, account: str) -> None:
    """Due work: Stripe takes what an account owes from its bank, as a payout below zero.

    Only with `debit_negative_balances`, and only if there is a bank to take it from.
    """
    here = ctx.on(account)
    owner = ctx.store.find("account", account, "") or {"external_accounts": {"data": []}}
    banks = [
        each
        for each in owner["external_accounts"]["data"]
        if each["default_for_currency"] and each["object"] == "bank_account"
    ]
    debt = debt_of(here, account)
    if debt <= 0 or not banks or not settings_of(here, account)["debit_negative_balances"]:
        return
    bank, arrival = load_bank(here, account, banks[0]["id"]), settles_on(here)
    payout = new_payout(here, -debt, bank, {})
    got = add_transaction(
        here, account, "payout", debt, payout["id"], description="STRIPE PAYOUT DEBIT"
    )
    journal(here, [(BANK, -debt, None), (account, debt, got["id"])])
    payout |= {"arrival_date": arrival, "automatic": True, "balance_transaction": got["id"]}
    payout["reconciliation_status"] = "in_progress"
    here.insert(payout)
    ctx.store.plan("pay_payout", payout["id"], arrival * 1_000_000)
    emit(here, "payout.created", payout)


def collect_debt(ctx: Ctx, account: str) -> None:
    """Due work: an account has owed for 180 days, so the platform pays for it (if it is liable)."""
    owner = ctx.store.find("account", account, "") or {"controller": {}}
    if (owner["controller"].get("losses") or {}).get("payments") != "application":
        return
    debt = debt_of(ctx, account)
    if debt <= 0:
        return
    text = "Connect collection transfer"
    transfer_id = ctx.new_id("connct")
    given = add_transaction(
        ctx, "", "connect_collection_transfer", -debt, transfer_id, description=text
    )
    got = add_transaction(
        ctx, account, "connect_collection_transfer", debt, transfer_id, description=text
    )
    journal(ctx, [("", -debt, given["id"]), (account, debt, got["id"])])
    ctx.on("").insert(
        {
            "id": transfer_id,
            "object": "connect_collection_transfer",
            "amount": debt,
            "created": ctx.now,
            "currency": CURRENCY,
            "destination": account,
            "livemode": False,
        }
    )
    emit(ctx.on(account), "balance.available", balance_of(ctx, account))
