"""Asks what the newest version of a calendar is, so that who comes after a commit finds it.

Hints take a moment, and who has just booked may subscribe before one arrives. Many ask at once
after a restart: there is one question at a time, about all calendars wanted meanwhile.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

import structlog

from domain.errors import DomainError
from storage.live import versions_of_calendars
from storage.query import Tx

log = structlog.get_logger()

PATIENCE_SECONDS = 1.0
"""Then what is known must do: a hint or the next comparison corrects it."""


class Newest:
    """Reads versions; `work` must run."""

    def __init__(self, reads: Tx) -> None:
        """`reads` answers queries by itself."""
        self._reads = reads
        self._asking: defaultdict[UUID, list[asyncio.Future[int]]] = defaultdict(list)
        self._wake = asyncio.Event()

    async def of(self, instructor_id: UUID) -> int:
        """A version that is committed now or later; 0 when it cannot be known."""
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asking[instructor_id].append(answer)
        self._wake.set()
        return await answer

    async def work(self) -> None:
        """Answers, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            asking, self._asking = self._asking, defaultdict(list)
            versions = await self.read(asking)
            for instructor_id, answers in asking.items():
                _tell(answers, versions.get(instructor_id, 0))

    async def read(self, instructor_ids: Iterable[UUID]) -> dict[UUID, int]:
        """The versions by calendar; none when they cannot be read."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await versions_of_calendars(
                    self._reads, instructor_ids=list(instructor_ids)
                )
        except (DomainError, TimeoutError) as error:
            log.warning("live.compare_failed", reason=type(error).__name__)
        except Exception:
            log.exception("live.compare_failed")
        else:
            return {each.instructor_id: each.version for each in found}
        return {}


def _tell(answers: list[asyncio.Future[int]], version: int) -> None:
    for answer in answers:
        if not answer.done():
            answer.set_result(version)
