"""Statements: the journal as the owner of an account is shown it."""

from datetime import datetime
from uuid import UUID

from domain.statements import FinanceLine, InstructorLine, StudentLine
from storage.query import Tx, query


@query
async def student_lines(
    tx: Tx,
    *,
    user_id: UUID,
    before_at: datetime | None = None,
    before_id: UUID | None = None,
    most: int = 50,
) -> list[StudentLine]: ...


@query
async def instructor_lines(
    tx: Tx,
    *,
    user_id: UUID,
    after_at: datetime | None = None,
    after_id: UUID | None = None,
    after_part: int | None = None,
    most: int = 50,
) -> list[InstructorLine]: ...


@query
async def finance_lines(
    tx: Tx,
    *,
    account: str | None = None,
    booking_id: UUID | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    after_at: datetime | None = None,
    after_id: UUID | None = None,
    after_line: int | None = None,
    most: int = 50,
) -> list[FinanceLine]: ...
