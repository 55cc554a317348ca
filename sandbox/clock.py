"""Writes the clock file that every process of a sandbox reads through `SharedClock`."""

import mmap
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from gateways.clock import (
    CLOCK_FORMAT,
    CLOCK_MAGIC,
    EPOCH,
    MICROSECOND,
    MODE_FROZEN,
    MODE_RUNNING,
    ClockFileInvalidError,
    SharedClock,
)


class ClockWriter:
    """The one writer of a clock file; readers never see half a record.

    The sequence is written odd before the record and even after it (seqlock), each by one aligned
    eight-byte store. A writer that died halfway is mended by the next one that opens the file.
    """

    def __init__(self, path: str | Path) -> None:
        """Open the file at `path`, making one that shows real time when there is none."""
        self.path = Path(path)
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial = self.path.with_name(f".{self.path.name}.new")
            partial.write_bytes(CLOCK_FORMAT.pack(CLOCK_MAGIC, 0, MODE_RUNNING, 0))
            partial.replace(self.path)
        with self.path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), CLOCK_FORMAT.size)
        if self._map[: len(CLOCK_MAGIC)] != CLOCK_MAGIC:
            raise ClockFileInvalidError(f"{path} is not a clock file")
        self._words = memoryview(self._map).cast("q")
        if self._words[1] % 2:
            self._words[1] += 1
        self._reader = SharedClock(self.path)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def now(self) -> datetime:
        """Return the virtual time that readers see."""
        return self._reader.now()

    def is_frozen(self) -> bool:
        """Tell whether the virtual time stands still."""
        return self._reader.is_frozen()

    def freeze(self, at: datetime | None = None) -> None:
        """Stop the virtual time at `at`, or where it is."""
        instant = self.now() if at is None else at
        self._write(MODE_FROZEN, (instant - EPOCH) // MICROSECOND)

    def run(self, start: datetime | None = None) -> None:
        """Let the virtual time run with the wall, from `start` or from where it is."""
        instant = self.now() if start is None else start
        self._write(MODE_RUNNING, (instant - datetime.now(UTC)) // MICROSECOND)

    def reset(self) -> None:
        """Show real time again."""
        self._write(MODE_RUNNING, 0)

    def close(self) -> None:
        """Flush the record to disk, so that the offset survives the machine, and unmap it."""
        self._map.flush()
        self._words.release()
        self._map.close()

    def _write(self, mode: int, value: int) -> None:
        """Write one record between an odd and an even sequence."""
        self._words[1] += 1
        self._words[2] = mode
        self._words[3] = value
        self._words[1] += 1
