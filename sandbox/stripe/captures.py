"""Taking reserved money, releasing it, and letting it lapse."""

from typing import Any, Final

from sandbox.stripe.balances import (
    CARDS,
    STRIPE_FEES,
    add_transaction,
    journal,
    settles_on,
    stripe_detail,
    stripe_fee,
)
from sandbox.stripe.cards import Card, card_of
from sandbox.stripe.context import Ctx, shown
from sandbox.stripe.descriptors import check_descriptors, described
from sandbox.stripe.disputes import dispute_as_card_does
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit
from sandbox.stripe.fraud import warn
from sandbox.stripe.intent_checks import check_share
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.transfers import destination_account, make_transfer

Doc = dict[str, Any]

CANCELABLE: Final = (
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "requires_capture",
    "processing",
)
REASONS: Final = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def capture(ctx: Ctx, p: Doc, intent_id: str) -> Doc:
    """POST /v1/payment_intents/{id}/capture: all or a part; the rest is released."""
    intent = ctx.load("payment_intent", intent_id)
    if intent["status"] != "requires_capture":
        raise _not_capturable(intent)
    amount = p.get("amount_to_capture")
    amount = intent["amount_capturable"] if amount is None else amount
    if amount <= 0:
        raise invalid(
            "Invalid positive integer",
            code="parameter_invalid_integer",
            param="amount_to_capture",
        )
    if amount > intent["amount_capturable"]:
        raise invalid(
            f"The amount_to_capture ({amount}) is greater than the amount_capturable"
            f" ({intent['amount_capturable']}) of this PaymentIntent.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    if p.get("final_capture") is False:
        raise invalid(
            "This PaymentIntent does not support multiple captures: final_capture must be true.",
            param="final_capture",
        )
    fee = _fee(intent, p, amount)
    _share(intent, p, amount, fee)
    if "metadata" in p:
        intent["metadata"] = merge_metadata(intent["metadata"], p["metadata"])
    intent["application_fee_amount"] = fee
    charge = ctx.load("charge", intent["latest_charge"])
    check_descriptors(p)
    if "statement_descriptor_suffix" in p:
        intent["statement_descriptor_suffix"] = p["statement_descriptor_suffix"]
        charge |= described(intent)
    return take(ctx, intent, charge, amount, fee)


def _fee(intent: Doc, p: Doc, amount: int) -> int | None:
    """The platform's fee of this capture: asked for now, or the intent's, at most all of it."""
    fee = p.get("application_fee_amount")
    if fee is not None and not 0 <= fee <= amount:
        raise invalid(
            "The application_fee_amount must be no more than the captured amount.",
            param="application_fee_amount",
        )
    if fee is not None and not intent["transfer_data"]:
        raise invalid(
            "Can only apply an application_fee_amount to a destination payment.",
            param="application_fee_amount",
        )
    if fee is None and intent["application_fee_amount"] is not None:
        fee = min(intent["application_fee_amount"], amount)
    return fee


def _share(intent: Doc, p: Doc, amount: int, fee: int | None) -> None:
    """What of the capture goes on to the destination, when it is said as an amount."""
    given = p.get("transfer_data")
    if given and not intent["transfer_data"]:
        raise invalid(
            "The transfer_data of a PaymentIntent without a destination cannot be captured.",
            param="transfer_data",
        )
    if given and given.get("amount") is not None:
        intent["transfer_data"] = {**intent["transfer_data"], "amount": given["amount"]}
    check_share(intent["transfer_data"], amount if given else intent["amount"], fee)


def _not_capturable(intent: Doc) -> Exception:
    """Why this intent cannot be captured (again)."""
    message = (
        f"This PaymentIntent could not be captured because it has a status of {intent['status']}."
        " Only a PaymentIntent with one of the following statuses may be captured:"
        " requires_capture."
    )
    if intent["status"] == "succeeded":
        message = (
            "This PaymentIntent could not be captured because it has already been captured. Any"
            " remaining authorized amount was released with the first capture."
        )
    if intent["cancellation_reason"] == "automatic":
        message = (
            "This PaymentIntent could not be captured because the authorization has expired and was"
            " released."
        )
    return invalid(message, code="payment_intent_unexpected_state", payment_intent=shown(intent))


def take(ctx: Ctx, intent: Doc, charge: Doc, amount: int, fee: int | None) -> Doc:
    """Move the money: card to platform, on to the destination, and the fee back."""
    data = intent["transfer_data"]
    if data and fee != amount:
        # with a fee of all of it nothing would remain there (docs/decisions)
        destination_account(ctx, data["destination"], param="transfer_data[destination]")
    ctx.store.unplan("expire_authorization", intent["id"])
    payment_method = ctx.load("payment_method", charge["payment_method"])
    is_at_once = card_of(payment_method).is_available_at_once
    available_on = ctx.now if is_at_once else settles_on(ctx)
    cost = stripe_fee(ctx, amount)
    transaction = add_transaction(
        ctx,
        ctx.account,
        "charge",
        amount,
        charge["id"],
        available_on=available_on,
        fee_details=[stripe_detail(cost, "Stripe processing fees")],
        description=intent["description"],
    )
    net = (ctx.account, amount - cost, transaction["id"])
    journal(ctx, [(CARDS, -amount, None), net, (STRIPE_FEES, cost, None)])
    was_captured_later = intent["capture_method"] == "manual"
    charge |= {
        "amount_captured": amount,
        "amount_refunded": charge["amount"] - amount,
        "balance_transaction": transaction["id"],
        "captured": True,
        "application_fee_amount": fee,
    }
    charge["_"]["available_on"] = available_on
    charge["_"]["released"] = charge["amount"] - amount
    if data:
        _send_on(ctx, charge, amount, fee or 0, data)
    ctx.save(charge)
    intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": amount}
    ctx.save(intent)
    if was_captured_later:
        emit(ctx, "charge.captured", charge)
    _as_card_does(ctx, charge, card_of(payment_method))
    emit(ctx, "payment_intent.succeeded", intent)
    return intent


def _as_card_does(ctx: Ctx, charge: Doc, card: Card) -> None:
    """What the bank of a test card does right after the capture."""
    if card.is_fraud_reported:
        warn(ctx, charge)
    if card.dispute:
        dispute_as_card_does(ctx, charge, card.dispute)


def _send_on(ctx: Ctx, charge: Doc, amount: int, fee: int, data: Doc) -> None:
    """The destination's part of a captured charge."""
    part = data.get("amount")
    transfer = make_transfer(
        ctx,
        amount if part is None else min(part, amount),
        data["destination"],
        charge=charge,
        fee=fee,
        available_on=charge["_"]["available_on"],
        transfer_group=charge["transfer_group"],
    )
    charge["transfer"] = transfer["id"]
    charge["application_fee"] = transfer["_"]["fee"]


def cancel(ctx: Ctx, p: Doc, intent_id: str) -> Doc:
    """POST /v1/payment_intents/{id}/cancel."""
    intent = ctx.load("payment_intent", intent_id)
    if intent["status"] not in CANCELABLE:
        raise invalid(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}."
            " Only a PaymentIntent with one of the following statuses may be canceled: "
            + ", ".join(CANCELABLE)
            + ".",
            code="payment_intent_unexpected_state",
            payment_intent=shown(intent),
        )
    reason = p.get("cancellation_reason")
    if reason is not None and reason not in REASONS:
        raise invalid(
            f"Invalid cancellation_reason: must be one of {', '.join(REASONS)}",
            param="cancellation_reason",
        )
    return _release(ctx, intent, reason, event="charge.refunded")


def expire_authorization(ctx: Ctx, intent_id: str) -> None:
    """Due work: the reservation was not captured in time."""
    intent = ctx.load("payment_intent", intent_id)
    if intent["status"] == "requires_capture":
        _release(ctx, intent, "automatic", event="charge.expired")


def _release(ctx: Ctx, intent: Doc, reason: str | None, *, event: str) -> Doc:
    """Give reserved money back to the card and close the intent."""
    ctx.store.unplan("expire_authorization", intent["id"])
    if intent["status"] == "requires_capture":
        charge = ctx.load("charge", intent["latest_charge"])
        charge |= {"refunded": True, "amount_refunded": charge["amount"]}
        charge["_"]["released"] = charge["amount"]
        ctx.save(charge)
        emit(ctx, event, charge)
    intent |= {
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": ctx.now,
        "cancellation_reason": reason,
        "next_action": None,
    }
    ctx.save(intent)
    emit(ctx, "payment_intent.canceled", intent)
    return intent
