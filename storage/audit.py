"""The audit trail: who changed what, why, and in which request. Rows come and never change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.bookings import ActorKind
from storage.query import Tx, query


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `cause`: the command, timing or event behind it, or the subject of an action."""

    id: UUID
    at: datetime
    event: str
    booking_id: UUID | None
    actor_kind: ActorKind
    actor_id: UUID | None
    cause: str
    was: str | None
    became: str | None
    request_id: str | None
    details: dict[str, Any]


@query
async def audit_rows(  # noqa: PLR0913 - one parameter a filter
    tx: Tx,
    *,
    booking_id: UUID | None = None,
    actor_id: UUID | None = None,
    actor_kind: ActorKind | None = None,
    event: str | None = None,
    request_id: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    before_at: datetime | None = None,
    before_id: UUID | None = None,
    most: int = 50,
) -> list[AuditRow]: ...


@query
async def record_action(
    tx: Tx,
    *,
    action_id: UUID,
    actor_id: UUID,
    action: str,
    subject: str,
    request_id: str,
    details: Mapping[str, str | int | bool | None],
    now: datetime,
) -> None: ...
