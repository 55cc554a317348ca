"""Idempotency keys and object locks: one request at a time, one result a key."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from sandbox.stripe.errors import StripeError, key_in_use, lock_timeout
from sandbox.stripe.store import Store

Doc = dict[str, Any]


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A first answer, kept."""

    status: int
    body: bytes
    request_id: str
    should_retry: bool | None


def fingerprint(method: str, path: str, params: Doc) -> str:
    """The same for the same request, whatever the order of its parameters."""
    canonical = msgspec.json.encode([method, path, params], order="deterministic")
    return hashlib.sha256(canonical).hexdigest()


class Keys:
    """The idempotency keys of all accounts."""

    def __init__(self, store: Store) -> None:
        """Keys in flight live in memory: a crash ends the requests that held them."""
        self.store = store
        self.in_flight: set[tuple[str, str]] = set()

    def recall(
        self, account: str, key: str, fingerprint_: str, *, now_us: int, expiry_seconds: int
    ) -> Stored | None:
        """The kept answer; raises when the key is in flight or was used for something else."""
        if (account, key) in self.in_flight:
            raise key_in_use(key)
        row = self.store.row(
            "SELECT fingerprint, status, body, request_id, should_retry, at FROM idempotency"
            " WHERE account = ? AND key = ?",
            account,
            key,
        )
        if row is None:
            return None
        if now_us - row["at"] >= expiry_seconds * 1_000_000:
            self.forget(account, key)
            return None
        if row["fingerprint"] != fingerprint_:
            raise StripeError(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were"
                f" first used with. Try using a key other than '{key}' if you meant to execute a"
                " different request.",
                type="idempotency_error",
                is_stored=False,
            )
        retry = row["should_retry"]
        return Stored(
            status=row["status"],
            body=row["body"],
            request_id=row["request_id"],
            should_retry=None if retry is None else bool(retry),
        )

    def keep(self, account: str, key: str, fingerprint_: str, stored: Stored, now_us: int) -> None:
        """Keep the first answer, in the transaction of its effects."""
        self.store.execute(
            "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            account,
            key,
            fingerprint_,
            stored.status,
            stored.body,
            stored.request_id,
            stored.should_retry,
            now_us,
        )

    def forget(self, account: str, key: str) -> None:
        """As if the key had never been used."""
        self.store.execute("DELETE FROM idempotency WHERE account = ? AND key = ?", account, key)

    def forget_older(self, before_us: int) -> None:
        """Drop expired keys."""
        self.store.execute("DELETE FROM idempotency WHERE at <= ?", before_us)


class ObjectLocks:
    """Two writes on one of the same objects wait for each other, for a while."""

    def __init__(self) -> None:
        self.locks: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def holding(self, object_ids: Iterable[str], wait_ms: int) -> AsyncIterator[None]:
        """Hold all of the objects; 429 `lock_timeout` when one stays busy."""
        held: list[str] = []
        try:
            await self._hold(object_ids, held, wait_ms)
            yield
        finally:
            for object_id in held:
                self._release(object_id)

    async def _hold(self, object_ids: Iterable[str], held: list[str], wait_ms: int) -> None:
        """Hold one after the other in one order, so that no two wait in a ring."""
        try:
            async with asyncio.timeout(wait_ms / 1000):
                for object_id in sorted(set(object_ids)):
                    await self.locks.setdefault(object_id, asyncio.Lock()).acquire()
                    held.append(object_id)
        except TimeoutError:
            raise lock_timeout() from None

    def _release(self, object_id: str) -> None:
        """Let the next one in; forget a lock nobody waits for."""
        lock = self.locks[object_id]
        lock.release()
        if not lock.locked() and not lock._waiters:  # noqa: SLF001 -- nobody else waits for it
            self.locks.pop(object_id, None)
