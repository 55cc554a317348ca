"""Promises, for admins: what is due, what was given up, and once more."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, QueryParameter

from domain.timings import TimingKind, TimingState
from server.filters import Id
from server.guards import admin
from server.lists import LIMIT_DEFAULT, Cursor, Limit, cursor_of, key_in, page_of
from server.requests import Request
from storage.timings import ListedTiming, newest_timings


class TimingPage(msgspec.Struct, frozen=True, kw_only=True):
    """Timings, those made last first."""

    items: list[ListedTiming]
    next_cursor: str | None


class TimingOnly(msgspec.Struct, frozen=True, kw_only=True):
    """A timing as it is now."""

    timing: ListedTiming


class AfterTiming(msgspec.Struct, frozen=True):
    """Where a list of timings goes on."""

    id: UUID


class Timings(Controller):
    """What is promised, and when."""

    path = "/api/admin/timings"
    tags = ("Admin",)
    guards = (admin,)

    @get()
    async def list_timings(
        self,
        request: Request,
        kind: Annotated[TimingKind | None, QueryParameter()] = None,
        in_state: Annotated[TimingState | None, QueryParameter(name="state")] = None,
        subject_id: Id = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> TimingPage:
        """Timings by kind, state and subject (a booking, a lot, an instructor)."""
        after = key_in(cursor, AfterTiming)
        found = await newest_timings(
            request.parts.reads,
            kind=kind,
            state=in_state,
            subject_id=subject_id,
            before_id=after.id if after else None,
            most=limit + 1,
        )
        items, last = page_of(found, limit)
        return TimingPage(
            items=items, next_cursor=cursor_of(AfterTiming(last.id)) if last else None
        )

    @post("/{timing_id:uuid}/retry", status_code=200)
    async def retry_timing(self, request: Request, timing_id: FromPath[UUID]) -> TimingOnly:
        """Tries a promise at once that was given up or has failed."""
        return TimingOnly(timing=await request.parts.timings.retry(timing_id, request.viewer))
