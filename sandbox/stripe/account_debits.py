"""Account debits: the platform charges a connected account's balance (`source=acct_…`)."""

from typing import Any

from sandbox.stripe.balances import (
    CURRENCY,
    add_transaction,
    available_cents,
    journal,
    pending_cents,
)
from sandbox.stripe.charges import account_payment
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import emit
from sandbox.stripe.ids import platform_id
from sandbox.stripe.lists import embedded
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routing import Route, post
from sandbox.stripe.transfers import new_transfer

Doc = dict[str, Any]


def create(ctx: Ctx, p: Doc) -> Doc:
    """POST /v1/charges: a transfer on the account, a payment on the platform, both at once."""
    amount, account_id = p.get("amount") or 0, p.get("source") or ""
    if amount <= 0:
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if not account_id.startswith("acct_"):
        raise invalid(
            "Charges are for account debits only (source=acct_…): cards pay by PaymentIntents.",
            param="source",
        )
    account = ctx.store.find("account", account_id, "")
    if account is None or ctx.account:
        raise missing("account", account_id, param="source", status=400)
    funds = available_cents(ctx, account_id) + pending_cents(ctx, account_id)
    if funds < amount and not ctx.config.is_connect_reserves_on:
        raise invalid(
            "The connected account has insufficient funds for this debit.",
            code="balance_insufficient",
        )
    return _debit(ctx, p, amount, account_id)


def _debit(ctx: Ctx, p: Doc, amount: int, account_id: str) -> Doc:
    """Move the money and keep both objects."""
    there, payment_id, transfer_id = ctx.on(account_id), ctx.new_id("py"), ctx.new_id("tr")
    transfer = new_transfer(there, transfer_id, amount, platform_id(ctx.store.seed), None)
    transfer |= {
        "description": p.get("description"),
        "destination_payment": payment_id,
        "metadata": {},
        "reversals": embedded([], f"/v1/transfers/{transfer_id}/reversals"),
        "transfer_group": p.get("transfer_group"),
        "_": {"fee": None, "available_on": None},
    }
    out = add_transaction(ctx, account_id, "transfer", -amount, transfer_id)
    got = add_transaction(ctx, "", "payment", amount, payment_id, description=p.get("description"))
    journal(ctx, [(account_id, -amount, out["id"]), ("", amount, got["id"])])
    transfer["balance_transaction"] = out["id"]
    there.insert(transfer)
    payment = account_payment(ctx, payment_id, amount, transfer_id) | {
        "balance_transaction": got["id"],
        "currency": CURRENCY,
        "description": p.get("description"),
        "metadata": merge_metadata({}, p.get("metadata")),
        "transfer_group": p.get("transfer_group"),
    }
    payment["_"]["available_on"] = got["available_on"]
    ctx.insert(payment)
    emit(there, "transfer.created", transfer)
    emit(ctx, "charge.succeeded", payment)
    return payment


ROUTES: list[Route] = [
    post(
        "/v1/charges",
        create,
        {
            "amount": "int!",
            "currency": "str!",
            "source": "str!",
            "description": "str",
            "metadata": "map",
            "transfer_group": "str",
        },
    ),
]
