"""Races: duplicate owners of one calendar, two processes, one learner at two instructors."""

import asyncio
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from domain.errors import DomainError, SlotTaken, StudentBusy
from gateways.clock import SharedClock
from sandbox.clock import ClockWriter
from sandbox.processes import child_environment
from tests.actors.calendar_racer import Race
from tests.actors.calendar_world import (
    POLL_SECONDS,
    POLLS_MAX,
    START,
    Market,
    Teacher,
    cancel_by,
    market,
)

ROOT = Path(__file__).resolve().parents[2]
HOUR = timedelta(hours=1)


async def test_two_owners_of_one_calendar_let_one_student_in(
    shop: Market, database_url: str, own_nats_url: str, clock_writer: ClockWriter
) -> None:
    teacher = await shop.teacher()
    students = await shop.students(200)
    clock = SharedClock(clock_writer.path)
    async with market(database_url, own_nats_url, clock) as duplicate:
        both = (shop.calendars, duplicate.calendars)
        answers = await asyncio.gather(
            *(
                both[number % 2].ask(teacher.id, teacher.hold(student))
                for number, student in enumerate(students)
            ),
            return_exceptions=True,
        )
    assert sum(isinstance(answer, SlotTaken) for answer in answers) == 199
    assert await _confirmed(shop, teacher) == 1


async def test_two_owners_take_turns_and_each_sees_what_the_other_did(
    shop: Market, database_url: str, own_nats_url: str, clock_writer: ClockWriter
) -> None:
    teacher = await shop.teacher()
    first, second = await shop.students(2)
    clock = SharedClock(clock_writer.path)
    async with market(database_url, own_nats_url, clock) as duplicate:
        for hour in range(6):
            at = START + hour * HOUR
            one, other = (shop, duplicate) if hour % 2 else (duplicate, shop)
            booked = await one.calendars.ask(teacher.id, teacher.hold(first, at))
            assert booked.version == 2 * hour + 2
            cancelled = await other.calendars.ask(teacher.id, cancel_by(first, booked.booking.id))
            assert cancelled.booking.outcome == "free"
        with pytest.raises(DomainError):
            await asyncio.gather(
                shop.calendars.ask(teacher.id, teacher.hold(first)),
                duplicate.calendars.ask(teacher.id, teacher.hold(second, START - HOUR // 2)),
            )
    assert await _confirmed(shop, teacher) == 1


async def test_two_processes_let_one_student_in(
    shop: Market, database_url: str, own_nats_url: str, clock_writer: ClockWriter
) -> None:
    teacher = await shop.teacher()
    students = await shop.students(200)
    later = SharedClock(clock_writer.path).wall_now() + timedelta(seconds=4)
    races = [
        Race(
            database_url=database_url,
            nats_url=own_nats_url,
            clock_path=str(clock_writer.path),
            starts_at=later,
            instructor_id=teacher.id,
            waves=[
                # the same slot, then spans that overlap without being equal
                [teacher.hold(student) for student in half],
                [
                    teacher.hold(student, START + 2 * HOUR + number % 4 * HOUR / 4)
                    for number, student in enumerate(half)
                ],
            ],
        )
        for half in (students[:100], students[100:])
    ]
    counts: Counter[str] = Counter()
    for count in await asyncio.gather(*(_raced(race) for race in races)):
        counts.update(count)
    assert counts["won"] == 2
    assert counts["slot-taken"] + counts["student-busy"] == 398, counts
    assert await _confirmed(shop, teacher) == 2


async def test_a_host_killed_in_the_middle_leaves_whole_bookings_and_no_lock(
    shop: Market, database_url: str, own_nats_url: str, clock_writer: ClockWriter
) -> None:
    teacher = await shop.teacher()
    students = await shop.students(50)
    race = Race(
        database_url=database_url,
        nats_url=own_nats_url,
        clock_path=str(clock_writer.path),
        starts_at=shop.clock.wall_now(),
        instructor_id=teacher.id,
        waves=[
            [teacher.hold(student, START + hour * HOUR) for student in students]
            for hour in range(500)
        ],
    )
    process = await _started()
    assert process.stdin
    process.stdin.write(msgspec.json.encode(race))
    process.stdin.close()
    for _ in range(20 * POLLS_MAX):
        if await _confirmed(shop, teacher) != 0:
            break
        await asyncio.sleep(POLL_SECONDS)
    process.kill()
    await process.wait()
    booked = await _confirmed(shop, teacher)
    assert isinstance(booked, int)
    assert 0 < booked < 500
    for table in ("payments", "timings", "booking_events"):
        count = f"SELECT count(DISTINCT t.booking_id) FROM {table} t JOIN bookings b"  # noqa: S608 - a fixed table
        where = "ON b.id = t.booking_id WHERE b.instructor_id = $1"
        assert await shop.value(f"{count} {where}", teacher.id) == booked
    after = await shop.calendars.ask(teacher.id, teacher.hold(students[0], START + 600 * HOUR))
    assert after.version == booked + 2
    with pytest.raises(SlotTaken):
        await shop.calendars.ask(teacher.id, teacher.hold(students[0]))


async def _started() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.actors.calendar_racer"),
        cwd=ROOT,
        env=child_environment({}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def _raced(race: Race) -> dict[str, int]:
    process = await _started()
    said, _ = await process.communicate(msgspec.json.encode(race))
    assert process.returncode == 0
    return msgspec.json.decode(said, type=dict[str, int])


@pytest.mark.parametrize("is_split", [False, True], ids=["one owner", "two owners"])
async def test_a_learner_wanted_by_two_calendars_gets_one_and_nobody_deadlocks(
    shop: Market, database_url: str, own_nats_url: str, clock_writer: ClockWriter, *, is_split: bool
) -> None:
    teachers = [await shop.teacher() for _ in range(2)]
    students = await shop.students(40)
    clock = SharedClock(clock_writer.path)
    async with market(database_url, own_nats_url, clock) as duplicate:
        second = duplicate if is_split else shop
        answers = await asyncio.gather(
            *(
                owner.calendars.ask(teacher.id, teacher.hold(student, START + number * HOUR))
                for owner, teacher, order in (
                    (shop, teachers[0], list(enumerate(students))),
                    (second, teachers[1], list(reversed(list(enumerate(students))))),
                )
                for number, student in order
            ),
            return_exceptions=True,
        )
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert len(refused) == 40
    assert all(isinstance(answer, StudentBusy) for answer in refused), Counter(map(repr, refused))
    rows = await shop.rows(
        "SELECT student_id, count(*) FROM bookings WHERE student_id = ANY($1::uuid[])"
        " GROUP BY student_id",
        students,
    )
    assert sorted(rows) == sorted((student, 1) for student in students)


async def test_overlapping_spans_of_many_students_never_overlap(shop: Market) -> None:
    teacher = await shop.teacher()
    students = await shop.students(120)
    answers = await asyncio.gather(
        *(
            shop.calendars.ask(
                teacher.id,
                teacher.hold(
                    student,
                    START + number % 24 * HOUR / 4,
                    duration_minutes=(30, 60, 90)[number % 3],
                ),
            )
            for number, student in enumerate(students)
        ),
        return_exceptions=True,
    )
    won = [answer.booking for answer in answers if not isinstance(answer, BaseException)]
    assert all(
        one.end_at <= two.start_at
        for one, two in zip(
            *(sorted(won, key=lambda booking: booking.start_at)[first:] for first in (0, 1)),
            strict=False,
        )
    )
    assert len(won) == await _confirmed(shop, teacher)
    assert len(won) >= 4


async def _confirmed(shop: Market, teacher: Teacher) -> object:
    return await shop.value(
        "SELECT count(*) FROM bookings WHERE instructor_id = $1 AND status = 'confirmed'",
        teacher.id,
    )
