"""Disputes and inquiries: opened by the card's bank, answered by the platform, decided on time.

A chargeback takes the amount and a fee from the balance when it opens; a win brings the amount
back. An inquiry moves nothing unless it escalates. Test words in `evidence[uncategorized_text]`
decide: `winning_evidence`, `losing_evidence`, `escalate_inquiry_evidence`.
"""

from typing import Any, Final

from sandbox.stripe.balances import (
    CARDS,
    CURRENCY,
    STRIPE_FEES,
    add_transaction,
    journal,
    stripe_detail,
)
from sandbox.stripe.clock import DAY_SECONDS
from sandbox.stripe.context import Ctx, shown
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit
from sandbox.stripe.fraud import settle_warnings
from sandbox.stripe.lists import LIST, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.refunds import fail_refund
from sandbox.stripe.routing import Route, get, post

Doc = dict[str, Any]

RESPONSE_DAYS: Final = 19
REVIEW_DAYS: Final = 75
"""How long a bank thinks about evidence without a test word; then it decides for the cardholder."""
INQUIRY_DAYS: Final = 120
"""An inquiry that does not escalate ends by itself."""
TEST_WORDS: Final = ("winning_evidence", "losing_evidence", "escalate_inquiry_evidence")
UNANSWERED: Final = ("needs_response", "warning_needs_response")
NETWORK_CODES: Final = {"fraudulent": "10.4", "product_not_received": "13.1"}
EVIDENCE: Final = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
EVIDENCE_TOTAL_MAX: Final = 150_000


def dispute_as_card_does(ctx: Ctx, charge: Doc, fate: str) -> None:
    """What a test card does after its capture: a reason, `inquiry`, or `multiple` disputes."""
    if fate == "multiple":
        half = charge["amount_captured"] // 2
        open_dispute(ctx, charge, "fraudulent", amount=half)
        open_dispute(ctx, charge, "fraudulent", amount=charge["amount_captured"] - half)
    elif fate == "inquiry":
        open_dispute(ctx, charge, "general", is_inquiry=True)
    else:
        open_dispute(ctx, charge, fate)


def open_dispute(
    ctx: Ctx,
    charge: Doc,
    reason: str = "fraudulent",
    *,
    amount: int | None = None,
    is_inquiry: bool = False,
) -> Doc:
    """The cardholder's bank disputes a captured charge, by default all that was not refunded."""
    released = charge["_"].get("released") or 0
    left = charge["amount_captured"] - (charge["amount_refunded"] - released)
    amount = left if amount is None else amount
    if not charge["captured"] or not 0 < amount <= left:
        raise invalid(f"Of this charge {left} can be disputed, not {amount}.", param="amount")
    dispute = _new(ctx, charge, reason, amount, is_inquiry=is_inquiry)
    if not is_inquiry:
        _withdraw(ctx, dispute)
    ctx.insert(dispute)
    charge["disputed"] = True
    ctx.save(charge)
    due_by = dispute["evidence_details"]["due_by"]
    ctx.store.plan("end_dispute", dispute["id"], (due_by + 1) * 1_000_000)
    emit(ctx, "charge.dispute.created", dispute)
    if not is_inquiry:
        emit(ctx, "charge.dispute.funds_withdrawn", dispute)
    settle_warnings(ctx, charge)
    return dispute


def _new(ctx: Ctx, charge: Doc, reason: str, amount: int, *, is_inquiry: bool) -> Doc:
    """A dispute (not yet kept)."""
    card = charge["payment_method_details"]["card"]
    return {
        "id": ctx.new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": ctx.now,
        "currency": CURRENCY,
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": ctx.today + (RESPONSE_DAYS + 1) * DAY_SECONDS - 1,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": is_inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card["brand"],
                "case_type": "inquiry" if is_inquiry else "chargeback",
                "network": card["network"],
                "network_reason_code": NETWORK_CODES.get(reason, "10.4"),
            },
            "type": "card",
        },
        "reason": reason,
        "status": "warning_needs_response" if is_inquiry else "needs_response",
        "_": {"fee": ctx.config.dispute_fee_cents, "counter_fee": 0},
    }


def _withdraw(ctx: Ctx, dispute: Doc) -> None:
    """Amount and fee leave the balance at once, below zero if need be."""
    amount, fee = dispute["amount"], dispute["_"]["fee"]
    taken = add_transaction(
        ctx,
        ctx.account,
        "adjustment",
        -amount,
        dispute["id"],
        fee_details=[stripe_detail(fee, "Dispute fee")],
        description=f"Chargeback withdrawal for {dispute['charge']}",
        category="dispute",
    )
    mine = (ctx.account, -amount - fee, taken["id"])
    journal(ctx, [mine, (CARDS, amount, None), (STRIPE_FEES, fee, None)])
    dispute["balance_transactions"].append(shown(taken))


def _counter_fee(ctx: Ctx, dispute: Doc, fee: int) -> None:
    """Take the fee for answering a chargeback; a negative one is given back by a win."""
    if fee:
        moved = add_transaction(
            ctx, ctx.account, "stripe_fee", -fee, dispute["id"], description="Dispute countered fee"
        )
        journal(ctx, [(ctx.account, -fee, moved["id"]), (STRIPE_FEES, fee, None)])
        dispute["_"]["counter_fee"] += fee


def update(ctx: Ctx, p: Doc, dispute_id: str) -> Doc:
    """POST /v1/disputes/{id}: evidence, submitted at once unless `submit=false`, only once."""
    dispute = ctx.load("dispute", dispute_id)
    if "metadata" in p:
        dispute["metadata"] = merge_metadata(dispute["metadata"], p["metadata"])
    evidence = p.get("evidence") or {}
    wants_submit = p["submit"] if p.get("submit") is not None else bool(evidence)
    if (evidence or wants_submit) and dispute["status"] not in UNANSWERED:
        raise invalid(
            "This dispute is not open for evidence: it was already submitted or is closed"
            f" ({dispute['status']}).",
            param="evidence" if evidence else "submit",
        )
    dispute["evidence"] |= evidence
    texts = [value for value in dispute["evidence"].values() if isinstance(value, str)]
    if sum(map(len, texts)) > EVIDENCE_TOTAL_MAX:
        raise invalid(
            f"The evidence has more than {EVIDENCE_TOTAL_MAX} characters.", param="evidence"
        )
    dispute["evidence_details"]["has_evidence"] = bool(texts)
    if wants_submit:
        _submit(ctx, dispute)
    ctx.save(dispute)
    emit(ctx, "charge.dispute.updated", dispute)
    return dispute


def _submit(ctx: Ctx, dispute: Doc) -> None:
    """Hand the evidence to the bank, which decides in its time."""
    is_inquiry = dispute["status"] == "warning_needs_response"
    dispute["evidence_details"]["submission_count"] += 1
    dispute["evidence_details"]["submission_method"] = "manual"
    dispute["status"] = "warning_under_review" if is_inquiry else "under_review"
    word = dispute["evidence"]["uncategorized_text"]
    seconds = (INQUIRY_DAYS if is_inquiry else REVIEW_DAYS) * DAY_SECONDS
    if word in TEST_WORDS:
        seconds = ctx.config.dispute_decision_seconds
    ctx.store.unplan("end_dispute", dispute["id"])
    ctx.store.plan("decide_dispute", dispute["id"], ctx.now_us + seconds * 1_000_000)
    if not is_inquiry:
        _counter_fee(ctx, dispute, ctx.config.dispute_counter_fee_cents)


def decide_dispute(ctx: Ctx, dispute_id: str) -> None:
    """Due work: the bank decides about submitted evidence."""
    dispute = ctx.load("dispute", dispute_id)
    word = dispute["evidence"]["uncategorized_text"]
    if dispute["status"] == "warning_under_review":
        if word == "escalate_inquiry_evidence":
            escalate(ctx, dispute)
        else:
            resolve(ctx, dispute, "warning_closed")
    elif dispute["status"] == "under_review":
        resolve(ctx, dispute, "won" if word == "winning_evidence" else "lost")


def end_dispute(ctx: Ctx, dispute_id: str) -> None:
    """Due work: nobody answered. A chargeback is lost; an inquiry is late, and ends later."""
    dispute = ctx.load("dispute", dispute_id)
    if dispute["status"] == "needs_response":
        dispute["evidence_details"]["past_due"] = True
        resolve(ctx, dispute, "lost")
    elif dispute["status"] == "warning_needs_response":
        if dispute["evidence_details"]["past_due"]:
            resolve(ctx, dispute, "warning_closed")
            return
        dispute["evidence_details"]["past_due"] = True
        ends = dispute["created"] + INQUIRY_DAYS * DAY_SECONDS
        ctx.store.plan("end_dispute", dispute_id, ends * 1_000_000)
        ctx.save(dispute)
        emit(ctx, "charge.dispute.updated", dispute)


def escalate(ctx: Ctx, dispute: Doc) -> Doc:
    """An inquiry becomes a chargeback; refunds made meanwhile fail, so that nobody is paid twice.

    Seen in recordings: they fail with `charge_for_pending_refund_disputed`.
    """
    for refund in ctx.store.children("refund", dispute["charge"]):
        if refund["created"] >= dispute["created"]:
            fail_refund(ctx, refund["id"], "charge_for_pending_refund_disputed")
    dispute |= {"status": "needs_response", "is_charge_refundable": False}
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    due_by = ctx.today + (RESPONSE_DAYS + 1) * DAY_SECONDS - 1
    dispute["evidence_details"] |= {"due_by": due_by, "past_due": False}
    ctx.store.unplan("decide_dispute", dispute["id"])
    ctx.store.plan("end_dispute", dispute["id"], (due_by + 1) * 1_000_000)
    _withdraw(ctx, dispute)
    ctx.save(dispute)
    emit(ctx, "charge.dispute.updated", dispute)
    emit(ctx, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def resolve(ctx: Ctx, dispute: Doc, status: str) -> Doc:
    """Close a dispute: `won` brings the amount back, `lost` and `warning_closed` move nothing.

    `prevented` is as if there had been none: amount and fee come back, if they were taken.
    """
    for work in ("end_dispute", "decide_dispute"):
        ctx.store.unplan(work, dispute["id"])
    is_inquiry = dispute["status"].startswith("warning_")
    dispute |= {
        "status": status,
        "is_charge_refundable": status in ("warning_closed", "prevented"),
    }
    if status == "prevented":
        dispute["payment_method_details"]["card"]["case_type"] = "block"
    is_back = status == "won" or (status == "prevented" and not is_inquiry)
    if is_back:
        _reinstate(ctx, dispute, fee=dispute["_"]["fee"] if status == "prevented" else 0)
    ctx.save(dispute)
    if is_back:
        emit(ctx, "charge.dispute.funds_reinstated", dispute)
    emit(ctx, "charge.dispute.closed", dispute)
    return dispute


def _reinstate(ctx: Ctx, dispute: Doc, *, fee: int) -> None:
    """The amount comes back, with it the fee for answering and `fee` of the dispute itself."""
    amount = dispute["amount"]
    back = add_transaction(
        ctx,
        ctx.account,
        "adjustment",
        amount,
        dispute["id"],
        fee_details=[stripe_detail(-fee, "Dispute fee")] if fee else (),
        description=f"Chargeback reversal for {dispute['charge']}",
        category="dispute_reversal",
    )
    lines: list[tuple[str, int, str | None]] = [
        (CARDS, -amount, None),
        (ctx.account, amount + fee, back["id"]),
    ]
    if fee:
        lines.append((STRIPE_FEES, -fee, None))
    journal(ctx, lines)
    dispute["balance_transactions"].append(shown(back))
    _counter_fee(ctx, dispute, -dispute["_"]["counter_fee"])


def prevent(ctx: Ctx, dispute: Doc) -> Doc:
    """A dispute is blocked before it is answered: what it took already comes back, fee and all.

    Stripe's other way to `prevented`, the case type `resolution` (the cardholder is refunded by a
    rule of the platform's own), needs an enrolment and is not played.
    """
    if dispute["status"] not in UNANSWERED:
        raise invalid(f"Only an unanswered dispute is prevented; this one is {dispute['status']}.")
    return resolve(ctx, dispute, "prevented")


def appeal(ctx: Ctx, dispute: Doc) -> Doc:
    """The platform goes on about a lost dispute; nothing moves until that is decided."""
    if dispute["status"] != "lost":
        raise invalid(f"Only a lost dispute can be appealed; this one is {dispute['status']}.")
    dispute["status"] = "appeal_under_review"
    ctx.save(dispute)
    emit(ctx, "charge.dispute.updated", dispute)
    return dispute


def close(ctx: Ctx, p: Doc, dispute_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """POST /v1/disputes/{id}/close: concede."""
    dispute = ctx.load("dispute", dispute_id)
    if dispute["status"] not in UNANSWERED:
        raise invalid(f"This dispute cannot be closed: it is {dispute['status']}.")
    is_inquiry = dispute["status"] == "warning_needs_response"
    return resolve(ctx, dispute, "warning_closed" if is_inquiry else "lost")


def retrieve(ctx: Ctx, p: Doc, dispute_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/disputes/{id}."""
    return ctx.load("dispute", dispute_id)


def list_disputes(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/disputes."""
    return page(ctx, "dispute", p, "/v1/disputes", filters=("charge", "payment_intent"))


ROUTES: list[Route] = [
    get("/v1/disputes", list_disputes, LIST | {"charge": "str", "payment_intent": "str"}),
    get("/v1/disputes/{id}", retrieve),
    post(
        "/v1/disputes/{id}",
        update,
        {
            "evidence": {**dict.fromkeys(EVIDENCE, "str"), "enhanced_evidence": "any"},
            "intended_submission_method": "str",
            "metadata": "map",
            "submit": "bool",
        },
    ),
    post("/v1/disputes/{id}/close", close, {}),
]
