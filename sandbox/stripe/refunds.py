"""Refunds: to the card, with the transfer's reversal and the fee's share; late and failed ones."""

from typing import Any, Final

from sandbox.stripe.balances import (
    CARDS,
    CURRENCY,
    PLATFORM,
    add_transaction,
    available_cents,
    journal,
)
from sandbox.stripe.cards import card_of
from sandbox.stripe.context import Ctx, shown
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit
from sandbox.stripe.fraud import settle_warnings
from sandbox.stripe.lists import LIST, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.reversals import refund_fee_share, reverse, share
from sandbox.stripe.routing import Route, get, post

Doc = dict[str, Any]

REASONS: Final = ("duplicate", "fraudulent", "requested_by_customer")
METADATA: Final = {"metadata": "map"}
CHARGED_BACK: Final = (
    "needs_response",
    "under_review",
    "lost",
    "appeal_needs_response",
    "appeal_under_review",
)
"""Disputes that took the money: what is left of it cannot be refunded. Inquiries took nothing."""


def create(ctx: Ctx, p: Doc) -> Doc:
    """POST /v1/refunds: the refund, then the transfer's reversal, then the fee's share."""
    charge = _charge_of(ctx, p)
    amount = _amount(ctx, charge, p)
    _check_flags(charge, p)
    refund = _new(ctx, charge, amount, p)
    _pay(ctx, refund)
    if p.get("reverse_transfer"):
        _take_back(ctx, refund, charge, refund_fee=bool(p.get("refund_application_fee")))
    ctx.save(refund)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    ctx.save(charge)
    emit(ctx, "refund.created", refund)
    emit(ctx, "charge.refunded", charge)
    settle_warnings(ctx, charge)
    return refund


def _check_flags(charge: Doc, p: Doc) -> None:
    """Which parameters go together."""
    if p.get("refund_application_fee") and not p.get("reverse_transfer"):
        raise invalid(
            "You must reverse the transfer (reverse_transfer=true) when refunding the application"
            " fee of a destination payment.",
            param="refund_application_fee",
        )
    if p.get("reverse_transfer") and not charge.get("transfer"):
        raise invalid(
            "Cannot reverse the transfer of a charge that has no transfer.",
            param="reverse_transfer",
        )
    if p.get("reason") and p["reason"] not in REASONS:
        raise invalid(f"Invalid reason: must be one of {', '.join(REASONS)}", param="reason")


def _take_back(ctx: Ctx, refund: Doc, charge: Doc, *, refund_fee: bool) -> None:
    """Reverse the refund's share of the transfer, and give its share of the fee back."""
    part, whole = refund["amount"], charge["amount_captured"]
    transfer = ctx.load("transfer", charge["transfer"])
    left = transfer["amount"] - transfer["amount_reversed"]
    back = share(part, whole, transfer["amount"], left)
    if back:
        reversal = reverse(ctx, transfer, back, source_refund=refund["id"])
        refund["transfer_reversal"] = reversal["id"]
    if refund_fee:
        refund_fee_share(ctx, transfer, part, whole)


def _charge_of(ctx: Ctx, p: Doc) -> Doc:
    """The captured charge to refund."""
    if p.get("payment_intent"):
        intent = ctx.load("payment_intent", p["payment_intent"], param="payment_intent")
        if intent["status"] != "succeeded":
            raise invalid(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                code="payment_intent_unexpected_state",
                param="payment_intent",
                payment_intent=shown(intent),
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
    if charge["payment_method_details"]["type"] != "card":
        raise invalid("The emulator refunds card charges only.", param="charge")
    return charge


def _amount(ctx: Ctx, charge: Doc, p: Doc) -> int:
    """Cents to give back: asked for, or all that is left."""
    disputes = ctx.store.children("dispute", charge["id"])
    if any(dispute["status"] in CHARGED_BACK for dispute in disputes):
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


def _new(ctx: Ctx, charge: Doc, amount: int, p: Doc) -> Doc:
    """A refund that has not moved money yet (kept)."""
    refund: Doc = {
        "id": ctx.new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
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
        "status": "pending",
        "transfer_reversal": None,
        "_": {},
    }
    return ctx.insert(refund)


def _pay(ctx: Ctx, refund: Doc) -> bool:
    """Send the money if the available balance has it, else let the refund wait; did it go?

    What becomes of it then depends on the card: it may take a while, or come back.
    """
    amount = refund["amount"]
    if available_cents(ctx, ctx.account) < amount:
        refund["pending_reason"] = "insufficient_funds"
        ctx.store.set_meta(_waiting(ctx.account), "yes")
        return False
    transaction = add_transaction(
        ctx, ctx.account, "refund", -amount, refund["id"], description="REFUND FOR CHARGE"
    )
    journal(ctx, [(ctx.account, -amount, transaction["id"]), (CARDS, amount, None)])
    refund["balance_transaction"] = transaction["id"]
    fate = card_of(ctx.load("payment_method", refund["payment_method"])).refund
    later_us = ctx.now_us + ctx.config.refund_seconds * 1_000_000
    if fate == "pending":
        refund["pending_reason"] = "processing"
        ctx.store.plan("settle_refund", refund["id"], later_us)
        return True
    refund.pop("pending_reason", None)
    refund["status"] = "succeeded"
    if fate == "fails":
        ctx.store.plan("fail_refund", refund["id"], later_us)
    return True


def _waiting(account: str) -> str:
    """The note that refunds of an account wait for funds; `balances` reads it."""
    return f"refunds_wait:{account}"


def complete_refunds(ctx: Ctx, subject: str) -> None:
    """Due work: an account got funds, so its waiting refunds go out, the oldest first."""
    account = "" if subject == PLATFORM else subject
    here = ctx.on(account)
    rows = ctx.store.rows(
        "SELECT id FROM objects WHERE kind = 'refund' AND account = ?"
        " AND body ->> '$.pending_reason' = 'insufficient_funds' ORDER BY seq",
        account,
    )
    ctx.store.set_meta(_waiting(account), "")
    for row in rows:
        refund = here.load("refund", row["id"])
        if not _pay(here, refund):
            return
        _tell(here, refund)


def settle_refund(ctx: Ctx, refund_id: str) -> None:
    """Due work: a slow refund arrived."""
    refund = ctx.load("refund", refund_id)
    if refund["status"] == "pending":
        refund["status"] = "succeeded"
        refund.pop("pending_reason", None)
        _tell(ctx, refund)


def _tell(ctx: Ctx, refund: Doc) -> None:
    """Keep a changed refund and say so."""
    ctx.save(refund)
    emit(ctx, "refund.updated", refund)
    emit(ctx, "charge.refund.updated", refund)


def fail_refund(ctx: Ctx, refund_id: str, reason: str = "expired_or_canceled_card") -> Doc:
    """Due work and control: the card did not take it; the money is back in the balance.

    Reversal and fee refund stay as they are: the platform sorts that out itself.
    """
    refund = ctx.load("refund", refund_id)
    if refund["status"] not in ("pending", "succeeded"):
        return refund
    for work in ("settle_refund", "fail_refund"):
        ctx.store.unplan(work, refund_id)
    amount = refund["amount"]
    if refund["balance_transaction"]:
        back = add_transaction(
            ctx, ctx.account, "refund_failure", amount, refund_id, description="REFUND FAILURE"
        )
        journal(ctx, [(CARDS, -amount, None), (ctx.account, amount, back["id"])])
        refund["failure_balance_transaction"] = back["id"]
    refund |= {"status": "failed", "failure_reason": reason}
    refund.pop("pending_reason", None)
    charge = ctx.load("charge", refund["charge"])
    charge["amount_refunded"] -= amount
    charge["refunded"] = False
    ctx.save(charge)
    _tell(ctx, refund)
    emit(ctx, "refund.failed", refund)
    return refund


def retrieve(ctx: Ctx, p: Doc, refund_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/refunds/{id}."""
    return ctx.load("refund", refund_id)


def update(ctx: Ctx, p: Doc, refund_id: str) -> Doc:
    """POST /v1/refunds/{id}."""
    refund = ctx.load("refund", refund_id)
    if "metadata" in p:
        refund["metadata"] = merge_metadata(refund["metadata"], p["metadata"])
    _tell(ctx, refund)
    return refund


def cancel(ctx: Ctx, p: Doc, refund_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """POST /v1/refunds/{id}/cancel: refunds to cards never need the customer, so never."""
    refund = ctx.load("refund", refund_id)
    raise invalid(
        f"Only refunds that require action can be canceled; this one is {refund['status']}."
    )


def list_refunds(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/refunds."""
    return page(ctx, "refund", p, "/v1/refunds", filters=("charge", "payment_intent"))


ROUTES: list[Route] = [
    post(
        "/v1/refunds",
        create,
        {"amount": "int", "charge": "str", "payment_intent": "str", "reason": "str", **METADATA}
        | {"refund_application_fee": "bool", "reverse_transfer": "bool", "currency": "str"},
    ),
    get("/v1/refunds", list_refunds, LIST | {"charge": "str", "payment_intent": "str"}),
    get("/v1/refunds/{id}", retrieve),
    post("/v1/refunds/{id}", update, METADATA),
    post("/v1/refunds/{id}/cancel", cancel, {}),
]
