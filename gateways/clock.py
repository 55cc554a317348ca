"""The only place that asks the machine for the time.

`now()` is the marketplace's time: holds, timings, policies, credits. In the sandbox it is virtual.
`wall_now()` is real time: tokens, sessions, signatures. `monotonic()` is for leases and timeouts.
"""

import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

CLOCK_FORMAT = struct.Struct("<8sQqq")
"""One record: magic, sequence (odd while a writer is at work), mode, value in microseconds."""
CLOCK_MAGIC = b"IICLOCK1"
MODE_RUNNING = 0
"""The value is an offset, added to the wall time."""
MODE_FROZEN = 1
"""The value is the time itself, since 1970-01-01 UTC."""

READ_ATTEMPTS_MAX = 3_000
SPIN_ATTEMPTS = 100
PREEMPTED_SECONDS = 0.0005
"""A writer that the machine paused between its two stores gets this long, again and again."""


class ClockFileInvalidError(Exception):
    """The clock file is missing, too short or of another format."""


class Clock(Protocol):
    """A source of time; functions that take `now` get it from one of these at the edge."""

    def now(self) -> datetime:
        """Return the marketplace's time: aware, UTC, microseconds."""
        ...

    def wall_now(self) -> datetime:
        """Return the machine's time: aware, UTC, microseconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only ever grow, from no fixed origin."""
        ...


class SystemClock:
    """The machine's own clock: the marketplace's time is real time."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)

    def wall_now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()


class SharedClock(SystemClock):
    """Virtual time that all processes of one sandbox read from one mapped file.

    A reader takes no lock: it reads again while the sequence is odd or has moved (seqlock).
    """

    def __init__(self, path: str | Path) -> None:
        """Map the file at `path`; raises `ClockFileInvalidError` unless it is a clock file."""
        try:
            with Path(path).open("rb") as file:
                self._map = mmap.mmap(file.fileno(), CLOCK_FORMAT.size, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise ClockFileInvalidError(f"cannot read the clock file {path}: {error}") from error
        if self._map[: len(CLOCK_MAGIC)] != CLOCK_MAGIC:
            raise ClockFileInvalidError(f"{path} is not a clock file")

    def now(self) -> datetime:
        """Return the virtual time in UTC."""
        mode, value = self._read()
        if mode == MODE_FROZEN:
            return EPOCH + timedelta(microseconds=value)
        return datetime.now(UTC) + timedelta(microseconds=value)

    def is_frozen(self) -> bool:
        """Tell whether the virtual time stands still."""
        return self._read()[0] == MODE_FROZEN

    def _read(self) -> tuple[int, int]:
        """Return mode and value of one consistent record."""
        for attempt in range(READ_ATTEMPTS_MAX):
            _, before, mode, value = CLOCK_FORMAT.unpack(self._map[: CLOCK_FORMAT.size])
            _, after, _, _ = CLOCK_FORMAT.unpack(self._map[: CLOCK_FORMAT.size])
            if before == after and before % 2 == 0:
                return mode, value
            if attempt >= SPIN_ATTEMPTS:
                time.sleep(PREEMPTED_SECONDS)
        raise ClockFileInvalidError("the clock file was left in the middle of a write")


def clock_from(path: str | None) -> Clock:
    """Return the shared clock at `path`, or the machine's own when there is none."""
    return SharedClock(path) if path else SystemClock()
