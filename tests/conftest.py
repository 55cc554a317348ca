"""Fixtures every test may use: databases, NATS, the Stripe emulator, time, a whole world.

Nothing is started before a test asks for it, and nothing of the project is replaced by a double.
"""

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from gateways.clock import SharedClock
from sandbox.clock import ClockWriter
from sandbox.emulator import Emulator
from sandbox.ports import free_port
from sandbox.world import World
from tests.worlds import (
    Services,
    copy_database,
    drop_database,
    shared_services,
    stop_services,
)

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def _refuse_other_hosts(event: str, arguments: tuple[object, ...]) -> None:
    """Let sockets reach this machine alone: a test that leaves it is a bug.

    The contract with Stripe itself is the exception, and only for who gives a key.
    """
    if event != "socket.connect":
        return
    current = os.environ.get("PYTEST_CURRENT_TEST", "")
    if os.environ.get("STRIPE_CONTRACT_KEY") and "stripe/test_contract.py" in current:
        return
    address = arguments[1]
    host = address[0] if isinstance(address, tuple) and address else None
    if isinstance(host, str) and host != "localhost" and not ip_address(host).is_loopback:
        raise PermissionError(f"a test tried to reach {host}")


sys.addaudithook(_refuse_other_hosts)


def pytest_configure(config: pytest.Config) -> None:
    """Name this run's folder; xdist workers inherit it through the environment."""
    if hasattr(config, "workerinput"):
        return
    run = tempfile.mkdtemp(prefix="instainstru-tests-")
    os.environ["TEST_RUN_DIRECTORY"] = run
    os.environ["TEST_RUN_PID"] = str(os.getpid())
    # every world of a test inherits it: ledgers are compared as lessons leave them
    os.environ.setdefault("PAYOUT_SCHEDULE", "manual")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the run's servers and remove what they wrote."""
    if hasattr(config, "workerinput"):
        return
    run = Path(os.environ.pop("TEST_RUN_DIRECTORY"))
    stop_services(run)
    shutil.rmtree(run, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep on one worker what shares a world or a file; skip browser tests without Chromium."""
    for item in items:
        shares_world = "world" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("world" if shares_world else str(item.path)))
    if CHROMIUM.exists():
        return
    skip = pytest.mark.skip(reason=f"{CHROMIUM} is missing: apt-get install chromium")
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def worker_name() -> str:
    """Return the name of this xdist worker; `main` without xdist."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def run_directory() -> Path:
    """Return the folder of this run; removed at its end."""
    return Path(os.environ["TEST_RUN_DIRECTORY"])


@pytest.fixture(scope="session")
def worker_directory(run_directory: Path, worker_name: str) -> Path:
    """Return a folder of this worker's own."""
    path = run_directory / worker_name
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture(scope="session")
def services(run_directory: Path) -> Services:
    """Return the PostgreSQL and NATS servers that all workers share."""
    return shared_services(run_directory)


@pytest.fixture(scope="session")
def nats_url(services: Services) -> str:
    """Return the address of the run's NATS; subjects and streams are shared between workers."""
    return services.nats_url


@pytest_asyncio.fixture(scope="session")
async def database_url(services: Services, worker_name: str) -> AsyncIterator[str]:
    """Return the address of this worker's migrated database, as its owner."""
    name = f"tests_{worker_name}"
    yield await copy_database(services, name)
    await drop_database(services, name)


@pytest_asyncio.fixture
async def fresh_database_url(services: Services) -> AsyncIterator[str]:
    """Return the address of a migrated, empty database for one test alone."""
    name = f"fresh_{uuid.uuid4().hex}"
    yield await copy_database(services, name)
    await drop_database(services, name)


@pytest.fixture(scope="session")
def clock_file(worker_directory: Path) -> Path:
    """Return this worker's clock file, which its emulator reads too."""
    path = worker_directory / "clock"
    ClockWriter(path).close()
    return path


@pytest.fixture
def clock_writer(clock_file: Path) -> Iterator[ClockWriter]:
    """Return what moves time in this test; it starts at real time and runs."""
    with ClockWriter(clock_file) as writer:
        writer.reset()
        yield writer
        writer.reset()


@pytest.fixture
def clock(clock_writer: ClockWriter) -> SharedClock:
    """Return the clock that `clock_writer` moves."""
    return SharedClock(clock_writer.path)


@pytest_asyncio.fixture(scope="session")
async def stripe_emulator(worker_directory: Path, clock_file: Path) -> AsyncIterator[Emulator]:
    """Return this worker's Stripe emulator: `url`, `secret_key`, `publishable_key`."""
    emulator = Emulator(worker_directory, free_port(), clock_file)
    await emulator.start()
    yield emulator
    await emulator.stop()


@pytest_asyncio.fixture(scope="session")
async def world(run_directory: Path, worker_name: str) -> AsyncIterator[World]:
    """Return a whole embedded marketplace without demo data, one for each worker."""
    whole = World(run_directory / f"world {worker_name}", free_port(), demo=False)
    await whole.start()
    yield whole
    await whole.stop()


class Browser(msgspec.Struct, frozen=True, kw_only=True):
    """How to start Chromium here."""

    executable: str
    flags: list[str]


@pytest.fixture(scope="session")
def chromium() -> Browser:
    """Return how Playwright launches Debian's Chromium, as root too."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return Browser(executable=str(CHROMIUM), flags=[*CHROMIUM_FLAGS, *sandbox])
