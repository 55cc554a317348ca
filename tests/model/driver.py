"""Random life in a marketplace, told twice: by the product and by the reference.

A driver of our own instead of Hypothesis' RuleBasedStateMachine: every step awaits real servers on
one event loop and a whole story takes a minute, so a search that replays it dozens of times to
shrink it finds nothing in time. The seed alone decides a run; the story it tells is the report.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from tests.model.cast import BRINK, LESSONS_MAX, SECOND, Thread, Wrong, hours
from tests.model.hands import Hands, MarketHands
from tests.model.misfortune import Misfortune
from tests.model.money_deeds import MoneyDeeds
from tests.model.reference import HOUR
from tests.model.story import GRACE
from tests.model.wire import Wire

__all__ = ["Driver", "Run"]
L = TypeVar("L")

EDGES = (24, 23.5, 22.5, 22, 20, 18, 12, 11, 6, 0)
"""Hours before the start where something changes, or must not have changed yet."""
BETWEEN = (23.5, 22.5, 21, 21, 19, 17)
"""Hours before the start between the rungs of the retry ladder."""
TEMPTATION = 0.35
RUSH = 0.7


class Driver(MoneyDeeds[L]):
    """Chooses what happens next."""

    def __init__(self, hands: Hands[L], seed: int) -> None:
        """Nothing has happened yet."""
        super().__init__(hands, seed)
        self.tempted: Thread[L] | None = None
        """Whose edge time has just stopped at: the best moment to do something about it."""

    async def live(self, steps: int) -> None:
        """Takes so many steps and looks at everything after each; raises `Wrong`."""
        for _ in range(steps):
            try:
                await self.step()
            except Exception as error:
                raise Wrong("\n".join([f"SEED={self.seed}", *self.told, "--"])) from error
            await self.check()

    async def step(self) -> None:
        """One command that does something."""
        told = len(self.told)
        tempted, self.tempted = self.tempted, None
        if tempted is not None and self.random.random() < TEMPTATION:
            deed = self.random.choice((self.cancel, self.cancel, self.move, self.miss))
            await deed(tempted)
        while len(self.told) == told:
            await self.try_one()

    async def try_one(self) -> None:
        """A command that may find nothing to do now."""
        choices: list[Callable[[], Awaitable[None]]] = [
            self.pass_time, self.to_the_brink, self.up_the_ladder,
        ]  # fmt: skip
        if len(self.threads) < LESSONS_MAX:
            choices += [self.book, self.book, self.goodwill]
        if self.threads:
            thread = self.random.choice(self.threads)
            choices += [
                lambda each=each: each(thread)
                for each in (
                    self.cancel, self.refund, self.new_card, self.challenge, self.pay_out,
                    self.judge, self.rival, self.move, self.propose, self.miss, self.miss,
                )
            ]  # fmt: skip
        await self.random.choice(choices)()

    def _beside(self) -> timedelta:
        return self.random.choice((-SECOND, timedelta(), timedelta(), SECOND))

    async def pass_time(self) -> None:
        """Goes to an edge of one of the stories, or just beside it, or somewhere."""
        edges: list[tuple[datetime, Thread[L] | None]] = [
            (self.now + timedelta(minutes=self.random.randint(1, 300)), None)
        ]
        for thread in self.threads:
            story = thread.story
            found = [story.start - hours(each) for each in EDGES]
            found += [story.start + GRACE["student"], story.end, story.end + 24 * HOUR]
            if story.report is not None:
                found.append(story.report.upheld_at)
            edges += [(at + self._beside(), thread) for at in found]
        ahead = sorted((each for each in edges if each[0] > self.now), key=lambda each: each[0])
        far = 3 if self.random.random() < RUSH else 14
        target, self.tempted = ahead[min(self.random.randrange(far), len(ahead) - 1)]
        await self._travel(target)

    async def to_the_brink(self) -> None:
        """Goes where cancelling and moving become dearer, a second more or less, and does it."""
        waiting = [
            (thread, at)
            for thread in self.threads
            for each in BRINK
            if self.ticked(thread).status == "confirmed"
            and (at := thread.story.start - hours(each)) > self.now + SECOND
        ]
        if not waiting:
            return
        thread, at = self.random.choice(waiting)
        # as often within the two hours after an edge as right at it
        after = timedelta(seconds=self.random.randint(1, 7199))
        await self._travel(at + (self._beside() if self.random.random() < RUSH else after))
        deed = self.cancel if self.random.random() < RUSH else self.move
        await deed(thread)

    async def up_the_ladder(self) -> None:
        """Stops between two rungs of somebody whose card has still to be asked, or asked again."""
        waiting = [
            (thread, at)
            for thread in self.threads
            for each in BETWEEN
            if self.ticked(thread).status == "confirmed"
            and thread.story.payment in {"scheduled", "auth_retry"}
            and (at := thread.story.start - hours(each)) > self.now
        ]
        soft = [each for each in waiting if "soft" in each[0].story.card.answers]
        if waiting:
            thread, at = self.random.choice(soft or waiting)
            self.tempted = thread
            await self._travel(at)

    async def _travel(self, target: datetime) -> None:
        self.tell("travel", f"{target:%m-%dT%H:%M:%S}")
        await self.under_fire(lambda: self.hands.travel(target), is_deaf_allowed=True)


class Run(Misfortune, Driver[object]):
    """A life in a process of ours, which dies and is lied to on the way."""

    def __init__(self, hands: MarketHands, seed: int, wire: Wire | None = None) -> None:
        """`wire` is what the market reaches its bus by."""
        super().__init__(hands, seed)
        self.market = hands.market
        self.wire = wire
