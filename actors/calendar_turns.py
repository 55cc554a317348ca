"""A decided turn on its way to the database, and what came of it."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from actors.calendar_changes import BookingChange, RulesChange
from actors.calendar_changes import Change as ToldChange
from actors.calendar_commands import AnyCommand, Changed, Decided
from actors.calendar_effects import Change, Effect, NewBooking, NewRules
from domain.availability import Rules
from domain.bookings import Booking
from domain.errors import DomainError
from domain.ids import BookingId, LearnerId, UserId
from storage.calendars import CalendarBooking


class Message:
    """A command in a calendar's hands until its asker has an answer."""

    __slots__ = ("answer", "command", "found", "is_looked_up", "is_slot_lost", "position")

    def __init__(self, command: AnyCommand, answer: asyncio.Future[Decided | Changed]) -> None:
        """`position` orders messages by arrival; the actor counts."""
        self.command = command
        self.answer = answer
        self.position = 0
        self.forget()

    def forget(self) -> None:
        """Drops what was learned while deciding, to decide anew."""
        self.found: CalendarBooking | None = None
        self.is_looked_up = False
        self.is_slot_lost = False

    def accept(self, answer: Decided | Changed) -> None:
        """Answers, unless the asker has gone."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def refuse(self, error: Exception) -> None:
        """Answers with a refusal, unless the asker has gone."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Turn:
    """One decision in memory that is not committed; `message` is None for what time alone did."""

    __slots__ = ("became", "effect", "message", "rules_were", "was")

    def __init__(
        self,
        message: Message | None,
        effect: Effect,
        *,
        was: CalendarBooking | None = None,
        became: CalendarBooking | None = None,
        rules_were: Rules | None = None,
    ) -> None:
        """`was` and `became` are the booking's entries in memory; None: not there."""
        self.message = message
        self.effect = effect
        self.was = was
        self.became = became
        self.rules_were = rules_were

    @property
    def booking_id(self) -> UUID:
        """The booking it is about; other rules are about none."""
        effect = self.effect
        if isinstance(effect, Change):
            return effect.was.booking_id
        if isinstance(effect, NewBooking):
            return effect.command.booking_id
        raise RuntimeError("rules are not about a booking")


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """One calendar's turns in a batch, decided when the calendar had this version."""

    owner: "Owner"
    instructor_id: UserId
    version: int
    turns: list[Turn]


Verdict = DomainError | Literal["known", "slot_lost"]
"""Why a turn left its batch: a refusal; the booking exists already; no room to take it again."""


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """The share is in the database, without the turns that lost.

    `version` is the old one when all lost. `is_surprised`: the database held what memory did not.
    """

    version: int
    at: datetime
    won: list[tuple[Turn, Booking | None]]
    lost: list[tuple[Turn, Verdict]]
    is_surprised: bool = False


class Stale(msgspec.Struct, frozen=True):
    """Nothing of the share was written, or nobody knows: load again and decide again."""


class Failed(msgspec.Struct, frozen=True):
    """Nothing of the share was written, although it went alone."""

    error: Exception


Outcome = Committed | Stale | Failed


class Owner(Protocol):
    """A calendar with turns to commit."""

    def take(self, limit: int) -> Share | None:
        """Hands over what is decided, at most so many turns; None when there is nothing."""
        ...

    def settle(self, outcome: Outcome) -> tuple[str, bytes] | None:
        """Hears what came of it, answers the askers; returns what to publish."""
        ...


class Committing(Protocol):
    """Where decided turns go."""

    def ready(self, owner: Owner) -> None:
        """Notes that an owner has turns to take."""
        ...


def messages_of(turns: Iterable[Turn]) -> list[Message]:
    """Whose wishes some turns are."""
    return [turn.message for turn in turns if turn.message is not None]


def answer_of(booking: Booking | None, version: int, rules_version: int) -> Decided | Changed:
    """The answer to a turn that was committed."""
    if booking is None:
        return Changed(version=version, rules_version=rules_version)
    return Decided(booking=booking, is_repeat=False, version=version)


def told_of(turn: Turn, booking: Booking | None) -> ToldChange:
    """What live copies of the calendar are told of a committed turn, and the booking it made."""
    effect = turn.effect
    if isinstance(effect, NewRules):
        return RulesChange()
    if isinstance(effect, NewBooking):
        # credit that pays for all of it is found in the transaction alone
        made = effect if booking is None else booking
        entry, was, became = turn.became, None, made.status
        hold_expires_at = made.hold_expires_at
    else:
        entry, was, became = effect.was, effect.was.status, effect.became
        entry = turn.became if effect.moved and turn.became else entry
        hold_expires_at = effect.hold_expires_at or effect.was.hold_expires_at
    if entry is None:
        raise RuntimeError("a new booking without its entry")
    return BookingChange(
        booking_id=BookingId(entry.booking_id),
        start_at=entry.start_at,
        end_at=entry.end_at,
        buffer_before_minutes=entry.buffer_before_minutes,
        buffer_after_minutes=entry.buffer_after_minutes,
        was=was,
        became=became,
        hold_expires_at=hold_expires_at,
        student_id=UserId(entry.student_id),
        learner_id=LearnerId(entry.learner_id),
    )
