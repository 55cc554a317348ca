"""Rate limits: GCRA in this process, and in Postgres where every web process must count together.

A limit of `count` in `per_seconds` lets that many through at once, then one every
`per_seconds ÷ count`. Numbers: `security.md`'s rate limits. All of this is real time.
"""

import asyncio
import ipaddress
import math
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import UUID

import msgspec

from domain.errors import DomainError, RateLimited
from domain.people import Viewer
from gateways.clock import Clock
from gateways.settings import Settings
from storage.database import Database
from storage.limits import forget_limit, forget_old_limits, limit_arrives_at, spend_limit

KEYS_MAX = 50_000
TIDY_SECONDS = 600


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """So many in so many seconds."""

    name: str
    count: int
    per_seconds: int
    is_per_address: bool = True
    """Whether it also counts by network address, beside by person."""

    @property
    def interval_seconds(self) -> float:
        """How long one takes to come back."""
        return self.per_seconds * 1.0 / self.count

    @property
    def tolerance_seconds(self) -> float:
        """How far ahead of the steady pace somebody may be."""
        return self.per_seconds - self.interval_seconds


LOGIN = Limit(name="login", count=5, per_seconds=60)
REGISTER = Limit(name="register", count=5, per_seconds=3600)
REFRESH = Limit(name="refresh", count=60, per_seconds=60)
SETUP_INTENT = Limit(name="setup_intent", count=10, per_seconds=3600)
BOOKING = Limit(name="booking", count=10, per_seconds=60)
CANCEL = Limit(name="cancel", count=10, per_seconds=60)
PAYOUT = Limit(name="payout", count=3, per_seconds=86_400)
SOCKET = Limit(name="socket", count=20, per_seconds=60)
TICKET = Limit(name="ticket", count=1, per_seconds=60)
"""A live ticket opens one socket: the second use within its life is refused."""


RELAXED_FACTOR = 60
"""In a relaxed sandbox one second allows what a minute does outside: its days pass in seconds."""


class Limits:
    """Counts what people do. A relaxed world counts no addresses and allows people more."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        """`RATE_LIMITS=off` switches everything off, `SANDBOX_STRICT` makes a sandbox like any."""
        self._db = db
        self._clock = clock
        self._is_on = settings.rate_limits
        self._counts_addresses = settings.rate_limits and not settings.is_relaxed
        self._factor = RELAXED_FACTOR if settings.is_relaxed else 1
        self._arrivals: OrderedDict[str, float] = OrderedDict()

    def spend(self, limit: Limit, *, viewer: Viewer | None, address: str | None) -> None:
        """Takes one for the person and one for the address; `RateLimited` when there is none."""
        if self._is_on and viewer is not None:
            self._spend(limit, str(viewer.user_id), factor=self._factor)
        if self._counts_addresses and limit.is_per_address and address:
            self._spend(limit, network_of(address))

    async def spend_durably(self, limit: Limit, *, key: str) -> None:
        """Takes one from a limit that all web processes share."""
        if self._is_on:
            await self._spend_durably(limit, key)

    async def use_ticket(self, ticket_id: UUID) -> None:
        """Uses a live ticket up; `RateLimited` the second time, also where limits are off."""
        await self._spend_durably(TICKET, str(ticket_id))

    async def _spend_durably(self, limit: Limit, key: str) -> None:
        now = self._clock.wall_now()
        key = f"{limit.name}:{key}"
        async with self._db.transaction() as tx:
            spent = await spend_limit(
                tx,
                key=key,
                now=now,
                interval=timedelta(seconds=limit.interval_seconds),
                tolerance=timedelta(seconds=limit.tolerance_seconds),
            )
            if spent is not None:
                return
            arrives_at = await limit_arrives_at(tx, key=key) or now
        ahead = (arrives_at - now).total_seconds() - limit.tolerance_seconds
        raise RateLimited(retry_after=max(1, math.ceil(ahead)))

    async def spend_address(self, limit: Limit, address: str | None) -> None:
        """Takes one for an address, for all web processes; nothing in a relaxed world."""
        if self._counts_addresses and address:
            await self.spend_durably(limit, key=network_of(address))

    async def forgive(self, limit: Limit, *, key: str) -> None:
        """Gives back what was taken, for example after the right password."""
        if self._is_on:
            async with self._db.transaction() as tx:
                await forget_limit(tx, key=f"{limit.name}:{key}")

    @asynccontextmanager
    async def tidying(self) -> AsyncGenerator[None]:
        """Forgets old rows now and then while the block runs."""
        keeper = asyncio.create_task(self._keep_tidy())
        try:
            yield
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    async def tidy(self) -> None:
        """Forgets rows that no longer limit anybody."""
        async with self._db.transaction() as tx:
            await forget_old_limits(tx, now=self._clock.wall_now())

    async def _keep_tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            with suppress(DomainError):
                await self.tidy()

    def _spend(self, limit: Limit, key: str, *, factor: int = 1) -> None:
        now = self._clock.monotonic()
        key = f"{limit.name}:{key}"
        interval = limit.interval_seconds / factor
        arrives = max(self._arrivals.get(key, now), now)
        ahead = arrives + interval - now - limit.per_seconds
        if ahead > 0:
            raise RateLimited(retry_after=max(1, math.ceil(ahead)))
        self._arrivals[key] = arrives + interval
        self._arrivals.move_to_end(key)
        while len(self._arrivals) > KEYS_MAX:
            self._arrivals.popitem(last=False)


def network_of(address: str) -> str:
    """What counts as one place: the /24 of an IPv4 address, the /56 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    bits = 24 if parsed.version == 4 else 56
    return str(ipaddress.ip_network((parsed, bits), strict=False))
