"""The actor runtime: one turn at a time, a bounded mailbox, failure and passivation."""

import asyncio
from uuid import UUID, uuid4

import pytest

from actors.runtime import IDLE_SECONDS, MAILBOX_MAX, Actor, Directory
from domain.errors import DomainError, NotFound, TooBusy
from gateways.clock import SystemClock


class Adder(Actor[int]):
    """Adds up what it is told; a negative number is a bug, zero loads its memory anew."""

    def __init__(self, key: UUID) -> None:
        """Begins without memory."""
        super().__init__(key)
        self.total: int | None = None
        self.wakes = 0
        self.turns: list[list[int]] = []
        self.refused: list[tuple[int, Exception]] = []
        self.cannot_wake: Exception | None = None

    async def wake(self) -> None:
        await asyncio.sleep(0)
        self.wakes += 1
        if self.cannot_wake:
            raise self.cannot_wake
        self.total = 0

    def turn(self, messages: list[int]) -> None:
        assert self.total is not None
        self.turns.append(messages)
        for number in messages:
            if number < 0:
                raise RuntimeError("a bug")
            if number == 0:
                self.total = None
                self.sleep(message for message in messages if message > 0)
                return
            self.total += number

    def refuse(self, message: int, error: Exception) -> None:
        self.refused.append((message, error))

    def unfinished(self) -> int:
        return 0


async def _settled(adder: Adder) -> None:
    for _ in range(20):
        await asyncio.sleep(0)
    assert adder.is_idle()


async def test_the_first_message_wakes_and_a_turn_takes_all_that_wait() -> None:
    adder = Adder(uuid4())
    for number in (1, 2, 3):
        adder.put(number)
    await _settled(adder)
    adder.put(4)
    adder.put(5)
    await _settled(adder)
    assert (adder.turns, adder.total, adder.wakes) == ([[1, 2, 3], [4, 5]], 15, 1)


async def test_a_full_mailbox_refuses_and_loses_nothing() -> None:
    adder = Adder(uuid4())
    for _ in range(MAILBOX_MAX):
        adder.put(1)
    with pytest.raises(TooBusy):
        adder.put(1)
    await _settled(adder)
    assert adder.total == MAILBOX_MAX


async def test_sleep_brings_messages_again_before_those_that_wait() -> None:
    adder = Adder(uuid4())
    adder.put(0)
    adder.put(7)
    await _settled(adder)
    assert (adder.turns, adder.total, adder.wakes) == ([[0, 7], [7]], 7, 2)


async def test_a_bug_in_a_turn_answers_its_messages_and_drops_the_memory() -> None:
    adder = Adder(uuid4())
    adder.put(-1)
    adder.put(1)
    await _settled(adder)
    assert [message for message, _ in adder.refused] == [-1, 1]
    assert all(isinstance(error, RuntimeError) for _, error in adder.refused)
    adder.put(2)
    await _settled(adder)
    assert (adder.total, adder.wakes) == (2, 2)


async def test_without_memory_everybody_is_refused_and_the_next_try_may_do() -> None:
    adder = Adder(uuid4())
    adder.cannot_wake = NotFound()
    adder.put(1)
    adder.put(2)
    await _settled(adder)
    assert [error for _, error in adder.refused] == [adder.cannot_wake] * 2
    assert all(isinstance(error, DomainError) for _, error in adder.refused)
    adder.cannot_wake = None
    adder.put(3)
    await _settled(adder)
    assert adder.total == 3


class Hours(SystemClock):
    """A clock whose monotonic time the test moves."""

    at = 0.0

    def monotonic(self) -> float:
        return self.at


async def test_idle_actors_are_let_go_and_busy_ones_stay() -> None:
    clock = Hours()
    directory: Directory[Adder] = Directory(Adder, clock)
    idle, busy = directory.actor(uuid4()), directory.actor(uuid4())
    assert directory.actor(idle.key) is idle
    clock.at = IDLE_SECONDS + 1
    busy.put(1)
    fresh = directory.actor(uuid4())
    assert len(directory) == 2
    assert directory.actor(busy.key) is busy
    assert directory.actor(fresh.key) is fresh
    assert directory.actor(idle.key) is not idle
    await _settled(busy)
