"""asyncpg's typed edge: what we use of its connections and pools (it has no types itself)."""

from collections.abc import Callable, Generator
from typing import Any, Protocol, cast

import asyncpg

from storage.query import Tx
from storage.rows import decode_json, encode_json


class Connection(Tx, Protocol):
    """What we use of an asyncpg connection (asyncpg itself has no types)."""

    async def set_type_codec(
        self,
        typename: str,
        *,
        schema: str,
        encoder: Callable[[object], bytes],
        decoder: Callable[[bytes], object],
        format: str,  # noqa: A002 - asyncpg's word
    ) -> None:
        """How one type travels."""
        ...

    async def add_listener(
        self, channel: str, callback: Callable[[object, int, str, str], None]
    ) -> None:
        """LISTEN; the callback gets connection, process id, channel and payload."""
        ...

    def add_termination_listener(self, callback: Callable[[object], None]) -> None:
        """Calls back when the connection ends, for whatever reason."""
        ...

    def terminate(self) -> None:
        """Ends it without asking the server."""
        ...

    async def close(self) -> None:
        """Ends it politely."""
        ...


class Pool(Protocol):
    """What we use of an asyncpg pool."""

    def __await__(self) -> Generator[Any, None, object]:
        """Opens its first connections."""
        ...

    async def acquire(self) -> Connection:
        """Waits for a free connection."""
        ...

    async def release(self, connection: Connection) -> None:
        """Gives it back."""
        ...

    def get_max_size(self) -> int:
        """How many connections it may have."""
        ...

    async def close(self) -> None:
        """Waits for the connections in use and closes all."""
        ...

    def terminate(self) -> None:
        """Drops all at once."""
        ...


async def connect(
    url: str,
    settings: dict[str, str],
    patience_seconds: float,
    *,
    answer_seconds: float | None = None,
) -> Connection:
    """One connection outside any pool; answers must come in their time, by default the patience."""
    connection: object = await asyncpg.connect(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - asyncpg has no types
        url,
        server_settings=settings,
        timeout=cast("int", patience_seconds),
        command_timeout=cast("None", answer_seconds or patience_seconds),
    )
    return cast("Connection", connection)


def make_pool(url: str, size: int, settings: dict[str, str], *, answer_seconds: float) -> Pool:
    """A pool that is not open yet; awaiting it opens the first two connections."""
    made = asyncpg.create_pool(  # pyright: ignore[reportUnknownMemberType] - asyncpg has no types
        url,
        min_size=min(2, size),
        max_size=size,
        max_queries=1_000_000,
        max_inactive_connection_lifetime=0,
        init=prepare_session,
        reset=_keep_session,
        server_settings=settings,
        statement_cache_size=1_000,
        max_cached_statement_lifetime=0,
        max_cacheable_statement_size=65_536,
        command_timeout=answer_seconds,
        timeout=answer_seconds,
    )
    return cast("Pool", made)


async def prepare_session(connection: Connection) -> None:
    """Teaches a connection our JSON; pooled connections learn it when they open."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=encode_json, decoder=decode_json, format="binary"
    )


async def _keep_session(connection: Connection) -> None:
    """Nothing to reset: `storage/database.py` says why."""
