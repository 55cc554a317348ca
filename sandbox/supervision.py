"""Keeps a sandbox's processes alive: starts again what died, and says so."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

from sandbox.processes import Child, ProcessFailedError

WATCH_SECONDS = 0.1
PAUSE_SECONDS_MAX = 5.0
CALM_SECONDS = 30.0
"""A process that lived this long starts again at once when it dies."""


class Supervisor:
    """The children of one sandbox by name."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Tell people what happens through `say`, one line at a time."""
        self.children: dict[str, Child] = {}
        self._wanted: set[str] = set()
        self._say = say
        self._watcher: asyncio.Task[None] | None = None
        self._restarts: dict[str, asyncio.Task[None]] = {}
        self._pauses: dict[str, float] = {}
        self._started: dict[str, float] = {}

    async def start(self, child: Child) -> None:
        """Start a child and wait until it is ready; from then on it is kept alive."""
        self.children[child.name] = child
        await child.start()
        self._started[child.name] = time.monotonic()
        self._wanted.add(child.name)
        self._say(f"{child.name:<9} runs as {child.pid}")

    def watch(self) -> None:
        """Begin to look after the children."""
        self._watcher = asyncio.create_task(self._watch(), name="sandbox supervisor")

    def refuse_the_dead(self) -> None:
        """Raise `ProcessFailedError` with the last words of a child that ended while starting."""
        for name in sorted(self._wanted):
            child = self.children[name]
            if not child.is_alive():
                raise ProcessFailedError(child.last_words() or f"{name} ended with {child.end()}.")

    async def kill(self, name: str) -> None:
        """Kill a child; it stays down."""
        await self._let_go(name)
        await self.children[name].kill()

    async def stop_one(self, name: str) -> None:
        """Stop a child; it stays down."""
        await self._let_go(name)
        await self.children[name].stop()

    async def start_again(self, name: str) -> None:
        """Start a child that was stopped or killed."""
        await self._let_go(name)
        await self.children[name].stop()
        await self.start(self.children[name])

    async def stop(self, order: Sequence[str]) -> None:
        """Stop all children, those named in `order` first and in that order."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
            self._watcher = None
        for name in list(self._wanted | self._restarts.keys()):
            await self._let_go(name)
        others = [name for name in self.children if name not in order]
        for name in [*others, *order]:
            if name in self.children:
                await self.children[name].stop()

    def pids(self) -> dict[str, int]:
        """Return the process ids of what runs."""
        return {name: child.pid for name, child in self.children.items() if child.is_alive()}

    async def _let_go(self, name: str) -> None:
        """Stop looking after one child."""
        self._wanted.discard(name)
        restart = self._restarts.pop(name, None)
        if restart is not None:
            restart.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await restart

    async def _watch(self) -> None:
        """Start again whatever should run and does not."""
        while True:
            for name in sorted(self._wanted):
                child = self.children[name]
                if not child.is_alive() and name not in self._restarts:
                    self._restarts[name] = asyncio.create_task(self._restart(child))
            await asyncio.sleep(WATCH_SECONDS)

    async def _restart(self, child: Child) -> None:
        """Start one dead child, after a pause that doubles while it keeps dying."""
        name = child.name
        lived = time.monotonic() - self._started.get(name, 0.0)
        pause = 0.0 if lived > CALM_SECONDS else self._pauses.get(name, 0.0)
        self._pauses[name] = min(PAUSE_SECONDS_MAX, max(0.2, pause * 2))
        self._say(f"{name:<9} died ({child.end()}) and is started again; see {child.log}")
        await asyncio.sleep(pause)
        try:
            await child.stop()
            await child.start()
            self._say(f"{name:<9} runs again as {child.pid}")
        except (ProcessFailedError, OSError) as error:
            self._say(f"{name:<9} did not start: {str(error).splitlines()[0]}")
        finally:
            self._started[name] = time.monotonic()
            self._restarts.pop(name, None)
