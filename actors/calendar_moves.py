"""A booking that goes to another time: the decision in memory, and its part of a batch."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from actors.calendar_commands import Move
from actors.calendar_effects import Change, Decision, NewTime, Repeat, Wait
from actors.calendar_judgement import Candidate
from actors.calendar_memory import Memory
from actors.calendar_rows import Item, columns
from domain.availability import refusal
from domain.errors import (
    BookingState,
    DomainError,
    InstructorNotBookable,
    SlotNotOffered,
    SlotTaken,
)
from domain.moves import History, Moved, after_move
from domain.settings import Policy
from domain.times import TZDB_VERSION, Span, zone
from storage.bookings import ChangedBooking
from storage.calendars import CalendarBooking
from storage.moves import accept_proposals, move_bookings, withdraw_proposals
from storage.query import Tx

MOVE_COLUMNS = (
    "ids", "start_ats", "end_ats", "start_locals", "time_zones", "buffers_before", "buffers_after",
    "moves", "late_moves", "sticky_leads",
)  # fmt: skip


def decide_move(
    memory: Memory, booking: CalendarBooking, command: Move, *, now: datetime, policy: Policy
) -> Decision:
    """Whether a booking may go to another time; its own old time is never in its way."""
    if booking.status != "confirmed" or now >= booking.start_at:
        return BookingState("only a confirmed lesson that lies ahead can move")
    if booking.start_at == command.start_at:
        return Repeat(booking.booking_id)
    span = Span(command.start_at, command.start_at + (booking.end_at - booking.start_at))
    near = [each for each in memory.near(span) if each.booking_id != booking.booking_id]
    refused = _refused(memory, near, booking, command, span, now=now, policy=policy)
    if refused is not None:
        return _unless_unsure(refused, memory, near, booking, command, span, now, policy)
    moved = after_move(
        _history(booking),
        by=command.by,
        to=span.start_at,
        has_consent=command.has_consent,
        now=now,
        policy=policy,
    )
    if isinstance(moved, DomainError):
        return moved
    return (
        Repeat(booking.booking_id)
        if command.is_trial
        else _changed(memory, booking, command, span, moved, now)
    )


def _changed(
    memory: Memory,
    booking: CalendarBooking,
    command: Move,
    span: Span,
    moved: Moved,
    now: datetime,
) -> Change:
    rules = memory.rules.policy
    local = span.start_at.astimezone(zone(rules.time_zone))
    return Change(
        command=command,
        was=booking,
        became="confirmed",
        event="booking.moved",
        moved=NewTime(
            span=span,
            time_zone=rules.time_zone,
            start_local=local.replace(tzinfo=None).isoformat(timespec="minutes"),
            buffer_before_minutes=rules.buffer_before_minutes,
            buffer_after_minutes=rules.buffer_after_minutes,
            moves=moved.moves,
            late_moves=moved.late_moves,
            sticky_lead_seconds=moved.sticky_lead_seconds,
        ),
        at=now,
    )


def _unless_unsure(
    refused: DomainError,
    memory: Memory,
    near: Sequence[CalendarBooking],
    booking: CalendarBooking,
    command: Move,
    span: Span,
    now: datetime,
    policy: Policy,
) -> Decision:
    """The refusal when it holds without what is not committed; else it waits for that."""
    if memory.is_rewritten:
        return Wait()
    certain = memory.certain(near)
    if len(certain) == len(near):
        return refused
    return _refused(memory, certain, booking, command, span, now=now, policy=policy) or Wait()


def _history(booking: CalendarBooking) -> History:
    return History(
        start_at=booking.start_at,
        original_start_at=booking.original_start_at,
        moves=booking.moves,
        late_moves=booking.late_moves,
        sticky_lead_seconds=booking.sticky_lead_seconds,
    )


def _refused(
    memory: Memory,
    near: Sequence[CalendarBooking],
    booking: CalendarBooking,
    command: Move,
    span: Span,
    *,
    now: datetime,
    policy: Policy,
) -> DomainError | None:
    """What the calendar has against the new time.

    Where the instructor agrees it may be off the grid, at short notice or outside the opening
    hours: they know what they do. It must lie ahead, and be nobody else's.
    """
    if command.has_consent or command.by == "instructor":
        return _refused_knowingly(memory, near, span, now)
    if not memory.is_bookable:
        return InstructorNotBookable()
    floor = policy.notice_floor_online
    if booking.modality == "in_person":
        floor = policy.notice_floor_in_person
    return refusal(
        memory.rules,
        near,
        span=span,
        notice_floor=floor,
        shortest_minutes=memory.shortest_minutes,
        now=now,
    )


def _refused_knowingly(
    memory: Memory, near: Sequence[CalendarBooking], span: Span, now: datetime
) -> DomainError | None:
    if span.start_at <= now:
        return SlotNotOffered("this time has passed")
    rules = memory.rules.policy
    before = timedelta(minutes=rules.buffer_before_minutes)
    after = timedelta(minutes=rules.buffer_after_minutes)
    return SlotTaken() if memory.is_crowded(near, span, before, after, now) else None


def entry_moved(change: Change, moved: NewTime) -> CalendarBooking:
    """The booking as its calendar remembers it at its new time."""
    was = change.was
    return msgspec.structs.replace(
        was,
        start_at=moved.span.start_at,
        end_at=moved.span.end_at,
        buffer_before_minutes=moved.buffer_before_minutes,
        buffer_after_minutes=moved.buffer_after_minutes,
        original_start_at=was.original_start_at or was.start_at,
        moves=moved.moves,
        late_moves=moved.late_moves,
        sticky_lead_seconds=moved.sticky_lead_seconds,
        outcome=None,
        last_command_id=None,
    )


def candidate_of_move(item: Item[Change]) -> Candidate:
    """Who wants another time for a booking there is."""
    was, moved = item.effect.was, item.effect.moved
    return Candidate(
        booking_id=was.booking_id,
        instructor_id=item.instructor_id,
        student_id=was.student_id,
        learner_id=was.learner_id,
        span=moved.span if moved else Span(was.start_at, was.end_at),
        is_hold=False,
        is_retake=False,
        is_move=True,
    )


async def agreed(tx: Tx, items: Sequence[Item[Change]], *, now: datetime) -> list[Item[Change]]:
    """The moves that need no proposal, or whose proposal is still open; accepts it."""
    wanted = [p for item in items if (p := _proposal_of(item)) is not None]
    if not wanted:
        return list(items)
    accepted = set(await accept_proposals(tx, proposal_ids=wanted, now=now))
    return [i for i in items if (p := _proposal_of(i)) is None or p in accepted]


async def write_moves(
    tx: Tx, items: Sequence[Item[Change]], *, now: datetime
) -> list[tuple[Item[Change], ChangedBooking]]:
    """Gives bookings their new times and withdraws what was proposed for the old ones."""
    rows = [_move_row(item.effect, moved) for item in items if (moved := item.effect.moved)]
    if not rows:
        return []
    changed = await move_bookings(tx, **columns(MOVE_COLUMNS, rows), tzdb_version=TZDB_VERSION)
    await withdraw_proposals(tx, booking_ids=[each.id for each in changed], now=now)
    by_id = {each.id: each for each in changed}
    return [
        (item, by_id[booking_id])
        for item in items
        if (booking_id := item.effect.command.booking_id) in by_id
    ]


def _proposal_of(item: Item[Change]) -> UUID | None:
    command = item.effect.command
    return command.proposal_id if isinstance(command, Move) else None


def _move_row(change: Change, moved: NewTime) -> tuple[object, ...]:
    return (
        change.was.booking_id, moved.span.start_at, moved.span.end_at, moved.start_local,
        moved.time_zone, moved.buffer_before_minutes, moved.buffer_after_minutes, moved.moves,
        moved.late_moves, moved.sticky_lead_seconds,
    )  # fmt: skip
