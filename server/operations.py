"""Writes at Stripe that are not over, for admins: what waits, and what only a person may decide."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from domain.operations import OperationState
from server.bodies import Body
from server.filters import after_in, after_of
from server.guards import admin
from server.lists import LIMIT_DEFAULT, Cursor, Limit, page_of
from server.requests import Request
from storage.operations import OpenOperation, open_operations


class OperationPage(msgspec.Struct, frozen=True, kw_only=True):
    """Open writes, newest first."""

    items: list[OpenOperation]
    next_cursor: str | None


class ResolveOperation(Body, frozen=True, kw_only=True):
    """What a person has found out; Stripe must show the same."""

    happened: bool


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """The write that is over now; the money of its booking goes on."""

    operation_id: UUID
    booking_id: UUID | None


class Operations(Controller):
    """What we asked of Stripe and have no answer to."""

    path = "/api/admin/operations"
    tags = ("Admin",)
    guards = (admin,)

    @get()
    async def list_operations(
        self,
        request: Request,
        in_state: Annotated[OperationState | None, QueryParameter(name="state")] = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> OperationPage:
        """Writes that are planned, sent, unknown, or parked until a person decides."""
        before_at, before_id = after_in(cursor)
        found = await open_operations(
            request.parts.reads,
            state=in_state,
            before_at=before_at,
            before_id=before_id,
            most=limit + 1,
        )
        items, last = page_of(found, limit)
        next_cursor = after_of(last.planned_at, last.id) if last else None
        return OperationPage(items=items, next_cursor=next_cursor)

    @post("/{operation_id:uuid}/resolve", status_code=200)
    async def resolve_operation(
        self, request: Request, operation_id: FromPath[UUID], data: JSONBody[ResolveOperation]
    ) -> Resolved:
        """Ends a parked write: it happened, or it may be tried anew under a new key."""
        ended = await request.parts.payments.resolve(
            operation_id, happened=data.happened, viewer=request.viewer
        )
        return Resolved(operation_id=ended.id, booking_id=ended.booking_id)
