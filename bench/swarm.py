"""`python -m bench.swarm URL COUNT GREETING`: thousands of sockets that cost little, one process.

Every socket says the greeting and waits for its first frame; then `ready` is printed. For each line
read, the swarm waits until every socket has heard one more frame and prints when they did. Nothing
is parsed but the length of a frame, and pings are answered.
"""

import asyncio
import sys
import time
from typing import cast
from urllib.parse import urlsplit

import msgspec
import uvloop

AT_ONCE = 100
TEXT, PING = 0x81, 0x89
LINE_BYTES_MAX = 1 << 20


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """When the sockets heard a frame, in seconds of the machine's monotonic clock, sorted."""

    at: list[float]
    frame_bytes: int


def masked(opcode: int, text: bytes) -> bytes:
    """A client's frame (RFC 6455 §5.2); a mask of zeros leaves the text as it is."""
    size = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
    return bytes([opcode]) + size + bytes(4) + text


def frame_size(data: bytes) -> int:
    """How long the server's frame is that begins here."""
    short = data[1]
    if short < 126:
        return 2 + short
    if short == 126:
        return 4 + int.from_bytes(data[2:4], "big")
    return 10 + int.from_bytes(data[2:10], "big")


class Listener(asyncio.Protocol):
    """One socket: tells the swarm of every text frame once it is whole."""

    def __init__(self, swarm: "Swarm") -> None:
        """Waits for the handshake first."""
        self._swarm = swarm
        self._rest = b""
        self._is_open = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks for the upgrade."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has no base in asyncio
        self._transport.write(self._swarm.upgrade)

    def data_received(self, data: bytes) -> None:
        """Takes what is whole; the usual case is exactly one frame."""
        data = self._rest + data
        if not self._is_open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._rest = head
                return
            self._open(head)
        while len(data) >= 2 and len(data) >= frame_size(data):
            size = frame_size(data)
            self._take(data[0], data[:size])
            data = data[size:]
        self._rest = data

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the swarm: a socket too few makes every number wrong."""
        self._swarm.fail(f"a socket ended: {exc}")

    def _open(self, head: bytes) -> None:
        if b" 101 " not in head:
            self._swarm.fail(head.decode(errors="replace"))
            return
        assert self._transport is not None
        self._is_open = True
        self._transport.write(self._swarm.greeting)

    def _take(self, opcode: int, frame: bytes) -> None:
        if opcode == TEXT:
            self._swarm.heard(len(frame))
        elif opcode == PING:
            assert self._transport is not None
            self._transport.write(masked(0x8A, frame[2:]))


class Swarm:
    """All sockets together, and what they heard since the last question."""

    def __init__(self, url: str, count: int, greeting: str) -> None:
        """`greeting` is what every socket says first."""
        parts = urlsplit(url)
        self.host, self.port, self.count = parts.hostname or "", parts.port or 80, count
        self.greeting = masked(TEXT, greeting.encode())
        self.upgrade = (
            b"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        self._at: list[float] = []
        self._frame_bytes = 0
        self._wanted = 0
        self._all: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def heard(self, frame_bytes: int) -> None:
        """Notes one frame at one socket."""
        self._at.append(time.perf_counter())
        self._frame_bytes = frame_bytes
        if len(self._at) == self._wanted:
            self._all.set_result(None)

    def fail(self, why: str) -> None:
        """Ends whoever waits."""
        if not self._all.done():
            self._all.set_exception(RuntimeError(why))

    async def open(self) -> None:
        """Opens every socket, a few at a time, each up to its first frame."""
        loop = asyncio.get_running_loop()
        for begins in range(0, self.count, AT_ONCE):
            some = min(AT_ONCE, self.count - begins)
            waiting = self.expect(some)
            new = (lambda: Listener(self) for _ in range(some))
            await asyncio.gather(*(loop.create_connection(a, self.host, self.port) for a in new))
            await waiting

    def expect(self, count: int) -> asyncio.Future[None]:
        """Begins a new count; done when this many frames were heard."""
        self._at, self._wanted = [], count
        self._all = asyncio.get_running_loop().create_future()
        return self._all

    def answer(self) -> bytes:
        """When the frames of this count were heard."""
        return msgspec.json.encode(Heard(at=self._at, frame_bytes=self._frame_bytes))


async def main() -> None:
    """Opens the sockets, then answers one line at a time until there are no more."""
    url, count, greeting = sys.argv[1:]
    swarm = Swarm(url, int(count), greeting)
    await swarm.open()
    say(b"ready")
    while await asyncio.to_thread(sys.stdin.buffer.readline):
        waiting = swarm.expect(swarm.count)
        say(b"armed")
        await waiting
        say(swarm.answer())


def say(line: bytes) -> None:
    """Tells who started this."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(main())
