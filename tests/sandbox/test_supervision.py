"""The supervisor: what dies is started again, what was stopped stays down, the end is in order."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.processes import Child, ProcessFailedError
from sandbox.supervision import Supervisor

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
NOTE = """
import signal, sys, time
def end(*_):
    open(sys.argv[1], "a").write(sys.argv[2] + " ")
    sys.exit()
signal.signal(signal.SIGTERM, end)
open(sys.argv[3], "w").close()
time.sleep(600)
"""
NOTING = [sys.executable, "-c", NOTE]


@pytest_asyncio.fixture
async def supervisor(said: list[str]) -> AsyncIterator[Supervisor]:
    """Return a supervisor that looks after nothing yet."""
    built = Supervisor(said.append)
    built.watch()
    yield built
    await built.stop(())


@pytest.fixture
def said() -> list[str]:
    """Return what the supervisor told people."""
    return []


async def becomes(condition: Callable[[], bool]) -> None:
    """Wait, at most ten seconds, until something is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a process has no event to wait for
            await asyncio.sleep(0.01)


async def test_a_process_that_dies_is_started_again_and_people_are_told(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    child = Child(name="web", program=SLEEPER, directory=tmp_path)
    await supervisor.start(child)
    first = child.pid
    os.kill(first, signal.SIGKILL)
    await becomes(lambda: supervisor.pids().get("web", first) != first)
    await becomes(lambda: len(said) == 3)
    assert said[1].startswith("web       died (signal 9) and is started again")
    assert said[2] == f"web       runs again as {child.pid}"


async def test_a_process_that_keeps_dying_is_tried_again_with_growing_pauses(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    brief = [sys.executable, "-c", "raise SystemExit(3)"]
    await supervisor.start(Child(name="web", program=brief, directory=tmp_path))
    await becomes(lambda: sum("died (exit code 3)" in line for line in said) >= 3)


async def test_a_killed_process_stays_down_until_it_is_started(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    child = Child(name="web", program=SLEEPER, directory=tmp_path)
    await supervisor.start(child)
    await supervisor.kill("web")
    await asyncio.sleep(0.3)
    assert supervisor.pids() == {}
    with pytest.raises(ProcessFailedError, match="web is not running"):
        _ = child.pid
    await supervisor.start_again("web")
    assert supervisor.pids() == {"web": child.pid}
    await supervisor.stop_one("web")
    assert supervisor.pids() == {}


async def test_the_end_comes_in_order(supervisor: Supervisor, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    for name in ("postgres", "web", "worker"):
        up = tmp_path / f"{name}.up"
        program = [*NOTING, str(notes), name, str(up)]
        await supervisor.start(Child(name=name, program=program, directory=tmp_path))
        await becomes(up.exists)
    await supervisor.stop(("web", "worker", "postgres"))
    assert notes.read_text(encoding="utf-8").split() == ["web", "worker", "postgres"]
    assert supervisor.pids() == {}
    assert list((tmp_path / "pids").iterdir()) == []


async def test_who_ends_while_the_others_start_is_refused_with_its_last_words(
    tmp_path: Path, said: list[str]
) -> None:
    supervisor = Supervisor(said.append)
    program = [sys.executable, "-c", "raise SystemExit('TOKEN_SECRET is missing')"]
    await supervisor.start(Child(name="worker", program=program, directory=tmp_path))
    await becomes(lambda: supervisor.pids() == {})
    with pytest.raises(ProcessFailedError, match="TOKEN_SECRET is missing"):
        supervisor.refuse_the_dead()
    await supervisor.stop(())
