"""The outbox: facts written with what they tell, relayed by one relay at a time, in order."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.events import Topic
from storage.query import Tx, query


class WaitingEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One fact nobody has been told yet. `position` is the order; it may have gaps."""

    position: int
    id: UUID
    topic: Topic
    subject_id: UUID
    user_ids: list[UUID]
    payload: dict[str, str | int | None]
    created_at: datetime
    failures: int


@query
async def stage_event(
    tx: Tx,
    *,
    event_id: UUID,
    topic: Topic,
    subject_id: UUID,
    user_ids: list[UUID],
    payload: dict[str, str | int | None],
    now: datetime,
) -> None: ...


@query
async def become_relay(tx: Tx) -> bool: ...


@query
async def waiting_events(tx: Tx, *, kicked_before: datetime, limit: int) -> list[WaitingEvent]: ...


@query
async def mark_events_kicked(tx: Tx, *, event_ids: list[UUID], now: datetime) -> None: ...


@query
async def mark_events_published(tx: Tx, *, event_ids: list[UUID], now: datetime) -> None: ...


@query
async def count_event_failure(tx: Tx, *, event_id: UUID) -> int | None: ...
