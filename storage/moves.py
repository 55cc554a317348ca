"""Moves of bookings, and the proposals that ask for one."""

from datetime import datetime
from uuid import UUID

from domain.cancellation import Side
from domain.ids import BookingId
from domain.moves import Proposal, ProposalState
from storage.bookings import ChangedBooking
from storage.query import Tx, query


@query
async def move_bookings(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    ids: list[BookingId],
    start_ats: list[datetime],
    end_ats: list[datetime],
    start_locals: list[str],
    time_zones: list[str],
    buffers_before: list[int],
    buffers_after: list[int],
    moves: list[int],
    late_moves: list[int],
    sticky_leads: list[int | None],
    tzdb_version: str,
) -> list[ChangedBooking]: ...


@query
async def accept_proposals(tx: Tx, *, proposal_ids: list[UUID], now: datetime) -> list[UUID]: ...


@query
async def withdraw_proposals(tx: Tx, *, booking_ids: list[BookingId], now: datetime) -> None: ...


@query
async def insert_proposal(
    tx: Tx,
    *,
    proposal_id: UUID,
    booking_id: BookingId,
    proposed_by: Side,
    start_at: datetime,
    reason: str | None,
    expires_at: datetime,
    now: datetime,
) -> None: ...


@query
async def end_proposal(
    tx: Tx, *, proposal_id: UUID, state: ProposalState, now: datetime
) -> UUID | None: ...


@query
async def proposals_of_booking(
    tx: Tx, *, booking_id: BookingId, now: datetime
) -> list[Proposal]: ...


@query
async def is_excused(tx: Tx, *, booking_id: BookingId) -> bool: ...


@query
async def promise_expiry(
    tx: Tx,
    *,
    timing_id: UUID,
    proposal_id: UUID,
    booking_id: BookingId,
    due_at: datetime,
    now: datetime,
) -> None: ...
