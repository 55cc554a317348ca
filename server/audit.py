"""The audit trail, for admins: every change of a booking and its money, and what admins did."""

from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.params import QueryParameter

from domain.bookings import ActorKind
from server.availability_window import instant_in
from server.filters import FromAt, Id, Text, ToAt, after_in, after_of
from server.guards import admin
from server.lists import LIMIT_DEFAULT, Cursor, Limit, page_of
from server.requests import Request
from storage.audit import AuditRow, audit_rows


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """Changes, newest first."""

    items: list[AuditRow]
    next_cursor: str | None


class Audit(Controller):
    """Who changed what, why, and in which request."""

    path = "/api/admin/audit"
    tags = ("Admin",)
    guards = (admin,)

    @get()
    async def list_audit_rows(
        self,
        request: Request,
        booking_id: Id = None,
        actor_id: Id = None,
        actor_kind: Annotated[ActorKind | None, QueryParameter()] = None,
        event: Text = None,
        request_id: Text = None,
        from_at: FromAt = None,
        to_at: ToAt = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> AuditPage:
        """Changes by booking, actor, event (or its beginning, as `payment`), request and time."""
        before_at, before_id = after_in(cursor)
        found = await audit_rows(
            request.parts.reads,
            booking_id=booking_id,
            actor_id=actor_id,
            actor_kind=actor_kind,
            event=event,
            request_id=request_id,
            from_at=instant_in(from_at, "from"),
            to_at=instant_in(to_at, "to"),
            before_at=before_at,
            before_id=before_id,
            most=limit + 1,
        )
        items, last = page_of(found, limit)
        return AuditPage(items=items, next_cursor=after_of(last.at, last.id) if last else None)
