"""What becomes of a payout: sent, paid, or returned by the bank."""

from typing import Any, Final

from sandbox.stripe.application_fees import refund_part
from sandbox.stripe.balances import BANK, add_transaction, journal
from sandbox.stripe.context import Ctx
from sandbox.stripe.debit_cards import FAILING
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit
from sandbox.stripe.external_accounts import find_external, save_bank

Doc = dict[str, Any]

FAILING_BANKS: Final = {
    "000111111116": "no_account",
    "000111111113": "account_closed",
    "000222222227": "insufficient_funds",
    "000333333335": "debit_not_authorized",
    "000444444440": "invalid_currency",
}
FAILURE_OF: Final = FAILING_BANKS | dict.fromkeys(FAILING, "could_not_process")
"""By the number of a bank account or of a debit card."""
FAILURES: Final = {
    "no_account": "The bank account details on file are probably incorrect. No bank account could"
    " be located with those details.",
    "account_closed": "The bank account has been closed.",
    "insufficient_funds": "The Stripe account has insufficient funds to cover the payout.",
    "debit_not_authorized": "Debit transactions are not approved on your bank account.",
    "invalid_currency": "The bank was unable to process this payout because of its currency.",
    "could_not_process": "The bank could not process this payout.",
}
OPEN: Final = ("pending", "in_transit")


def send_payout(ctx: Ctx, payout_id: str) -> None:
    """Due work: the payout left for the bank and cannot be canceled any more."""
    payout = ctx.load("payout", payout_id)
    if payout["status"] == "pending":
        payout["status"] = "in_transit"
        ctx.save(payout)
        emit(ctx, "payout.updated", payout, {"status": "pending"})


def pay_payout(ctx: Ctx, payout_id: str) -> None:
    """Due work: the bank takes the money, or a test bank or card refuses it."""
    payout = ctx.load("payout", payout_id)
    if payout["status"] not in OPEN:
        return
    bank = find_external(ctx, payout["destination"]) or {"_": {}}
    failure = FAILURE_OF.get(bank["_"].get("number", ""))
    if failure and payout["amount"] > 0:
        fail_payout(ctx, payout_id, failure)
        return
    payout["status"] = "paid"
    payout["trace_id"] = {"status": "supported", "value": ctx.store.seed_token(payout_id)}
    if payout["automatic"]:
        payout["reconciliation_status"] = "completed"
    ctx.save(payout)
    emit(ctx, "payout.updated", payout)
    emit(ctx, "payout.paid", payout)
    if payout["automatic"]:
        emit(ctx, "payout.reconciliation_completed", payout)


def fail_payout(ctx: Ctx, payout_id: str, code: str = "could_not_process") -> Doc:
    """Due work and control: the bank sends the money back, even days after it was paid.

    The bank account is unusable until it is changed; the platform's fee stays unless configured.
    """
    payout = ctx.load("payout", payout_id)
    if payout["status"] not in (*OPEN, "paid"):
        raise invalid(f"This payout cannot fail: it is {payout['status']}.")
    for work in ("send_payout", "pay_payout"):
        ctx.store.unplan(work, payout_id)
    amount = payout["amount"]
    back = add_transaction(
        ctx, ctx.account, "payout_failure", amount, payout_id, description="STRIPE PAYOUT FAILURE"
    )
    journal(ctx, [(BANK, -amount, None), (ctx.account, amount, back["id"])])
    payout |= {
        "status": "failed",
        "failure_balance_transaction": back["id"],
        "failure_code": code,
        "failure_message": FAILURES.get(code, FAILURES["could_not_process"]),
    }
    ctx.save(payout)
    emit(ctx, "payout.updated", payout)
    emit(ctx, "payout.failed", payout)
    bank = find_external(ctx, payout["destination"])
    if ctx.account and bank and bank["status"] != "errored":
        bank["status"] = "errored"
        save_bank(ctx, bank)
    if payout["application_fee"] and ctx.config.is_instant_fee_returned:
        fee = ctx.on("").load("application_fee", payout["application_fee"])
        refund_part(ctx, fee, fee["amount"] - fee["amount_refunded"])
    return payout
