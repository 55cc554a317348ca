"""The whole marketplace on one machine: `python -m sandbox.world`, which is what `make run` runs.

Starts what the environment does not point elsewhere (PostgreSQL, NATS, the Stripe emulator, the
mail catcher), then the Procfile's processes; restarts what dies; stops all of it in order.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import IO

from sandbox.clock import ClockWriter
from sandbox.foundation import Foundation, run_once
from sandbox.http import request
from sandbox.launch import die_with_parent
from sandbox.logins import logins_in
from sandbox.memory import Memory, remember
from sandbox.outside import Outside, RefusalError
from sandbox.parent import follow
from sandbox.ports import LOOPBACK, is_free
from sandbox.processes import ROOT, Child, ProcessFailedError, end_leftovers
from sandbox.procfile import RELEASE, programs_of
from sandbox.supervision import Supervisor

DEFAULT_PORT = 8000
PORT_MAX = 65_535
OPENING_SECONDS = 600.0
DEMO_HISTORY = timedelta(days=21)
SANDBOX_WEB = [sys.executable, "-m", "sandbox.web"]
WEB_FIRST = ("web", "worker", "clock", "stripe", "mail", "nats", "postgres")
"""The order of stopping: who asks stops before who answers."""


class World:
    """One marketplace with its data in one folder; a library for tests, the demo and benchmarks.

    `settings` are those of the README's table; a service they name is used instead of an embedded
    one. `demo` true starts the clock 21 days back, so that a demo can play its history.
    """

    def __init__(
        self,
        directory: Path,
        port: int,
        *,
        settings: Mapping[str, str] | None = None,
        demo: bool = True,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Describe the world; nothing is touched before `start`."""
        self.directory = directory.absolute()
        self.port = port
        self.settings = {name: value for name, value in (settings or {}).items() if value}
        self.host = self.settings.get("HOST", LOOPBACK)
        self.url = self.settings.get("PUBLIC_URL", f"http://{LOOPBACK}:{port}").rstrip("/")
        self.demo = demo
        self.clock_file = self.directory / "clock"
        self.mail_file = self.directory / "mail.sqlite3"
        self.environment: dict[str, str] = {}
        self.outside = Outside(self.settings)
        self.supervisor = Supervisor(say)
        self._say = say
        self._lock: IO[bytes] | None = None

    @property
    def database_url(self) -> str:
        """Return the database's address, as its owner."""
        return self.environment["DATABASE_URL"]

    @property
    def nats_url(self) -> str:
        """Return the address of NATS."""
        return self.environment["NATS_URL"]

    @property
    def stripe_url(self) -> str:
        """Return the address of Stripe, by default the emulator."""
        return self.environment["STRIPE_API_BASE"]

    @property
    def stripe_secret_key(self) -> str:
        """Return Stripe's secret key."""
        return self.environment["STRIPE_SECRET_KEY"]

    async def start(self) -> None:
        """Start everything and wait until the web process is ready.

        Raises `RefusalError` or `ProcessFailedError`, and leaves nothing running then.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        """Start everything; the caller cleans up after a failure."""
        self._claim()
        await self.outside.check()
        for name in await end_leftovers(self.directory):
            self._say(f"{name:<9} of an earlier run was still there and has been ended")
        if not is_free(self.port, self.host):
            raise RefusalError(f"Port {self.port} is taken: set PORT to a free one.")
        self._set_clock()
        programs = programs_of(ROOT / "Procfile")
        self.environment = self._base_environment(remember(self.directory))
        release = self._product(RELEASE, programs.pop(RELEASE))
        foundation = Foundation(self.directory, self.outside, self.environment, self.supervisor)
        await foundation.start(release)
        if not self.outside.is_complete:
            programs["web"] = SANDBOX_WEB
        await asyncio.gather(
            *(self.supervisor.start(self._product(name, programs[name])) for name in programs)
        )
        self.supervisor.refuse_the_dead()
        self.supervisor.watch()
        if not self.outside.is_complete:
            await self._open_for_people()

    async def _open_for_people(self) -> None:
        """Make the admin and play the demo, the first time."""
        logins = logins_in(self.directory)
        if logins.admin is not None and (logins.has_demo or not self.demo):
            return
        if self.demo:
            self._say("demo      is being played: three weeks in a few seconds")
        program = [sys.executable, "-m", "sandbox.opening"]
        try:
            await run_once(self._product("opening", program), OPENING_SECONDS)
        except RefusalError as error:
            self._say(f"demo      could not be played: {error}")

    async def stop(self) -> None:
        """Stop every process, those that ask before those that answer. Safe to repeat."""
        await self.supervisor.stop(WEB_FIRST)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def kill(self, name: str) -> None:
        """Kill one process as a crash would; it stays down until `start_process`."""
        await self.supervisor.kill(name)

    async def stop_process(self, name: str) -> None:
        """Stop one process properly; it stays down until `start_process`."""
        await self.supervisor.stop_one(name)

    async def start_process(self, name: str) -> None:
        """Start one stopped or killed process again and wait until it is ready."""
        await self.supervisor.start_again(name)

    def pids(self) -> dict[str, int]:
        """Return the process ids of what runs, by name."""
        return self.supervisor.pids()

    def _claim(self) -> None:
        """Take the folder for this world alone; raises `RefusalError` when that cannot be."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._lock = (self.directory / "world.lock").open("wb")
        except OSError as error:
            raise RefusalError(f"DATA_DIR {self.directory}: {error.strerror}.") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RefusalError(f"Another world runs in {self.directory}.") from error

    def _set_clock(self) -> None:
        """Make the clock file of a new world, 21 days back when a demo will play its history."""
        if self.outside.is_complete:
            return
        is_new = not self.clock_file.exists()
        with ClockWriter(self.clock_file) as writer:
            if is_new and self.demo:
                writer.run(writer.now() - DEMO_HISTORY)

    def _base_environment(self, memory: Memory) -> dict[str, str]:
        """Return the settings that do not depend on what is embedded."""
        environment = {
            **self.settings,
            "HOST": self.host,
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "DATA_DIR": str(self.directory),
            "TOKEN_SECRET": self.settings.get("TOKEN_SECRET", memory.token_secret),
            "METRICS_TOKEN": self.settings.get("METRICS_TOKEN", memory.metrics_token),
            "DEMO": "on" if self.demo else "off",
            "PROMETHEUS_MULTIPROC_DIR": str(self._counters()),
            "PYTHONPYCACHEPREFIX": str(ROOT / ".make" / "pycache"),
        }
        if not self.outside.is_complete:
            environment["CLOCK_FILE"] = str(self.clock_file)
        return environment

    def _counters(self) -> Path:
        """Return the folder where the processes count together; every start begins at zero."""
        folder = self.directory / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def _product(self, name: str, program: list[str]) -> Child:
        """Describe one process of the Procfile."""
        return Child(
            name=name,
            program=program,
            directory=self.directory,
            environment=self.environment,
            ready=self._web_is_ready if name == "web" else None,
        )

    async def _web_is_ready(self) -> None:
        """Return when the web process says that it and all it needs are ready."""
        answer = await request(f"http://{self.host}:{self.port}/health/ready")
        if answer.status != 200:
            raise OSError(f"/health/ready answers {answer.status}: {answer.body!r}")


async def run(world: World, *, parent: int | None = None) -> None:
    """Start a world, load its demo once, say that it is ready, and stay until told to stop.

    An interrupt of the process `parent` alone counts as well.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(signal_number, stopped.set)
    following = asyncio.create_task(follow(parent, stopped)) if parent else None
    starting = asyncio.create_task(_start_and_tell(world))
    waiting = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not stopped.is_set():
            await starting
            await waiting
    finally:
        if following is not None:
            following.cancel()
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        say("stopping")
        await world.stop()
        say("stopped")


async def _start_and_tell(world: World) -> None:
    """Start a world and say where it is and who can sign in."""
    await world.start()
    shown = logins_in(world.directory)
    for role, people in (
        ("admin", [shown.admin] if shown.admin else []),
        ("instructor", shown.instructors[:2]),
        ("student", shown.students[:2]),
    ):
        for login in people:
            say(f"sign in as {role:<10}  {login.email}  {login.password}")
    say(f"ready {world.url}")


def say(line: str) -> None:
    """Tell the person at the terminal one thing; a terminal that is gone stops nothing."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


def main() -> None:
    """Run the world that the environment describes, in the foreground."""
    parent = os.getppid() if os.environ.get("STOP_WITH_PARENT") else None
    if parent is not None:
        die_with_parent(parent, signal.SIGTERM)
    port = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= PORT_MAX):
        sys.exit(f"PORT must be a whole number between 1 and {PORT_MAX}.")
    directory = Path(os.environ.get("DATA_DIR") or ROOT / ".data")
    world = World(
        directory, int(port), settings=os.environ, demo=os.environ.get("DEMO") != "off", say=say
    )
    try:
        asyncio.run(run(world, parent=parent))
    except (RefusalError, ProcessFailedError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
