"""The servers one test run shares: PostgreSQL with a migrated template, and NATS.

The first test that needs them starts `python -m tests.worlds <run folder> <pid of the run>`, which
serves all xdist workers and leaves when the run is over, however it ends. Tests that need no server
pay nothing.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import msgspec

from gateways.clock import SystemClock
from sandbox.nats import Nats
from sandbox.ports import free_port
from sandbox.postgres import Postgres
from sandbox.processes import child_environment, end_leftovers, start_time

CLOCK = SystemClock()
ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "template_marketplace"
START_SECONDS = 60.0
CHECK_SECONDS = 0.25


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """Where the shared servers are; `admin_url` is a database to create others from."""

    admin_url: str
    nats_url: str

    def database_url(self, name: str) -> str:
        """Return the address of one database of the shared server."""
        return self.admin_url.rpartition("/")[0] + f"/{name}"


def shared_services(run: Path) -> Services:
    """Return the run's servers, starting them when this is the first caller."""
    ready, failed = run / "services.json", run / "services.failed"
    with locked(run / "services.lock"):
        if not ready.exists() and not (run / "services.pid").exists():
            _spawn(run)
        deadline = CLOCK.monotonic() + START_SECONDS
        while not ready.exists():
            if failed.exists() or CLOCK.monotonic() > deadline:
                raise RuntimeError(f"the test servers did not start:\n{_log(run)}")
            time.sleep(0.02)
    return msgspec.json.decode(ready.read_bytes(), type=Services)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file against the other workers of the run."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _spawn(run: Path) -> None:
    """Start the process that keeps the servers."""
    with (run / "services.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.worlds", str(run), os.environ["TEST_RUN_PID"]],
            cwd=ROOT,
            env=child_environment({}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (run / "services.pid").write_text(str(process.pid), encoding="ascii")
    process.returncode = 0  # it outlives this worker and ends with the run: nothing to wait for


def _log(run: Path) -> str:
    """Return what the servers' process said."""
    log = run / "services.log"
    return log.read_text(encoding="utf-8") if log.exists() else "(no log)"


def stop_services(run: Path) -> None:
    """End the run's servers, if any were started, and wait until they are gone."""
    pid_file = run / "services.pid"
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text(encoding="ascii"))
    started = start_time(pid)
    if started is None:
        return
    os.kill(pid, signal.SIGTERM)
    deadline = CLOCK.monotonic() + START_SECONDS
    while start_time(pid) == started and CLOCK.monotonic() < deadline:
        time.sleep(0.02)


async def keep_services(run: Path, run_pid: int) -> None:
    """Start the servers, say where they are, and stop them when the run is over."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    run_started = start_time(run_pid)
    postgres = Postgres(run, free_port(), secrets.token_urlsafe(16), durable=False)
    nats = Nats(run, free_port(), secrets.token_urlsafe(16))
    try:
        await asyncio.gather(postgres.start(), nats.start())
        await _make_template(postgres)
        services = Services(admin_url=postgres.url("postgres"), nats_url=nats.url)
        partial = run / "services.json.new"
        partial.write_bytes(msgspec.json.encode(services))
        partial.rename(run / "services.json")
        while start_time(run_pid) == run_started:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), CHECK_SECONDS)
                break
    finally:
        await asyncio.gather(postgres.stop(), nats.stop())
        await end_leftovers(run)
    if not stopped.is_set():
        shutil.rmtree(run, ignore_errors=True)  # the run was killed: nobody else will


async def _make_template(postgres: Postgres) -> None:
    """Migrate one database, from which every test database is copied."""
    admin = await asyncpg.connect(postgres.url("postgres"))
    try:
        await admin.execute(f"CREATE DATABASE {TEMPLATE}")
    finally:
        await admin.close()
    migration = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "storage.migrate"),
        cwd=ROOT,
        env=child_environment({"DATABASE_URL": postgres.url(TEMPLATE)}),
    )
    if await migration.wait() != 0:
        raise RuntimeError("the migrations failed")


async def copy_database(services: Services, name: str) -> str:
    """Create a migrated database of this name; return its address."""
    admin = await asyncpg.connect(services.admin_url)
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')
    finally:
        await admin.close()
    return services.database_url(name)


async def drop_database(services: Services, name: str) -> None:
    """Drop a database and whoever is still connected to it."""
    admin = await asyncpg.connect(services.admin_url)
    try:
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await admin.close()


def main() -> None:
    """Keep the servers of one run."""
    run, run_pid = Path(sys.argv[1]), int(sys.argv[2])
    try:
        asyncio.run(keep_services(run, run_pid))
    except Exception:
        (run / "services.failed").touch()
        raise


if __name__ == "__main__":
    main()
