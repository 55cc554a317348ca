"""Business faults: what can happen at Stripe around a request, without anything being broken.

`befall` acts before the work and stays when the work is refused; `afflict` acts on its result.
"""

from typing import Any, Final

from sandbox.stripe.accounts import capability, load_account, requirements
from sandbox.stripe.captures import expire_authorization
from sandbox.stripe.context import Ctx, shown
from sandbox.stripe.disputes import open_dispute
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit
from sandbox.stripe.faults import BUSINESS_AFTER, BUSINESS_BEFORE
from sandbox.stripe.payout_outcomes import fail_payout
from sandbox.stripe.protocol import Call
from sandbox.stripe.refunds import fail_refund

Doc = dict[str, Any]

LATER_SECONDS: Final = 60.0


def befall(ctx: Ctx, call: Call, arguments: tuple[str, ...]) -> None:
    """Restrict the account of the request, or let its authorization lapse."""
    for fault in call.firing:
        if fault.rule.action not in BUSINESS_BEFORE:
            continue
        subject = ctx.store.any_object(arguments[0]) if arguments else None
        call.decision = f"fault:{fault.rule.action}"
        if fault.rule.action == "account_restrict":
            account = _account_of(ctx, call, subject)
            if account is not None:
                restrict(ctx, account, transfers="inactive", payouts_enabled=False)
        elif subject is not None and subject["object"] == "payment_intent":
            _lapse(ctx, subject, fault.rule.reason, fault.rule.reads)
    if arguments and arguments[0].startswith("pi_"):
        _age(ctx, call, arguments[0])


def _lapse(ctx: Ctx, intent: Doc, code: str | None, reads: int) -> None:
    """The bank let a reservation go; with an error code Stripe's own record says so later."""
    if code is None:
        expire_authorization(ctx, intent["id"])
    elif intent["status"] == "requires_capture":
        intent["_"]["lapsed"] = {"code": code, "reads": reads}
        ctx.save(intent)


def _age(ctx: Ctx, call: Call, intent_id: str) -> None:
    """Count the retrievals of a lapsed intent; when they are used up the record catches up."""
    intent = ctx.store.find("payment_intent", intent_id)
    lapsed = intent["_"].get("lapsed") if intent else None
    if intent is None or lapsed is None or call.request.method != "GET":
        return
    if lapsed["reads"] > 0:
        lapsed["reads"] -= 1
        ctx.save(intent)
    else:
        expire_authorization(ctx, intent_id)


def forbid(ctx: Ctx, call: Call, arguments: tuple[str, ...]) -> None:
    """Refuse to capture what lapsed at the bank while Stripe's record is behind."""
    if not arguments or not call.request.path.endswith("/capture"):
        return
    intent = ctx.store.find("payment_intent", arguments[0])
    lapsed = intent["_"].get("lapsed") if intent else None
    if intent is not None and lapsed and intent["status"] == "requires_capture":
        raise invalid(
            "The charge cannot be captured as the authorization has expired. Auth and capture"
            " charges must be captured within a set number of days (7 by default).",
            code=lapsed["code"],
            charge=intent["latest_charge"],
            payment_intent=shown(intent),
        )


def _account_of(ctx: Ctx, call: Call, subject: Doc | None) -> str | None:
    """The connected account a request is about."""
    if ctx.account:
        return ctx.account
    if subject is not None and subject["object"] == "account":
        return subject["id"]
    data = call.params.get("transfer_data") or (subject or {}).get("transfer_data") or {}
    account = call.params.get("destination") or data.get("destination")
    return account if isinstance(account, str) and account.startswith("acct_") else None


def restrict(
    ctx: Ctx, account_id: str, *, transfers: str | None = None, payouts_enabled: bool | None = None
) -> Doc:
    """Restrict or free a connected account, and tell it; None leaves as is."""
    account = load_account(ctx.on(""), account_id)
    before = account["capabilities"].get("transfers")
    if transfers is not None:
        account["capabilities"]["transfers"] = transfers
    if payouts_enabled is not None:
        account["payouts_enabled"] = payouts_enabled
    is_free = account["payouts_enabled"] and account["capabilities"].get("transfers") == "active"
    account["requirements"] = (
        requirements([], None)
        if is_free
        else requirements(["individual.verification.document"], "requirements.past_due")
    )
    ctx.store.save(account)
    there = ctx.on(account_id)
    if account["capabilities"].get("transfers") != before:
        emit(there, "capability.updated", capability(account, "transfers"), {"status": before})
    emit(there, "account.updated", account)
    return account


def afflict(ctx: Ctx, call: Call, doc: Doc) -> None:
    """Spoil what the request made: at once, or after the rule's seconds."""
    for fault in call.firing:
        if fault.rule.action not in BUSINESS_AFTER:
            continue
        call.decision = f"fault:{fault.rule.action}"
        kind = doc.get("object")
        if fault.rule.action == "dispute_now":
            charge = ctx.store.find("charge", doc.get("latest_charge") or doc.get("id") or "")
            if charge is not None and charge["captured"] and not charge["disputed"]:
                open_dispute(ctx, charge, fault.rule.reason or "fraudulent")
        elif (fault.rule.action, kind) in (("payout_fail", "payout"), ("refund_fail", "refund")):
            at_us = ctx.now_us + round(fault.draws(LATER_SECONDS) * 1_000_000)
            ctx.store.set_meta(f"spoiled:{doc['id']}", fault.rule.reason or "")
            ctx.store.plan("spoil", doc["id"], at_us)


def spoil(ctx: Ctx, object_id: str) -> None:
    """Due work: the bank or the card sends the money back after all."""
    reason = ctx.store.meta(f"spoiled:{object_id}")
    if object_id.startswith("re_"):
        fail_refund(ctx, object_id, reason or "expired_or_canceled_card")
    elif ctx.load("payout", object_id)["status"] in ("pending", "in_transit", "paid"):
        fail_payout(ctx, object_id, reason or "could_not_process")
