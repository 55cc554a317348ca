"""The doors to Postgres: transactions that write, and a pool that cannot.

Sessions are never changed after they open: role, time limits and JSON codecs are settings of the
connection, advisory locks belong to transactions, nothing listens on a pooled connection. So a
connection needs no reset between two users and the pool's is a no-op; it saves a round trip a use
(an open transaction is rolled back all the same).
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import asyncpg

from domain.errors import Unavailable
from storage.constraints import BUSY, STORAGE_ERRORS, translate, translated
from storage.driver import Connection, Pool, connect, make_pool
from storage.query import Tx
from storage.rows import Row

R = TypeVar("R")


APP_ROLE = "instainstru_app"
READS_ROLE = "instainstru_reads"

STATEMENT_SECONDS = 10
LOCK_SECONDS = 5
IDLE_IN_TRANSACTION_SECONDS = 15
PATIENCE_SECONDS = 5.0
"""How long a caller waits for a free connection, or for a database that is starting again."""
LISTENER_CHECK_SECONDS = 30.0

GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""What a connection fails with when the database is away, or was since it was last used."""


class CommitUnknown(Unavailable):
    """The change may or may not have been saved; try again shortly.

    The answer to a COMMIT was lost. Whoever gets this reads back, or repeats what has a key.
    """

    code = Unavailable.code


class Reads:
    """The pool for reading: it satisfies `Tx`, each query is on its own, and none can write.

    A query whose connection breaks is asked again on another one: reading twice harms nobody.
    """

    def __init__(self, pool: Pool, patience_seconds: float) -> None:
        """Made by `Database.connect`."""
        self._pool = pool
        self._patience = patience_seconds

    async def fetch(self, query: str, *args: object) -> Sequence[Row]:
        """Every row of the answer; `Unavailable` when the database stays away."""
        return await self._asked(lambda connection: connection.fetch(query, *args))

    async def execute(self, query: str, *args: object) -> str:
        """Runs a statement and reads nothing but its tag."""
        return await self._asked(lambda connection: connection.execute(query, *args))

    async def _asked(self, ask: Callable[[Connection], Coroutine[Any, Any, R]]) -> R:
        with translated():
            for _ in range(self._pool.get_max_size()):
                try:
                    return await self._once(ask)
                except GONE as error:
                    _raise_unless_gone(error)
            return await self._once(ask)

    async def _once(self, ask: Callable[[Connection], Coroutine[Any, Any, R]]) -> R:
        connection = await _acquired(self._pool, self._patience)
        try:
            return await ask(connection)
        finally:
            await self._pool.release(connection)


class Alone:
    """Statements that are transactions of their own: a round trip each instead of three.

    It satisfies `Tx`. A statement runs to its end even when the caller is cancelled meanwhile, and
    is never repeated: one whose answer is lost raises `CommitUnknown`.
    """

    def __init__(self, pool: Pool, patience_seconds: float) -> None:
        """Made by `Database.connect`."""
        self._pool = pool
        self._patience = patience_seconds

    async def fetch(self, query: str, *args: object) -> Sequence[Row]:
        """Runs a statement; every row of its answer."""
        return await self._run(lambda connection: connection.fetch(query, *args))

    async def execute(self, query: str, *args: object) -> str:
        """Runs a statement and reads nothing but its tag."""
        return await self._run(lambda connection: connection.execute(query, *args))

    async def _run(self, ask: Callable[[Connection], Coroutine[Any, Any, R]]) -> R:
        with translated():
            connection = await _acquired(self._pool, self._patience)
            return await _to_the_end(self._asked(connection, ask))

    async def _asked(
        self, connection: Connection, ask: Callable[[Connection], Coroutine[Any, Any, R]]
    ) -> R:
        try:
            return await ask(connection)
        except GONE as error:
            _raise_unless_gone(error)
            raise CommitUnknown from error
        finally:
            await self._pool.release(connection)


class Database:
    """Both pools of one process. Make it with `Database.connect`, end it with `close`."""

    def __init__(self, app: Pool, reads: Pool, url: str, patience_seconds: float) -> None:
        """Made by `connect`."""
        self._app = app
        self._reads_pool = reads
        self._url = url
        self._patience = patience_seconds
        self._reads = Reads(reads, patience_seconds)
        self._alone = Alone(app, patience_seconds)

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        role: str = APP_ROLE,
        size: int = 8,
        reads_size: int = 8,
        application_name: str = "instainstru",
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Self:
        """Opens both pools; `Unavailable` with the address (never the password) when it cannot."""
        app = _pool(url, size, _settings(role, application_name))
        reads = _pool(url, reads_size, _settings(READS_ROLE, application_name, read_only=True))
        try:
            await _opened(app, patience_seconds)
            await _opened(reads, patience_seconds)
        except (*STORAGE_ERRORS, Unavailable) as error:
            for pool in (app, reads):
                with suppress(asyncpg.InterfaceError):  # of a pool that never opened
                    pool.terminate()
            reason = error.__cause__ or error
            raise Unavailable(f"the database at {address(url)} cannot be used: {reason}") from error
        return cls(app, reads, url, patience_seconds)

    @property
    def reads(self) -> Reads:
        """The pool for reading; pass it as `tx` to queries."""
        return self._reads

    @property
    def alone(self) -> Alone:
        """For a statement that needs no other beside it; pass it as `tx` to queries that write."""
        return self._alone

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Tx]:
        """One transaction: committed at the end of the block, rolled back when the block raises.

        Storage errors leave it as domain errors (`storage/constraints.py`). The commit runs to its
        end even when the caller is cancelled meanwhile; a commit whose answer is lost raises
        `CommitUnknown`.
        """
        with translated():
            connection = await self._begun(self._app, "BEGIN")
            try:
                yield connection
            except BaseException:
                await _to_the_end(_rolled_back(self._app, connection))
                raise
            await _to_the_end(_committed(self._app, connection))

    @asynccontextmanager
    async def repeatable_read(self) -> AsyncGenerator[Tx]:
        """One snapshot for queries that must agree; it cannot write. Costs three times a read."""
        with translated():
            begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
            connection = await self._begun(self._reads_pool, begin)
            try:
                yield connection
            finally:
                await _to_the_end(_rolled_back(self._reads_pool, connection))

    @asynccontextmanager
    async def long_read(self, seconds: int) -> AsyncGenerator[Tx]:
        """A snapshot as `repeatable_read`, on its own connection: each statement has `seconds`."""
        settings = _settings(READS_ROLE, "long read", read_only=True)
        settings |= {"statement_timeout": f"{seconds}s", "work_mem": "64MB"}
        late = seconds + 5
        with translated():
            connection = await connect(self._url, settings, self._patience, answer_seconds=late)
            try:
                await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                yield connection
            finally:
                connection.terminate()

    async def ping(self) -> None:
        """Asks both pools for an answer; `Unavailable` when there is none."""
        await self._reads.execute("SELECT 1")
        async with self.transaction() as tx:
            await tx.execute("SELECT 1")

    @asynccontextmanager
    async def listen(self, channel: str, heard: Callable[[str], None]) -> AsyncGenerator[None]:
        """Calls `heard(payload)` for every NOTIFY on the channel while the block runs.

        Has a connection of its own and makes a new one for ever when it breaks; after each
        (re)connection it calls `heard("")`, because something may have been said meanwhile.
        """
        listener = asyncio.create_task(self._keep_listening(channel, heard))
        try:
            yield
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener

    async def close(self) -> None:
        """Closes every connection; waits for those in use no longer than patience lasts."""
        try:
            async with asyncio.timeout(self._patience):
                await self._reads_pool.close()
                await self._app.close()
        except TimeoutError:
            self._reads_pool.terminate()
            self._app.terminate()

    async def _begun(self, pool: Pool, begin: str) -> Connection:
        """A connection inside a fresh transaction; a connection that turns out dead is replaced."""
        for _ in range(pool.get_max_size()):
            connection = await _acquired(pool, self._patience)
            try:
                await connection.execute(begin)
            except BaseException as error:
                await _to_the_end(pool.release(connection))
                if isinstance(error, TimeoutError) or not isinstance(error, GONE):
                    raise
            else:
                return connection
        raise Unavailable("the database does not answer at the moment", retry_after=1)

    async def _keep_listening(self, channel: str, heard: Callable[[str], None]) -> None:
        pause = 0.05
        while True:
            try:
                await self._listen_once(channel, heard)
                pause = 0.05
            except (*GONE, *BUSY):
                pause = min(2 * pause, 2.0)
            await asyncio.sleep(pause)

    async def _listen_once(self, channel: str, heard: Callable[[str], None]) -> None:
        """Listens until the connection breaks."""
        settings = _settings(APP_ROLE, f"listens to {channel}")
        connection = await connect(self._url, settings, self._patience)
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(channel, lambda _c, _p, _ch, said: heard(said))
            heard("")
            while not await _happens(lost, LISTENER_CHECK_SECONDS):
                await connection.execute("SELECT 1")
        finally:
            connection.terminate()


def address(url: str) -> str:
    """Host, port and database of a URL, for messages: without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"


def _settings(role: str, application_name: str, *, read_only: bool = False) -> dict[str, str]:
    """Settings of a session, given when it opens: the server keeps them, nobody changes them."""
    return {
        "application_name": application_name,
        "role": role,
        "timezone": "UTC",
        "jit": "off",
        "statement_timeout": f"{STATEMENT_SECONDS}s",
        "lock_timeout": f"{LOCK_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS}s",
        "default_transaction_read_only": "on" if read_only else "off",
        # A connection keeps its plans, those of foreign key checks too. One made while a table was
        # empty reads the table whole until somebody analyses it: a batch of 25 bookings took 28 ms
        # instead of 3. What writes finds its rows by an index, so it need not believe statistics.
        "enable_seqscan": "on" if read_only else "off",
    }


def _pool(url: str, size: int, settings: dict[str, str]) -> Pool:
    # the server's own limit comes first; the client's is for a network that swallows the answer
    return make_pool(url, size, settings, answer_seconds=STATEMENT_SECONDS + 5)


async def _opened(pool: Pool, patience_seconds: float) -> None:
    """Opens a pool's first connections, patiently while the server is starting."""
    with suppress(OSError, asyncpg.CannotConnectNowError):
        await pool  # a pool that failed counts as open all the same: it connects when asked
    await pool.release(await _acquired(pool, patience_seconds))


async def _acquired(pool: Pool, patience_seconds: float) -> Connection:
    """A connection of the pool; tries again while the database is starting, up to the patience."""
    troubles: list[Exception] = []
    try:
        async with asyncio.timeout(patience_seconds):
            return await _acquired_at_last(pool, troubles)
    except TimeoutError as late:
        detail = (
            "the database does not answer" if troubles else "every database connection is in use"
        )
        raise Unavailable(detail, retry_after=1) from (troubles[-1] if troubles else late)


async def _acquired_at_last(pool: Pool, troubles: list[Exception]) -> Connection:
    """Tries until its caller's time is over; leaves the latest trouble behind."""
    pause = 0.02
    while True:
        try:
            return await pool.acquire()
        except (*BUSY, OSError) as error:
            troubles[:] = [error]
        await asyncio.sleep(pause)
        pause = min(2 * pause, 0.5)


def _raise_unless_gone(error: Exception) -> None:
    """Raises what asking again on another connection would not mend."""
    if isinstance(error, TimeoutError) or translate(error) is None:
        raise error


async def _committed(pool: Pool, connection: Connection) -> None:
    try:
        tag = await connection.execute("COMMIT")
    except GONE as error:
        raise CommitUnknown from error
    finally:
        await pool.release(connection)
    if tag != "COMMIT":
        # Postgres answers COMMIT of a failed transaction with ROLLBACK, and without an error
        raise RuntimeError("an SQL error was swallowed inside a transaction: nothing was written")


async def _rolled_back(pool: Pool, connection: Connection) -> None:
    try:
        with suppress(*GONE, *BUSY):
            await connection.execute("ROLLBACK")
    finally:
        await pool.release(connection)


async def _to_the_end(work: Coroutine[Any, Any, R]) -> R:
    """Awaits work that must not stop half-way; a cancellation is passed on when it is done."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as wanted:
            cancelled = wanted
    if cancelled is not None:
        with suppress(Exception):
            task.result()
        raise cancelled
    return task.result()


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event comes within the time."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
