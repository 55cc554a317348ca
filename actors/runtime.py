"""Actors: an owner per key with a bounded mailbox, one turn at a time, no task while it is idle.

A turn is a plain function, so nothing can come in between by construction. What must wait (loading,
commits) happens outside turns and comes back as a later one. Memory is a cache: an actor may be
dropped whenever it owes nobody an answer.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

import structlog

from domain.errors import DomainError, TooBusy
from gateways.clock import Clock

log = structlog.get_logger()

M = TypeVar("M")
A = TypeVar("A", bound="Actor[Any]")

MAILBOX_MAX = 1024
ACTORS_MAX = 20_000
IDLE_SECONDS = 300.0
SWEEP_SECONDS = 30.0


class Actor(ABC, Generic[M]):
    """The owner of one key. Subclasses load memory, take turns and answer what they took."""

    def __init__(self, key: UUID) -> None:
        """Begins asleep: the first message wakes it."""
        self.key = key
        self.used_at = 0.0
        self._mailbox: deque[M] = deque()
        self._state: Literal["asleep", "waking", "awake"] = "asleep"
        self._is_scheduled = False
        self._waking: asyncio.Task[None] | None = None

    @abstractmethod
    async def wake(self) -> None:
        """Loads the memory; what it raises is the answer to all who wait."""

    @abstractmethod
    def turn(self, messages: list[M]) -> None:
        """Acts on messages in the order they came; must not wait for anything."""

    @abstractmethod
    def refuse(self, message: M, error: Exception) -> None:
        """Answers a message with an error."""

    @abstractmethod
    def unfinished(self) -> int:
        """How many messages were taken and are not answered yet."""

    def put(self, message: M) -> None:
        """Leaves a message; raises `TooBusy` when as many wait as one actor may have."""
        if len(self._mailbox) + self.unfinished() >= MAILBOX_MAX:
            raise TooBusy(retry_after=1)
        self._mailbox.append(message)
        self.go_on()

    def go_on(self) -> None:
        """Sees to it that a turn comes, or that the memory is loaded first."""
        if self._state == "asleep":
            self._state = "waking"
            self._waking = asyncio.create_task(self._wake())
        elif self._state == "awake" and not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._take_turn)

    def sleep(self, again: Iterable[M] = ()) -> None:
        """Drops the memory; messages taken before come again, ahead of those that wait."""
        self._mailbox.extendleft(reversed(list(again)))
        self._state = "asleep"
        if self._mailbox:
            self.go_on()

    def put_back(self, messages: Iterable[M]) -> None:
        """Leaves messages that were taken once, ahead of those that wait."""
        self._mailbox.extendleft(reversed(list(messages)))
        self.go_on()

    def is_idle(self) -> bool:
        """Whether nobody would miss it."""
        return self._state != "waking" and not self._mailbox and not self.unfinished()

    async def _wake(self) -> None:
        try:
            await self.wake()
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            self.fail(error)
        else:
            self._state = "awake"
            self._take_turn()

    def _take_turn(self) -> None:
        self._is_scheduled = False
        if self._state != "awake" or not self._mailbox:
            return
        messages = list(self._mailbox)
        self._mailbox.clear()
        self.guarded(self.turn, messages)

    def guarded(self, act: Callable[[list[M]], None], messages: list[M]) -> None:
        """Runs a part of a turn; a bug in it answers these messages and ends in `fail`."""
        try:
            act(messages)
        except Exception as bug:  # noqa: BLE001 - `fail` logs it with its trace
            for message in messages:
                self.refuse(message, bug)
            self.fail(bug)

    def fail(self, error: Exception) -> None:
        """Ends in sleep after a bug or without memory; subclasses answer what they still hold."""
        self._state = "asleep"
        if not isinstance(error, DomainError):
            log.error("actor.failed", actor=str(self.key), exc_info=error)
        waiting, self._mailbox = self._mailbox, deque()
        for message in waiting:
            self.refuse(message, error)


class Directory(Generic[A]):
    """The live actors by key; starts them when needed and lets idle ones go."""

    def __init__(self, make: Callable[[UUID], A], clock: Clock) -> None:
        """`make` builds the actor of a key."""
        self._make = make
        self._clock = clock
        self._actors: dict[UUID, A] = {}
        self._sweeps_at = 0.0

    def __len__(self) -> int:
        """How many are live."""
        return len(self._actors)

    def actor(self, key: UUID) -> A:
        """The one actor of a key in this process."""
        found = self._actors.get(key)
        now = self._clock.monotonic()
        if found is None:
            if now >= self._sweeps_at or len(self._actors) >= ACTORS_MAX:
                self.passivate(now)
            found = self._actors[key] = self._make(key)
        found.used_at = now
        return found

    def passivate(self, now: float) -> None:
        """Drops actors idle for long; of too many the longest idle ones, down to nine tenths."""
        self._sweeps_at = now + SWEEP_SECONDS
        idle = sorted(
            (actor for actor in self._actors.values() if actor.is_idle()),
            key=lambda actor: actor.used_at,
        )
        surplus = len(self._actors) - ACTORS_MAX * 9 // 10
        for position, actor in enumerate(idle):
            if position < surplus or actor.used_at <= now - IDLE_SECONDS:
                del self._actors[actor.key]
