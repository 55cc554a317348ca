"""A marketplace to measure: empty, unlimited, then filled straight by SQL with bookable people.

Everybody has a number; ids are made of it, so that SQL, pgbench and requests agree on them.
"""

import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast
from uuid import UUID

import asyncpg
import jwt
import msgspec

from bench.load import request_bytes
from gateways.clock import SystemClock
from sandbox.ports import LOOPBACK, answers, free_port
from sandbox.processes import Child
from sandbox.world import World
from server.tokens import Tokens

CLOCK = SystemClock()
INSTRUCTOR = "00000000-0000-7000-8000-"
STUDENT = "00000000-0000-7000-8001-"
SERVICE = "00000000-0000-7000-8002-"
BOOKING = "00000000-0000-7000-8003-"
LEAD = timedelta(days=7)
"""Bookings are this far ahead: confirmed at once, and no timing of theirs falls due meanwhile."""
HOURS = 24 * 150
SETTINGS = {"RATE_LIMITS": "off", "LOG_LEVEL": "warning"}

FILL = (
    """
    INSERT INTO users (id, email, password_hash, display_name, time_zone, roles,
        email_verified_at, stripe_customer_id, created_at)
    SELECT ({prefix} || lpad(n::text, 12, '0'))::uuid, {role} || n || '@bench.example', '-',
        {role} || ' ' || n, 'UTC', ARRAY[{role}], {now}, 'cus_bench_' || {role} || n, {now}
    FROM generate_series(0, {count} - 1) AS n
    """,
    """
    INSERT INTO learners (id, student_id, display_name, created_at)
    SELECT id, id, display_name, created_at FROM users WHERE {role} = 'student'
        AND 'student' = ANY(roles) AND email LIKE '%@bench.example'
    """,
    """
    INSERT INTO payment_methods (id, user_id, brand, last4, exp_month, exp_year, created_at)
    SELECT 'pm_' || email, id, 'visa', '4242', 12, 2040, created_at FROM users
    WHERE {role} = 'student' AND 'student' = ANY(roles) AND email LIKE '%@bench.example'
    """,
    """
    INSERT INTO instructors (id, headline, is_published, stripe_account_id, has_transfers,
        has_payouts, has_submitted_details, created_at)
    SELECT id, 'Bench', true, 'acct_' || email, true, true, true, created_at FROM users
    WHERE {role} = 'instructor' AND 'instructor' = ANY(roles) AND email LIKE '%@bench.example'
    """,
)
FILL_INSTRUCTORS = (
    """
    INSERT INTO services (id, instructor_id, skill, title, hourly_rate_cents, durations_minutes,
        modalities, created_at)
    SELECT replace(id::text, '-8000-', '-8002-')::uuid, id, 'chess', 'Chess', 6000, '{60}',
        '{online}', created_at FROM instructors WHERE headline = 'Bench'
    """,
    """
    INSERT INTO calendars (instructor_id, time_zone, grid_minutes, horizon_days)
    SELECT id, 'UTC', 60, 180 FROM instructors WHERE headline = 'Bench'
    """,
    """
    INSERT INTO availability_rules (instructor_id, weekday, opens_minute, closes_minute)
    SELECT id, weekday, 0, 1440 FROM instructors, generate_series(0, 6) AS weekday
    WHERE headline = 'Bench'
    """,
    "ANALYZE",
)


class BenchWorld(World):
    """A world whose web process is `bench/web.py`, without admin or demo."""

    def _product(self, name: str, program: list[str]) -> Child:
        """Describe one process of the Procfile, the web process with the trivial address."""
        is_web = name == "web"
        return super()._product(name, [sys.executable, "-m", "bench.web"] if is_web else program)

    async def _open_for_people(self) -> None:
        """Nobody signs in by password here."""


def person(prefix: str, number: int) -> str:
    """The id of a person or thing by its number."""
    return f"{prefix}{number:012d}"


class Stage:
    """A running world with numbered people."""

    def __init__(self, world: World, database: asyncpg.Connection) -> None:
        """Made by `staged`."""
        self.world = world
        self.database = database
        self.first_hour = _next_midnight(CLOCK.wall_now()) + LEAD
        self.pids = {world.url: world.pids()["web"]}
        self._tokens: dict[tuple[int, bool], str] = {}

    @property
    def secret(self) -> str:
        """TOKEN_SECRET."""
        return self.world.environment["TOKEN_SECRET"]

    def token(self, student: int, *, is_ours: bool = True) -> str:
        """An access token of a student: the server's own, or a plain one for the baselines."""
        known = self._tokens.get((student, is_ours))
        return known or self._tokens.setdefault((student, is_ours), self._sign(student, is_ours))

    def _sign(self, student: int, is_ours: bool) -> str:  # noqa: FBT001 - a key's part
        user_id = UUID(person(STUDENT, student))
        if is_ours:
            return Tokens(self.secret).access(user_id, user_id, ["student"], CLOCK.wall_now())
        return jwt.encode({"sub": str(user_id)}, self.secret, algorithm="HS256")

    def booking(
        self,
        *,
        instructor: int,
        student: int,
        hour: int,
        is_ours: bool = True,
        path: str = "/api/bookings",
        key: str = "",
    ) -> bytes:
        """The request by which a student books one hour of an instructor."""
        assert hour < HOURS, "the calendars are full: fewer requests, or more instructors"
        body = {
            "instructor_id": person(INSTRUCTOR, instructor),
            "service_id": person(SERVICE, instructor),
            "start_at": (self.first_hour + timedelta(hours=hour)).isoformat(),
            "duration_minutes": 60,
            "modality": "online",
        }
        token = self.token(student, is_ours=is_ours)
        return request_bytes("POST", path, body=msgspec.json.encode(body), token=token, key=key)

    async def double_bookings(self) -> int:
        """How many pairs of live bookings of one instructor overlap."""
        pairs = await self.database.fetchval(
            "SELECT count(*) FROM bookings a JOIN bookings b ON a.instructor_id = b.instructor_id "
            "AND a.id < b.id AND a.start_at < b.end_at AND b.start_at < a.end_at "
            "WHERE a.status IN ('pending', 'confirmed') AND b.status IN ('pending', 'confirmed')"
        )
        return cast("int", pairs)

    @asynccontextmanager
    async def baseline(self, module: str, **more: str) -> AsyncGenerator[str]:
        """One baseline as a process of its own on this world's database; its address."""
        port = free_port()
        label = "-".join([module, *more.values()])
        child = Child(
            name=label,
            program=[sys.executable, "-m", f"bench.baselines.{module}"],
            directory=self.world.directory,
            environment=self._environment(port, more),
            ready=partial(answers, LOOPBACK, port),
        )
        await child.start()
        try:
            url = f"http://{LOOPBACK}:{port}"
            self.pids[url] = child.pid
            yield url
        finally:
            await child.stop()

    def _environment(self, port: int, more: Mapping[str, str]) -> dict[str, str]:
        return {
            "DATABASE_URL": self.world.database_url,
            "TOKEN_SECRET": self.secret,
            "PORT": str(port),
            "PYTHONPYCACHEPREFIX": self.world.environment["PYTHONPYCACHEPREFIX"],
            **more,
        }


@asynccontextmanager
async def staged(
    *, instructors: int, students: int, is_quiet: bool = True
) -> AsyncGenerator[Stage]:
    """A fresh filled world; `is_quiet` stops worker and clock, so that only requests are worked."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        world = BenchWorld(Path(directory), free_port(), settings=SETTINGS, demo=False)
        await world.start()
        try:
            if is_quiet:
                await world.stop_process("clock")
                await world.stop_process("worker")
            database = await asyncpg.connect(world.database_url)
            await fill(database, instructors=instructors, students=students)
            yield Stage(world, database)
            await database.close()
        finally:
            await world.stop()


async def fill(database: asyncpg.Connection, *, instructors: int, students: int) -> None:
    """Inserts people who can teach and people who can pay."""
    now = f"'{CLOCK.wall_now().isoformat()}'::timestamptz"
    people = (("student", STUDENT, students), ("instructor", INSTRUCTOR, instructors))
    for role, prefix, count in people:
        values = {"role": f"'{role}'", "prefix": f"'{prefix}'", "count": count, "now": now}
        for statement in FILL:
            await database.execute(statement.format(**values))
    for statement in FILL_INSTRUCTORS:
        await database.execute(statement)


def _next_midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
