"""Travel in time: forward only, one at a time, through every due instant, in order."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from gateways.clock import SharedClock
from sandbox.clock import ClockWriter
from sandbox.quiet import Observer
from sandbox.travel import TimeRunsForward, Traveller, Travelling, WorldNotQuiet

START = datetime(2031, 3, 9, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Firing:
    """Stands for clock process and worker: completes what is due when told, and takes notes."""

    def __init__(self, connection: asyncpg.Connection, clock: SharedClock) -> None:
        """Work on `connection` by the time of `clock`."""
        self.connection = connection
        self.clock = clock
        self.seen: list[tuple[datetime, UUID]] = []
        self.moves: dict[UUID, datetime] = {}
        self._told = asyncio.Event()

    async def run(self) -> None:
        """Fire until cancelled."""
        await self.connection.add_listener("timings", lambda *_: self._told.set())
        while True:
            await self._told.wait()
            self._told.clear()
            await self._fire(self.clock.now())

    async def _fire(self, now: datetime) -> None:
        due = await self.connection.fetch(
            "SELECT id FROM timings WHERE state = 'scheduled' AND due_at <= $1"
            " ORDER BY due_at, kind, id",
            now,
        )
        for row in due:
            self.seen.append((now, row["id"]))
            if row["id"] in self.moves:
                later = self.moves.pop(row["id"])
                await self.connection.execute(
                    "UPDATE timings SET attempt = attempt + 1, due_at = $2 WHERE id = $1",
                    *(row["id"], later),
                )
                continue
            await self.connection.execute(
                "UPDATE timings SET state = 'completed', completed_at = $2 WHERE id = $1",
                *(row["id"], now),
            )


class Stage:
    """One database, one clock, one traveller."""

    def __init__(self, url: str, clock_file: Path, connection: asyncpg.Connection) -> None:
        """Put the pieces together."""
        self.traveller = Traveller(clock_file, Observer(url, None))
        self.connection = connection
        self.clock = SharedClock(clock_file)

    async def schedule(self, kind: str, due_at: datetime) -> UUID:
        """Promise one timing."""
        timing = uuid4()
        await self.connection.execute(
            "INSERT INTO timings (id, kind, subject_id, due_at, created_at)"
            " VALUES ($1, $2, $3, $4, $5)",
            *(timing, kind, uuid4(), due_at, START),
        )
        return timing


@pytest_asyncio.fixture
async def stage(fresh_database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """Return a world at rest, frozen at noon, in which nobody fires yet."""
    clock_file = tmp_path / "clock"
    with ClockWriter(clock_file) as writer:
        writer.freeze(START)
    connection = await asyncpg.connect(fresh_database_url)
    built = Stage(fresh_database_url, clock_file, connection)
    yield built
    await built.traveller.close()
    await connection.close()


@pytest_asyncio.fixture
async def firing(stage: Stage, fresh_database_url: str) -> AsyncIterator[Firing]:
    """Return somebody who fires what is due."""
    connection = await asyncpg.connect(fresh_database_url)
    fires = Firing(connection, stage.clock)
    task = asyncio.create_task(fires.run())
    yield fires
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await connection.close()


async def test_what_is_due_fires_at_its_own_due_time_and_in_order(
    stage: Stage, firing: Firing
) -> None:
    third = await stage.schedule("capture", START + 3 * HOUR)
    first = await stage.schedule("authorize", START + HOUR)
    also_first = await stage.schedule("warn_payment", START + HOUR)
    later = await stage.schedule("start", START + 5 * HOUR)
    travelled = await stage.traveller.travel(START + 4 * HOUR, stay=True)
    assert firing.seen == [
        (START + HOUR, first),
        (START + HOUR, also_first),
        (START + 3 * HOUR, third),
    ]
    assert [(one.kind, one.due_at) for one in travelled.fired] == [
        ("authorize", START + HOUR),
        ("warn_payment", START + HOUR),
        ("capture", START + 3 * HOUR),
    ]
    assert travelled.now == START + 4 * HOUR == stage.clock.now()
    assert stage.clock.is_frozen()
    assert later not in [id_ for _, id_ in firing.seen]


async def test_the_target_itself_is_included(stage: Stage, firing: Firing) -> None:
    await stage.schedule("start", START + HOUR)
    assert len((await stage.traveller.travel(START + HOUR, stay=True)).fired) == 1
    assert (await stage.traveller.travel(START + HOUR, stay=True)).fired == []
    assert len(firing.seen) == 1


async def test_a_retry_that_moves_on_fires_each_time(stage: Stage, firing: Firing) -> None:
    timing = await stage.schedule("authorize", START + HOUR)
    firing.moves[timing] = START + 2 * HOUR
    travelled = await stage.traveller.travel(START + 3 * HOUR, stay=True)
    assert [one.due_at for one in travelled.fired] == [START + HOUR, START + 2 * HOUR]


@pytest.mark.usefixtures("firing")
async def test_time_runs_on_from_the_target_unless_it_is_to_stay(stage: Stage) -> None:
    await stage.traveller.travel(START + HOUR, stay=False)
    assert START + HOUR <= stage.clock.now() < START + HOUR + timedelta(seconds=30)
    assert not stage.clock.is_frozen()
    await stage.traveller.freeze()
    assert stage.clock.is_frozen()
    await stage.traveller.release()
    assert not stage.clock.is_frozen()


async def test_time_never_runs_backwards(stage: Stage) -> None:
    with pytest.raises(TimeRunsForward):
        await stage.traveller.travel(START - HOUR, stay=True)
    assert stage.clock.now() == START


async def test_a_second_travel_is_refused_while_one_is_under_way(
    stage: Stage, fresh_database_url: str
) -> None:
    await stage.schedule("start", START + HOUR)
    first = asyncio.create_task(stage.traveller.travel(START + 2 * HOUR, stay=True))
    for _ in range(1000):
        if stage.clock.now() == START + HOUR:
            break
        await asyncio.sleep(0.005)
    other = Traveller(stage.traveller.clock_file, Observer(fresh_database_url, None))
    with pytest.raises(Travelling):
        await other.travel(START + 3 * HOUR, stay=True)
    await other.close()
    await stage.connection.execute(
        "UPDATE timings SET state = 'completed', completed_at = $1", START + HOUR
    )
    assert len((await first).fired) == 1


async def test_a_world_that_does_not_come_to_rest_is_named_and_the_same_call_goes_on(
    stage: Stage, fresh_database_url: str
) -> None:
    await stage.schedule("start", START + HOUR)
    hasty = Traveller(stage.traveller.clock_file, Observer(fresh_database_url, None), patience=0.2)
    with pytest.raises(WorldNotQuiet, match="1 timings due or running"):
        await hasty.travel(START + 2 * HOUR, stay=True)
    assert stage.clock.now() == START + HOUR
    await stage.connection.execute(
        "UPDATE timings SET state = 'completed', completed_at = $1", START + HOUR
    )
    await hasty.travel(START + 2 * HOUR, stay=True)
    await hasty.close()
    assert stage.clock.now() == START + 2 * HOUR


OUTBOX = """
INSERT INTO outbox (id, topic, subject_id, user_ids, payload, created_at)
VALUES (gen_random_uuid(), 'booking.held', gen_random_uuid(), '{}', '{}', $1)
"""
EVENT = """
INSERT INTO stripe_events (id, type, payload, received_at, next_attempt_at)
VALUES ('evt_1', 'charge.captured', '{}', $1, $1)
"""
OPERATION = """
INSERT INTO stripe_operations (id, kind, subject_id, idempotency_key, params, planned_at)
VALUES (gen_random_uuid(), 'authorize', gen_random_uuid(), 'key', '{}', $1)
"""


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (OUTBOX, "1 outbox events"),
        (EVENT, "1 Stripe events"),
        (OPERATION, "1 Stripe operations"),
    ],
)
async def test_the_world_is_not_quiet_while_anything_waits(
    stage: Stage, fresh_database_url: str, statement: str, named: str
) -> None:
    observer = Observer(fresh_database_url, None)
    try:
        assert (await observer.look(START)).is_quiet
        await stage.connection.execute(statement, START)
        view = await observer.look(START)
    finally:
        await observer.close()
    assert len(view.pending) == 1
    assert view.pending[0].startswith(named)


async def test_a_step_with_one_timing_is_cheap(stage: Stage, firing: Firing) -> None:
    steps = 20
    for number in range(steps):
        await stage.schedule("start", START + number * HOUR)
    before = stage.clock.monotonic()
    await stage.traveller.travel(START + steps * HOUR, stay=True)
    each = (stage.clock.monotonic() - before) / steps
    assert len(firing.seen) == steps
    assert each < 0.3, f"a step takes {each * 1000:.0f} ms"
