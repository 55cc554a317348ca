"""Promises that something happens at one instant. `timings_for` alone says which exist."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.bookings import BookingStatus, PaymentStatus
from domain.settings import Policy

TimingKind = Literal[
    "expire_hold",
    "confirm",
    "authorize",
    "warn_payment",
    "cancel_unpaid",
    "start",
    "complete",
    "capture",
    "settle",
    "top_up",
    "expire_credit",
    "remind_credit",
]
TimingState = Literal["scheduled", "running", "completed", "cancelled", "discarded"]

UNPAID: frozenset[PaymentStatus] = frozenset(
    {"authorizing", "auth_retry", "card_required", "action_required", "auth_lost"}
)
"""Statuses of a confirmed booking whose money is not sure: warned, then cancelled."""

SECURED: frozenset[PaymentStatus] = frozenset({"authorized", "credit_only"})

PAYABLE: frozenset[PaymentStatus] = frozenset({"scheduled", "authorized", "credit_only"})
"""Statuses with which a booking may be confirmed: reserved, or a card to reserve on in time."""

AT_REST: frozenset[PaymentStatus] = frozenset(
    {
        "released",
        "credited",
        "settled",
        "collection",
        "written_off",
        "refunded",
        "refund_failed",
        "disputed",
        "dispute_lost",
    }
)
"""Statuses in which an ended booking needs no further money work."""


TOPPED_UP: frozenset[PaymentStatus] = frozenset({"payout_pending", "partially_refunded"})
"""Statuses in which the platform may still owe the instructor what credit has paid."""


class BookingClock(msgspec.Struct, frozen=True, kw_only=True):
    """What the due instants of a booking are computed from; `attempt` counts confirms."""

    booking_id: UUID
    status: BookingStatus
    payment_status: PaymentStatus
    start_at: datetime
    end_at: datetime
    hold_expires_at: datetime | None
    is_started: bool
    attempt: int
    is_warned: bool
    top_up_refused_at: datetime | None = None


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """One timing that should be live: its kind, when, and the attempt of the retry ladder."""

    kind: TimingKind
    due_at: datetime
    attempt: int = 0


def timings_for(clock: BookingClock, *, now: datetime, policy: Policy) -> tuple[Due, ...]:
    """Every timing that should be live for a booking; `now` dates what is due at once.

    The chain is start → complete → capture; the ladder is one `authorize` whose `attempt` rises.
    """
    if clock.status == "pending":
        held = Due(kind="expire_hold", due_at=clock.hold_expires_at or now)
        is_payable = clock.payment_status in PAYABLE
        return (held, Due(kind="confirm", due_at=now)) if is_payable else (held,)
    if clock.status == "confirmed":
        return _confirmed(clock, policy=policy)
    if clock.payment_status in TOPPED_UP:
        return _topped_up(clock, now=now, policy=policy)
    if clock.status == "completed" and clock.payment_status in SECURED | {"capturing", "captured"}:
        return (Due(kind="capture", due_at=clock.end_at + policy.capture_after),)
    is_over = clock.status in {"cancelled", "expired", "no_show"}
    if is_over and clock.payment_status not in AT_REST:
        return (Due(kind="settle", due_at=now),)
    return ()


def _topped_up(clock: BookingClock, *, now: datetime, policy: Policy) -> tuple[Due, ...]:
    """A top-up that Stripe refused is tried again, hour by hour."""
    refused_at = clock.top_up_refused_at
    if refused_at is not None:
        return (Due(kind="top_up", due_at=refused_at + policy.top_up_every),)
    return (Due(kind="top_up", due_at=now),) if clock.payment_status == "payout_pending" else ()


def _confirmed(clock: BookingClock, *, policy: Policy) -> tuple[Due, ...]:
    start = clock.start_at
    if clock.payment_status == "scheduled":
        return (Due(kind="authorize", due_at=start - policy.authorize_before),)
    if clock.payment_status in SECURED:
        if clock.is_started:
            return (Due(kind="complete", due_at=clock.end_at),)
        return (Due(kind="start", due_at=start),)
    if clock.payment_status not in UNPAID:
        return ()
    dues = [Due(kind="cancel_unpaid", due_at=start - policy.cancel_unpaid_before)]
    if not clock.is_warned:
        dues.append(Due(kind="warn_payment", due_at=start - policy.warn_before))
    is_on_ladder = clock.attempt < len(policy.ladder_before)
    if clock.payment_status == "auth_retry" and is_on_ladder:
        due_at = start - policy.ladder_before[clock.attempt]
        dues.append(Due(kind="authorize", due_at=due_at, attempt=clock.attempt))
    return tuple(dues)
