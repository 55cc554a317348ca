"""Reports that somebody did not come, and what instructors have to answer for."""

from datetime import datetime
from uuid import UUID

from domain.cancellation import Side
from domain.ids import BookingId
from domain.no_shows import Report, ReportState
from storage.query import Tx, query


@query
async def insert_report(
    tx: Tx,
    *,
    booking_id: BookingId,
    absent: Side,
    reported_by: UUID,
    upheld_at: datetime,
    now: datetime,
) -> bool | None: ...


@query
async def report_of_booking(tx: Tx, *, booking_id: BookingId) -> Report | None: ...


@query
async def contest_report(tx: Tx, *, booking_id: BookingId, now: datetime) -> bool | None: ...


@query
async def resolve_report(
    tx: Tx, *, booking_id: BookingId, state: ReportState, resolved_by: UUID | None, now: datetime
) -> bool | None: ...


@query
async def insert_strikes(
    tx: Tx,
    *,
    booking_ids: list[BookingId],
    instructor_ids: list[UUID],
    kinds: list[str],
    now: datetime,
) -> None: ...
