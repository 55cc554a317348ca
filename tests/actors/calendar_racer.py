"""A process of its own that hosts every calendar and races for slots: a duplicate owner."""

import asyncio
import sys
from datetime import datetime

import msgspec

from actors.calendar_commands import Hold
from domain.errors import DomainError
from domain.ids import UserId
from gateways.clock import SharedClock
from tests.actors.calendar_world import market


class Race(msgspec.Struct, frozen=True, kw_only=True):
    """What to race for; one command after the other of `waves`, each wave at once."""

    database_url: str
    nats_url: str
    clock_path: str
    starts_at: datetime
    instructor_id: UserId
    waves: list[list[Hold]]


async def run(race: Race) -> dict[str, int]:
    """Asks, and counts the answers by their code; `won` for bookings."""
    counts: dict[str, int] = {}
    clock = SharedClock(race.clock_path)
    async with market(race.database_url, race.nats_url, clock) as shop:
        await asyncio.sleep((race.starts_at - clock.wall_now()).total_seconds())
        for wave in race.waves:
            answers = await asyncio.gather(
                *(shop.calendars.ask(race.instructor_id, command) for command in wave),
                return_exceptions=True,
            )
            for answer in answers:
                code = _code_of(answer)
                counts[code] = counts.get(code, 0) + 1
    return counts


def _code_of(answer: object) -> str:
    if isinstance(answer, DomainError):
        return answer.code
    return repr(answer) if isinstance(answer, BaseException) else "won"


if __name__ == "__main__":
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Race)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(run(wanted))))
