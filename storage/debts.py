"""What instructors owe the platform: debit balances of their own money."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from storage.query import Tx, query


@query
async def owed_by_instructor(tx: Tx, *, instructor_id: UUID) -> int: ...


@query
async def promise_notices(
    tx: Tx,
    *,
    timing_ids: Sequence[UUID],
    instructor_ids: Sequence[UUID],
    due_at: datetime,
    now: datetime,
) -> None: ...


@query
async def oldest_debt_at(tx: Tx) -> datetime | None: ...
