"""What a calendar does when memory, connection or a neighbour's row is not what it thought."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import pytest

from actors.calendar_changes import CalendarChanged, decode_changed, subject_of
from actors.calendar_commands import ChangeAvailability, Decided, Reload
from domain.availability import CalendarPolicy, Rules
from domain.bookings import Actor
from domain.errors import (
    CalendarChanged as CalendarMovedOn,
)
from domain.errors import (
    Invalid,
    SlotNotOffered,
    SlotTaken,
    TooBusy,
    Unavailable,
)
from tests.actors.calendar_world import (
    ALL_WEEK,
    OPEN,
    POLL_SECONDS,
    POLLS_MAX,
    START,
    Market,
    Teacher,
    cancel_by,
    until,
)

HOUR = timedelta(hours=1)


async def test_a_stale_memory_is_loaded_again_and_the_command_decided_again(shop: Market) -> None:
    teacher = await shop.teacher()
    first, second = await shop.students(2)
    booking = (await shop.calendars.ask(teacher.id, teacher.hold(first))).booking
    async with shop.db.transaction() as tx:
        # past the actor, as another owner would: the time is free and the version says so
        await tx.execute(
            "UPDATE bookings SET status = 'cancelled', outcome = 'free', cancelled_at = $2,"
            " ended_at = $2 WHERE id = $1",
            booking.id,
            shop.clock.now(),
        )
        await tx.execute(
            "UPDATE calendars SET version = version + 1 WHERE instructor_id = $1", teacher.id
        )
    elsewhere = await shop.calendars.ask(teacher.id, teacher.hold(second, START + HOUR))
    assert elsewhere.version == 4
    assert (await shop.calendars.ask(teacher.id, teacher.hold(first))).version == 5


async def test_the_constraint_has_the_last_word_over_a_wrong_memory(shop: Market) -> None:
    teacher = await shop.teacher()
    first, second = await shop.students(2)
    booking = (await shop.calendars.ask(teacher.id, teacher.hold(first))).booking
    cancelled = await shop.calendars.ask(teacher.id, cancel_by(first, booking.id))
    assert cancelled.booking.status == "cancelled"
    async with shop.db.transaction() as tx:
        # past the actor and without raising the version: only the constraint can know
        await tx.execute(
            "UPDATE bookings SET status = 'confirmed', ended_at = NULL WHERE id = $1", booking.id
        )
    with pytest.raises(SlotTaken):
        await shop.calendars.ask(teacher.id, teacher.hold(second, START + HOUR / 2))
    with pytest.raises(SlotTaken):
        await shop.calendars.ask(teacher.id, teacher.hold(second))
    await shop.calendars.ask(teacher.id, teacher.hold(second, START + HOUR))


async def test_one_bad_row_fails_nobody_else(shop: Market) -> None:
    teachers = [await shop.teacher() for _ in range(4)]
    students = await shop.students(12)
    commands = [
        (teacher, teacher.hold(student, START + number // 4 * HOUR))
        for number, (teacher, student) in enumerate(zip(teachers * 3, students, strict=True))
    ]
    bad_teacher, bad = (
        teachers[1],
        teachers[1].hold(await shop.student(), START + 5 * HOUR, note="x" * 2001),
    )
    answers = await asyncio.gather(
        *(shop.calendars.ask(teacher.id, command) for teacher, command in commands[:6]),
        shop.calendars.ask(bad_teacher.id, bad),
        *(shop.calendars.ask(teacher.id, command) for teacher, command in commands[6:]),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert len(refused) == 1
    assert isinstance(refused[0], Invalid)
    assert refused[0].pointer == "/note"


async def test_a_full_mailbox_says_too_busy_and_the_rest_is_answered(
    shop: Market, database_url: str
) -> None:
    teacher = await shop.teacher()
    students = await shop.students(3)
    blocker = await asyncpg.connect(database_url)
    await blocker.execute("BEGIN")
    await blocker.execute("SELECT FROM calendars WHERE instructor_id = $1 FOR UPDATE", teacher.id)
    waiting = [
        asyncio.create_task(shop.calendars.ask(teacher.id, teacher.hold(students[number % 3])))
        for number in range(1024)
    ]
    await _until_blocked(blocker)
    with pytest.raises(TooBusy) as refused:
        await shop.calendars.ask(teacher.id, teacher.hold(students[0]))
    assert refused.value.retry_after == 1
    await blocker.execute("ROLLBACK")
    await blocker.close()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(isinstance(answer, Decided) for answer in answers) == 1
    assert sum(isinstance(answer, SlotTaken) for answer in answers) == 1023


async def test_whoever_waits_too_long_is_told_and_may_ask_again(
    shop: Market, database_url: str
) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    blocker = await asyncpg.connect(database_url)
    await blocker.execute("BEGIN")
    await blocker.execute("SELECT FROM calendars WHERE instructor_id = $1 FOR UPDATE", teacher.id)
    command = teacher.hold(student)
    with pytest.raises(Unavailable):
        await shop.calendars.ask(teacher.id, command, deadline_seconds=0.2)
    await blocker.execute("ROLLBACK")
    await blocker.close()
    # it was under way and came to be: the same command finds its own booking
    again = await shop.calendars.ask(teacher.id, command)
    assert (again.is_repeat, again.booking.id) == (True, command.booking_id)


async def test_killed_connections_leave_every_command_answered_and_every_answer_true(
    shop: Market, database_url: str
) -> None:
    teachers = [await shop.teacher() for _ in range(10)]
    students = await shop.students(60)
    killer = asyncio.create_task(_kill_connections(database_url))
    commands = [
        (teacher, teacher.hold(student, START + number // 10 * HOUR))
        for _ in range(4)
        for number, student in enumerate(students)
        for teacher in (teachers[number % 10],)
    ]
    answers: list[object] = []
    for wave in range(0, len(commands), 40):
        answers += await asyncio.gather(
            *(shop.calendars.ask(t.id, command) for t, command in commands[wave : wave + 40]),
            return_exceptions=True,
        )
        await asyncio.sleep(0.02)
    killed = killer.cancel() and await _ended(killer)
    assert killed
    unexpected = [
        answer for answer in answers if not isinstance(answer, Decided | SlotTaken | Unavailable)
    ]
    assert not unexpected
    await _holds_what_it_said(shop, teachers, answers)
    # asked again, each command is what it was or takes what is free: nothing is lost or doubled
    again = await asyncio.gather(
        *(shop.calendars.ask(teacher.id, command) for teacher, command in commands),
        return_exceptions=True,
    )
    assert all(isinstance(answer, Decided | SlotTaken) for answer in again)
    assert (
        await shop.value(
            "SELECT count(*) FROM bookings WHERE instructor_id = ANY($1::uuid[])",
            [teacher.id for teacher in teachers],
        )
        == 60
    )


async def test_a_vanished_asker_books_nothing(shop: Market) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    asking = asyncio.create_task(shop.calendars.ask(teacher.id, teacher.hold(student)))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await shop.calendars.ask(teacher.id, Reload())
    assert (
        await shop.value("SELECT count(*) FROM bookings WHERE instructor_id = $1", teacher.id) == 0
    )


async def test_new_rules_count_at_once_and_only_if_nobody_else_changed_them(shop: Market) -> None:
    teacher, student = await shop.teacher(), await shop.student()
    ask = shop.calendars.ask
    actor = Actor(kind="instructor", id=teacher.id)
    narrow = Rules(policy=CalendarPolicy(time_zone="UTC", grid_minutes=60), weekly=ALL_WEEK)
    changed, refused = await asyncio.gather(
        ask(teacher.id, ChangeAvailability(actor=actor, availability=narrow, if_version=2)),
        ask(teacher.id, teacher.hold(student, START + HOUR / 4)),
        return_exceptions=True,
    )
    assert not isinstance(changed, BaseException)
    assert changed.rules_version == 3
    assert isinstance(refused, SlotNotOffered)
    with pytest.raises(CalendarMovedOn):
        await ask(teacher.id, ChangeAvailability(actor=actor, availability=OPEN, if_version=2))
    await ask(teacher.id, ChangeAvailability(actor=actor, availability=OPEN, if_version=3))
    await ask(teacher.id, teacher.hold(student, START + HOUR / 4))


async def test_every_commit_is_told_with_its_version(shop: Market) -> None:
    teacher = await shop.teacher()
    first, second = await shop.students(2)
    heard: list[CalendarChanged] = []

    async def hear(_: str, payload: bytes) -> None:
        heard.append(decode_changed(payload))

    listening = await shop.bus.subscribe(subject_of(teacher.id), hear)
    await shop.bus.flush()
    booking = (await shop.calendars.ask(teacher.id, teacher.hold(first))).booking
    await shop.calendars.ask(teacher.id, cancel_by(first, booking.id))
    await asyncio.gather(
        shop.calendars.ask(teacher.id, teacher.hold(first)),
        shop.calendars.ask(teacher.id, teacher.hold(second, START + HOUR)),
    )
    await shop.calendars.ask(teacher.id, Reload())
    await until(lambda: len(heard) == 4)
    await listening.end()
    assert [(note.previous_version, note.version) for note in heard] == [
        (1, 2), (2, 3), (3, 4), (4, 4),
    ]  # fmt: skip
    assert [len(note.changes) for note in heard] == [1, 1, 2, 1]


async def _until_blocked(watcher: asyncpg.Connection) -> None:
    """Waits until a transaction of ours stands before a lock."""
    for _ in range(POLLS_MAX):
        if await watcher.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            return
        await asyncio.sleep(POLL_SECONDS)
    raise TimeoutError("nobody waits for a lock")


async def _kill_connections(database_url: str) -> None:
    """Ends a connection of ours every few milliseconds, wherever it is in its work."""
    killer = await asyncpg.connect(database_url)
    try:
        for _ in range(100 * POLLS_MAX):
            await killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'instainstru'"
                " AND state <> 'idle' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1"
            )
            await asyncio.sleep(0.004)
    finally:
        await killer.close()


async def _ended(task: asyncio.Task[None]) -> bool:
    with pytest.raises(asyncio.CancelledError):
        await task
    return True


async def _holds_what_it_said(
    shop: Market, teachers: Sequence[Teacher], answers: Sequence[object]
) -> None:
    ids = [teacher.id for teacher in teachers]
    won = {answer.booking.id for answer in answers if isinstance(answer, Decided)}
    rows = await shop.rows("SELECT id FROM bookings WHERE instructor_id = ANY($1::uuid[])", ids)
    assert won <= {row[0] for row in rows}
    for table in ("payments", "timings", "booking_events"):
        count = f"SELECT count(DISTINCT t.booking_id) FROM {table} t JOIN bookings b"  # noqa: S608
        assert await shop.value(
            f"{count} ON b.id = t.booking_id WHERE b.instructor_id = ANY($1::uuid[])", ids
        ) == len(rows)
    assert not await shop.rows(
        "SELECT c.instructor_id FROM calendars c WHERE c.instructor_id = ANY($1::uuid[])"
        " AND c.version - 1 <> (SELECT count(DISTINCT e.calendar_version) FROM booking_events e"
        " WHERE e.instructor_id = c.instructor_id)",
        ids,
    )
