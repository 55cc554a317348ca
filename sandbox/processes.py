"""Child processes of a sandbox: started, watched, stopped, and never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parent.parent
LAUNCHER = Path(__file__).with_name("launch.py")
POLL_SECONDS = 0.02
LOG_TAIL_BYTES = 4096


class ProcessFailedError(Exception):
    """A child did not come up; the message is its own last words where it left any."""


class PidFile(msgspec.Struct, frozen=True, kw_only=True):
    """Who was started: `started` is the kernel's start time, so that a reused pid is noticed."""

    pid: int
    started: str


@dataclass(kw_only=True)
class Child:
    """One process of a sandbox: how to start it, how to know that it is up, how to stop it.

    Its output goes to its log file. It lives in a session of its own, so a Ctrl-C in the terminal
    reaches the supervisor alone, and dies with the supervisor by `death_signal`.
    """

    name: str
    program: Sequence[str]
    directory: Path
    """The sandbox's folder; the child gets `log/<name>.log` and `pids/<name>.json` there."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    working_directory: Path = ROOT
    before: Callable[[], None] | None = None
    """Makes what the process needs on disk; called in a thread before every start."""
    ready: Callable[[], Awaitable[None]] | None = None
    """Raises `OSError` while the child is not up yet; tried again until it is."""
    ready_seconds: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    death_signal: signal.Signals = signal.SIGKILL
    as_root: bool = True
    process: subprocess.Popen[bytes] | None = None
    log_start: int = 0
    """Where this run's part of the log begins."""

    @property
    def log(self) -> Path:
        """Return the path of the log file."""
        return self.directory / "log" / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        """Return the path of the file that remembers the process over a supervisor's death."""
        return self.directory / "pids" / f"{self.name}.json"

    @property
    def pid(self) -> int:
        """Return the process id; raises `ProcessFailedError` while it does not run."""
        if self.process is None:
            raise ProcessFailedError(f"{self.name} is not running")
        return self.process.pid

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def end(self) -> str:
        """Say how the process ended: its exit code or the signal."""
        if self.process is None or self.process.returncode is None:
            return "stopped"
        code = self.process.returncode
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def spawn(self) -> None:
        """Start the process without waiting for anything."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())]
        options = [str(int(self.death_signal)), "1" if self.as_root else "0", "--"]
        with self.log.open("ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(
                [*launcher, *options, *self.program],
                cwd=self.working_directory,
                env=child_environment(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started = start_time(self.process.pid) or ""
        self.pid_file.write_bytes(
            msgspec.json.encode(PidFile(pid=self.process.pid, started=started))
        )

    async def start(self) -> None:
        """Start the process and wait until it is ready; `ProcessFailedError` leaves none behind."""
        if self.before is not None:
            await asyncio.to_thread(self.before)
        self.spawn()
        try:
            await self.wait_ready()
        except BaseException:
            await self.kill()
            raise

    async def wait_ready(self) -> None:
        """Wait until the process answers; raises `ProcessFailedError` if it dies or is late."""
        if self.ready is None:
            return
        deadline = time.monotonic() + self.ready_seconds
        while True:
            if not self.is_alive():
                raise ProcessFailedError(self.last_words() or f"{self.name} did not start.")
            try:
                await self.ready()
            except OSError as error:
                if time.monotonic() > deadline:
                    raise ProcessFailedError(
                        f"{self.name} is not ready after {self.ready_seconds:.0f} s: {error}"
                    ) from error
            else:
                return
            await asyncio.sleep(POLL_SECONDS)

    async def wait(self, seconds: float) -> bool:
        """Wait for the process to end; false when it still runs after `seconds`."""
        deadline = time.monotonic() + seconds
        while self.is_alive():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True

    async def stop(self) -> None:
        """Ask the process to stop, kill it when it does not, and forget it."""
        if self.process is None:
            return
        if self.is_alive():
            self.process.send_signal(self.stop_signal)
            if not await self.wait(self.stop_seconds):
                await self.kill()
        self._forget()

    async def kill(self, signal_number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal, by default the one nobody survives, and wait for the end."""
        if self.process is None:
            return
        if self.is_alive():
            self.process.send_signal(signal_number)
            await self.wait(self.stop_seconds)
        self._forget()

    def _forget(self) -> None:
        """Reap what ended and remove its pid file."""
        if self.process is not None:
            self.process.wait()
        self.process = None
        self.pid_file.unlink(missing_ok=True)

    def last_words(self) -> str:
        """Return the last line of this run's log, for a person who wants to know why."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(self.log_start, self.log.stat().st_size - LOG_TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with `extra`, and with byte code allowed."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **extra}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def start_time(pid: int) -> str | None:
    """Return a mark of when the process with this id began; none when there is no such process."""
    stat = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        shown = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return shown.stdout.strip() or None
    try:
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


async def end_leftovers(directory: Path) -> list[str]:
    """Kill what an earlier supervisor that was killed left running; return the names."""
    ended: list[str] = []
    for pid_file in sorted((directory / "pids").glob("*.json")):
        try:
            left = msgspec.json.decode(pid_file.read_bytes(), type=PidFile)
        except msgspec.DecodeError:
            pid_file.unlink()
            continue
        if left.started and start_time(left.pid) == left.started:
            ended.append(pid_file.stem)
            await end_process(left)
        pid_file.unlink(missing_ok=True)
    return ended


async def end_process(left: PidFile) -> None:
    """Kill one process that is not our child and wait until it is gone."""
    for signal_number, seconds in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)):
        try:
            os.kill(left.pid, signal_number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if start_time(left.pid) != left.started:
                return
            await asyncio.sleep(POLL_SECONDS)
