"""The ground of a random life: what was told, what is compared, and the deeds' common part."""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import Generic, TypeVar
from uuid import UUID

from tests.model.cast import Thread, Wrong
from tests.model.hands import Hands
from tests.model.story import Story

L = TypeVar("L")
Act = Callable[[], Awaitable[None]]


class Life(Generic[L]):
    """A seed's life; `told` is what was done, in order."""

    def __init__(self, hands: Hands[L], seed: int) -> None:
        """Nothing has happened yet."""
        self.hands = hands
        self.seed = seed
        self.random = Random(seed)
        self.told: list[str] = []
        self.counted: Counter[str] = Counter()
        self.threads: list[Thread[L]] = []
        self.purses: Counter[UUID] = Counter()
        self.paid: Counter[UUID] = Counter()
        """What instructors were paid out, fees included."""

    @property
    def now(self) -> datetime:
        """The marketplace's time."""
        return self.hands.now

    def tell(self, what: str, *more: object) -> None:
        """Remembers a step."""
        self.counted[what] += 1
        self.told.append(f"{self.now:%m-%dT%H:%M:%S} {what} " + " ".join(map(str, more)))

    async def calmly(self, act: Act) -> None:
        """Lets nothing go wrong; a refused card is the product's answer, seen when compared."""
        with suppress(*self.hands.declines):
            await act()
        await self.hands.settle()

    async def under_fire(self, act: Act, *, is_deaf_allowed: bool = False) -> None:
        """Does something while something else may go wrong."""
        del is_deaf_allowed
        await self.calmly(act)

    def instructor(self, thread: Thread[L]) -> UUID:
        """Who teaches it."""
        return self.hands.people(thread.lesson)[0]

    def student(self, thread: Thread[L]) -> UUID:
        """Who takes it."""
        return self.hands.people(thread.lesson)[1]

    def ticked(self, thread: Thread[L]) -> Story:
        """The thread's story, told up to now."""
        thread.story.tick(self.now)
        return thread.story

    async def reserved_until(self, thread: Thread[L]) -> None:
        """Takes over until when the bank keeps the money: a fact that Stripe tells."""
        if thread.story.payment == "authorized":
            at = await self.hands.kept_until(thread.lesson)
            thread.story.kept_until = at or thread.story.kept_until

    def credit_of(self, student: UUID) -> int:
        """What a student can spend: given and earned, less what their bookings use."""
        own = [self.ticked(each) for each in self.threads if self.student(each) == student]
        return self.purses[student] + sum(story.credit_left for story in own)

    def balance_of(self, instructor: UUID) -> int:
        """What an instructor has and was not paid out."""
        own = [self.ticked(each) for each in self.threads if self.instructor(each) == instructor]
        return sum(story.owed for story in own) - self.paid[instructor]

    async def check(self) -> None:
        """Compares each lesson with its story, then asks every invariant; raises `Wrong`."""
        wrong: list[str] = []
        for thread in self.threads:
            wrong += await self._differences(thread)
        wrong += await self.hands.wrong()
        self.counted["checks"] += 1
        if wrong:
            raise Wrong("\n".join([f"SEED={self.seed}", *self.told, "--", *wrong]))

    async def _differences(self, thread: Thread[L]) -> list[str]:
        story, lesson = self.ticked(thread), thread.lesson
        seen = await self.hands.state(lesson)
        expected = (story.status, story.outcome, story.payment)
        name = f"lesson {self.threads.index(thread)}"
        wrong = [f"{name}: is {seen}, should be {expected}"] if seen != expected else []
        totals = await self.hands.totals(lesson)
        if totals != story.totals():
            wrong.append(f"{name}: has {totals}, should have {story.totals()}")
        balance = self.balance_of(self.instructor(thread))
        wallet = await self.hands.wallet(lesson)
        if wallet != balance:
            wrong.append(f"{name}: its instructor has {wallet}, should have {balance}")
        return wrong
