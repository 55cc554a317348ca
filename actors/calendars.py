"""The door to the calendars: `ask` an instructor's calendar, wherever it lives.

In the process that hosts it a command goes straight into its mailbox; from elsewhere it is a
request on NATS. Commands may be repeated: each is idempotent by its booking or its own id.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import overload
from uuid import UUID

import msgspec
import structlog

from actors import calendar_commands as wire
from actors.calendar import CalendarActor
from actors.calendar_commands import (
    AnyCommand,
    Asked,
    CalendarCommand,
    Changed,
    Command,
    Decided,
    Expire,
)
from actors.calendar_judgement import BehindAHold
from actors.calendar_turns import Message
from actors.committer import LANES, Committer
from actors.placement import QUEUE, Placement, everything_here, nothing_here, subject_of
from actors.runtime import Directory
from domain.errors import DomainError, StudentBusy, Unavailable
from domain.ids import UserId, partition_of
from domain.settings import POLICY, Policy
from gateways.bus import Bus, NobodyAnswers
from gateways.clock import Clock
from storage.database import Database

log = structlog.get_logger()

DEADLINE_SECONDS = 5.0
PAUSE_SECONDS = 0.05
BEHIND_MAX = 3
"""How often a command is tried again after a learner's overdue hold elsewhere was expired."""


class Calendars:
    """Asks calendars. Make it with `host_calendars` or `reach_calendars`."""

    def __init__(
        self, *, bus: Bus, placement: Placement, directory: Directory[CalendarActor] | None
    ) -> None:
        """`directory` holds the calendars of this process, if it hosts any."""
        self._bus = bus
        self._placement = placement
        self._directory = directory

    @overload
    async def ask(
        self, instructor_id: UUID, command: Command, *, deadline_seconds: float = ...
    ) -> Decided: ...

    @overload
    async def ask(
        self, instructor_id: UUID, command: CalendarCommand, *, deadline_seconds: float = ...
    ) -> Changed: ...

    async def ask(
        self,
        instructor_id: UUID,
        command: AnyCommand,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> Decided | Changed:
        """What the calendar decides; raises its refusal.

        `Unavailable` when there is no answer in time: then it may still come to be, and asking
        again with the same command is right. `TooBusy` when too many wait already.
        """
        if self._directory is not None and self._placement.is_here(instructor_id):
            return await self._ask_here(self._directory, instructor_id, command, deadline_seconds)
        return await self._ask_there(instructor_id, command, deadline_seconds)

    async def answer(self, request: bytes) -> bytes:
        """The reply to a request from another process."""
        if self._directory is None:
            return wire.encode_refusal(Unavailable("no calendar lives here", retry_after=1))
        try:
            asked = wire.decode_asked(request)
            answer = await self._ask_here(
                self._directory, asked.instructor_id, asked.command, asked.deadline_seconds
            )
        except DomainError as refusal:
            return wire.encode_refusal(refusal)
        except Exception as bug:
            log.exception("calendar.request_failed")
            return wire.encode_refusal(bug)
        return wire.encode(answer)

    async def _ask_here(
        self,
        directory: Directory[CalendarActor],
        instructor_id: UUID,
        command: AnyCommand,
        deadline_seconds: float,
    ) -> Decided | Changed:
        try:
            async with asyncio.timeout(deadline_seconds):
                return await self._put(directory, instructor_id, command, deadline_seconds)
        except TimeoutError as late:
            raise Unavailable("the calendar did not answer in time", retry_after=1) from late

    async def _put(
        self,
        directory: Directory[CalendarActor],
        instructor_id: UUID,
        command: AnyCommand,
        deadline_seconds: float,
    ) -> Decided | Changed:
        """Waits for the actor's answer; first ends the learner's overdue holds it meets."""
        for _ in range(BEHIND_MAX):
            message = Message(command, asyncio.get_running_loop().create_future())
            directory.actor(instructor_id).put(message)
            try:
                return await message.answer
            except BehindAHold as behind:
                await self._expire(behind, deadline_seconds)
        raise StudentBusy

    async def _expire(self, behind: BehindAHold, deadline_seconds: float) -> None:
        """Ends a learner's hold in another calendar; no calendar asks another one itself."""
        command = Expire(booking_id=behind.booking_id)
        with suppress(DomainError):
            await self.ask(behind.instructor_id, command, deadline_seconds=deadline_seconds)

    async def _ask_there(
        self, instructor_id: UUID, command: AnyCommand, deadline_seconds: float
    ) -> Decided | Changed:
        """Asks on the bus; tries again while nobody listens, up to the deadline."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + deadline_seconds
        subject = subject_of(partition_of(instructor_id))
        while True:
            left = ends_at - loop.time()
            asked = Asked(
                instructor_id=UserId(instructor_id), deadline_seconds=left, command=command
            )
            try:
                reply = await self._bus.request(
                    subject, wire.encode(asked), deadline_seconds=max(left, 0.001)
                )
            except NobodyAnswers as nobody:
                if loop.time() + PAUSE_SECONDS >= ends_at:
                    raise Unavailable("the calendar cannot be reached", retry_after=1) from nobody
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return _decoded(reply)


def _decoded(reply: bytes) -> Decided | Changed:
    try:
        return wire.decode_answer(reply)
    except msgspec.MsgspecError as strange:
        raise Unavailable("the calendar answered something strange", retry_after=1) from strange


@asynccontextmanager
async def host_calendars(
    *, db: Database, bus: Bus, clock: Clock, policy: Policy = POLICY, lanes: int = LANES
) -> AsyncGenerator[Calendars]:
    """Hosts every calendar in this process while the block runs, for itself and for others.

    At the end it takes no more requests and waits until what was decided is committed.
    """
    committer = Committer(db, clock=clock, policy=policy, publish=bus.publish, lanes=lanes)

    def make(instructor_id: UUID) -> CalendarActor:
        return CalendarActor(
            instructor_id,
            db=db,
            committer=committer,
            clock=clock,
            policy=policy,
            publish=bus.publish,
        )

    placement = everything_here()
    calendars = Calendars(bus=bus, placement=placement, directory=Directory(make, clock))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(committer.close)
        for partition in sorted(placement.partitions):
            listening = await bus.serve(subject_of(partition), calendars.answer, queue=QUEUE)
            stack.push_async_callback(listening.end)
        await bus.flush()
        yield calendars


def reach_calendars(bus: Bus) -> Calendars:
    """The door for a process that hosts no calendar."""
    return Calendars(bus=bus, placement=nothing_here(), directory=None)
