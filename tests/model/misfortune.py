"""What goes wrong while something is done, and how a marketplace gets over it."""

import asyncio
from datetime import timedelta
from typing import Any

from domain.errors import DomainError
from tests.actors.money_kit import Market
from tests.model.life import Act, Life
from tests.model.wire import Wire

REQUEST_FAULTS = ("drop_after_commit", "drop_before", "500_before", "500_after_commit", "429_rate")
WEBHOOK_FAULTS = ("duplicate", "reorder", "twin_event", "drop")
KINDS = ("calm", "calm", "crash", "crash", "fault", "webhooks", "deaf", "bus")


class Misfortune(Life[Any]):
    """A life with things that go wrong in it."""

    market: Market
    wire: Wire | None

    def may_lose(self) -> bool:
        """Whether webhooks may be lost while time passes: all but the first word of a dispute.

        What is open, and what has been opened, is asked about every hour; here it is asked when
        the time has passed, and by then another thing may have come of it.
        """
        return not any(
            each.story.card.dispute and not each.story.before_dispute for each in self.threads
        )

    async def under_fire(self, act: Act, *, is_deaf_allowed: bool = False) -> None:
        """Does something while something else goes wrong, then lets everything recover."""
        kind = self.random.choice(KINDS)
        if kind == "crash":
            await self._crashing(act)
        elif kind in {"fault", "webhooks"}:
            await self._faulty(act, kind, is_long=is_deaf_allowed)
        elif kind == "bus" and self.wire is not None:
            await self._cut(act)
        elif kind == "deaf" and is_deaf_allowed and self.may_lose():
            self.tell("deaf")
            self.market.receiver.is_closed = True
            await self.calmly(act)
            self.market.receiver.is_closed = False
            await self._heard_again()
            await self.market.travel(self.now + timedelta(minutes=15))
        else:
            await self.calmly(act)

    async def _crashing(self, act: Act) -> None:
        effects = self.random.randint(0, 12)
        self.tell("crash", effects)
        self.market.fuse.left = effects
        if not await self.market.survive(lambda: self.calmly(act)):
            await self._again(act)
            # a webhook that the dead did not take comes again
            await self.market.travel(self.now + timedelta(minutes=15))
        self.market.fuse.left = None
        await self.market.settle()

    async def _faulty(self, act: Act, kind: str, *, is_long: bool) -> None:
        actions = REQUEST_FAULTS if kind == "fault" else WEBHOOK_FAULTS
        action, times = self.random.choice(actions), self.random.randint(1, 5)
        if action == "drop" and is_long and not self.may_lose():
            action = "duplicate"
        self.tell("fault", action, times)
        match = {"method": "POST", "path": "^/v1/(payment_intents|refunds|transfers|payouts)"}
        rule = {"action": action, "times": times, "match": match if kind == "fault" else {}}
        await self.market.control("/_emulator/faults", rule)
        try:
            await self.calmly(act)
        except DomainError as refusal:
            self.tell("refused", refusal.code)
            await self._heal()
            await self._again(act)
        await self._heal()

    async def _heal(self) -> None:
        await self.market.http.delete("/_emulator/faults")
        await self.market.money.payments.rescue(is_boot=True)
        await self.hands.revisit()
        # what was put off comes again; what was dropped does not
        await self.market.travel(self.now + timedelta(minutes=15))
        if await self.market.money.disputes.search():
            await self.market.settle()

    async def _heard_again(self) -> None:
        """Somebody enables the endpoints that Stripe has given up after three days."""
        listed = (await self.market.http.get("/v1/webhook_endpoints")).json()
        for each in listed["data"]:
            path = f"/v1/webhook_endpoints/{each['id']}"
            (await self.market.http.post(path, data={"disabled": "false"})).raise_for_status()

    async def _again(self, act: Act) -> None:
        """The asker repeats; what has happened already is refused, and that is well."""
        try:
            await self.calmly(act)
        except DomainError as refusal:
            self.tell("refused", refusal.code)
        await asyncio.sleep(0)

    async def _cut(self, act: Act) -> None:
        """The bus is lost in the middle of it, and found again."""
        assert self.wire is not None
        self.tell("bus")
        self.wire.cut()
        working = asyncio.ensure_future(self._patiently(act))
        await asyncio.sleep(self.random.random() / 10)
        self.wire.cut()
        await working
        await self._heal()

    async def _patiently(self, act: Act) -> None:
        try:
            await self.calmly(act)
        except DomainError as refusal:
            self.tell("refused", refusal.code)
            await self._again(act)
