"""A booking: the agreement about one span of time, one row for life, from hold to settlement."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.ids import BookingId, LearnerId, ServiceId, UserId

BookingStatus = Literal[
    "pending", "requested", "confirmed", "completed", "cancelled", "expired", "no_show"
]
Outcome = Literal[
    "free",
    "credit",
    "charged",
    "by_instructor",
    "payment_failed",
    "slot_lost",
    "no_show_student",
    "no_show_instructor",
]
PaymentStatus = Literal[
    "card_setup",
    "scheduled",
    "authorizing",
    "authorized",
    "auth_retry",
    "card_required",
    "action_required",
    "capturing",
    "captured",
    "payout_pending",
    "settled",
    "releasing",
    "released",
    "crediting",
    "credited",
    "credit_only",
    "auth_lost",
    "collection",
    "written_off",
    "refunding",
    "refunded",
    "partially_refunded",
    "refund_failed",
    "disputed",
    "dispute_lost",
]
Modality = Literal["online", "in_person"]
ActorKind = Literal["student", "instructor", "admin", "system", "stripe"]

ACTIVE: frozenset[BookingStatus] = frozenset({"pending", "confirmed"})
"""Statuses that block time; the exclusion constraints use the same two."""

FINAL: frozenset[BookingStatus] = frozenset({"completed", "cancelled", "expired", "no_show"})


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody who takes part in a booking sees of it. Money in minor units."""

    id: BookingId
    version: int
    instructor_id: UserId
    student_id: UserId
    service_id: ServiceId
    series_id: UUID | None
    learner_id: LearnerId
    start_at: datetime
    end_at: datetime
    time_zone: str
    modality: Modality
    status: BookingStatus
    outcome: Outcome | None
    payment_status: PaymentStatus
    price_cents: int
    credit_applied_cents: int
    card_amount_cents: int
    platform_fee_cents: int
    instructor_amount_cents: int
    currency: str
    hold_expires_at: datetime | None
    created_at: datetime
    cancelled_at: datetime | None
    cancelled_by: UUID | None


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who causes a change, for the audit row: a person, the clock or Stripe."""

    kind: ActorKind
    id: UUID | None = None
    request_id: str | None = None


SYSTEM = Actor(kind="system")


def system(request_id: str) -> Actor:
    """The marketplace itself; what stands in for a request is its timing, sweep or operation."""
    return Actor(kind="system", request_id=request_id)


class BookingEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a booking, in order; an audit row."""

    id: UUID
    booking_id: BookingId
    event: str
    was: str | None
    became: str | None
    actor_kind: ActorKind
    actor_id: UUID | None
    cause: str
    request_id: str | None
    at: datetime
