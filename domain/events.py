"""Facts told to people and machines after they are true: noun.past, through the outbox."""

from typing import Literal
from uuid import UUID

import msgspec

Topic = Literal[
    "booking.held",
    "booking.confirmed",
    "booking.cancelled",
    "booking.expired",
    "booking.started",
    "booking.completed",
    "booking.slot_lost",
    "booking.moved",
    "booking.no_show",
    "booking.move_proposed",
    "booking.move_declined",
    "booking.no_show_reported",
    "booking.no_show_contested",
    "payment.authorized",
    "payment.retry_scheduled",
    "payment.card_required",
    "payment.action_required",
    "payment.warned",
    "payment.captured",
    "payment.settled",
    "payment.released",
    "payment.collection_opened",
    "payment.refunded",
    "payment.refund_failed",
    "payment.disputed",
    "payment.dispute_lost",
    "payment.fraud_suspected",
    "credit.issued",
    "credit.expiring",
    "credit.expired",
    "payout.paid",
    "payout.failed",
    "instructor.owes",
    "instructor.stripe_changed",
    "instructor.restricted",
    "instructor.deauthorized",
]

MAILED: frozenset[str] = frozenset(
    {
        "booking.confirmed",
        "booking.cancelled",
        "booking.slot_lost",
        "booking.moved",
        "booking.no_show",
        "booking.move_proposed",
        "booking.move_declined",
        "booking.no_show_reported",
        "payment.collection_opened",
        "payment.retry_scheduled",
        "payment.card_required",
        "payment.action_required",
        "payment.warned",
        "payment.settled",
        "payment.refunded",
        "payment.refund_failed",
        "payment.disputed",
        "credit.issued",
        "credit.expiring",
        "payout.paid",
        "payout.failed",
        "instructor.owes",
        "instructor.restricted",
        "instructor.deauthorized",
    }
)
"""Topics that reach people by mail as well as live."""


class OutboxEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One fact waiting to be told. Order is promised per `subject_id` (a booking, mostly)."""

    id: UUID
    topic: Topic
    subject_id: UUID
    user_ids: list[UUID]
    payload: dict[str, str | int | None]
