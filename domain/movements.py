"""Money that moves after a capture, or without a card: refunds, transfers, reversals, payouts.

What Stripe shows is kept by the ids of its objects, so that seeing one twice changes nothing.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

RefundStatus = Literal["pending", "requires_action", "succeeded", "failed", "canceled"]
LOST: frozenset[RefundStatus] = frozenset({"failed", "canceled"})
"""Refunds that the card did not take."""

DisputeStatus = Literal[
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "won",
    "lost",
    "prevented",
    "appeal_needs_response",
    "appeal_under_review",
]
PayoutStatus = Literal["pending", "in_transit", "paid", "failed", "canceled"]


class CreateTransfer(
    msgspec.Struct, frozen=True, kw_only=True, tag="create_transfer", tag_field="call"
):
    """Pay a connected account from the platform's balance; `metadata` finds it again."""

    amount_cents: int
    currency: str
    destination_account: str
    transfer_group: str
    metadata: dict[str, str]


class ReverseTransfer(
    msgspec.Struct, frozen=True, kw_only=True, tag="reverse_transfer", tag_field="call"
):
    """Take the transfer of a charge back, and give the platform's fee on it back with it."""

    payment_intent_id: str
    transfer_id: str
    application_fee_id: str | None
    amount_cents: int
    metadata: dict[str, str]


class ReverseTopUp(
    msgspec.Struct, frozen=True, kw_only=True, tag="reverse_top_up", tag_field="call"
):
    """Take back what was paid from the platform's balance."""

    transfer_id: str
    amount_cents: int
    metadata: dict[str, str]


class CreateRefund(
    msgspec.Struct, frozen=True, kw_only=True, tag="create_refund", tag_field="call"
):
    """Give money back to the card; with the transfer and the fee, in proportion (§1.5)."""

    payment_intent_id: str
    transfer_id: str | None
    application_fee_id: str | None
    amount_cents: int
    reverses_transfer: bool
    metadata: dict[str, str]


class CreatePayout(
    msgspec.Struct, frozen=True, kw_only=True, tag="create_payout", tag_field="call"
):
    """Send a connected account's money to its bank; `amount_cents` is the net for instant ones."""

    account: str
    amount_cents: int
    currency: str
    is_instant: bool
    destination: str | None
    asked_at: datetime
    metadata: dict[str, str]


class TransferSeen(msgspec.Struct, frozen=True, kw_only=True, tag="transfer", tag_field="seen"):
    """A transfer as fetched. Transactions are Stripe's own book entries."""

    id: str
    amount_cents: int
    reversed_cents: int
    destination_account: str
    transaction_id: str | None
    destination_transaction_id: str | None
    metadata: dict[str, str] = {}


class ReversalSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer taken back, wholly or in part."""

    id: str
    transfer_id: str
    amount_cents: int
    transaction_id: str | None
    destination_transaction_id: str | None
    refund_id: str | None
    """The refund at Stripe that it belongs to."""
    metadata: dict[str, str] = {}


class TopUpBackSeen(msgspec.Struct, frozen=True, kw_only=True, tag="top_up_back", tag_field="seen"):
    """Every reversal of a transfer that came from the platform's balance, oldest first."""

    transfer_id: str
    reversals: tuple[ReversalSeen, ...]


class FeeRefundSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the platform's fee given back to the connected account."""

    id: str
    amount_cents: int
    transaction_id: str | None


class FeeSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A fee of the platform as fetched: whose, and the payout it is on, if it is on one."""

    id: str
    account: str
    payout_id: str | None


class RefundSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A refund as fetched; `failure_transaction_id` tells that the money came back to us."""

    id: str
    payment_intent_id: str
    amount_cents: int
    status: RefundStatus
    reason: str | None
    failure_reason: str | None
    transaction_id: str | None
    failure_transaction_id: str | None
    refund_id: UUID | None = None
    """Ours, from our metadata."""
    absorbed_cents: int | None = None
    """What the platform bears of it, as decided when it was wished for; `None`: not reversed."""


class MovementsSeen(msgspec.Struct, frozen=True, kw_only=True, tag="movements", tag_field="seen"):
    """All that has moved since a capture: everything is shown each time, oldest first."""

    payment_intent_id: str
    refunds: tuple[RefundSeen, ...]
    reversals: tuple[ReversalSeen, ...]
    fee_refunds: tuple[FeeRefundSeen, ...]


class DisputeSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute as fetched, with what was withdrawn for it and what came back."""

    id: str
    payment_intent_id: str
    status: DisputeStatus
    reason: str
    amount_cents: int
    withdrawn_cents: int = 0
    withdrawal_transaction_id: str | None = None
    withdrawal_fee_cents: int = 0
    reinstated_cents: int = 0
    reinstatement_transaction_id: str | None = None
    reinstatement_fee_cents: int = 0
    evidence_count: int = 0
    evidence_due_at: datetime | None = None


class FraudWarningSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What an issuer suspects of a charge."""

    id: str
    payment_intent_id: str
    fraud_type: str
    is_actionable: bool


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute or an early fraud warning as a list names it."""

    kind: Literal["dispute", "warning"]
    id: str
    payment_intent_id: str


class PayoutSeen(msgspec.Struct, frozen=True, kw_only=True, tag="payout", tag_field="seen"):
    """A payout of a connected account as fetched; the fee is the platform's, as Stripe says."""

    id: str
    status: PayoutStatus
    amount_cents: int
    fee_cents: int
    is_instant: bool
    arrival_at: datetime
    failure_code: str | None
    transaction_id: str | None
    failure_transaction_id: str | None
    application_fee_id: str | None
    fee_transaction_id: str | None = None
    fee_refunds: tuple[FeeRefundSeen, ...] = ()
    cost_cents: int = 0
    cost_transaction_id: str | None = None
    """What Stripe billed the platform for it, once it has."""
    metadata: dict[str, str] = {}


class InstantQuote(msgspec.Struct, frozen=True, kw_only=True):
    """What can be paid out at once to one destination: before and after the fee."""

    destination: str
    gross_cents: int
    net_cents: int
    currency: str


MovementCall = CreateTransfer | ReverseTransfer | ReverseTopUp | CreateRefund | CreatePayout
MovementSeen = TransferSeen | MovementsSeen | TopUpBackSeen | PayoutSeen
