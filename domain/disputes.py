"""Disputes: a bank takes the money back until it has decided whose it is.

A dispute lies over the payment: while one is open nothing is refunded and the instructor's share is
not paid out; when the last one ends the payment goes on where it was, or is lost.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from domain.bookings import PaymentStatus
from domain.ids import BookingId
from domain.movements import DisputeSeen, DisputeStatus
from domain.payments import Payment

Recovery = Literal["none", "wanted", "done", "absorbed"]

RANKS: dict[DisputeStatus, int] = {
    "warning_needs_response": 0,
    "warning_under_review": 1,
    "warning_closed": 2,
    "needs_response": 3,
    "under_review": 4,
    "prevented": 5,
    "won": 5,
    "lost": 5,
    "appeal_needs_response": 6,
    "appeal_under_review": 7,
}
"""An inquiry may become a chargeback, never the other way round; an end lasts until an appeal."""

APPEALED: frozenset[DisputeStatus] = frozenset({"appeal_needs_response", "appeal_under_review"})
"""Lost, and asked about again; the words for what comes of it are those of any dispute."""
DECIDED: frozenset[DisputeStatus] = frozenset({"won", "lost"})

OVERLAYS: frozenset[PaymentStatus] = frozenset({"disputed", "dispute_lost"})
"""What lies over a payment: whatever becomes of its refunds, the dispute is told."""

CLOSED: frozenset[DisputeStatus] = frozenset({"warning_closed", "won", "lost", "prevented"})


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """One dispute of a booking's charge; `previous_status` is the payment's before it."""

    id: str
    booking_id: BookingId
    status: DisputeStatus
    reason: str
    amount_cents: int
    currency: str
    previous_status: PaymentStatus
    recovery: Recovery
    evidence_count: int
    evidence_due_at: datetime | None
    created_at: datetime
    closed_at: datetime | None


def is_newer(before: DisputeStatus, after: DisputeStatus) -> bool:
    """Whether an observation is not older than what is known."""
    return RANKS[after] >= RANKS[before] or (before in APPEALED and after in DECIDED)


def can_be_disputed(payment: Payment) -> bool:
    """Whether what a dispute is about has been recorded: its event may overtake the capture."""
    return payment.captured_cents > 0


def recovery_of(seen: DisputeSeen, previous: PaymentStatus) -> Recovery:
    """Whether a lost dispute is taken back from the instructor; credit they never had is not."""
    if seen.status != "lost":
        return "none"
    return "absorbed" if previous == "credited" else "wanted"


def after_disputes(payment: Payment, disputes: Sequence[Dispute]) -> PaymentStatus:
    """The payment's status by all its disputes, oldest first.

    What was taken back from the instructor for a lost one stays back, even if an appeal is won.
    """
    if not disputes:
        return payment.status
    if any(each.status not in CLOSED for each in disputes):
        return "disputed"
    if any(each.status == "lost" or each.recovery == "done" for each in disputes):
        return "dispute_lost"
    return disputes[0].previous_status if payment.status in OVERLAYS else payment.status
