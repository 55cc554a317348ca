"""The calendar actor: one instructor's time, decided in memory, one turn at a time.

A refusal is answered at once, unless it rests on a turn that is not committed yet; then it waits
for that commit. What is accepted goes to the committer, and its asker hears after the commit. At
any doubt (stale version, unknown commit, a constraint that knew better) the memory is dropped,
loaded again, and every unanswered command is decided again in the order of arrival.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from actors.calendar_changes import CalendarChanged, Reloaded, encode_changed, subject_of
from actors.calendar_changes import Change as ToldChange
from actors.calendar_commands import (
    BookingCommand,
    ChangeAvailability,
    Changed,
    Decided,
    Expire,
    Hold,
    Reload,
)
from actors.calendar_decisions import decide_about, entry_after, expiry, refuse_rules
from actors.calendar_effects import Change, Decision, NewBooking, NewRules, Repeat
from actors.calendar_holds import decide_hold, entry_of, span_of
from actors.calendar_memory import Memory
from actors.calendar_turns import (
    Committed,
    Committing,
    Failed,
    Message,
    Outcome,
    Share,
    Turn,
    answer_of,
    messages_of,
    told_of,
)
from actors.runtime import Actor
from domain.errors import DomainError, NotFound, Unavailable
from domain.ids import BookingId, UserId
from domain.settings import Policy
from gateways.clock import Clock
from storage.bookings import booking_of_anyone, calendar_booking_by_id
from storage.calendars import calendar_by_instructor
from storage.database import Database


class CalendarActor(Actor[Message]):
    """One instructor's calendar."""

    def __init__(
        self,
        key: UUID,
        *,
        db: Database,
        committer: Committing,
        clock: Clock,
        policy: Policy,
        publish: Callable[[str, bytes], Coroutine[Any, Any, None]],
    ) -> None:
        """`key` is the instructor's id."""
        super().__init__(key)
        self._instructor_id = UserId(key)
        self._db = db
        self._committer = committer
        self._clock = clock
        self._policy = policy
        self._publish = publish
        self._memory: Memory | None = None
        self._decided_in: Memory | None = None
        self._gathered: list[Turn] = []
        self._in_flight: list[Turn] = []
        self._waiting: list[Message] = []
        self._reloading: list[Message] = []
        self._reading: dict[asyncio.Task[None], Message] = {}
        self._alone = 0
        self._arrivals = 0

    async def wake(self) -> None:
        """Loads the calendar; whoever asked to reload has the answer with it."""
        calendar = await calendar_by_instructor(
            self._db.reads, instructor_id=self._instructor_id, now=self._clock.now()
        )
        if calendar is None:
            raise NotFound
        self._memory = Memory(calendar)
        reloading, self._reloading = self._reloading, []
        answer = Changed(version=calendar.version, rules_version=calendar.rules_version)
        for message in reloading:
            message.accept(answer)
        if reloading:
            version = calendar.version
            await self._publish(*self._told(version, version, self._clock.now(), [Reloaded()]))

    def put(self, message: Message) -> None:
        """Leaves a command and remembers when it came."""
        self._arrivals += 1
        message.position = self._arrivals
        super().put(message)

    def unfinished(self) -> int:
        """Commands taken and not answered yet."""
        turns = len(self._gathered) + len(self._in_flight)
        return turns + len(self._waiting) + len(self._reloading) + len(self._reading)

    def refuse(self, message: Message, error: Exception) -> None:
        """Answers with an error."""
        message.refuse(error)

    def fail(self, error: Exception) -> None:
        """Drops the memory and tells whoever waits for it; turns in flight are settled later."""
        self._memory = None
        waiting = [*messages_of(self._gathered), *self._waiting, *self._reloading]
        self._gathered, self._waiting, self._reloading = [], [], []
        for message in waiting:
            message.refuse(error)
        super().fail(error)

    def turn(self, messages: list[Message]) -> None:
        """Expires what is overdue, then decides each command, then offers what is to commit."""
        memory = self._known()
        now = self._clock.now()
        taken = self._expire(memory, messages, now)
        for message in messages:
            if message not in taken and not message.answer.done():
                self._decide(memory, message, now)
        self._offer()

    def _offer(self) -> None:
        if self._in_flight:
            return
        if self._reloading:
            self._start_over()
        elif self._gathered:
            self._committer.ready(self)

    def _start_over(self) -> None:
        """Drops the memory; everything unanswered is decided again, in the order of arrival."""
        again = [*messages_of(self._in_flight), *messages_of(self._gathered), *self._waiting]
        again = sorted((m for m in again if not m.answer.done()), key=lambda m: m.position)
        for message in again:
            message.forget()
        self._in_flight, self._gathered, self._waiting = [], [], []
        self._memory = None
        self.sleep(again)
        if self._reloading:
            self.go_on()

    # deciding

    def _expire(self, memory: Memory, messages: Iterable[Message], now: datetime) -> set[Message]:
        """Ends holds that are over: the constraints cannot know; returns whose wish that was."""
        overdue = memory.overdue(now)
        if not overdue:
            return set()
        asked = {
            message.command.booking_id: message
            for message in messages
            if isinstance(message.command, Expire) and not message.answer.done()
        }
        taken: set[Message] = set()
        for booking in overdue:
            booking_id = BookingId(booking.booking_id)
            message = asked.get(booking_id)
            command = Expire(booking_id=booking_id)
            if message is not None and isinstance(message.command, Expire):
                command = message.command
                taken.add(message)
            self._gather(Turn(message, expiry(booking, command, now), was=booking))
        return taken

    def _decide(self, memory: Memory, message: Message, now: datetime) -> None:
        match message.command:
            case Hold() as command:
                self._decide_hold(memory, message, command, now)
            case Reload():
                self._reloading.append(message)
            case ChangeAvailability() as command:
                self._decide_rules(memory, message, command, now)
            case command:
                self._decide_about(memory, message, command, now)

    def _decide_hold(self, memory: Memory, message: Message, command: Hold, now: datetime) -> None:
        known = memory.bookings.get(command.booking_id)
        if known is not None:
            self._answer_repeat(memory, message, known.booking_id)
            return
        policy = self._policy
        near = memory.near(span_of(command))
        decision = decide_hold(memory, near, command, now=now, policy=policy)
        if isinstance(decision, NewBooking):
            self._gather(Turn(message, decision, became=entry_of(decision)))
            return
        touched = memory.touched
        if memory.is_rewritten:
            self._waiting.append(message)
            return
        if touched and any(booking.booking_id in touched for booking in near):
            certain = memory.certain(near)
            decision = decide_hold(memory, certain, command, now=now, policy=policy)
        self._answer(memory, message, decision)

    def _decide_about(
        self, memory: Memory, message: Message, command: BookingCommand, now: datetime
    ) -> None:
        if command.booking_id in memory.touched:
            self._waiting.append(message)
            return
        entry = memory.bookings.get(command.booking_id)
        booking = entry or message.found
        if booking is None:
            if message.is_looked_up:
                message.refuse(NotFound())
            else:
                self._read(message, self._look_up(message, command.booking_id))
            return
        decision = decide_about(
            memory,
            booking,
            command,
            is_slot_lost=message.is_slot_lost,
            now=now,
            policy=self._policy,
        )
        if not isinstance(decision, Change):
            self._answer(memory, message, decision)
        elif decision.outcome == "slot_lost" and memory.touched and not message.is_slot_lost:
            # whoever is in the way has not committed
            self._waiting.append(message)
        else:
            self._gather(Turn(message, decision, was=entry, became=entry_after(decision)))

    def _answer(self, memory: Memory, message: Message, decision: Decision) -> None:
        """Answers what needs no commit; what would be written after all waits for other turns."""
        if isinstance(decision, DomainError):
            message.refuse(decision)
        elif isinstance(decision, Repeat):
            self._answer_repeat(memory, message, decision.booking_id)
        else:
            self._waiting.append(message)

    def _decide_rules(
        self, memory: Memory, message: Message, command: ChangeAvailability, now: datetime
    ) -> None:
        if memory.is_rewritten:
            self._waiting.append(message)
            return
        refused = refuse_rules(memory, command)
        if refused is not None:
            message.refuse(refused)
            return
        turn = Turn(message, NewRules(rules=command.availability, at=now), rules_were=memory.rules)
        self._gather(turn)

    def _gather(self, turn: Turn) -> None:
        self._known().apply(turn)
        self._gathered.append(turn)

    def _known(self) -> Memory:
        """The memory; turns come after `wake` and never without it."""
        if self._memory is None:
            raise RuntimeError("a turn without memory")
        return self._memory

    # reading what memory does not hold

    def _answer_repeat(self, memory: Memory, message: Message, booking_id: UUID) -> None:
        if booking_id in memory.touched:
            self._waiting.append(message)
        else:
            self._read(message, self._repeat(message, BookingId(booking_id), memory.version))

    async def _repeat(self, message: Message, booking_id: BookingId, version: int) -> None:
        """Answers with the booking there is; to somebody else's id there is none."""
        booking = await booking_of_anyone(self._db.reads, booking_id=booking_id)
        command = message.command
        is_foreign = booking is None or booking.instructor_id != self._instructor_id
        if isinstance(command, Hold) and booking is not None:
            is_foreign = is_foreign or booking.student_id != command.student_id
        if booking is None or is_foreign:
            message.refuse(NotFound())
        else:
            message.accept(Decided(booking=booking, is_repeat=True, version=version))

    async def _look_up(self, message: Message, booking_id: BookingId) -> None:
        """Learns of a booking that is not in the calendar any more; then it is decided."""
        message.found = await calendar_booking_by_id(
            self._db.reads, booking_id=booking_id, instructor_id=self._instructor_id
        )
        message.is_looked_up = True

    def _read(self, message: Message, reading: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(reading)
        self._reading[task] = message
        task.add_done_callback(self._has_read)

    def _has_read(self, task: asyncio.Task[None]) -> None:
        message = self._reading.pop(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            message.refuse(error)
        elif not message.answer.done():
            self.put_back([message])

    # committing

    def take(self, limit: int) -> Share | None:
        """Hands the gathered turns to the committer; one at a time after a batch that failed."""
        memory = self._memory
        if memory is None or self._in_flight or not self._gathered:
            return None
        limit = 1 if self._alone else limit
        self._in_flight, self._gathered = self._gathered[:limit], self._gathered[limit:]
        self._decided_in = memory
        return Share(
            owner=self,
            instructor_id=self._instructor_id,
            version=memory.version,
            turns=self._in_flight,
        )

    def settle(self, outcome: Outcome) -> tuple[str, bytes] | None:
        """Answers what was in flight, decides again what rested on it, tells what changed."""
        self._alone = max(0, self._alone - 1)
        if isinstance(outcome, Committed):
            return self._settle_committed(outcome)
        if isinstance(outcome, Failed):
            self._settle_failed(outcome.error)
        self._start_over()
        return None

    def _settle_failed(self, error: Exception) -> None:
        """One bad turn must not fail its neighbours: several go on one by one."""
        if len(self._in_flight) > 1 and not isinstance(error, Unavailable):
            self._alone = len(self._in_flight)
            return
        failed, self._in_flight = self._in_flight, []
        for message in messages_of(failed):
            message.refuse(error)

    def _settle_committed(self, outcome: Committed) -> tuple[str, bytes] | None:
        self._in_flight = []
        memory = self._memory if self._memory is self._decided_in else None
        again = [] if memory is None else self._promote(memory, outcome)
        rules_version = 0 if memory is None else memory.rules_version
        for turn, booking in outcome.won:
            if turn.message is not None:
                turn.message.accept(answer_of(booking, outcome.version, rules_version))
        for turn, verdict in outcome.lost:
            if turn.message is not None and isinstance(verdict, DomainError):
                turn.message.refuse(verdict)
        if memory is None or outcome.is_surprised:
            self._waiting += again
            self._start_over()
        else:
            self.guarded(self.turn, again)
        if not outcome.won:
            return None
        changes = [told_of(turn, booking) for turn, booking in outcome.won]
        return self._told(outcome.version - 1, outcome.version, outcome.at, changes)

    def _promote(self, memory: Memory, outcome: Committed) -> list[Message]:
        """Makes memory what the database is now; returns what is to be decided again."""
        memory.version = outcome.version
        again, self._waiting = self._waiting, []
        if outcome.lost:
            again += messages_of(self._gathered)
            for turn in (*self._gathered, *(turn for turn, _ in outcome.lost)):
                memory.undo(turn)
            self._gathered = []
        for turn, booking in outcome.won:
            memory.keep(turn, booking)
        for turn, verdict in outcome.lost:
            message = turn.message
            if message is None or isinstance(verdict, DomainError):
                continue
            if verdict == "known" and isinstance(message.command, Hold):
                self._answer_repeat(memory, message, message.command.booking_id)
            else:
                message.is_slot_lost = True
                again.append(message)
        return sorted(again, key=lambda message: message.position)

    def _told(
        self, previous: int, version: int, at: datetime, changes: list[ToldChange]
    ) -> tuple[str, bytes]:
        note = CalendarChanged(
            instructor_id=self._instructor_id,
            previous_version=previous,
            version=version,
            at=at,
            changes=changes,
        )
        return subject_of(self.key), encode_changed(note)
