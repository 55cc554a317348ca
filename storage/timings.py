"""Timings: promises that something happens at an instant. `domain/timings.py` says which exist.

Lock order: a transaction that changes a booking, its payment and its timings locks the booking
first, then the payment, then the timing; `sync_timings` reads both and needs the booking's lock.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from domain.ids import BookingId, TimingId, new_id
from domain.settings import Policy
from domain.timings import BookingClock, Due, TimingKind, TimingState, timings_for
from storage.query import Tx, query

SOON = timedelta(seconds=5)
"""The longest sleep of the clock: what is due within it needs a NOTIFY to be on time."""


DRIVEN: frozenset[TimingKind] = frozenset({"confirm", "settle"})
"""Due at once, and mostly carried on with by whoever caused them; the clock is their safety net."""


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """One promise. `attempt` counts confirms of the card, `failures` bugs and outages."""

    id: TimingId
    kind: TimingKind
    subject_id: UUID
    booking_id: BookingId | None
    cycle: int
    schedule_version: int
    due_at: datetime
    state: TimingState
    attempt: int
    failures: int


class ListedTiming(msgspec.Struct, frozen=True, kw_only=True):
    """One promise as admins see it."""

    id: TimingId
    kind: TimingKind
    subject_id: UUID
    booking_id: BookingId | None
    cycle: int
    due_at: datetime
    state: TimingState
    attempt: int
    failures: int
    last_error: str | None
    created_at: datetime
    completed_at: datetime | None


class BookingTimes(BookingClock, frozen=True, kw_only=True):
    """What a booking's timings are computed from, and what they record."""

    schedule_version: int
    cycle: int


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that should be live for one booking. `kept` is the kind this change fulfilled."""

    times: BookingTimes
    kept: TimingKind | None = None
    is_driven: bool = False
    """Whether the asker goes on by itself with a `confirm` or `settle` that is due now."""


@query
async def booking_times(tx: Tx, *, booking_ids: list[UUID]) -> list[BookingTimes]: ...


@query
async def replace_timings(  # noqa: PLR0913 - one parameter a column
    tx: Tx,
    *,
    booking_ids: list[UUID],
    kept_kinds: list[TimingKind | None],
    ids: list[UUID],
    subject_ids: list[UUID],
    kinds: list[TimingKind],
    due_ats: list[datetime],
    attempts: list[int],
    cycles: list[int],
    schedule_versions: list[int],
    now: datetime,
) -> None: ...


@query
async def notify_clock(tx: Tx) -> bool: ...


@query
async def stage_timing(
    tx: Tx,
    *,
    timing_id: UUID,
    kind: TimingKind,
    booking_id: UUID,
    due_at: datetime,
    now: datetime,
) -> None: ...


@query
async def claim_due_timings(
    tx: Tx, *, now: datetime, wall_now: datetime, limit: int
) -> list[Timing]: ...


@query
async def timing_by_id(tx: Tx, *, timing_id: UUID) -> Timing | None: ...


@query
async def beat_timing(tx: Tx, *, timing_id: UUID, wall_now: datetime) -> bool | None: ...


@query
async def complete_timing(tx: Tx, *, timing_id: UUID, now: datetime) -> bool | None: ...


@query
async def snooze_timing(tx: Tx, *, timing_id: UUID, due_at: datetime) -> bool | None: ...


@query
async def fail_timing(tx: Tx, *, timing_id: UUID, due_at: datetime, error: str) -> int | None: ...


@query
async def discard_timing(tx: Tx, *, timing_id: UUID, now: datetime, error: str) -> bool | None: ...


@query
async def rescue_timings(tx: Tx, *, beat_before: datetime, limit: int) -> list[Timing]: ...


@query
async def retry_timing(tx: Tx, *, timing_id: UUID, now: datetime) -> TimingState | None: ...


@query
async def listed_timing(tx: Tx, *, timing_id: UUID) -> ListedTiming | None: ...


@query
async def newest_timings(
    tx: Tx,
    *,
    kind: TimingKind | None,
    state: TimingState | None,
    subject_id: UUID | None,
    before_id: UUID | None,
    most: int,
) -> list[ListedTiming]: ...


@query
async def next_due_at(tx: Tx) -> datetime | None: ...


async def sync_timings(tx: Tx, *, booking_id: UUID, now: datetime, policy: Policy) -> None:
    """Makes the live timings of a booking those that `timings_for` lists; safe to repeat.

    The caller holds the booking's lock, has written booking and payment before, and goes on by
    itself with a `confirm` or `settle` that is due.
    """
    times = await booking_times(tx, booking_ids=[booking_id])
    promises = [Promise(times=each, is_driven=True) for each in times]
    await keep_promises(tx, promises, now=now, policy=policy)


async def keep_promises(
    tx: Tx, promises: Sequence[Promise], *, now: datetime, policy: Policy
) -> None:
    """`sync_timings` for bookings whose facts are at hand already.

    Live timings not wanted any more become `completed` when this very change is what they
    promised, else `cancelled`, running ones too. A wanted one moves only to a later instant or
    with a new schedule version: what is due by now may have been snoozed on purpose.
    """
    if not promises:
        return
    wanted = [
        (each, due) for each in promises for due in timings_for(each.times, now=now, policy=policy)
    ]
    await replace_timings(
        tx,
        booking_ids=[each.times.booking_id for each in promises],
        kept_kinds=[each.kept for each in promises],
        ids=[new_id(now) for _ in wanted],
        subject_ids=[each.times.booking_id for each, _ in wanted],
        kinds=[due.kind for _, due in wanted],
        due_ats=[due.due_at for _, due in wanted],
        attempts=[due.attempt for _, due in wanted],
        cycles=[each.times.cycle for each, _ in wanted],
        schedule_versions=[each.times.schedule_version for each, _ in wanted],
        now=now,
    )
    if any(needs_a_wake(due, now, is_driven=each.is_driven) for each, due in wanted):
        await notify_clock(tx)


def needs_a_wake(due: Due, now: datetime, *, is_driven: bool) -> bool:
    """Whether the clock would be late for it: due before it looks again, and nobody drives it.

    A NOTIFY makes commits queue behind each other, so what lies further ahead goes without.
    """
    if due.due_at > now + SOON:
        return False
    return not (is_driven and due.kind in DRIVEN)
