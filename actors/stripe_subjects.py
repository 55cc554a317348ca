"""What each type of webhook event is about."""

from typing import Literal

Subject = Literal[
    "intent",
    "charge",
    "setup",
    "method",
    "account",
    "customer",
    "movements",
    "back",
    "payout",
    "dispute",
    "warning",
    "noted",
]

SUBJECTS: dict[str, Subject] = {
    **dict.fromkeys(
        (
            "payment_intent.created",
            "payment_intent.amount_capturable_updated",
            "payment_intent.succeeded",
            "payment_intent.payment_failed",
            "payment_intent.requires_action",
            "payment_intent.canceled",
            "payment_intent.processing",
        ),
        "intent",
    ),
    **dict.fromkeys(
        (
            "charge.succeeded",
            "charge.failed",
            "charge.captured",
            "charge.expired",
            "charge.updated",
        ),
        "charge",
    ),
    **dict.fromkeys(
        (
            "setup_intent.created",
            "setup_intent.succeeded",
            "setup_intent.setup_failed",
            "setup_intent.requires_action",
            "setup_intent.canceled",
        ),
        "setup",
    ),
    **dict.fromkeys(
        (
            "payment_method.attached",
            "payment_method.detached",
            "payment_method.updated",
            "payment_method.automatically_updated",
        ),
        "method",
    ),
    **dict.fromkeys(
        ("charge.refunded", "refund.created", "refund.updated", "refund.failed"), "movements"
    ),
    **dict.fromkeys(
        ("transfer.reversed", "application_fee.refunded", "application_fee.refund.updated"), "back"
    ),
    **dict.fromkeys(
        ("payout.created", "payout.updated", "payout.paid", "payout.failed", "payout.canceled"),
        "payout",
    ),
    **dict.fromkeys(
        (
            "charge.dispute.created",
            "charge.dispute.updated",
            "charge.dispute.closed",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.funds_reinstated",
        ),
        "dispute",
    ),
    **dict.fromkeys(
        ("radar.early_fraud_warning.created", "radar.early_fraud_warning.updated"), "warning"
    ),
    **dict.fromkeys(
        (
            "account.updated",
            "account.application.authorized",
            "account.application.deauthorized",
            "capability.updated",
        ),
        "account",
    ),
    "customer.deleted": "customer",
    **dict.fromkeys(
        (
            "account.external_account.created",
            "account.external_account.updated",
            "account.external_account.deleted",
            "application_fee.created",
            "balance.available",
            "customer.created",
            "customer.updated",
            "payment.created",
            "payout.reconciliation_completed",
            "review.opened",
            "review.closed",
            "topup.succeeded",
            "transfer.created",
            "transfer.updated",
        ),
        "noted",
    ),
}
"""What each known type is about; `noted` ones are kept and need nothing yet."""

LOOKED_AT_ITSELF: frozenset[Subject] = frozenset({"dispute", "warning"})
"""Objects with a payment intent that are read themselves, not by the intent."""
