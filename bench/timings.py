"""(d) 200 lessons start every second: how late is each, from its due instant to its commit."""

import asyncio
from datetime import datetime, timedelta
from statistics import quantiles
from typing import cast
from uuid import UUID

import asyncpg

from bench.stage import BOOKING, CLOCK, INSTRUCTOR, SERVICE, STUDENT, Stage, staged
from bench.table import show

RATE = 200
SECONDS = 6
REPETITIONS = 3
PEOPLE = 2 * REPETITIONS * RATE * SECONDS
HEAD_START = timedelta(seconds=3)
LOOK_SECONDS = 0.005
PATIENCE = timedelta(seconds=60)

LESSONS = """
INSERT INTO bookings (
    id, instructor_id, student_id, learner_id, service_id, start_at, end_at, time_zone,
    start_local, tzdb_version, buffer_before_minutes, buffer_after_minutes, modality, status,
    created_at, confirmed_at, price_cents, fee_bps, platform_fee_cents, instructor_amount_cents,
    card_amount_cents, destination_cents, application_fee_cents, policy_version
)
SELECT ($1 || lpad(n::text, 12, '0'))::uuid, ($2 || lpad((n % $8)::text, 12, '0'))::uuid,
    ($3 || lpad((n % $8)::text, 12, '0'))::uuid, ($3 || lpad((n % $8)::text, 12, '0'))::uuid,
    ($4 || lpad((n % $8)::text, 12, '0'))::uuid, at, at + interval '1 hour', 'UTC',
    '2026-01-01T00:00', '2026f', 0, 0, 'online', 'confirmed', $5, $5, 6000, 1500, 900, 5100,
    6000, 5100, 900, 1
FROM generate_series($6::int, $7::int - 1) AS n, LATERAL (
    SELECT $5::timestamptz + make_interval(secs => (n - $6::int)::float8 / $9::int)
) AS t (at)
"""
PAYMENTS = """
INSERT INTO payments (booking_id, status, authorized_at, created_at, updated_at)
SELECT id, 'authorized', $1, $1, $1 FROM bookings WHERE id = ANY($2::uuid[])
"""
TIMINGS = """
INSERT INTO timings (id, kind, subject_id, booking_id, due_at, created_at)
SELECT uuidv7(), $1, id, id, start_at, $2 FROM bookings WHERE id = ANY($3::uuid[])
"""
STARTED = """
SELECT booking_id, due_at FROM timings
WHERE kind = $1 AND state = 'completed' AND booking_id = ANY($2::uuid[])
"""
DUE = """
SELECT id, booking_id FROM timings WHERE kind = 'confirm' AND state = 'scheduled'
    AND due_at <= $1 AND booking_id = ANY($2::uuid[]) ORDER BY due_at
"""
FINISH = "UPDATE timings SET state = 'completed', completed_at = $2 WHERE id = $1"
START = "UPDATE bookings SET started_at = $2 WHERE id = $1"


async def plant(stage: Stage, first: int, kind: str) -> list[UUID]:
    """Puts lessons that start one after another, a moment from now; their ids."""
    database, count = stage.database, RATE * SECONDS
    begins = CLOCK.wall_now() + HEAD_START
    ids = [UUID(f"{BOOKING}{number:012d}") for number in range(first, first + count)]
    spans = (begins, first, first + count, PEOPLE, RATE)
    async with database.transaction():
        await database.execute(LESSONS, BOOKING, INSTRUCTOR, STUDENT, SERVICE, *spans)
        await database.execute(PAYMENTS, begins, ids)
        await database.execute(TIMINGS, kind, begins, ids)
        await database.execute("SELECT pg_notify('timings', '')")
    return ids


async def watch(database: asyncpg.Connection, ids: list[UUID], kind: str) -> dict[str, float]:
    """Looks until all are done; lateness is when the commit was seen, minus due (wall time)."""
    left, late = set(ids), list[float]()
    deadline = CLOCK.wall_now() + PATIENCE
    while left and CLOCK.wall_now() < deadline:
        rows = await database.fetch(STARTED, kind, list(left))
        now = CLOCK.wall_now()
        late += [1000 * _seconds(now, row["due_at"]) for row in rows]
        left -= {row["booking_id"] for row in rows}
        await asyncio.sleep(LOOK_SECONDS)
    cuts = quantiles(late, n=100)
    return {"p50 late ms": cuts[49], "p99 late ms": cuts[98], "not done": float(len(left))}


def _seconds(later: datetime, earlier: datetime) -> float:
    return cast("float", (later - earlier).total_seconds())


async def direct(url: str, ids: list[UUID]) -> None:
    """The baseline: one loop that looks what is due and does it, one transaction each."""
    database = await asyncpg.connect(url)
    done = 0
    while done < len(ids):
        now = CLOCK.wall_now()
        for row in await database.fetch(DUE, now, ids):
            async with database.transaction():
                await database.execute(START, row["booking_id"], now)
                await database.execute(FINISH, row["id"], now)
            done += 1
        await asyncio.sleep(LOOK_SECONDS)
    await database.close()


async def main() -> None:
    """Runs and prints the lateness."""
    measured: dict[str, list[dict[str, float]]] = {"ours": [], "one polling loop": []}
    async with staged(instructors=PEOPLE, students=PEOPLE, is_quiet=False) as stage:
        for turn in range(REPETITIONS):
            first = 2 * turn * RATE * SECONDS
            ids = await plant(stage, first, "start")
            measured["ours"].append(await watch(stage.database, ids, "start"))
            # another kind, so that the two are told apart; stopped processes leave it to the loop
            for name in ("clock", "worker"):
                await stage.world.stop_process(name)
            ids = await plant(stage, first + RATE * SECONDS, "confirm")
            loop = asyncio.create_task(direct(stage.world.database_url, ids))
            measured["one polling loop"].append(await watch(stage.database, ids, "confirm"))
            await loop
            for name in ("worker", "clock"):
                await stage.world.start_process(name)
    show(f"timings: {RATE} lessons start every second", measured, ours="ours")
