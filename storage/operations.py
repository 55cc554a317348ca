"""Writes at Stripe, from plan to result. `planned_at` and `sent_at` are real time.

`first_sent_at` and `finished_at` are marketplace time: Stripe keeps an idempotency key for a day.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.operations import Answer, Call, Operation, OperationState
from storage.query import Tx, query


class OpenOperation(msgspec.Struct, frozen=True, kw_only=True):
    """A write that is not over, as admins see it. `first_sent_at` is marketplace time."""

    id: UUID
    kind: str
    booking_id: UUID | None
    subject_id: UUID
    idempotency_key: str
    params: Call
    state: OperationState
    attempts: int
    planned_at: datetime
    first_sent_at: datetime | None
    error_code: str | None


@query
async def plan_operation(
    tx: Tx,
    *,
    operation_id: UUID,
    kind: str,
    booking_id: UUID | None,
    subject_id: UUID,
    idempotency_key: str,
    params: Call,
    wall_now: datetime,
) -> Operation: ...


@query
async def mark_sent(
    tx: Tx, *, operation_id: UUID, now: datetime, wall_now: datetime
) -> Operation | None: ...


@query
async def finish_operation(
    tx: Tx,
    *,
    operation_id: UUID,
    state: Literal["succeeded", "failed"],
    error_code: str | None,
    result: Answer,
    now: datetime,
) -> UUID | None: ...


@query
async def park_operation(
    tx: Tx,
    *,
    operation_id: UUID,
    state: Literal["planned", "unknown", "parked"],
    error_code: str,
) -> UUID | None: ...


@query
async def operation_by_id(tx: Tx, *, operation_id: UUID) -> Operation | None: ...


@query
async def waits_for_sending(tx: Tx, *, booking_id: UUID, error_code: str) -> bool: ...


@query
async def open_operations(
    tx: Tx,
    *,
    state: OperationState | None,
    before_at: datetime | None,
    before_id: UUID | None,
    most: int,
) -> list[OpenOperation]: ...


@query
async def note_absence(tx: Tx, *, operation_id: UUID, wall_now: datetime) -> datetime | None: ...


@query
async def open_operation(tx: Tx, *, booking_id: UUID) -> Operation | None: ...


@query
async def operation_of_subject(tx: Tx, *, subject_id: UUID) -> Operation | None: ...


@query
async def count_operations(tx: Tx, *, booking_id: UUID, kind: str) -> int: ...


@query
async def operations_to_rescue(
    tx: Tx, *, untouched_since: datetime, most: int
) -> list[Operation]: ...
