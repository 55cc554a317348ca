"""The webhook inbox: stored before worked, once by Stripe's own id."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from storage.query import Tx, query

EventState = Literal["received", "worked", "quarantined"]


class DueEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One try of an event that is to be worked now."""

    id: str
    attempts: int


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What work on an event needs; the object itself is fetched anew."""

    id: str
    type: str
    account: str | None
    object_id: str | None
    state: EventState
    attempts: int
    received_at: datetime
    next_attempt_at: datetime


class ReceivedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as admins see it. `reason`: why it waits or was quarantined, or did at last."""

    id: str
    type: str
    account: str | None
    object_id: str | None
    api_version: str | None
    state: EventState
    attempts: int
    received_at: datetime
    next_attempt_at: datetime
    worked_at: datetime | None
    reason: str | None


@query
async def store_event(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    event_id: str,
    event_type: str,
    account: str | None,
    object_id: str | None,
    api_version: str | None,
    payload: msgspec.Raw,
    state: EventState,
    worked_at: datetime | None,
    error: str | None,
    now: datetime,
) -> str | None: ...


@query
async def event_by_id(tx: Tx, *, event_id: str) -> StoredEvent | None: ...


@query
async def waiting_events(tx: Tx, *, now: datetime, most: int) -> list[DueEvent]: ...


@query
async def finish_event(
    tx: Tx,
    *,
    event_id: str,
    state: Literal["worked", "quarantined"],
    error: str | None,
    now: datetime,
) -> None: ...


@query
async def postpone_event(
    tx: Tx,
    *,
    event_id: str,
    next_attempt_at: datetime,
    error: str,
) -> None: ...


@query
async def instructor_of_account(tx: Tx, *, account: str) -> UUID | None: ...


@query
async def events_received(  # noqa: PLR0913 - one parameter a filter
    tx: Tx,
    *,
    state: EventState | None = None,
    type: str | None = None,  # noqa: A002 - Stripe's word
    account: str | None = None,
    object_id: str | None = None,
    event_id: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    before_at: datetime | None = None,
    before_id: str | None = None,
    most: int = 50,
) -> list[ReceivedEvent]: ...


@query
async def replay_events(tx: Tx, *, event_ids: Sequence[str], now: datetime) -> list[str]: ...
