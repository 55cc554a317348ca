"""Statements of the journal: JSON and CSV for students, CSV for instructors and for finance.

Files are streamed a page of the journal at a time and end with a row of sums (`total`); one that
would grow beyond the most rows ends with `truncated` instead, so nobody takes it for all.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
import structlog
from litestar import Controller, get
from litestar.response import Stream

from domain.statements import (
    ROWS_MAX,
    FinanceLine,
    FinanceSheet,
    InstructorSheet,
    StudentLine,
    StudentSheet,
)
from server.availability_window import instant_in
from server.filters import FromAt, Id, Text, ToAt, after_in, after_of
from server.guards import admin, instructor, signed_in
from server.lists import LIMIT_DEFAULT, Cursor, Limit, page_of
from server.requests import Request
from storage.statements import finance_lines, instructor_lines, student_lines

log = structlog.get_logger()

CSV = "text/csv"
PAGE = 1_000

L = TypeVar("L")
L_contra = TypeVar("L_contra", contravariant=True)
PageAfter = Callable[[L | None], Awaitable[Sequence[L]]]


class Sheet(Protocol[L_contra]):
    """What turns lines into text."""

    rows: int

    def top(self) -> str:
        """The first line."""
        ...

    def row(self, line: L_contra, /) -> str:
        """One line."""
        ...

    def bottom(self, word: str, /) -> str:
        """The last line."""
        ...


class TransactionPage(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to the viewer's card and credit, newest first."""

    items: list[StudentLine]
    next_cursor: str | None


class Transactions(Controller):
    """A student's own money."""

    path = "/api/payments"
    tags = ("Payments",)
    guards = (signed_in,)

    @get("/transactions")
    async def list_transactions(
        self, request: Request, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
    ) -> TransactionPage:
        """Charges, refunds and credit. Credit spent or reserved is negative."""
        before_at, before_id = after_in(cursor)
        found = await student_lines(
            request.parts.reads,
            user_id=request.viewer.user_id,
            before_at=before_at,
            before_id=before_id,
            most=limit + 1,
        )
        items, last = page_of(found, limit)
        next_cursor = after_of(last.at, last.id) if last else None
        return TransactionPage(items=items, next_cursor=next_cursor)

    @get("/transactions.csv", media_type=CSV)
    async def export_transactions(self, request: Request) -> Stream:
        """The same as a file; the sum of `credit_cents` is the credit that can be spent."""
        reads, user_id = request.parts.reads, request.viewer.user_id

        async def page(last: StudentLine | None) -> Sequence[StudentLine]:
            return await student_lines(
                reads,
                user_id=user_id,
                before_at=last and last.at,
                before_id=last and last.id,
                most=PAGE,
            )

        return _file(request, "transactions", StudentSheet(), page)


class Earnings(Controller):
    """An instructor's own money."""

    path = "/api/instructor"
    tags = ("Instructor",)
    guards = (instructor,)

    @get("/transactions.csv", media_type=CSV)
    async def export_earnings(self, request: Request) -> Stream:
        """Every movement with the balance after it; the last row holds the balance now."""
        reads, user_id = request.parts.reads, request.viewer.user_id
        return _file(
            request,
            "earnings",
            InstructorSheet(),
            lambda last: instructor_lines(
                reads,
                user_id=user_id,
                after_at=last and last.at,
                after_id=last and last.id,
                after_part=last and last.part,
                most=PAGE,
            ),
        )


class Postings(Controller):
    """The journal, for finance."""

    path = "/api/admin"
    tags = ("Admin",)
    guards = (admin,)

    @get("/ledger.csv", media_type=CSV)
    async def export_ledger(
        self,
        request: Request,
        account: Text = None,
        booking_id: Id = None,
        from_at: FromAt = None,
        to_at: ToAt = None,
    ) -> Stream:
        """Postings of an account (or of all with its code), a booking, a time; debit positive."""
        reads = request.parts.reads
        start, end = instant_in(from_at, "from"), instant_in(to_at, "to")

        async def page(last: FinanceLine | None) -> Sequence[FinanceLine]:
            return await finance_lines(
                reads,
                account=account,
                booking_id=booking_id,
                from_at=start,
                to_at=end,
                after_at=last and last.at,
                after_id=last and last.id,
                after_line=last and last.line,
                most=PAGE,
            )

        return _file(request, "ledger", FinanceSheet(), page)


def _file(request: Request, name: str, sheet: Sheet[Any], page: PageAfter[Any]) -> Stream:
    """A CSV file, made while it is sent."""
    log.info("statement.exported", statement=name, user=request.viewer.user_id)
    return Stream(
        _written(sheet, page),
        media_type=CSV,
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


async def _written(sheet: Sheet[L], page: PageAfter[L]) -> AsyncGenerator[str]:
    yield sheet.top()
    last: L | None = None
    while sheet.rows < ROWS_MAX:
        lines = await page(last)
        if lines:
            yield "".join(sheet.row(line) for line in lines)
            last = lines[-1]
        if len(lines) < PAGE:
            yield sheet.bottom("total")
            return
    yield sheet.bottom("truncated")
