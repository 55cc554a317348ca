"""Refunds, from the wish to what became of it."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.refunds import Refund, RefundCause, RefundState
from storage.query import Tx, query


class PendingRefund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund that is on its way at Stripe."""

    id: UUID
    booking_id: UUID


@query
async def insert_refund(
    tx: Tx,
    *,
    refund_id: UUID,
    booking_id: UUID,
    amount_cents: int,
    currency: str,
    reverses_transfer: bool,
    cause: RefundCause,
    reason: str | None,
    requested_by: UUID | None,
    now: datetime,
) -> None: ...


@query
async def insert_credit_refund(
    tx: Tx,
    *,
    refund_id: UUID,
    booking_id: UUID,
    amount_cents: int,
    currency: str,
    reverses_transfer: bool,
    reason: str | None,
    requested_by: UUID | None,
    now: datetime,
) -> None: ...


@query
async def record_refund(
    tx: Tx,
    *,
    refund_id: UUID,
    booking_id: UUID,
    amount_cents: int,
    currency: str,
    stripe_refund_id: str,
    state: RefundState,
    failure_reason: str | None,
    finished_at: datetime | None,
    now: datetime,
) -> None: ...


@query
async def end_refund(
    tx: Tx, *, refund_id: UUID, failure_reason: str, now: datetime
) -> RefundCause | None: ...


@query
async def refunds_of_booking(tx: Tx, *, booking_id: UUID) -> list[Refund]: ...


@query
async def newest_refunds(
    tx: Tx, *, state: RefundState | None, before_id: UUID | None, limit: int
) -> list[Refund]: ...


@query
async def pending_refunds(tx: Tx, *, after_id: UUID | None, most: int) -> list[PendingRefund]: ...
