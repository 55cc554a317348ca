"""Random lives over the real API: processes of a world are killed, its stream is deleted."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import nats
from nats.js.errors import NotFoundError

from actors.broker import STREAM
from sandbox.world import World
from tests.journeys.kit import Lesson
from tests.model.driver import Driver
from tests.model.life import Act
from tests.model.world_hands import WorldHands

KINDS = ("calm", "calm", "worker", "web", "clock", "stream", "postgres", "webhooks")
WEBHOOK_FAULTS = ("duplicate", "reorder", "twin_event")
QUIET_SECONDS = 240
"""Real time for a world to come to rest; as long as it waits itself, and more."""


class WorldRun(Driver[Lesson]):
    """A life in a world whose processes die."""

    def __init__(self, hands: WorldHands, seed: int) -> None:
        """Nothing has happened yet."""
        super().__init__(hands, seed)
        self.world: World = hands.world
        self.market = hands.market

    async def under_fire(self, act: Act, *, is_deaf_allowed: bool = False) -> None:
        """Does something while a process dies and comes back; then everything recovers."""
        del is_deaf_allowed
        kind = self.random.choice(KINDS)
        if kind == "calm":
            await self.calmly(act)
            return
        strikes: dict[str, Callable[[], Awaitable[None]]] = {
            "stream": self._delete_stream,
            "postgres": self._restart_postgres,
            "webhooks": self._muddle,
        }
        self.tell("strike", kind)
        working = asyncio.ensure_future(self._patiently(act))
        await asyncio.sleep(self.random.random() / 3)
        if kind in strikes:
            await strikes[kind]()
        else:
            await self.world.kill(kind)
            await self.world.start_process(kind)
        await working
        async with asyncio.timeout(QUIET_SECONDS):
            await self._heal()

    async def _patiently(self, act: Act) -> None:
        """Who asks repeats; what has happened already is refused, and that is well."""
        try:
            await self.calmly(act)
        except self.hands.refusals as refusal:
            self.tell("refused", refusal)
            with suppress(*self.hands.refusals):
                await self.calmly(act)

    async def _delete_stream(self) -> None:
        client = await nats.connect(self.world.nats_url)
        with suppress(NotFoundError):
            await client.jetstream().delete_stream(STREAM)
        await client.close()

    async def _restart_postgres(self) -> None:
        await self.world.stop_process("postgres")
        await self.world.start_process("postgres")

    async def _muddle(self) -> None:
        """Webhooks come twice, in another order, or under another id."""
        rule = {
            "action": self.random.choice(WEBHOOK_FAULTS),
            "times": self.random.randint(1, 5),
            "match": {},
        }
        await self.market.ask("POST", f"{self.world.stripe_url}/_emulator/faults", body=rule)

    async def _heal(self) -> None:
        await self.market.ask("DELETE", f"{self.world.stripe_url}/_emulator/faults")
        await self.hands.settle()
        # a webhook that the dead did not take comes again
        await self.hands.travel(self.now + timedelta(minutes=15))
