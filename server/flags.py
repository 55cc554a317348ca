"""What admins should look at about students."""

from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.params import QueryParameter

from server.filters import Id, after_in, after_of
from server.guards import admin
from server.lists import LIMIT_DEFAULT, Cursor, Limit, page_of
from server.requests import Request
from storage.flags import Flag, FlagKind, newest_flags


class FlagPage(msgspec.Struct, frozen=True, kw_only=True):
    """Flags, newest first."""

    items: list[Flag]
    next_cursor: str | None


class Flags(Controller):
    """Students who keep times and never pay for them."""

    path = "/api/admin/flags"
    tags = ("Admin",)
    guards = (admin,)

    @get()
    async def list_flags(
        self,
        request: Request,
        kind: Annotated[FlagKind | None, QueryParameter()] = None,
        user_id: Id = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> FlagPage:
        """Flags by kind and student; each tells how many its student has."""
        before_at, before_id = after_in(cursor)
        found = await newest_flags(
            request.parts.reads,
            kind=kind,
            user_id=user_id,
            before_at=before_at,
            before_id=before_id,
            most=limit + 1,
        )
        items, last = page_of(found, limit)
        return FlagPage(items=items, next_cursor=after_of(last.at, last.id) if last else None)
