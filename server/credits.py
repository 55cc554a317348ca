"""Credit, for admins: given as goodwill, and looked through."""

from typing import Annotated, cast
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import JSONBody, QueryParameter

from actors.credits import Grant
from domain.ids import UserId
from domain.texts import Line
from domain.times import Instant, to_utc
from server.bodies import Body
from server.guards import admin
from server.idempotency import Outcome
from server.lists import LIMIT_DEFAULT, Cursor, Limit, cursor_of, key_in, page_of
from server.requests import Request
from storage.credits import Lot, newest_lots

NEWEST = UUID(int=(1 << 128) - 1)
"""Above every id: a list begins below it."""


class GrantCredit(Body, frozen=True, kw_only=True):
    """Credit for one student, in cents; without `expires_at` it is good for a year."""

    user_id: UserId
    amount_cents: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    expires_at: Instant | None = None
    reason: Line


class LotList(msgspec.Struct, frozen=True, kw_only=True):
    """Credit, newest first."""

    items: list[Lot]
    next_cursor: str | None


class After(msgspec.Struct, frozen=True):
    """Where a list of credit goes on."""

    id: UUID


class Credits(Controller):
    """Value that students own."""

    path = "/api/admin/credits"
    tags = ("Admin",)
    guards = (admin,)

    @post()
    async def grant_credit(self, request: Request, data: JSONBody[GrantCredit]) -> Response[Lot]:
        """Gives a student credit as goodwill."""

        async def work(lot_id: UUID) -> Outcome:
            grant = Grant(
                user_id=data.user_id,
                amount_cents=data.amount_cents,
                expires_at=data.expires_at and to_utc(data.expires_at, pointer="/expires_at"),
                reason=data.reason,
            )
            lot = await request.parts.credits.grant(grant, lot_id=lot_id, viewer=request.viewer)
            return Outcome(body=lot, status=201)

        return cast("Response[Lot]", await request.parts.idempotency.once(request, work))

    @get()
    async def list_credit(
        self,
        request: Request,
        user_id: Annotated[UUID | None, QueryParameter(description="only of this student")] = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> LotList:
        """Credit of everybody or of one student, used and ended lots too."""
        after = key_in(cursor, After)
        found = await newest_lots(
            request.parts.reads,
            user_id=user_id,
            before_id=after.id if after else NEWEST,
            limit=limit + 1,
        )
        items, last = page_of(found, limit)
        return LotList(items=items, next_cursor=cursor_of(After(last.id)) if last else None)
