"""The ledger, for admins: journals that sum to zero and what each account holds."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.params import QueryParameter

from domain.times import Instant
from server.availability_window import INSTANT, instant_in
from server.guards import admin
from server.lists import LIMIT_DEFAULT, Cursor, Limit, cursor_of, key_in, page_of
from server.requests import Request
from storage.ledger import AccountBalance, LedgerEntry, ledger_entries, ledger_totals

FromAt = Annotated[
    str | None, QueryParameter(name="from", schema_extra=INSTANT, description="not before")
]
ToAt = Annotated[str | None, QueryParameter(name="to", schema_extra=INSTANT, description="before")]


class LedgerPage(msgspec.Struct, frozen=True, kw_only=True):
    """Journals, newest first; debit is positive. `balanced`: each of them sums to zero."""

    entries: list[LedgerEntry]
    balanced: bool
    next_cursor: str | None


class Balances(msgspec.Struct, frozen=True, kw_only=True):
    """What every account holds, debit positive; the total is zero."""

    balances: list[AccountBalance]
    total_cents: int


class After(msgspec.Struct, frozen=True):
    """Where a list of journals goes on."""

    at: Instant
    id: UUID


class Ledger(Controller):
    """Double entry, for admins."""

    path = "/api/admin/ledger"
    tags = ("Admin",)
    guards = (admin,)

    @get()
    async def list_ledger_entries(
        self,
        request: Request,
        booking_id: Annotated[UUID | None, QueryParameter()] = None,
        user_id: Annotated[UUID | None, QueryParameter()] = None,
        from_at: FromAt = None,
        to_at: ToAt = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> LedgerPage:
        """Journals of a booking, of a person, of a time, or all."""
        after = key_in(cursor, After)
        found = await ledger_entries(
            request.parts.reads,
            booking_id=booking_id,
            user_id=user_id,
            from_at=instant_in(from_at, "from"),
            to_at=instant_in(to_at, "to"),
            before_at=after.at if after else None,
            before_id=after.id if after else None,
            most=limit + 1,
        )
        return _page(found, limit)

    @get("/balances")
    async def show_ledger_balances(self, request: Request) -> Balances:
        """What every account holds."""
        balances = await ledger_totals(request.parts.reads)
        return Balances(balances=balances, total_cents=sum(each.balance_cents for each in balances))


def _page(found: list[LedgerEntry], limit: int) -> LedgerPage:
    entries, last = page_of(found, limit)
    return LedgerPage(
        entries=entries,
        balanced=all(sum(line.amount_cents for line in entry.lines) == 0 for entry in entries),
        next_cursor=cursor_of(After(last.at, last.id)) if last else None,
    )
