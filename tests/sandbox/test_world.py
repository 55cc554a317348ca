"""A whole world: what it tells, how it stops, and what it survives."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import aiosmtplib
import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio

from sandbox.memory import Memory
from sandbox.outside import RefusalError
from sandbox.ports import free_port
from sandbox.processes import ROOT, PidFile, child_environment, start_time
from sandbox.world import World

pytestmark = pytest.mark.world
START_SECONDS = 60


@pytest_asyncio.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the shared world, whose clock runs afterwards."""
    async with httpx.AsyncClient(base_url=world.url, timeout=150, trust_env=False) as client:
        yield client
        await client.post("/sandbox/clock", json={"frozen": False})


async def test_the_world_says_where_its_parts_are_and_who_the_admin_is(
    world: World, http: httpx.AsyncClient
) -> None:
    shown = (await http.get("/sandbox")).raise_for_status().json()
    assert shown["stripe_url"] == world.stripe_url
    assert shown["stripe_secret_key"] == "sk_test_emulator"
    assert shown["nats_url"] == world.nats_url
    assert (await http.get(shown["mail_url"])).status_code == 200
    connection = await asyncpg.connect(shown["database_url"])
    assert await connection.fetchval("SELECT count(*) FROM users WHERE 'admin' = ANY(roles)") == 1
    await connection.close()
    admin = shown["demo"]["admin"]
    login = {"email": admin["email"], "password": admin["password"]}
    signed_in = (await http.post("/api/auth/login", json=login)).raise_for_status().json()
    assert signed_in["user"]["roles"] == ["admin"]


async def test_time_travels_forward_and_stands_still_on_request(http: httpx.AsyncClient) -> None:
    before = (await http.get("/sandbox/clock")).json()
    assert before["frozen"] is False
    wish = {"advance_seconds": 3600, "frozen": True}
    travelled = (await http.post("/sandbox/clock", json=wish)).raise_for_status().json()
    shown = (await http.get("/sandbox/clock")).json()
    assert shown == {"now": travelled["now"], "frozen": True}
    moved = datetime.fromisoformat(shown["now"]) - datetime.fromisoformat(before["now"])
    assert timedelta(hours=1) <= moved < timedelta(hours=1, minutes=1)
    at = (datetime.fromisoformat(shown["now"]) + timedelta(hours=1)).isoformat()
    arrived = (await http.post("/sandbox/clock", json={"at": at})).raise_for_status().json()
    assert datetime.fromisoformat(arrived["now"]) == datetime.fromisoformat(at)
    assert (await http.get("/sandbox/clock")).json()["frozen"] is False


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"advance_seconds": -1},
        {"at": "2020-01-01T00:00:00Z"},
        {"at": "2031-01-01T00:00:00"},
        {"advance_seconds": 1, "at": "2031-01-01T00:00:00Z"},
        {"advance_seconds": 1, "speed": 2},
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(
    http: httpx.AsyncClient, wish: dict[str, object]
) -> None:
    answer = await http.post("/sandbox/clock", json=wish)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_second_traveller_is_refused(http: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(http.post("/sandbox/clock", json={"advance_seconds": 86_400}) for _ in range(4))
    )
    codes = [answer.json().get("code") for answer in answers if answer.status_code != 200]
    assert set(codes) == {"travelling"}
    assert all(answer.status_code in (200, 409) for answer in answers)


async def test_caught_mail_can_be_read_by_machines_and_people(
    world: World, http: httpx.AsyncClient
) -> None:
    message = EmailMessage()
    message["From"] = "lessons@example.com"
    message["To"] = "reader@example.com"
    message["Subject"] = "Your lesson <on Monday>"
    message.set_content("Bring the <blue> book.")
    smtp = urlsplit(world.environment["SMTP_URL"])
    await aiosmtplib.send(message, hostname=smtp.hostname, port=smtp.port)
    found = (await http.get("/sandbox/mail", params={"to": "reader@example.com"})).json()
    assert [mail["subject"] for mail in found] == ["Your lesson <on Monday>"]
    assert set(found[0]) == {"id", "to", "subject", "text", "html", "attachments", "at"}
    page = await http.get("/sandbox/mail/inbox", params={"to": "reader@example.com"})
    assert page.headers["content-type"].startswith("text/html")
    assert "Bring the &lt;blue&gt; book." in page.text


@pytest.mark.parametrize("name", ["web", "worker", "clock", "stripe", "mail", "nats", "postgres"])
async def test_any_process_that_is_killed_comes_back_and_time_still_travels(
    world: World, http: httpx.AsyncClient, name: str
) -> None:
    first = world.pids()[name]
    os.kill(first, signal.SIGKILL)
    for _ in range(600):
        if world.pids().get(name, first) != first and await is_ready(http):
            break
        await asyncio.sleep(0.05)
    answer = await http.post("/sandbox/clock", json={"advance_seconds": 60})
    assert answer.status_code == 200, answer.text


async def is_ready(http: httpx.AsyncClient) -> bool:
    """Tell whether the web process says that all it needs is there."""
    try:
        return (await http.get("/health/ready")).status_code == 200
    except httpx.TransportError:
        return False


class Run:
    """`python -m sandbox.world` in a process of its own, as `make run` starts it."""

    def __init__(self, directory: Path, port: int) -> None:
        """Start it and wait for its last line of starting."""
        self.directory = directory
        self.url = f"http://127.0.0.1:{port}"
        settings = {"DATA_DIR": str(directory), "PORT": str(port), "DEMO": "off"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.world"],
            cwd=ROOT,
            env=child_environment(settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("ready "):
                break

    def children(self) -> dict[str, PidFile]:
        """Return what the world has started, by name."""
        return {
            path.stem: msgspec.json.decode(path.read_bytes(), type=PidFile)
            for path in (self.directory / "pids").glob("*.json")
        }

    def end(self, signal_number: signal.Signals) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(signal_number)
        self.process.communicate(timeout=START_SECONDS)
        return self.process.returncode


@pytest.fixture
def starts() -> Iterator[Callable[[Path, int], Run]]:
    """Return how to start a world that ends with the test, however that ends."""
    runs: list[Run] = []

    def start(directory: Path, port: int) -> Run:
        runs.append(Run(directory, port))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)


def ports(directory: Path) -> dict[str, int]:
    """Return the ports the world remembers."""
    return msgspec.json.decode((directory / "world.json").read_bytes(), type=Memory).ports


async def gone(children: dict[str, PidFile]) -> bool:
    """Wait, at most ten seconds, until none of these processes is left."""
    for _ in range(1000):
        if all(start_time(child.pid) != child.started for child in children.values()):
            return True
        await asyncio.sleep(0.01)
    return False


async def test_a_world_stops_whole_remembers_and_survives_being_killed(
    starts: Callable[[Path, int], Run], tmp_path: Path
) -> None:
    directory = tmp_path / ("a path that is long and has spaces " * 5).strip()
    port = free_port()
    first = await asyncio.to_thread(starts, directory, port)
    assert first.lines[-1] == f"ready {first.url}"
    assert sum(line.startswith("ready") for line in first.lines) == 1
    names = {"postgres", "nats", "stripe", "mail", "web", "worker", "clock"}
    children = first.children()
    assert set(children) == names
    async with httpx.AsyncClient(base_url=first.url, timeout=150, trust_env=False) as http:
        wish = {"advance_seconds": 5 * 86_400}
        travelled = (await http.post("/sandbox/clock", json=wish)).raise_for_status().json()
    remembered = ports(directory)
    assert await asyncio.to_thread(first.end, signal.SIGINT) == 0
    assert await gone(children)

    second = await asyncio.to_thread(starts, directory, port)
    assert ports(directory) == remembered
    async with httpx.AsyncClient(base_url=second.url, timeout=150, trust_env=False) as http:
        now = (await http.get("/sandbox/clock")).json()["now"]
    assert datetime.fromisoformat(now) >= datetime.fromisoformat(travelled["now"])
    children = second.children()
    os.kill(second.process.pid, signal.SIGKILL)
    await asyncio.to_thread(second.process.communicate)
    assert await gone(children)

    third = await asyncio.to_thread(starts, directory, port)
    children = third.children()
    assert third.lines[-1] == f"ready {third.url}"
    assert await asyncio.to_thread(third.end, signal.SIGTERM) == 0
    assert await gone(children)


async def test_a_named_database_is_used_instead_of_an_embedded_one(
    fresh_database_url: str, tmp_path: Path
) -> None:
    settings = {"DATABASE_URL": fresh_database_url}
    whole = World(tmp_path / "world", free_port(), settings=settings, demo=False)
    await whole.start()
    try:
        assert set(whole.pids()) == {"nats", "stripe", "mail", "web", "worker", "clock"}
        assert whole.database_url == fresh_database_url
        with pytest.raises(RefusalError, match="Another world runs in"):
            await World(whole.directory, free_port(), settings=settings, demo=False).start()
        assert len(whole.pids()) == 6
    finally:
        await whole.stop()
