"""Somebody who leaves the page of an instructor open: follows free slots over `/api/live`."""

import asyncio
from datetime import datetime, timedelta

import msgspec
import websockets

from sandbox.client import JSON, Offer

MARGIN = timedelta(hours=1)
RETRY_SECONDS = 0.2
PATIENCE_SECONDS = 60.0


class Watcher:
    """Shows the free slots around one slot until that one is gone.

    A lost socket is opened again, and asks for what was missed.
    """

    def __init__(self, url: str, offer: Offer, slot: JSON) -> None:
        """`url` is the marketplace's."""
        self._address = url.replace("http", "ws", 1) + "/api/live"
        self._ask = {
            "type": "subscribe",
            "instructor_id": offer.instructor.id,
            "service_id": offer.service_id,
            "duration_minutes": offer.minutes,
            "from": (datetime.fromisoformat(slot["start_at"]) - MARGIN).isoformat(),
            "to": (datetime.fromisoformat(slot["end_at"]) + MARGIN).isoformat(),
        }
        self._slot = slot
        self._version: int | None = None
        self._shows = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self.slots: list[str] = []
        """The starts shown now."""
        self.left: list[JSON] = []
        """The slots that left together with the watched one, and why each did."""

    async def open(self) -> None:
        """Returns when the first slots are shown."""
        self._following = asyncio.create_task(self._follow())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._shows.wait()

    async def until_gone(self) -> None:
        """Waits until the slot has left; `TimeoutError` when it stays."""
        if self._following is None:
            raise RuntimeError("the page was not opened")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._following

    @property
    def reason(self) -> str:
        """Why the slot left; empty when only its absence was seen."""
        start = self._slot["start_at"]
        return next((str(each["reason"]) for each in self.left if each["start_at"] == start), "")

    async def _follow(self) -> None:
        while True:
            try:
                await self._listen()
            except (OSError, TimeoutError, websockets.WebSocketException):
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def _listen(self) -> None:
        """Reads until the slot is gone; the server may close before."""
        async with websockets.connect(self._address, proxy=None) as socket:
            resume = {} if self._version is None else {"after_version": self._version}
            await socket.send(msgspec.json.encode(self._ask | resume).decode())
            while not await self._takes(msgspec.json.decode(await socket.recv())):
                pass

    async def _takes(self, frame: JSON) -> bool:
        """Works in a frame; whether the slot is gone."""
        if frame["type"] == "problem":
            self._version = None
            raise ConnectionError(frame["code"])
        if frame["type"] not in {"snapshot", "delta"}:
            return False
        if frame["type"] == "snapshot":
            self.slots = []
        removed = frame.get("removed", [])
        gone = {each["start_at"] for each in removed}
        fresh = [each["start_at"] for each in (*frame.get("slots", []), *frame.get("added", []))]
        self.slots = sorted({*self.slots, *fresh} - gone)
        has_shown, self._version = self._version is not None, frame["version"]
        self._shows.set()
        is_gone = self._slot["start_at"] not in self.slots
        if is_gone and has_shown:
            self.left = removed
        return is_gone
