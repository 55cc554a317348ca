"""What a calendar actor remembers: the calendar as loaded, and the turns decided on top of it.

Decisions see everything, turns not yet committed included. `touched` names the bookings such turns
changed: what a refusal says without them is certain, whatever becomes of those turns.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from actors.calendar_effects import NewRules
from actors.calendar_turns import Turn
from domain.availability import Rules, blocks
from domain.bookings import Booking
from domain.ids import ServiceId
from domain.times import Span
from storage.calendars import Calendar, CalendarBooking, CalendarService

REACH = timedelta(hours=2)
"""Bookings further than this from a span cannot touch it: the longest buffer."""
TIGHT_REACH = timedelta(days=1)
"""A tight calendar looks at the neighbours, too (`domain.availability.refusal`)."""


class Memory:
    """One calendar in memory. A turn holds what was and what became, so it can be taken back."""

    def __init__(self, calendar: Calendar) -> None:
        """Begins with what was loaded."""
        self.instructor_id = calendar.instructor_id
        self.version = calendar.version
        self.rules_version = calendar.rules_version
        self.rules: Rules = calendar.rules
        self.is_bookable = calendar.is_bookable
        self.services: dict[ServiceId, CalendarService] = {
            service.id: service for service in calendar.services
        }
        self.shortest_minutes = calendar.shortest_minutes
        self.bookings: dict[UUID, CalendarBooking] = {}
        self.touched: set[UUID] = set()
        self._by_day: dict[int, dict[UUID, CalendarBooking]] = {}
        self._expires_at: datetime | None = None
        self._rules_turn: Turn | None = None
        for booking in calendar.bookings:
            self._add(booking)

    @property
    def is_rewritten(self) -> bool:
        """Whether the rules are those of a turn that is not committed."""
        return self._rules_turn is not None

    def apply(self, turn: Turn) -> None:
        """Sees what a turn decided as if it were so already."""
        if isinstance(turn.effect, NewRules):
            self._rules_turn = turn
            self.rules = turn.effect.rules
            return
        self.touched.add(turn.booking_id)
        self._replace(turn.was, turn.became)

    def undo(self, turn: Turn) -> None:
        """Takes a turn back that did not come to be."""
        if isinstance(turn.effect, NewRules):
            self._rules_turn = None
            self.rules = turn.rules_were or self.rules
            return
        self.touched.discard(turn.booking_id)
        self._replace(turn.became, turn.was)

    def keep(self, turn: Turn, booking: Booking | None) -> None:
        """Knows that a turn was committed, and what credit has made of a new booking."""
        if isinstance(turn.effect, NewRules):
            self._rules_turn = None
            self.rules_version += 1
            return
        self.touched.discard(turn.booking_id)
        entry = turn.became
        if booking is not None and entry is not None and entry.status != booking.status:
            became = msgspec.structs.replace(
                entry, status=booking.status, hold_expires_at=booking.hold_expires_at
            )
            self._replace(entry, became)

    def near(self, span: Span) -> list[CalendarBooking]:
        """The bookings that a decision about a span may depend on, and few others."""
        policy = self.rules.policy
        if policy.lessons_per_day_max is not None or policy.minutes_per_week_max is not None:
            return list(self.bookings.values())
        reach = TIGHT_REACH if policy.is_tight else REACH
        low, high = span.start_at - reach, span.end_at + reach
        # a day more than the reach: days are those of the starts
        first, last = low.toordinal() - 1, high.toordinal()
        by_day = self._by_day
        return [
            booking
            for day in range(first, last + 1)
            if day in by_day
            for booking in by_day[day].values()
            if booking.start_at < high and low < booking.end_at
        ]

    def certain(self, bookings: Iterable[CalendarBooking]) -> list[CalendarBooking]:
        """Those that no uncommitted turn has changed."""
        return [each for each in bookings if each.booking_id not in self.touched]

    def overdue(self, now: datetime) -> list[CalendarBooking]:
        """Holds that are over and were not expired; costs a comparison when there are none."""
        if self._expires_at is None or now < self._expires_at:
            return []
        self._expires_at = None
        found: list[CalendarBooking] = []
        for booking in self.bookings.values():
            if booking.status != "pending":
                continue
            if booking.booking_id in self.touched or blocks(booking, now):
                self._note_end(booking)
            else:
                found.append(booking)
        return found

    def is_free(self, booking: CalendarBooking, now: datetime) -> bool:
        """Whether a booking could take its own span again, buffers as they were when it was made.

        Notice, grid and openings do not matter: they held when the slot was taken.
        """
        before = timedelta(minutes=booking.buffer_before_minutes)
        after = timedelta(minutes=booking.buffer_after_minutes)
        span = Span(booking.start_at, booking.end_at)
        others = [each for each in self.near(span) if each.booking_id != booking.booking_id]
        return not self.is_crowded(others, span, before, after, now)

    def is_crowded(
        self,
        others: Iterable[CalendarBooking],
        span: Span,
        before: timedelta,
        after: timedelta,
        now: datetime,
    ) -> bool:
        """Whether one of these blocks a span that needs such gaps before and after it."""
        for other in others:
            if not blocks(other, now):
                continue
            gap_before = max(timedelta(minutes=other.buffer_after_minutes), before)
            gap_after = max(timedelta(minutes=other.buffer_before_minutes), after)
            if (
                other.start_at < span.end_at + gap_after
                and span.start_at < other.end_at + gap_before
            ):
                return True
        return False

    def _replace(self, was: CalendarBooking | None, became: CalendarBooking | None) -> None:
        if was is not None:
            self._remove(was)
        if became is not None:
            self._add(became)

    def _add(self, booking: CalendarBooking) -> None:
        self.bookings[booking.booking_id] = booking
        day = booking.start_at.toordinal()
        self._by_day.setdefault(day, {})[booking.booking_id] = booking
        if booking.status == "pending":
            self._note_end(booking)

    def _remove(self, booking: CalendarBooking) -> None:
        self.bookings.pop(booking.booking_id, None)
        of_day = self._by_day.get(booking.start_at.toordinal())
        if of_day is not None:
            of_day.pop(booking.booking_id, None)

    def _note_end(self, booking: CalendarBooking) -> None:
        ends_at = booking.hold_expires_at
        if ends_at is not None and (self._expires_at is None or ends_at < self._expires_at):
            self._expires_at = ends_at
