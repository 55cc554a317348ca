"""Disputes, for admins: what banks question, and the answer."""

from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from actors.payment_records import Why
from domain.bookings import Actor
from domain.disputes import Dispute
from domain.times import Instant
from server.bodies import Body
from server.guards import admin
from server.idempotency import Outcome
from server.lists import LIMIT_DEFAULT, Cursor, Limit, cursor_of, key_in, page_of
from server.requests import Request
from storage.disputes import newest_disputes


class AnswerDispute(Body, frozen=True, kw_only=True):
    """What we tell the bank; it reads one answer only."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]


class DisputeOnly(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute as it is now."""

    dispute: Dispute


class DisputeList(msgspec.Struct, frozen=True, kw_only=True):
    """Disputes, newest first."""

    items: list[Dispute]
    next_cursor: str | None


class After(msgspec.Struct, frozen=True):
    """Where a list of disputes goes on."""

    at: Instant
    id: str


class Disputes(Controller):
    """Charges in question."""

    path = "/api/admin/disputes"
    tags = ("Admin",)
    guards = (admin,)

    @get()
    async def list_disputes(
        self,
        request: Request,
        is_open: Annotated[
            bool | None, QueryParameter(name="open", description="only those not decided")
        ] = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> DisputeList:
        """Disputes of everybody."""
        after = key_in(cursor, After)
        found = await newest_disputes(
            request.parts.reads,
            only_open=bool(is_open),
            before_at=_at(after),
            before_id=after.id if after else None,
            most=limit + 1,
        )
        items, last = page_of(found, limit)
        next_cursor = cursor_of(After(last.created_at, last.id)) if last else None
        return DisputeList(items=items, next_cursor=next_cursor)

    @post("/{dispute_id:str}/evidence", status_code=200)
    async def answer_dispute(
        self, request: Request, dispute_id: FromPath[str], data: JSONBody[AnswerDispute]
    ) -> Response[DisputeOnly]:
        """Submits what we know to the bank; its word is final."""
        viewer = request.viewer
        actor = Actor(kind="admin", id=viewer.user_id, request_id=viewer.request_id)

        async def work(answer_id: UUID) -> Outcome:
            dispute = await request.parts.disputes.answer(
                dispute_id,
                text=data.text,
                key=f"dsp:{dispute_id}:{answer_id}",
                why=Why(actor=actor, cause="evidence"),
            )
            return Outcome(body=DisputeOnly(dispute=dispute))

        return cast("Response[DisputeOnly]", await request.parts.idempotency.once(request, work))


def _at(after: After | None) -> datetime | None:
    return after.at if after else None
