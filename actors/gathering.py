"""Asks once for many what many ask at the same time: the reading twin of the group commit.

While one question is on its way the next ones gather. An answer is never older than its question,
so nothing has to be told when something changes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

KEYS_MAX = 256


class Gathering(Generic[K, V]):
    """Looks values up by key, several at a time."""

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        """`read` is asked for distinct keys; one it leaves out has no value."""
        self._read = read
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def of(self, key: K) -> V | None:
        """The value of a key as it is now; raises what reading raises."""
        answer = self._waiting.get(key)
        if answer is None:
            answer = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_all())
        # an asker who goes away must not take the answer from the others
        return await asyncio.shield(answer)

    async def _read_all(self) -> None:
        try:
            while self._waiting:
                taken = dict(list(self._waiting.items())[:KEYS_MAX])
                for key in taken:
                    del self._waiting[key]
                await self._read_some(taken)
        finally:
            self._reading = None

    async def _read_some(self, taken: Mapping[K, asyncio.Future[V | None]]) -> None:
        try:
            found = await self._read(list(taken))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who ask must hear of it
            for answer in taken.values():
                answer.set_exception(error)
                answer.exception()  # heard, even when every asker has gone
        else:
            for key, answer in taken.items():
                answer.set_result(found.get(key))
