"""Transfers to connected accounts: a charge's destination, and plain ones (top-ups)."""

from typing import Any

from sandbox.stripe.application_fees import fee_detail, make_fee
from sandbox.stripe.balances import (
    CURRENCY,
    add_transaction,
    available_cents,
    check_source,
    journal,
    pending_cents,
)
from sandbox.stripe.charges import account_payment
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import emit
from sandbox.stripe.lists import LIST, embedded, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routing import Route, get, post

Doc = dict[str, Any]


def destination_account(ctx: Ctx, account_id: str, *, param: str) -> Doc:
    """A connected account that may receive transfers; 400 `transfers_not_allowed` otherwise."""
    account = ctx.store.find("account", account_id)
    if account is None or account["_"].get("is_platform"):
        raise missing("destination", account_id, param=param, status=400)
    if account["capabilities"].get("transfers") != "active":
        raise invalid(
            "Your destination account needs to have at least one of the following capabilities"
            " enabled: transfers, crypto_transfers, legacy_payments",
            code="transfers_not_allowed",
            param=param,
        )
    return account


def make_transfer(
    ctx: Ctx,
    amount: int,
    destination: str,
    *,
    charge: Doc | None = None,
    fee: int = 0,
    available_on: int | None = None,
    transfer_group: str | None = None,
    metadata: Doc | None = None,
    description: str | None = None,
) -> Doc:
    """Move money to a connected account; `fee` of it comes back as an application fee."""
    transfer_id, payment_id = ctx.new_id("tr"), ctx.new_id("py")
    transfer = new_transfer(ctx, transfer_id, amount, destination, charge)
    transfer |= {
        "description": description,
        "destination_payment": payment_id,
        "metadata": metadata or {},
        "transfer_group": transfer_group,
        "_": {"fee": None, "available_on": available_on},
    }
    out = add_transaction(ctx, "", "transfer", -amount, transfer_id, available_on=available_on)
    transfer["balance_transaction"] = out["id"]
    origin = charge["id"] if charge else None
    received = _arrive(ctx, transfer, fee, origin)
    lines = [("", -amount, out["id"]), (destination, amount - fee, received["id"])]
    if transfer["_"]["fee"]:
        fee_doc = ctx.load("application_fee", transfer["_"]["fee"])
        lines.append(("", fee, fee_doc["balance_transaction"]))
    journal(ctx, lines)
    ctx.insert(transfer)
    emit(ctx, "transfer.created", transfer)
    return transfer


def _arrive(ctx: Ctx, transfer: Doc, fee: int, originating: str | None) -> Doc:
    """The payment at the destination, less the platform's fee; its balance transaction."""
    amount, account = transfer["amount"], transfer["destination"]
    payment_id, available_on = transfer["destination_payment"], transfer["_"]["available_on"]
    payment = account_payment(ctx, payment_id, amount, transfer["id"])
    details: list[Doc] = []
    if fee:
        source = ("charge", payment_id)
        fee_doc = make_fee(
            ctx, fee, account, source, originating=originating, available_on=available_on
        )
        transfer["_"]["fee"] = fee_doc["id"]
        payment |= {"application_fee": fee_doc["id"], "application_fee_amount": fee}
        details.append(fee_detail(fee_doc))
    received = add_transaction(
        ctx,
        account,
        "payment",
        amount,
        payment_id,
        available_on=available_on,
        fee_details=details,
    )
    payment["balance_transaction"] = received["id"]
    ctx.on(account).insert(payment)
    return received


def new_transfer(
    ctx: Ctx, transfer_id: str, amount: int, destination: str, charge: Doc | None
) -> Doc:
    """A new transfer (not yet kept)."""
    return {
        "id": transfer_id,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": ctx.now,
        "currency": CURRENCY,
        "destination": destination,
        "livemode": False,
        "reversals": embedded([], f"/v1/transfers/{transfer_id}/reversals"),
        "reversed": False,
        "source_transaction": charge["id"] if charge else None,
        "source_type": "card",
    }


def create(ctx: Ctx, p: Doc) -> Doc:
    """POST /v1/transfers: from the available balance, or tied to a charge."""
    if ctx.account:
        raise invalid(
            f"The account {ctx.account} cannot create transfers: only a platform sends money to"
            " connected accounts. Leave the Stripe-Account header out.",
            code="transfers_not_allowed",
        )
    amount = p["amount"] if p.get("amount") is not None else 0
    if amount <= 0:
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if p["currency"].lower() != CURRENCY:
        raise invalid("Only usd is supported.", param="currency")
    check_source(p)
    destination_account(ctx, p["destination"], param="destination")
    charge = _source(ctx, p["source_transaction"], amount) if p.get("source_transaction") else None
    if charge is None and available_cents(ctx, "") < amount:
        raise invalid(
            "You have insufficient available funds in your Stripe account. Try adding funds"
            " directly to your available balance by creating Charges using the 4000000000000077"
            " test card. See: https://stripe.com/docs/testing#available-balance",
            code="balance_insufficient",
        )
    return make_transfer(
        ctx,
        amount,
        p["destination"],
        charge=charge,
        available_on=charge["_"]["available_on"] if charge else None,
        transfer_group=p.get("transfer_group") or (charge and charge["transfer_group"]),
        metadata=merge_metadata({}, p.get("metadata")),
        description=p.get("description"),
    )


def _source(ctx: Ctx, charge_id: str, amount: int) -> Doc:
    """The captured charge a transfer is tied to, with enough left in it."""
    charge = ctx.load("charge", charge_id, param="source_transaction")
    used = sum(transfer["amount"] for transfer in ctx.store.children("transfer", charge_id))
    if not charge["captured"] or used + amount > charge["amount_captured"]:
        raise invalid(
            "Transfers using this transaction as a source must not exceed the source amount.",
            code="transfer_source_balance_parameters_mismatch",
            param="source_transaction",
        )
    return charge


def retrieve(ctx: Ctx, p: Doc, transfer_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/transfers/{id}."""
    return ctx.load("transfer", transfer_id)


def update(ctx: Ctx, p: Doc, transfer_id: str) -> Doc:
    """POST /v1/transfers/{id}."""
    transfer = ctx.load("transfer", transfer_id)
    if "metadata" in p:
        transfer["metadata"] = merge_metadata(transfer["metadata"], p["metadata"])
    if "description" in p:
        transfer["description"] = p["description"]
    ctx.save(transfer)
    emit(ctx, "transfer.updated", transfer)
    return transfer


def list_transfers(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/transfers."""
    return page(ctx, "transfer", p, "/v1/transfers", filters=("destination", "transfer_group"))


def can_give_back(ctx: Ctx, transfer: Doc, amount: int) -> bool:
    """A stand-alone transfer comes back from funds, or from the platform's connected reserves."""
    if transfer["source_transaction"] or ctx.config.is_connect_reserves_on:
        return True
    account = transfer["destination"]
    return available_cents(ctx, account) + pending_cents(ctx, account) >= amount


ROUTES: list[Route] = [
    post(
        "/v1/transfers",
        create,
        {
            "amount": "int!",
            "currency": "str!",
            "destination": "str!",
            "description": "str",
            "metadata": "map",
            "source_transaction": "str",
            "source_type": "str",
            "transfer_group": "str",
        },
    ),
    get("/v1/transfers", list_transfers, LIST | {"destination": "str", "transfer_group": "str"}),
    get("/v1/transfers/{id}", retrieve),
    post("/v1/transfers/{id}", update, {"metadata": "map", "description": "str"}),
]
