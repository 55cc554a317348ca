"""Who hears what concerns them: sockets by user, fed from `events.user.<user_id>` on the bus."""

import asyncio
from contextlib import suppress
from uuid import UUID

from actors.live_frames import event_of
from actors.live_sockets import Socket
from domain.errors import Unavailable
from gateways.bus import Bus, Subscription

SUBJECT = "events.user"


class Rooms:
    """One subscription on the bus for each user who has a socket here."""

    def __init__(self, bus: Bus) -> None:
        """Begins empty."""
        self._bus = bus
        self._sockets: dict[UUID, set[Socket]] = {}
        self._listening: dict[UUID, asyncio.Task[Subscription]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def join(self, socket: Socket, user_id: UUID) -> None:
        """Returns when the bus knows that somebody listens. `Unavailable` when it does not say."""
        sockets = self._sockets.setdefault(user_id, set())
        sockets.add(socket)
        socket.follows_me = True
        if user_id not in self._listening:
            self._listening[user_id] = asyncio.create_task(self._listen(user_id))
        # many may wait for one listener: who gives up waiting must not take it from the others
        try:
            await asyncio.shield(self._listening[user_id])
        except Unavailable:
            self.leave(socket)
            raise

    def leave(self, socket: Socket) -> None:
        """The last one to leave ends the subscription."""
        user_id = socket.user_id
        if user_id is None or not socket.follows_me:
            return
        socket.follows_me = False
        sockets = self._sockets.get(user_id, set())
        sockets.discard(socket)
        if not sockets:
            self._sockets.pop(user_id, None)
            self._end(user_id)

    async def close(self) -> None:
        """Ends every subscription."""
        for user_id in list(self._listening):
            self._end(user_id)
        if self._ending:
            await asyncio.wait(self._ending)

    async def _listen(self, user_id: UUID) -> Subscription:
        subscription = await self._bus.subscribe(f"{SUBJECT}.{user_id}", self._heard)
        try:
            await self._bus.flush()
        except Unavailable:
            await subscription.end()
            raise
        return subscription

    async def _heard(self, subject: str, payload: bytes) -> None:
        text = event_of(payload)
        sockets = self._sockets.get(UUID(subject.rpartition(".")[2]))
        if text is None or not sockets:
            return
        frame = next(iter(sockets)).outlet.wrap(text)
        for socket in list(sockets):
            socket.tell(frame)

    def _end(self, user_id: UUID) -> None:
        listening = self._listening.pop(user_id, None)
        if listening is None:
            return
        task = asyncio.create_task(_ended(listening))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _ended(listening: asyncio.Task[Subscription]) -> None:
    with suppress(Unavailable):
        subscription = await listening
        await subscription.end()
