"""Our books against Stripe's, for admins: incidents, and a run whenever one is wanted."""

from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.params import QueryParameter

from domain.reconciliation import Check
from server.availability_window import instant_in
from server.filters import FromAt, Text, ToAt, after_in, after_of
from server.guards import admin
from server.lists import LIMIT_DEFAULT, Cursor, Limit, page_of
from server.requests import Request
from storage.reconciliation import (
    Incident,
    IncidentState,
    Run,
    incidents,
    latest_run,
    payouts_are_stopped,
)


class IncidentPage(msgspec.Struct, frozen=True, kw_only=True):
    """Incidents, newest first; while one is open, automatic payouts wait."""

    items: list[Incident]
    next_cursor: str | None
    payouts_are_stopped: bool
    last_run: Run | None


class Reconciliation(Controller):
    """What differs between our ledger and Stripe's balance transactions."""

    path = "/api/admin/reconciliation"
    tags = ("Admin",)
    guards = (admin,)

    @get()
    async def list_incidents(
        self,
        request: Request,
        in_state: Annotated[IncidentState | None, QueryParameter(name="state")] = None,
        check: Annotated[Check | None, QueryParameter()] = None,
        account: Text = None,
        subject: Text = None,
        from_at: FromAt = None,
        to_at: ToAt = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> IncidentPage:
        """Incidents by state, check, account (or its code) and time, and the last run."""
        reads, (before_at, before_id) = request.parts.reads, after_in(cursor)
        found = await incidents(
            reads,
            state=in_state,
            check=check,
            account=account,
            subject=subject,
            from_at=instant_in(from_at, "from"),
            to_at=instant_in(to_at, "to"),
            before_at=before_at,
            before_id=before_id,
            most=limit + 1,
        )
        items, last = page_of(found, limit)
        return IncidentPage(
            items=items,
            next_cursor=after_of(last.opened_at, last.id) if last else None,
            payouts_are_stopped=await payouts_are_stopped(reads),
            last_run=await latest_run(reads),
        )

    @post(status_code=200)
    async def reconcile_now(self, request: Request) -> Run:
        """Compares everything now; answers when it is done. Safe to repeat."""
        return await request.parts.reconciliation.run_for(request.viewer)
