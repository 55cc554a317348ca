"""The shared clock: one file, one writer, readers in many processes."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateways.clock import (
    CLOCK_FORMAT,
    CLOCK_MAGIC,
    ClockFileInvalidError,
    SharedClock,
    SystemClock,
    clock_from,
)
from sandbox.clock import ClockWriter

NOON = datetime(2031, 3, 9, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a clock file that does not exist yet."""
    return tmp_path / "clock with spaces" / "clock"


def test_a_new_clock_file_shows_real_time(path: Path) -> None:
    with ClockWriter(path):
        clock = SharedClock(path)
    assert abs(clock.now() - clock.wall_now()) < timedelta(seconds=1)
    assert not clock.is_frozen()


def test_a_frozen_clock_shows_its_instant_to_the_microsecond(path: Path) -> None:
    with ClockWriter(path) as writer:
        clock = SharedClock(path)
        writer.freeze(NOON)
        assert clock.now() == NOON == writer.now()
        assert clock.now().tzinfo is UTC
        assert clock.is_frozen()


def test_a_released_clock_runs_on_from_where_it_was(path: Path) -> None:
    with ClockWriter(path) as writer:
        clock = SharedClock(path)
        writer.freeze(NOON)
        writer.run()
        first = clock.now()
        assert NOON <= first < NOON + timedelta(seconds=2)
        assert clock.now() >= first
        assert not clock.is_frozen()


def test_freezing_without_an_instant_stops_where_time_is(path: Path) -> None:
    with ClockWriter(path) as writer:
        writer.run(NOON)
        writer.freeze()
        clock = SharedClock(path)
        assert NOON <= clock.now() == clock.now() < NOON + timedelta(seconds=2)


def test_the_offset_survives_the_writer(path: Path) -> None:
    with ClockWriter(path) as writer:
        writer.run(NOON)
    with ClockWriter(path) as writer:
        assert NOON <= writer.now() < NOON + timedelta(seconds=5)


def test_wall_time_and_monotonic_time_are_never_virtual(path: Path) -> None:
    with ClockWriter(path) as writer:
        clock = SharedClock(path)
        before = clock.monotonic()
        writer.freeze(NOON)
        assert abs(clock.wall_now() - SystemClock().now()) < timedelta(seconds=1)
        assert 0 <= clock.monotonic() - before < 5


def test_a_setting_without_a_file_means_the_machines_clock(path: Path) -> None:
    assert type(clock_from(None)) is SystemClock
    assert type(clock_from("")) is SystemClock
    with ClockWriter(path):
        assert isinstance(clock_from(str(path)), SharedClock)


def test_a_missing_or_foreign_file_is_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ClockFileInvalidError, match="cannot read"):
        SharedClock(path)
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"x" * CLOCK_FORMAT.size)
    with pytest.raises(ClockFileInvalidError, match="not a clock file"):
        SharedClock(foreign)
    with pytest.raises(ClockFileInvalidError, match="not a clock file"):
        ClockWriter(foreign)


def test_a_write_cut_off_by_a_crash_is_mended_by_the_next_writer(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(CLOCK_FORMAT.pack(CLOCK_MAGIC, 7, 0, 0))
    with pytest.raises(ClockFileInvalidError, match="middle of a write"):
        SharedClock(path).now()
    with ClockWriter(path) as writer:
        assert abs(SharedClock(path).now() - writer.now()) < timedelta(seconds=1)


READER = """
import sys
from gateways.clock import SharedClock
clock = SharedClock(sys.argv[1])
print("ready", flush=True)
last = clock.now()
for _ in range(200_000):
    now = clock.now()
    assert now >= last and now.microsecond == 0 and now.second in (0, 30), (last, now)
    last = now
print("fine")
"""


def test_readers_in_another_process_never_see_half_a_record(path: Path) -> None:
    start = datetime(2031, 1, 1, tzinfo=UTC)
    with ClockWriter(path) as writer:
        writer.freeze(start)
        reader = subprocess.Popen(
            [sys.executable, "-c", READER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        step = 0
        while reader.poll() is None and step < 5_000_000:
            step += 1
            writer.freeze(start + timedelta(seconds=30 * step))
        assert reader.communicate(timeout=30)[0] == "fine\n"
        assert reader.returncode == 0
