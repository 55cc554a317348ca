"""The embedded PostgreSQL and NATS: they survive being killed, under any path."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import nats
import pytest

from sandbox.nats import Nats
from sandbox.ports import free_port
from sandbox.postgres import Postgres
from sandbox.processes import (
    ROOT,
    Child,
    PidFile,
    ProcessFailedError,
    child_environment,
    end_leftovers,
    end_process,
    start_time,
)

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]


@pytest.fixture
def odd_directory(tmp_path: Path) -> Path:
    """Return a folder with a long name, spaces, quotes and other letters."""
    path = tmp_path / ("long name with 'quotes' and ümlauts " * 4).strip()
    path.mkdir()
    return path


async def fetch(url: str, query: str) -> object:
    """Return one value from a database."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_postgres_keeps_what_was_committed_when_it_is_killed(odd_directory: Path) -> None:
    postgres = Postgres(odd_directory, free_port(), "a secret/with:signs@")
    await postgres.start()
    try:
        await fetch(postgres.url(), "CREATE TABLE kept (n int)")
        await fetch(postgres.url(), "INSERT INTO kept VALUES (42)")
        assert await fetch(postgres.url(), "SHOW fsync") == "on"
        assert await fetch(postgres.url(), "SHOW TimeZone") == "UTC"
        await postgres.child.kill()
        (postgres.data / "postmaster.pid").write_text(f"{os.getpid()}\n{postgres.data}\n0\n0\n\n\n")
        await postgres.start()
        assert await fetch(postgres.url(), "SELECT n FROM kept") == 42
    finally:
        await postgres.stop()
    assert not (postgres.data / "postmaster.pid").exists()


async def test_postgres_lets_nobody_in_without_the_password(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path, free_port(), "right", durable=False)
    await postgres.start()
    try:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(postgres.url().replace("right", "wrong"))
    finally:
        await postgres.stop()


async def test_nats_keeps_what_was_acknowledged_when_it_is_killed(odd_directory: Path) -> None:
    server = Nats(odd_directory, free_port(), "token")
    await server.start()
    try:
        client = await nats.connect(server.url)
        await client.jetstream().add_stream(name="kept", subjects=["kept.>"])
        await client.jetstream().publish("kept.one", b"1")
        await client.close()
        await server.child.kill()
        await server.start()
        client = await nats.connect(server.url)
        assert (await client.jetstream().stream_info("kept")).state.messages == 1
        await client.close()
    finally:
        await server.stop()


async def test_a_child_that_ends_at_once_gives_its_last_words(tmp_path: Path) -> None:
    async def never() -> None:
        raise OSError("not up")

    program = [sys.executable, "-c", "print('first'); raise SystemExit('TOKEN_SECRET is missing')"]
    child = Child(name="brief", program=program, directory=tmp_path, ready=never)
    with pytest.raises(ProcessFailedError, match=r"^TOKEN_SECRET is missing$"):
        await child.start()
    await child.stop()


def test_a_child_dies_with_its_killed_parent(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from sandbox.processes import Child\n"
        f"child = Child(name='orphan', program={SLEEPER!r}, directory=Path({str(tmp_path)!r}))\n"
        "child.spawn(); print(child.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=child_environment({}),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    with parent.stdout:
        orphan = int(parent.stdout.readline())
    left = PidFile(pid=orphan, started=start_time(orphan) or "")
    parent.send_signal(signal.SIGKILL)
    parent.wait(10)
    for _ in range(500):
        if start_time(orphan) != left.started:
            break
        time.sleep(0.01)
    assert start_time(orphan) != left.started


async def test_leftovers_are_ended_but_never_a_stranger_with_a_reused_pid(tmp_path: Path) -> None:
    child = Child(name="left", program=SLEEPER, directory=tmp_path)
    child.spawn()
    stranger = Child(name="stranger", program=SLEEPER, directory=tmp_path)
    stranger.spawn()
    stranger.pid_file.write_text(f'{{"pid": {stranger.pid}, "started": "1"}}')
    (tmp_path / "pids" / "broken.json").write_text("{")
    assert await end_leftovers(tmp_path) == ["left"]
    assert not child.is_alive()
    assert stranger.is_alive()
    assert list((tmp_path / "pids").iterdir()) == []
    await stranger.stop()
    await child.stop()


async def test_a_process_that_will_not_go_is_killed(tmp_path: Path) -> None:
    program = [
        *(sys.executable, "-c"),
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
    ]
    child = Child(name="deaf", program=program, directory=tmp_path, stop_seconds=0.5)
    child.spawn()
    await child.stop()
    child.spawn()
    await end_process(PidFile(pid=child.pid, started=start_time(child.pid) or ""))
    assert not child.is_alive()
    await child.stop()
