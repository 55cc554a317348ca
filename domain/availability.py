"""Which spans can be booked: openings, what is busy, and the calendar's policy. Pure.

`slots` lists exactly the spans for which `refusal` is None. A slot belongs to the local date of
its start; starts stand on a grid counted in elapsed minutes from the instructor's local midnight.
"""

from bisect import insort
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from domain.bookings import BookingStatus
from domain.errors import DomainError, SlotNotOffered, SlotTaken
from domain.openings import (
    MINUTE,
    Approval,
    CalendarPolicy,
    Day,
    ExceptionDay,
    Plan,
    Rule,
    Rules,
    Stretch,
    Window,
    instant_of,
    micros,
    openings,
    plan_of,
)
from domain.times import Span

__all__ = [
    "Approval",
    "Busy",
    "CalendarPolicy",
    "ExceptionDay",
    "Rule",
    "Rules",
    "Window",
    "blocks",
    "openings",
    "refusal",
    "slots",
]

COUNTED: frozenset[BookingStatus] = frozenset({"completed", "no_show"})
"""Over, so they block nothing, but they still count for the daily and weekly limits."""


class Busy(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as the calendar sees it; buffers are those frozen when it was booked."""

    booking_id: UUID
    start_at: datetime
    end_at: datetime
    buffer_before_minutes: int
    buffer_after_minutes: int
    status: BookingStatus
    hold_expires_at: datetime | None = None
    student_id: UUID
    learner_id: UUID


def blocks(busy: Busy, now: datetime) -> bool:
    """Whether a booking keeps others out: confirmed, or held by a hold that is not over."""
    if busy.status == "pending":
        return busy.hold_expires_at is None or busy.hold_expires_at > now
    return busy.status == "confirmed"


def slots(
    rules: Rules,
    busy: Sequence[Busy],
    *,
    duration_minutes: int,
    window: Span,
    notice_floor: timedelta,
    shortest_minutes: int,
    now: datetime,
) -> list[Span]:
    """Every bookable span of one duration that starts within `window`, in order, in UTC."""
    plan = plan_of(rules)
    view = _View(plan, busy, notice_floor=notice_floor, shortest_minutes=shortest_minutes, now=now)
    duration = duration_minutes * MINUTE
    low = max(micros(window.start_at), view.earliest)
    high = micros(window.end_at)
    if high <= low or duration <= 0:
        return []
    first = plan.ordinal_of(instant_of(low))
    last = min(view.last_ordinal, plan.ordinal_of(window.end_at))
    length = timedelta(minutes=duration_minutes)
    found: list[Span] = []
    for ordinal in range(first, last + 1):
        day = plan.day(ordinal)
        if not day.openings or view.is_full(day, duration):
            continue
        for start in view.starts(day, duration, max(low, day.begins), min(high, day.ends)):
            start_at = instant_of(start)
            found.append(Span(start_at, start_at + length))
    return found


def refusal(
    rules: Rules,
    busy: Sequence[Busy],
    *,
    span: Span,
    notice_floor: timedelta,
    shortest_minutes: int,
    now: datetime,
) -> DomainError | None:
    """Why a span cannot be booked now, or None: first what the calendar never offers, then who
    has it, then the limits that the bookings of its day and week have filled.
    """
    plan = plan_of(rules)
    low, high = span.start_at - timedelta(days=1), span.end_at + timedelta(days=1)
    has_caps = plan.policy.lessons_per_day_max or plan.policy.minutes_per_week_max
    near = busy if has_caps else [b for b in busy if b.start_at < high and low < b.end_at]
    view = _View(plan, near, notice_floor=notice_floor, shortest_minutes=shortest_minutes, now=now)
    start, end = micros(span.start_at), micros(span.end_at)
    day = plan.day(plan.ordinal_of(span.start_at))
    sentence = _not_offered(view, day, start, end)
    if sentence:
        return SlotNotOffered(sentence)
    if view.is_taken(start, end):
        return SlotTaken()
    if view.is_full(day, end - start):
        return SlotNotOffered("the instructor teaches no more on this day or in this week")
    if plan.policy.is_tight and view.leaves_a_gap(day, start, end):
        return SlotNotOffered("this time would leave a gap too short for a lesson")
    return None


def _not_offered(view: "_View", day: Day, start: int, end: int) -> str | None:
    """What speaks against a span whoever else is booked; None when nothing does."""
    if end <= start:
        return "a lesson ends after it starts"
    if start < view.earliest:
        return "this time has passed or is too close"
    if day.ordinal > view.last_ordinal:
        return "this time is too far ahead"
    if not any(begins <= start and end <= ends for begins, ends in day.openings):
        return "the instructor is not open for the whole of this time"
    is_on_grid = (start - day.begins) % view.plan.grid == 0
    if not is_on_grid and start not in view.flush_starts(end - start):
        return "lessons do not start at this minute"
    return None


class _Taken(msgspec.Struct, frozen=True):
    """A blocking booking in micros, with the gaps it needs against a lesson under this policy."""

    start: int
    end: int
    gap_before: int
    gap_after: int


class _View:
    """One calendar at one instant, asked about one or many spans."""

    def __init__(
        self,
        plan: Plan,
        busy: Sequence[Busy],
        *,
        notice_floor: timedelta,
        shortest_minutes: int,
        now: datetime,
    ) -> None:
        policy = plan.policy
        self.plan = plan
        self.busy = busy
        self.now = now
        notice = max(timedelta(minutes=policy.minimum_notice_minutes), notice_floor)
        self.earliest = micros(now + max(notice, timedelta(0)))
        self.last_ordinal = plan.ordinal_of(now) + policy.horizon_days
        self.shortest = shortest_minutes * MINUTE
        before, after = policy.buffer_before_minutes, policy.buffer_after_minutes
        self.own_gap = max(before, after) * MINUTE
        self.taken = [
            _Taken(
                micros(b.start_at),
                micros(b.end_at),
                max(after, b.buffer_before_minutes) * MINUTE,
                max(before, b.buffer_after_minutes) * MINUTE,
            )
            for b in busy
            if blocks(b, now)
        ]

    def is_taken(self, start: int, end: int) -> bool:
        """Whether a booking overlaps the span or stands closer than the larger of the buffers."""
        return any(b.start - b.gap_before < end and start < b.end + b.gap_after for b in self.taken)

    def starts(self, day: Day, duration: int, low: int, high: int) -> Iterator[int]:
        """The bookable starts of a date within [low, high), in order, limits left aside."""
        blocked = sorted(
            (b.start - b.gap_before - duration, b.end + b.gap_after) for b in self.taken
        )
        for begins, ends in day.openings:
            candidates = self._candidates(
                day, duration, (max(begins, low), min(ends - duration, high - 1))
            )
            yield from self._unblocked(day, duration, candidates, blocked)

    def _unblocked(
        self, day: Day, duration: int, candidates: Sequence[int], blocked: Sequence[Stretch]
    ) -> Iterator[int]:
        """Candidates outside every blocked open interval; both sorted, so one walk does."""
        is_tight = self.plan.policy.is_tight
        at, reach = 0, 0
        for start in candidates:
            while at < len(blocked) and blocked[at][0] < start:
                reach = max(reach, blocked[at][1])
                at += 1
            if start < reach or (is_tight and self.leaves_a_gap(day, start, start + duration)):
                continue
            yield start

    def _candidates(self, day: Day, duration: int, within: Stretch) -> Sequence[int]:
        """Grid starts, with a tight calendar also flush ones, in the closed stretch `within`."""
        low, high = within
        grid = self.plan.grid
        first = day.begins + -(-(low - day.begins) // grid) * grid
        steps = range(first, high + 1, grid)
        if not self.plan.policy.is_tight:
            return steps
        found = list(steps)
        for start in self.flush_starts(duration):
            if low <= start <= high and (start - day.begins) % grid != 0:
                insort(found, start)
        return found

    def flush_starts(self, duration: int) -> set[int]:
        """Starts right after or right before a booking; none unless the calendar is tight."""
        if not self.plan.policy.is_tight:
            return set()
        after = {b.end + b.gap_after for b in self.taken}
        return after | {b.start - b.gap_before - duration for b in self.taken}

    def leaves_a_gap(self, day: Day, start: int, end: int) -> bool:
        """Whether free time beside a free span could not take the shortest lesson any more."""
        begins, ends = next(o for o in day.openings if o[0] <= start and end <= o[1])
        before, after = begins, ends
        for b in self.taken:
            if b.end <= start:
                before = max(before, b.end + b.gap_after)
            else:
                after = min(after, b.start - b.gap_before)
        return self._is_useless(start - before) or self._is_useless(after - end)

    def _is_useless(self, gap: int) -> bool:
        return gap > 0 and gap - self.own_gap < self.shortest

    def is_full(self, day: Day, duration: int) -> bool:
        """Whether one more lesson of this length would exceed the day's or the week's limit."""
        policy = self.plan.policy
        if policy.lessons_per_day_max is not None:
            lessons = sum(1 for _ in self._counted(day.ordinal, 1))
            if lessons >= policy.lessons_per_day_max:
                return True
        if policy.minutes_per_week_max is not None:
            monday = day.ordinal - date.fromordinal(day.ordinal).weekday()
            taught = sum(micros(b.end_at) - micros(b.start_at) for b in self._counted(monday, 7))
            return taught + duration > policy.minutes_per_week_max * MINUTE
        return False

    def _counted(self, ordinal: int, days: int) -> Iterator[Busy]:
        begins = instant_of(self.plan.day(ordinal).begins)
        ends = instant_of(self.plan.day(ordinal + days).begins)
        for b in self.busy:
            if begins <= b.start_at < ends and (b.status in COUNTED or blocks(b, self.now)):
                yield b
