"""A small marketplace for tests of calendars: people, rules and commands, without HTTP."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from actors.calendar_commands import Cancel, Hold
from actors.calendars import Calendars, host_calendars
from domain.availability import CalendarPolicy, Rule, Rules
from domain.bookings import Actor
from domain.ids import BookingId, LearnerId, ServiceId, UserId, new_id
from domain.settings import POLICY, Policy
from gateways.bus import Bus
from gateways.clock import Clock
from storage.calendars import replace_availability
from storage.database import Database
from storage.query import Tx

START = datetime(2027, 3, 10, 18, tzinfo=UTC)
"""A Wednesday, on the hour."""
NOW = START - timedelta(days=5)
ALL_WEEK = tuple(Rule(weekday=day, opens_minute=0, closes_minute=1440) for day in range(7))
OPEN = Rules(policy=CalendarPolicy(time_zone="UTC", minimum_notice_minutes=0), weekly=ALL_WEEK)


POLL_SECONDS = 0.01
POLLS_MAX = 500


async def until(holds: Callable[[], bool]) -> None:
    """Looks until something holds; fails after five seconds."""
    for _ in range(POLLS_MAX):
        if holds():
            return
        await asyncio.sleep(POLL_SECONDS)
    raise TimeoutError("it never came to be")


class Teacher(msgspec.Struct, frozen=True, kw_only=True):
    """An instructor who can be booked."""

    id: UserId
    service_id: ServiceId

    def hold(self, student: UserId, at: datetime = START, **more: object) -> Hold:
        """The command with which a student takes an hour of this instructor."""
        given: dict[str, object] = {
            "actor": Actor(kind="student", id=student),
            "booking_id": BookingId(new_id(at)),
            "student_id": student,
            "learner_id": LearnerId(student),
            "service_id": self.service_id,
            "start_at": at,
            "duration_minutes": 60,
            "modality": "online",
            "payment_method_id": "pm_card",
            "confirms_at_once": True,
            "payment_status": "scheduled",
        }
        return Hold(**{**given, **more})

    def pending(self, student: UserId, at: datetime = START, **more: object) -> Hold:
        """The same without a card: a hold that ends by itself."""
        return self.hold(
            student,
            at,
            **{
                "payment_method_id": None,
                "confirms_at_once": False,
                "payment_status": "card_setup",
                **more,
            },
        )


def cancel_by(student: UserId, booking_id: BookingId) -> Cancel:
    """The command with which a student cancels."""
    return Cancel(actor=Actor(kind="student", id=student), booking_id=booking_id, by="student")


async def make_student(tx: Tx) -> UserId:
    """An account that books for itself."""
    user_id = UserId(uuid4())
    await _insert_user(tx, user_id, "student")
    await tx.execute(
        "INSERT INTO learners (id, student_id, display_name, created_at) VALUES ($1, $1, 'S', $2)",
        user_id,
        NOW,
    )
    return user_id


async def make_learner(tx: Tx, student: UserId) -> LearnerId:
    """A child the student books for."""
    learner_id = LearnerId(uuid4())
    await tx.execute(
        "INSERT INTO learners (id, student_id, display_name, created_at) VALUES ($1, $2, 'L', $3)",
        learner_id,
        student,
        NOW,
    )
    return learner_id


async def make_teacher(tx: Tx, rules: Rules = OPEN, *, rate_cents: int = 10_000) -> Teacher:
    """An instructor with one service, payouts and an open calendar."""
    user_id, service_id = UserId(uuid4()), ServiceId(uuid4())
    await _insert_user(tx, user_id, "instructor")
    await tx.execute(
        "INSERT INTO instructors (id, is_published, has_transfers, has_payouts, created_at)"
        " VALUES ($1, true, true, true, $2)",
        user_id,
        NOW,
    )
    await tx.execute(
        "INSERT INTO services (id, instructor_id, skill, title, hourly_rate_cents,"
        " durations_minutes, modalities, created_at)"
        " VALUES ($1, $2, 'piano', 'Piano', $3, '{30,60,90}', '{online,in_person}', $4)",
        service_id,
        user_id,
        rate_cents,
        NOW,
    )
    await tx.execute("INSERT INTO calendars (instructor_id, time_zone) VALUES ($1, 'UTC')", user_id)
    await replace_availability(tx, instructor_id=user_id, rules=rules)
    return Teacher(id=user_id, service_id=service_id)


async def _insert_user(tx: Tx, user_id: UserId, role: str) -> None:
    await tx.execute(
        "INSERT INTO users (id, email, password_hash, display_name, time_zone, roles, created_at)"
        " VALUES ($1, $2, '', 'Somebody', 'UTC', ARRAY[$3], $4)",
        user_id,
        f"{user_id}@example.com",
        role,
        NOW,
    )


class Market:
    """A database, a bus and a clock, with calendars hosted on them."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, calendars: Calendars) -> None:
        """Made by `market`."""
        self.db = db
        self.bus = bus
        self.clock = clock
        self.calendars = calendars

    async def teacher(self, rules: Rules = OPEN, *, rate_cents: int = 10_000) -> Teacher:
        """A bookable instructor."""
        async with self.db.transaction() as tx:
            return await make_teacher(tx, rules, rate_cents=rate_cents)

    async def students(self, count: int) -> list[UserId]:
        """Students without any booking."""
        async with self.db.transaction() as tx:
            return [await make_student(tx) for _ in range(count)]

    async def student(self) -> UserId:
        """One student."""
        return (await self.students(1))[0]

    async def rows(self, statement: str, *arguments: object) -> list[tuple[object, ...]]:
        """What a statement finds."""
        return [tuple(row) for row in await self.db.reads.fetch(statement, *arguments)]

    async def value(self, statement: str, *arguments: object) -> object:
        """The one value a statement finds."""
        return (await self.rows(statement, *arguments))[0][0]

    async def pay(self, booking_id: UUID, status: str) -> None:
        """Writes what the money side would: a payment's status."""
        async with self.db.transaction() as tx:
            await tx.execute(
                "UPDATE payments SET status = $2, authorized_at = CASE WHEN $2 = 'authorized'"
                " THEN $3 ELSE authorized_at END WHERE booking_id = $1",
                booking_id,
                status,
                self.clock.now(),
            )


@asynccontextmanager
async def market(
    database_url: str, nats_url: str, clock: Clock, *, policy: Policy = POLICY
) -> AsyncGenerator[Market]:
    """A marketplace whose calendars live in this process."""
    db = await Database.connect(database_url)
    bus = await Bus.connect(nats_url)
    try:
        async with host_calendars(db=db, bus=bus, clock=clock, policy=policy) as calendars:
            yield Market(db, bus, clock, calendars)
    finally:
        await bus.close()
        await db.close()
