"""A live copy of one calendar and the views on it: what each subscription shape lists. No I/O.

A view changes in two ways: with the calendar's version, and by time alone (a slot passes its
notice, a hold ends, a day joins the horizon, a rolling window moves on). Each change is one step
with what was added and removed; the last steps are kept for those who come back.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from actors.calendar_changes import BookingChange, CalendarChanged
from actors.live_frames import Outlet, Reason, RemovedSlot, Shape
from domain.availability import Busy, blocks, refusal
from domain.errors import SlotTaken
from domain.offers import lowest_floor, offered_slots
from domain.openings import plan_of
from domain.settings import Policy
from domain.times import Span
from storage.calendars import Calendar
from storage.live import EarlierBooking

STEPS_MAX = 256
"""How many steps back a view remembers."""
LOOKAHEAD = timedelta(days=2)
"""How far beyond a rolling window slots are known; every local midnight looks again."""
COUNTED_FOR = timedelta(days=8)
"""Lessons taught count for limits of their day and week; older ones are forgotten."""
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
NEVER = datetime.max.replace(tzinfo=UTC)
IN_CALENDAR = frozenset({"pending", "confirmed", "completed", "no_show"})


class Listener(Protocol):
    """One subscription of one socket."""

    is_live: bool
    """Whether the next step follows on what the socket has."""
    outlet: Outlet

    def lose(self) -> None:
        """It misses a message."""
        ...


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a view; `previous == version` when time alone made it."""

    previous: int
    version: int
    added: list[Span]
    removed: list[RemovedSlot]


class LiveCalendar:
    """One calendar in memory, moved on by hints and loaded anew where they do not fit."""

    def __init__(self, calendar: Calendar, policy: Policy, rolling: timedelta) -> None:
        """`rolling` is how long the window without ends is."""
        self.policy = policy
        self.rolling = rolling
        self.views: dict[Shape, View] = {}
        self.adopt(calendar)

    def adopt(self, calendar: Calendar) -> None:
        """Takes what was loaded in the place of what was known."""
        self.calendar = calendar
        self.version = calendar.version
        self.bookings: dict[UUID, Busy] = {each.booking_id: each for each in calendar.bookings}

    def fits(self, changed: CalendarChanged) -> bool:
        """Whether a hint can be applied: it follows this version and only bookings changed."""
        return changed.previous_version == self.version and all(
            isinstance(change, BookingChange) for change in changed.changes
        )

    def apply(self, changed: CalendarChanged) -> None:
        """Moves on by a hint that fits."""
        for change in changed.changes:
            if isinstance(change, BookingChange):
                self._apply(change)
        self.version = changed.version
        horizon = changed.at - COUNTED_FOR
        for old in [b.booking_id for b in self.bookings.values() if b.end_at < horizon]:
            del self.bookings[old]

    def _apply(self, change: BookingChange) -> None:
        if change.became not in IN_CALENDAR:
            self.bookings.pop(change.booking_id, None)
            return
        self.bookings[change.booking_id] = Busy(
            booking_id=change.booking_id,
            start_at=change.start_at,
            end_at=change.end_at,
            buffer_before_minutes=change.buffer_before_minutes,
            buffer_after_minutes=change.buffer_after_minutes,
            status=change.became,
            hold_expires_at=change.hold_expires_at,
            student_id=change.student_id,
            learner_id=change.learner_id,
        )

    def turns_at(self, now: datetime) -> datetime:
        """When time changes more than passing slots: a hold ends or a local date begins."""
        plan = plan_of(self.calendar.rules)
        tomorrow = plan.begins_at(plan.ordinal_of(now) + 1)
        ends = [
            b.hold_expires_at
            for b in self.bookings.values()
            if b.status == "pending" and b.hold_expires_at is not None and b.hold_expires_at > now
        ]
        return min([tomorrow, *ends]) if tomorrow > now else now + DAY

    def slots(
        self, shape: Shape, window: Span, now: datetime, busy: Iterable[Busy] | None = None
    ) -> list[Span]:
        """What a shape lists within a window; nothing of who cannot be booked."""
        calendar = self.calendar
        if not calendar.is_bookable or window.end_at <= window.start_at:
            return []
        return offered_slots(
            calendar.rules,
            list(self.bookings.values() if busy is None else busy),
            calendar.services,
            service_id=shape.service_id,
            duration_minutes=shape.duration_minutes,
            window=window,
            now=now,
            policy=self.policy,
        )

    def notice(self, shape: Shape) -> timedelta:
        """How long before its start a slot of this shape is last offered."""
        fitting = [
            each
            for each in self.calendar.services
            if shape.service_id in {None, each.id}
            and shape.duration_minutes in each.durations_minutes
        ]
        minimum = timedelta(minutes=self.calendar.rules.policy.minimum_notice_minutes)
        return max(minimum, lowest_floor(fitting, self.policy))

    def reason(self, span: Span, earliest: datetime, now: datetime) -> Reason:
        """Why a slot is not listed any more."""
        if span.start_at < earliest:
            return "passed"
        for busy in self.bookings.values():
            is_near = busy.start_at < span.end_at + DAY and span.start_at < busy.end_at + DAY
            if is_near and blocks(busy, now) and self._takes(busy, span, now):
                return "held" if busy.status == "pending" else "booked"
        return "closed"

    def _takes(self, busy: Busy, span: Span, now: datetime) -> bool:
        why = refusal(
            self.calendar.rules,
            [busy],
            span=span,
            notice_floor=timedelta(0),
            shortest_minutes=0,
            now=now,
        )
        return isinstance(why, SlotTaken)

    def missed(
        self,
        view: "View",
        earlier: Sequence[EarlierBooking],
        after_version: int,
        *,
        since: datetime,
        now: datetime,
    ) -> Step | None:
        """The step from an older version to now, or None when it cannot be known exactly.

        Since then time may have passed slots, ended holds, brought new days, all of it without a
        version. So whatever could have been listed is removed if it is not now, and whatever may
        not have been listed is added: to a reader both are the same as the exact step.
        """
        steps = earlier[0].steps if earlier else 0
        if steps < view.version - after_version:
            return None  # rules changed as well
        were: set[UUID] = {each.booking_id for each in earlier}
        then = [_as_it_was(each) for each in earlier if each.was in IN_CALENDAR]
        most = [*(b for b in self.bookings.values() if b.booking_id not in were), *then]
        unsure = {
            b.booking_id for b in most if b.status == "pending" and not self._held(b, were, now)
        }
        if unsure and self.calendar.rules.policy.is_tight:
            return None
        fewest = [busy for busy in most if busy.booking_id not in unsure]
        held = [_for_ever(busy) if busy.booking_id in unsure else busy for busy in most]
        reach = Span(view.window(since).start_at, view.window(now).end_at)
        widest = {
            *self.slots(view.shape, reach, since, fewest),
            *self.slots(view.shape, reach, now, fewest),
        }
        sure = set(self.slots(view.shape, view.window(since), since, held))
        listed, earliest = set(view.listed), now + self.notice(view.shape)
        return Step(
            previous=after_version,
            version=view.version,
            added=[span for span in view.listed if span not in sure],
            removed=[
                RemovedSlot(span.start_at, span.end_at, self.reason(span, earliest, now))
                for span in sorted(widest - listed)
            ],
        )

    def _held(self, busy: Busy, were: set[UUID], now: datetime) -> bool:
        """Whether a hold has certainly blocked all the time."""
        return busy.booking_id not in were and blocks(busy, now)


def _as_it_was(earlier: EarlierBooking) -> Busy:
    """A booking as it blocked then; a hold for as long as anybody may think of."""
    return Busy(
        booking_id=earlier.booking_id,
        start_at=earlier.start_at,
        end_at=earlier.end_at,
        buffer_before_minutes=earlier.buffer_before_minutes,
        buffer_after_minutes=earlier.buffer_after_minutes,
        status=earlier.was or "confirmed",
        hold_expires_at=None,
        student_id=earlier.student_id,
        learner_id=earlier.learner_id,
    )


def _for_ever(busy: Busy) -> Busy:
    """A hold that may have blocked, as one that did."""
    return msgspec.structs.replace(busy, status="confirmed")


class View:
    """What one shape lists now, since when that is known, and who listens."""

    def __init__(self, copy: LiveCalendar, shape: Shape, now: datetime) -> None:
        """Works out the slots once."""
        self.shape = shape
        self.copy = copy
        self.listeners: set[Listener] = set()
        self.listed: list[Span] = []
        self.version = self.since = copy.version
        self.next_at = NEVER
        self.left_at = 0.0
        """When the last listener left, by the monotonic clock."""
        self.snapshot: bytes | None = None
        """The encoded snapshot of this state, once somebody needed it."""
        self._coming: deque[Span] = deque()
        self._steps: deque[Step] = deque()
        self._look(now)

    @property
    def is_rolling(self) -> bool:
        """Whether the window moves along with the time."""
        return self.shape.from_at is None and self.shape.to_at is None

    def window(self, now: datetime) -> Span:
        """The window at this time."""
        start = self.shape.from_at or now
        return Span(start, self.shape.to_at or start + self.copy.rolling)

    def refresh(self, now: datetime) -> Step | None:
        """Works everything out anew; None when neither the version nor any slot changed."""
        before = self.listed
        self._look(now)
        return self._stepped(before, now)

    def tick(self, now: datetime) -> Step | None:
        """Lets slots pass and a rolling window move on, without working anything out."""
        before = self.listed
        earliest = now + self.copy.notice(self.shape)
        first = next((i for i, s in enumerate(before) if s.start_at >= earliest), len(before))
        self.listed = before[first:]
        end_at = self.window(now).end_at
        while self._coming and self._coming[0].start_at < end_at:
            self.listed.append(self._coming.popleft())
        self._note_next()
        return self._stepped(before, now)

    def resumed(self, after_version: int) -> Step | None:
        """One step from an older version to now, as far as it is remembered."""
        if not self.since <= after_version <= self.version:
            return None
        touched: dict[Span, Reason] = {}
        for step in self._steps:
            is_missed = step.version > after_version
            is_time = step.version == after_version == step.previous
            if not is_missed and not is_time:
                continue
            touched.update({Span(r.start_at, r.end_at): r.reason for r in step.removed})
            touched.update(dict.fromkeys(step.added, "closed"))
        listed = set(self.listed)
        return Step(
            previous=after_version,
            version=self.version,
            added=sorted(span for span in touched if span in listed),
            removed=[
                RemovedSlot(span.start_at, span.end_at, touched[span])
                for span in sorted(touched)
                if span not in listed
            ],
        )

    def _look(self, now: datetime) -> None:
        window = self.window(now)
        reach = LOOKAHEAD if self.is_rolling else timedelta(0)
        found = self.copy.slots(self.shape, Span(window.start_at, window.end_at + reach), now)
        self.listed = [span for span in found if span.start_at < window.end_at]
        self._coming = deque(found[len(self.listed) :])
        self._note_next()

    def _note_next(self) -> None:
        next_at = NEVER
        if self.listed:
            next_at = self.listed[0].start_at - self.copy.notice(self.shape) + TICK
        if self._coming:
            next_at = min(next_at, self._coming[0].start_at - self.copy.rolling + TICK)
        self.next_at = next_at

    def _stepped(self, before: list[Span], now: datetime) -> Step | None:
        """Notes what changed as a step."""
        previous, self.version = self.version, self.copy.version
        if previous == self.version and before == self.listed:
            return None
        was, listed = set(before), set(self.listed)
        earliest = now + self.copy.notice(self.shape)
        step = Step(
            previous=previous,
            version=self.version,
            added=[span for span in self.listed if span not in was],
            removed=[
                RemovedSlot(span.start_at, span.end_at, self.copy.reason(span, earliest, now))
                for span in before
                if span not in listed
            ],
        )
        self.snapshot = None
        self._steps.append(step)
        if len(self._steps) > STEPS_MAX:
            # of steps made by time at the forgotten version some may be left: not enough
            forgotten = self._steps.popleft()
            self.since = max(
                self.since, forgotten.version + (forgotten.previous == forgotten.version)
            )
        return step
