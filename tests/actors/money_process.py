"""One mortal process of a market: its own connections, calendars, money side and memory.

Every write it makes anywhere — a transaction, a lone statement, a word on the bus, a call to Stripe
that writes — burns its fuse; when the fuse blows nothing in it happens any more, and whoever waits
for it is told so at once. What comes after is another process, which remembers nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from actors.calendars import Calendars, host_calendars, reach_calendars
from actors.wiring import Money, open_money
from domain.operations import Answer, Call
from gateways.bus import Bus
from gateways.clock import SharedClock
from gateways.settings import Settings
from gateways.stripe import StripeGateway
from storage.database import Alone, Database
from storage.query import Tx
from storage.rows import Row

BURIAL_SECONDS = 2.0


class Died(BaseException):
    """The process is dead: nothing in it happens any more."""


class Fuse:
    """Counts what a process does to the world and kills it at one of these effects."""

    def __init__(self) -> None:
        """Never blows until it is set."""
        self.left: int | None = None
        self.blown = asyncio.Event()

    def burn(self) -> None:
        """One more effect; raises `Died` when it is the one, and ever after."""
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            self.blow()
            raise Died

    def blow(self) -> None:
        """Ends it now."""
        self.left = -1
        self.blown.set()


class FusedAlone(Alone):
    """Statements of their own, each an effect."""

    fuse: Fuse

    async def fetch(self, query: str, *args: object) -> Sequence[Row]:
        """The same, unless the fuse blows first."""
        self.fuse.burn()
        return await super().fetch(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        """The same, unless the fuse blows first."""
        self.fuse.burn()
        return await super().execute(query, *args)


class FusedDatabase(Database):
    """A database whose process may die before each of its transactions."""

    fuse: Fuse

    @classmethod
    async def of(cls, url: str, fuse: Fuse) -> "FusedDatabase":
        """Connects for a process with this fuse."""
        made = await cls.connect(url)
        made.fuse = fuse
        made._alone = FusedAlone(made._app, made._patience)
        made._alone.fuse = fuse
        return made

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Tx]:
        """The same, unless the fuse blows first."""
        self.fuse.burn()
        async with super().transaction() as tx:
            yield tx

    def cut(self) -> None:
        """Lets every connection go at once, as a dead process does."""
        for pool in (self._app, self._reads_pool):
            pool.terminate()


class FusedBus(Bus):
    """A bus whose process may die before each thing it says."""

    fuse: Fuse

    async def publish(self, subject: str, payload: bytes) -> None:
        """The same, unless the fuse blows first."""
        self.fuse.burn()
        await super().publish(subject, payload)

    async def request(self, subject: str, payload: bytes, *, deadline_seconds: float) -> bytes:
        """The same, unless the fuse blows first."""
        self.fuse.burn()
        return await super().request(subject, payload, deadline_seconds=deadline_seconds)


def fuse_stripe(stripe: StripeGateway, fuse: Fuse) -> None:
    """Lets the process die right before and right after each write at Stripe."""
    perform = stripe.perform

    async def fused(call: Call, *, key: str) -> Answer:
        fuse.burn()
        answer = await perform(call, key=key)
        fuse.burn()
        return answer

    stripe.perform = fused


class Process:
    """A process from its start to its end or its death."""

    def __init__(self, db: FusedDatabase, bus: FusedBus, fuse: Fuse, parts: AsyncExitStack) -> None:
        """Made by `start`."""
        self.db = db
        self.bus = bus
        self.fuse = fuse
        self.calendars: Calendars
        self.money: Money
        self._parts = parts

    @classmethod
    async def start(
        cls, settings: Settings, clock: SharedClock, *, is_host: bool = True
    ) -> "Process":
        """A process that moves money; as the web process it hosts the calendars, too."""
        fuse, parts = Fuse(), AsyncExitStack()
        db = await FusedDatabase.of(settings.database_url, fuse)
        parts.push_async_callback(db.close)
        bus = await FusedBus.connect(settings.nats_url)
        bus.fuse = fuse
        parts.push_async_callback(bus.close)
        made = cls(db, bus, fuse, parts)
        made.calendars = (
            await parts.enter_async_context(host_calendars(db=db, bus=bus, clock=clock))
            if is_host
            else reach_calendars(bus)
        )
        made.money = await parts.enter_async_context(
            open_money(settings, db=db, calendars=made.calendars, clock=clock)
        )
        fuse_stripe(made.money.stripe, fuse)
        return made

    async def end(self) -> None:
        """Ends in order."""
        await self._parts.aclose()

    async def die(self) -> None:
        """Ends in no order: what it had begun is cut off, and what it knew is gone."""
        self.fuse.blow()
        self.db.cut()
        with suppress(Exception, Died, asyncio.CancelledError):
            async with asyncio.timeout(BURIAL_SECONDS):
                await self._parts.aclose()
