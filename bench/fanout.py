"""(c) One change of one calendar reaches 1000 and 5000 live sockets, beside a bare broadcast.

Both are timed from the broadcast: for us the instant the committed change is told on NATS, which
this process hears too; for the baseline the instant before it calls `broadcast`. `asked to last`
also holds the whole booking: request, decision, commit. `cpu us each` is what the server's process
took for one delivery, in our case with the booking: it does not depend on who else uses the cores.
"""

import asyncio
import random
import resource
import sys
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import NamedTuple

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from actors.calendar_changes import SUBJECT_OF_ALL
from bench.load import run
from bench.stage import INSTRUCTOR, SERVICE, Stage, person, staged
from bench.swarm import LINE_BYTES_MAX, Heard
from bench.table import show
from gateways.bus import Bus
from sandbox.processes import child_environment

SIZES = (1000, 5000)
ROUNDS = 15
FILES = 16_384
PATIENCE = 30.0
PAUSE_SECONDS = 0.25
HEADER_BYTES = 4
"""Of a server's frame of 126 to 65 535 bytes."""
OURS, BARE = "ours", "websockets.broadcast"


class Moment(NamedTuple):
    """When a change was asked for, and when the fan-out began."""

    asked: float
    begun: float


class Sockets:
    """A swarm in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Made by `swarm_of`."""
        assert process.stdin is not None
        assert process.stdout is not None
        self._says, self._hears = process.stdin, process.stdout

    async def line(self) -> bytes:
        """What the swarm says next."""
        async with asyncio.timeout(PATIENCE):
            line = await self._hears.readline()
        assert line, "the swarm ended"
        return line.strip()

    async def round(self, change: Callable[[], Awaitable[Moment]]) -> tuple[Moment, Heard]:
        """Makes a change while all sockets listen; when they heard of it."""
        self._says.write(b"arm\n")
        assert await self.line() == b"armed"
        await asyncio.sleep(PAUSE_SECONDS)
        moment = await change()
        return moment, msgspec.json.decode(await self.line(), type=Heard)


@asynccontextmanager
async def swarm_of(stage: Stage, url: str, count: int, greeting: bytes) -> AsyncGenerator[Sockets]:
    """So many sockets that each have got their first frame."""
    cache = stage.world.environment["PYTHONPYCACHEPREFIX"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.swarm", url, str(count), greeting),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES_MAX,
        env=child_environment({"PYTHONPYCACHEPREFIX": cache}),
    )
    try:
        sockets = Sockets(process)
        assert await sockets.line() == b"ready"
        yield sockets
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Product:
    """Changes the calendar that everybody watches by booking it, an hour each time."""

    def __init__(self, stage: Stage, bus: Bus, first_hour: int) -> None:
        """`first_hour` has not been booked, nor those after it."""
        self._stage, self._bus = stage, bus
        self.pid = stage.world.pids()["web"]
        self._hours = iter(range(first_hour, 1 << 20))
        self._told: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def listen(self) -> None:
        """Hears of commits."""
        await self._bus.subscribe(SUBJECT_OF_ALL, self._heard)
        await self._bus.flush()

    def greeting(self, hour: int) -> bytes:
        """Subscribes to the day around an hour."""
        begins = self._stage.first_hour + timedelta(hours=hour)
        wish = {
            "type": "subscribe",
            "instructor_id": person(INSTRUCTOR, 0),
            "service_id": person(SERVICE, 0),
            "duration_minutes": 60,
            "from": begins,
            "to": begins + timedelta(days=1),
        }
        return msgspec.json.encode(wish)

    async def change(self) -> Moment:
        """Books."""
        request = self._stage.booking(instructor=0, student=0, hour=next(self._hours))
        self._told = asyncio.get_running_loop().create_future()
        asked = time.perf_counter()
        answer = await run(self._stage.world.url, [request], concurrency=1)
        assert answer.count(201) == 1, answer.answers
        return Moment(asked, await self._told)

    async def _heard(self, _subject: str, _payload: bytes) -> None:
        if not self._told.done():
            self._told.set_result(time.perf_counter())


class Bare:
    """Makes the baseline broadcast as many bytes as a delta of ours has."""

    def __init__(self, speaker: ClientConnection) -> None:
        """`text_bytes` is set before the first change, which finds out `pid`."""
        self._speaker = speaker
        self.text_bytes = self.pid = 0

    async def change(self) -> Moment:
        """Broadcasts."""
        asked = time.perf_counter()
        await self._speaker.send(f"go {self.text_bytes}")
        begun, pid = str(await self._speaker.recv()).split()
        self.pid = int(pid)
        return Moment(asked, float(begun))


async def measure(stage: Stage, bus: Bus, broadcast_url: str, size: int, hour: int) -> None:
    """Both contenders with this many sockets each, in turns."""
    product = Product(stage, bus, hour)
    await product.listen()
    greeting = product.greeting(hour)
    async with (
        swarm_of(stage, stage.world.url, size, greeting) as ours,
        swarm_of(stage, broadcast_url, size, b"hello") as theirs,
        connect(broadcast_url.replace("http", "ws"), proxy=None) as speaker,
    ):
        bare = Bare(speaker)
        contenders = {OURS: (ours, product), BARE: (theirs, bare)}
        _, first = await ours.round(product.change)
        bare.text_bytes = first.frame_bytes - HEADER_BYTES
        await theirs.round(bare.change)
        measured: dict[str, list[dict[str, float]]] = defaultdict(list)
        for _ in range(ROUNDS):
            for name in random.sample(list(contenders), len(contenders)):
                sockets, server = contenders[name]
                before = cpu_seconds(server.pid)
                moment, heard = await sockets.round(server.change)
                spent = cpu_seconds(server.pid) - before
                # the numbers of versions grow by a digit
                assert abs(heard.frame_bytes - first.frame_bytes) <= 4, heard.frame_bytes
                measured[name].append(figures(moment, heard, spent))
    title = f"fan-out: {size} sockets, frames of {first.frame_bytes} bytes, from broadcast to heard"
    show(title, {name: measured[name] for name in contenders}, ours=OURS)


def figures(moment: Moment, heard: Heard, cpu_spent: float) -> dict[str, float]:
    """One round; the first figure counts deliveries until the last socket heard."""
    took = sorted(heard.at)
    count, last = len(took), took[-1]
    return {
        "heard/s": count / (last - moment.begun),
        "p50 ms": 1000 * (took[count // 2] - moment.begun),
        "p99 ms": 1000 * (took[count * 99 // 100] - moment.begun),
        "last ms": 1000 * (last - moment.begun),
        "asked to last": 1000 * (last - moment.asked),
        "cpu us each": 1e6 * cpu_spent / count,
    }


def cpu_seconds(pid: int) -> float:
    """The time a process has spent on the processors; the kernel's clock for its id (Linux)."""
    return time.clock_gettime((~pid << 3) | 2)


async def main() -> None:
    """Runs and prints the fan-out."""
    allow_files()
    async with (
        staged(instructors=1, students=1) as stage,
        stage.baseline("broadcast") as broadcast_url,
    ):
        bus = await Bus.connect(stage.world.nats_url)
        try:
            for turn, size in enumerate(SIZES):
                await measure(stage, bus, broadcast_url, size, turn * (ROUNDS + 1))
        finally:
            await bus.close()


def allow_files() -> None:
    """Lets this process and all it starts open a socket for each watcher."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    assert enough > max(SIZES) + 200, f"at most {most} open files are allowed here: ulimit -Hn"
    resource.setrlimit(resource.RLIMIT_NOFILE, (enough, most))
