"""Disputes and early fraud warnings."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.bookings import PaymentStatus
from domain.disputes import Dispute, Recovery
from domain.movements import DisputeStatus
from storage.query import Tx, query


@query
async def record_dispute(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    dispute_id: str,
    booking_id: UUID,
    status: DisputeStatus,
    reason: str,
    amount_cents: int,
    currency: str,
    previous_status: PaymentStatus,
    recovery: Recovery,
    evidence_count: int,
    evidence_due_at: datetime | None,
    closed_at: datetime | None,
    now: datetime,
) -> None: ...


@query
async def disputes_of_booking(tx: Tx, *, booking_id: UUID) -> list[Dispute]: ...


@query
async def dispute_by_id(tx: Tx, *, dispute_id: str) -> Dispute | None: ...


@query
async def newest_disputes(
    tx: Tx, *, only_open: bool, before_at: datetime | None, before_id: str | None, most: int
) -> list[Dispute]: ...


@query
async def open_disputes(
    tx: Tx, *, after_at: datetime | None, after_id: str | None, most: int
) -> list[Dispute]: ...


@query
async def untold(tx: Tx, *, ids: Sequence[str], payment_intent_ids: Sequence[str]) -> list[str]: ...


@query
async def end_recovery(tx: Tx, *, booking_id: UUID, recovery: Recovery) -> None: ...


@query
async def keep_fraud_warning(
    tx: Tx,
    *,
    warning_id: str,
    booking_id: UUID,
    fraud_type: str,
    is_actionable: bool,
    now: datetime,
) -> bool: ...


@query
async def frozen_of_instructor(tx: Tx, *, instructor_id: UUID) -> int: ...
