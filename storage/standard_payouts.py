"""Promises of standard payouts: timings of kind `pay_out`, whose subject is the instructor."""

from datetime import datetime
from uuid import UUID

from storage.query import Tx, query
from storage.reconciliation import ConnectedAccount


@query
async def promise_payout(
    tx: Tx, *, timing_id: UUID, instructor_id: UUID, due_at: datetime, now: datetime
) -> None: ...


@query
async def lock_open_incident(tx: Tx) -> UUID | None: ...


@query
async def put_off_payout(tx: Tx, *, timing_id: UUID, due_at: datetime) -> None: ...


@query
async def resume_payouts(tx: Tx, *, now: datetime) -> list[UUID]: ...


@query
async def unpromised_instructors(tx: Tx, *, most: int) -> list[ConnectedAccount]: ...
