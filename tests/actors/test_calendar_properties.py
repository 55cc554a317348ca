"""What holds for every calendar and every order of commands, on real Postgres."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from actors.calendar_commands import CancelUnpaid, Command, Confirm, Decided, Expire, ExtendHold
from domain.availability import CalendarPolicy, ExceptionDay, Rule, Rules, Window, slots
from domain.errors import DomainError
from domain.ids import BookingId, UserId
from domain.settings import POLICY
from domain.times import Span
from gateways.clock import SharedClock
from sandbox.clock import ClockWriter
from storage.calendars import calendar_by_instructor
from tests.actors.calendar_world import NOW, START, Market, Teacher, cancel_by, market

MINUTE = timedelta(minutes=1)
R = TypeVar("R")

# an example is a small world in a database: few of them, and no shrinking of what is slow
relaxed = settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Bench:
    """A marketplace in an event loop of its own: Hypothesis calls plain functions."""

    def __init__(self, runner: asyncio.Runner, shop: Market, writer: ClockWriter) -> None:
        """Made by the fixture."""
        self._runner = runner
        self.shop = shop
        self.writer = writer

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """Runs one example."""
        self.writer.freeze(NOW)
        return self._runner.run(work)


@pytest.fixture
def bench(database_url: str, own_nats_url: str, clock_writer: ClockWriter) -> Iterator[Bench]:
    """Return a marketplace for examples."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        clock = SharedClock(clock_writer.path)
        opened = stack.enter_async_context(market(database_url, own_nats_url, clock))
        yield Bench(runner, runner.run(opened), clock_writer)
        runner.run(stack.aclose())


class Model:
    """The simplest calendar that could be right: a list of spans, decided one by one."""

    def __init__(self) -> None:
        """Empty."""
        self.spans: dict[BookingId, tuple[datetime, datetime, UserId]] = {}
        self.ends: dict[BookingId, datetime] = {}

    def is_free(self, start: datetime, end: datetime) -> bool:
        """Whether nobody has any of this time."""
        return all(end <= begins or ends <= start for begins, ends, _ in self.spans.values())

    def pass_time(self, now: datetime) -> None:
        """Forgets holds that are over."""
        for booking_id, ends_at in list(self.ends.items()):
            if ends_at <= now:
                del self.ends[booking_id], self.spans[booking_id]

    def drop(self, booking_id: BookingId) -> None:
        """Forgets a booking."""
        self.spans.pop(booking_id, None)
        self.ends.pop(booking_id, None)


STEP = st.one_of(
    st.tuples(
        st.sampled_from(["hold", "pending"]),
        st.integers(0, 3),
        st.integers(0, 11),
        st.sampled_from([30, 60, 90]),
    ),
    st.tuples(
        st.sampled_from(["cancel", "confirm", "extend", "expire", "unpaid"]), st.integers(0, 9)
    ),
    st.tuples(st.just("wait"), st.integers(1, 6)),
)


@relaxed
@given(steps=st.lists(STEP, min_size=5, max_size=25))
def test_one_after_the_other_commands_do_what_the_simplest_model_does(
    bench: Bench, steps: list[tuple[Any, ...]]
) -> None:
    bench.run(_follow_the_model(bench, steps))


async def _follow_the_model(bench: Bench, steps: list[tuple[Any, ...]]) -> None:
    shop, model = bench.shop, Model()
    teacher, students = await shop.teacher(), await shop.students(4)
    made: list[tuple[BookingId, UserId]] = []
    now = NOW
    for step in steps:
        model.pass_time(now)
        match step:
            case ("hold" | "pending" as kind, who, quarter, minutes):
                start = START + quarter * 15 * MINUTE
                await _hold(shop, model, teacher, students[who], kind, start, minutes, made)
            case ("wait", minutes):
                now += minutes * MINUTE
                bench.writer.freeze(now)
            case (kind, which):
                if made:
                    booking_id, student = made[which % len(made)]
                    await _change(shop, model, teacher, kind, booking_id, student)
        await _check_versions(shop, teacher)
    model.pass_time(now)
    rows = await shop.rows(
        "SELECT id FROM bookings WHERE instructor_id = $1 AND (status = 'confirmed'"
        " OR status = 'pending' AND hold_expires_at > $2)",
        teacher.id,
        now,
    )
    assert {row[0] for row in rows} == set(model.spans)


async def _hold(
    shop: Market,
    model: Model,
    teacher: Teacher,
    student: UserId,
    kind: str,
    start: datetime,
    minutes: int,
    made: list[tuple[BookingId, UserId]],
) -> None:
    end = start + minutes * MINUTE
    make = teacher.hold if kind == "hold" else teacher.pending
    command = make(student, start, duration_minutes=minutes)
    answer = await _asked(shop, teacher, command)
    own = next((key for key, span in model.spans.items() if span == (start, end, student)), None)
    if isinstance(answer, Decided) and answer.is_repeat:
        assert answer.booking.id == own
        assert own in model.ends
        return
    is_limited = kind == "pending" and any(model.spans[key][2] == student for key in model.ends)
    made_lately = sum(1 for _, who in made if who == student)
    if not model.is_free(start, end):
        assert isinstance(answer, DomainError)
        assert answer.code == "slot-taken"
    elif is_limited or (kind == "pending" and made_lately >= POLICY.holds_per_hour):
        assert isinstance(answer, DomainError) or made_lately >= POLICY.holds_per_hour
    else:
        assert isinstance(answer, Decided), answer
    if isinstance(answer, Decided):
        model.spans[answer.booking.id] = (start, end, student)
        made.append((answer.booking.id, student))
        if answer.booking.hold_expires_at is not None:
            model.ends[answer.booking.id] = answer.booking.hold_expires_at


async def _change(
    shop: Market,
    model: Model,
    teacher: Teacher,
    kind: str,
    booking_id: BookingId,
    student: UserId,
) -> None:
    if kind == "confirm":
        await shop.pay(booking_id, "scheduled")
    command: Command = {
        "cancel": cancel_by(student, booking_id),
        "confirm": Confirm(booking_id=booking_id),
        "extend": ExtendHold(booking_id=booking_id),
        "expire": Expire(booking_id=booking_id),
        "unpaid": CancelUnpaid(booking_id=booking_id),
    }[kind]
    answer = await _asked(shop, teacher, command)
    if isinstance(answer, DomainError):
        return
    booking = answer.booking
    if booking.status == "confirmed":
        model.ends.pop(booking_id, None)
        model.spans[booking_id] = (booking.start_at, booking.end_at, student)
    elif booking.status == "pending" and booking.hold_expires_at:
        model.ends[booking_id] = booking.hold_expires_at
    else:
        model.drop(booking_id)


async def _asked(shop: Market, teacher: Teacher, command: Command) -> Decided | DomainError:
    try:
        return await shop.calendars.ask(teacher.id, command)
    except DomainError as refusal:
        return refusal


async def _check_versions(shop: Market, teacher: Teacher) -> None:
    """Every version but the first has its audit rows, and no number was left out."""
    # one statement: what time alone ends is committed without anybody waiting for it
    rows = await shop.rows(
        "SELECT c.version, array_agg(DISTINCT e.calendar_version ORDER BY e.calendar_version)"
        " FROM calendars c LEFT JOIN booking_events e ON e.instructor_id = c.instructor_id"
        " WHERE c.instructor_id = $1 GROUP BY c.version",
        teacher.id,
    )
    ((version, told),) = rows
    assert isinstance(version, int)
    assert told == (list(range(2, version + 1)) or [None])


@relaxed
@given(
    waves=st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["hold", "pending", "cancel", "confirm", "expire"]),
                st.integers(0, 1),
                st.integers(0, 3),
                st.integers(0, 7),
            ),
            min_size=2,
            max_size=16,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_commands_at_once_never_book_twice_and_leave_no_gap_in_the_versions(
    bench: Bench, waves: list[list[tuple[str, int, int, int]]]
) -> None:
    bench.run(_storm(bench, waves))


async def _storm(bench: Bench, waves: list[list[tuple[str, int, int, int]]]) -> None:
    shop = bench.shop
    teachers = [await shop.teacher() for _ in range(2)]
    students = await shop.students(4)
    made: list[tuple[Teacher, BookingId, UserId]] = []
    now = NOW
    for wave in waves:
        commands = [
            await _wish(shop, kind, (teachers[which], students[who]), number, made)
            for kind, which, who, number in wave
        ]
        answers = await asyncio.gather(*(_asked(shop, *each) for each in commands))
        made += [
            (teacher, answer.booking.id, answer.booking.student_id)
            for (teacher, _), answer in zip(commands, answers, strict=True)
            if isinstance(answer, Decided)
        ]
        now += 3 * MINUTE
        bench.writer.freeze(now)
    for teacher in teachers:
        await _check_versions(shop, teacher)
    for column, ids in (
        ("instructor_id", [teacher.id for teacher in teachers]),
        ("learner_id", students),
    ):
        assert not await shop.rows(
            f"SELECT a.id FROM bookings a JOIN bookings b ON a.{column} = b.{column}"  # noqa: S608 - two fixed columns
            " AND a.id < b.id AND tstzrange(a.start_at, a.end_at) && tstzrange(b.start_at,"
            " b.end_at) WHERE a.status IN ('pending', 'confirmed')"
            f" AND b.status IN ('pending', 'confirmed') AND a.{column} = ANY($1::uuid[])",
            ids,
        )


async def _wish(
    shop: Market,
    kind: str,
    pair: tuple[Teacher, UserId],
    number: int,
    made: list[tuple[Teacher, BookingId, UserId]],
) -> tuple[Teacher, Command]:
    """One command of a storm: a new wish of the pair, or one about a booking made before."""
    teacher, student = pair
    if kind == "hold" or not made:
        return teacher, teacher.hold(student, START + number * 15 * MINUTE)
    if kind == "pending":
        return teacher, teacher.pending(student, START + number * 15 * MINUTE)
    owner, booking_id, booker = made[number % len(made)]
    if kind == "cancel":
        return owner, cancel_by(booker, booking_id)
    if kind == "expire":
        return owner, Expire(booking_id=booking_id)
    await shop.pay(booking_id, "scheduled")
    return owner, Confirm(booking_id=booking_id)


POLICIES = st.builds(
    CalendarPolicy,
    time_zone=st.sampled_from(
        ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"]
    ),
    grid_minutes=st.sampled_from([5, 15, 30, 60]),
    buffer_before_minutes=st.sampled_from([0, 5, 15]),
    buffer_after_minutes=st.sampled_from([0, 10, 30]),
    minimum_notice_minutes=st.sampled_from([0, 120, 1440]),
    horizon_days=st.sampled_from([5, 30]),
    lessons_per_day_max=st.sampled_from([None, None, 2]),
    minutes_per_week_max=st.sampled_from([None, None, 180]),
    is_tight=st.booleans(),
)
WINDOWS = st.tuples(st.integers(0, 23), st.integers(0, 24)).map(
    lambda hours: Window(opens_minute=hours[0] * 60, closes_minute=hours[1] * 60)
)
RULES = st.builds(
    lambda policy, weekly, exceptions: Rules(
        policy=policy,
        weekly=tuple(
            Rule(weekday=weekday, opens_minute=w.opens_minute, closes_minute=w.closes_minute)
            for weekday, w in weekly.items()
        ),
        exceptions=tuple(
            ExceptionDay(exception_on=on, windows=windows) for on, windows in exceptions.items()
        ),
    ),
    POLICIES,
    st.dictionaries(st.integers(0, 6), WINDOWS, min_size=3),
    st.dictionaries(
        # the clocks change in New York on 2027-03-14, a week from `NOW`
        st.dates(date(2027, 3, 6), date(2027, 3, 16)),
        st.lists(WINDOWS, max_size=1).map(tuple),
        max_size=3,
    ),
)


@relaxed
@given(rules=RULES, taken=st.lists(st.integers(0, 400), max_size=6), seed=st.randoms())
def test_a_slot_is_listed_if_and_only_if_it_can_be_booked(
    bench: Bench, rules: Rules, taken: list[int], seed: Random
) -> None:
    bench.run(_listed_is_bookable(bench.shop, rules, taken, seed))


async def _listed_is_bookable(shop: Market, rules: Rules, taken: list[int], seed: Random) -> None:
    teacher = await shop.teacher(rules)
    await shop.students(1)
    for number in taken:
        found = await _slots(shop, teacher, 60)
        if found:
            student = await shop.student()
            start = found[number % len(found)].start_at
            booked = await shop.calendars.ask(teacher.id, teacher.hold(student, start))
            assert booked.booking.start_at == start
    minutes = seed.choice([30, 60, 90])
    listed = {span.start_at for span in await _slots(shop, teacher, minutes)}
    grid = {NOW + step * 5 * MINUTE for step in range(12 * 24 * 10)}
    asked = seed.sample(sorted(listed), min(5, len(listed)))
    asked += seed.sample(sorted(grid - listed), 8)
    student = await shop.student()
    for start in asked:
        command = teacher.hold(student, start, duration_minutes=minutes)
        answer = await _asked(shop, teacher, command)
        assert isinstance(answer, Decided) == (start in listed), (start, answer)
        if isinstance(answer, Decided):
            await shop.calendars.ask(teacher.id, cancel_by(student, answer.booking.id))


async def _slots(shop: Market, teacher: Teacher, minutes: int) -> list[Span]:
    now = shop.clock.now()
    calendar = await calendar_by_instructor(shop.db.reads, instructor_id=teacher.id, now=now)
    assert calendar is not None
    return slots(
        calendar.rules,
        calendar.bookings,
        duration_minutes=minutes,
        window=Span(NOW, NOW + timedelta(days=10)),
        notice_floor=POLICY.notice_floor_online,
        shortest_minutes=calendar.shortest_minutes,
        now=now,
    )
