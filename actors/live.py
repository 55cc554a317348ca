"""The hub: who watches what in this process."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

from actors.calendar_changes import SUBJECT_OF_ALL
from actors.live_frames import Outlet, Shape
from actors.live_pump import Pump, first_frame
from actors.live_rooms import Rooms
from actors.live_sockets import Socket, Subscription
from actors.live_views import Step, View
from domain.errors import Unavailable
from domain.settings import POLICY, Policy
from gateways.bus import Bus
from gateways.clock import Clock
from storage.database import Database
from storage.live import bookings_since_version

EARLIER_MAX = 500
"""Versions gone back at most for who comes back; further away a snapshot is cheaper."""
TRIES = 3
AWAY_MAX = timedelta(days=1)
"""How long before the first thing missed somebody may have left."""
YOUNG_SECONDS = 60.0
DOWN_FOR = timedelta(seconds=10)
"""Within the first minute, who comes back was cut off by the end of the process before this one."""
SESSION_OVER = 4401


class Hub:
    """Lets sockets in, subscribes them, lets them go. Make it with `open_hub`.

    Who serves a socket asks for one thing at a time, and for nothing after it left.
    """

    def __init__(
        self, *, db: Database, bus: Bus, clock: Clock, rolling: timedelta, policy: Policy
    ) -> None:
        """`rolling` is how long the window without ends is."""
        self._reads = db.reads
        self._clock = clock
        self._rooms = Rooms(bus)
        self._pump = Pump(db=db, clock=clock, rolling=rolling, policy=policy)
        self._bus = bus
        self._sockets: set[Socket] = set()
        self._started_at = clock.now()
        self._started = clock.monotonic()

    async def start(self) -> None:
        """Listens to every calendar and begins to work."""
        await self._bus.subscribe(SUBJECT_OF_ALL, self._pump.heard)
        await self._bus.flush()
        self._pump.start()
        self._started_at = self._clock.now()
        self._started = self._clock.monotonic()

    async def close(self) -> None:
        """Stops working; connections are the server's to close."""
        await self._pump.close()
        await self._rooms.close()

    def enter(
        self, outlet: Outlet, *, user_id: UUID | None = None, session_id: UUID | None = None
    ) -> Socket:
        """A connection that was accepted, as the hub knows it from now on."""
        socket = Socket(outlet, user_id=user_id, session_id=session_id)
        outlet.on_drained = lambda: self._pump.owe(socket)
        self._sockets.add(socket)
        return socket

    def leave(self, socket: Socket) -> None:
        """Forgets a connection and all it watched."""
        socket.outlet.on_drained = None
        self._sockets.discard(socket)
        self._pump.forget(socket)
        self._rooms.leave(socket)
        for shape in list(socket.subscriptions):
            self.unwatch(socket, shape)

    def end_session(self, session_id: UUID) -> None:
        """Closes the connections of a session that is over."""
        for socket in [each for each in self._sockets if each.session_id == session_id]:
            socket.outlet.end(SESSION_OVER, "the session is over")

    async def follow_me(self, socket: Socket, user_id: UUID) -> None:
        """Tells a signed-in socket what concerns its user, from the return of this on."""
        if not socket.follows_me:
            socket.refuse_more(None)
            await self._rooms.join(socket, user_id)

    def unfollow_me(self, socket: Socket) -> None:
        """Tells a socket nothing more of its user."""
        self._rooms.leave(socket)

    async def watch(self, socket: Socket, shape: Shape, after_version: int | None = None) -> None:
        """Subscribes: first a snapshot, or what was missed after a version; then deltas.

        Raises `NotFound` for an instructor without a calendar, `SubscriptionLimit`, `Unavailable`.
        """
        socket.refuse_more(shape)
        view, missed = await self._view_and_missed(shape, after_version)
        self.unwatch(socket, shape)
        subscription = Subscription(socket.outlet, view)
        socket.subscriptions[shape] = subscription
        view.listeners.add(subscription)
        subscription.start(first_frame(view, missed, socket.outlet))

    def unwatch(self, socket: Socket, shape: Shape) -> None:
        """Ends one subscription; none is fine too."""
        subscription = socket.subscriptions.pop(shape, None)
        if subscription is None:
            return
        subscription.is_live = False
        subscription.is_owed = "nothing"
        subscription.view.listeners.discard(subscription)
        subscription.view.left_at = self._clock.monotonic()

    async def _view_and_missed(
        self, shape: Shape, after_version: int | None
    ) -> tuple[View, Step | None]:
        """The view of a shape, and what to begin with; nothing may be awaited after this."""
        for _ in range(TRIES):
            copy = await self._pump.copy_of(shape.instructor_id, after_version or 0)
            now = self._clock.now()
            view = copy.views.get(shape)
            is_new = view is None
            if view is None:
                view = View(copy, shape, now)
                self._pump.add(view)
            if is_new and after_version == view.version and self._is_young:
                since = self._started_at - DOWN_FOR
                missed = copy.missed(view, (), view.version, since=since, now=now)
            else:
                missed = await self._missed(view, after_version, now)
            if self._pump.holds(view):
                return view, missed
        raise Unavailable(retry_after=1)

    @property
    def _is_young(self) -> bool:
        return self._clock.monotonic() < self._started + YOUNG_SECONDS

    async def _missed(self, view: View, after_version: int | None, now: datetime) -> Step | None:
        """What somebody missed who last saw a version; None: a snapshot must tell."""
        if after_version is None:
            return None
        for _ in range(TRIES):
            version = view.version
            step = view.resumed(after_version)
            if step is not None or not 0 < version - after_version <= EARLIER_MAX:
                return step
            earlier = await bookings_since_version(
                self._reads,
                instructor_id=view.shape.instructor_id,
                after_version=after_version,
                version=version,
            )
            if not earlier:
                return None
            if view.version == version:
                since = max(earlier[0].known_at, earlier[0].missed_at - AWAY_MAX)
                return view.copy.missed(view, earlier, after_version, since=since, now=now)
        return None


@asynccontextmanager
async def open_hub(
    *, db: Database, bus: Bus, clock: Clock, rolling: timedelta, policy: Policy = POLICY
) -> AsyncGenerator[Hub]:
    """A hub that works while the block runs."""
    hub = Hub(db=db, bus=bus, clock=clock, rolling=rolling, policy=policy)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.close()
