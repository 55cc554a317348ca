"""Slots and refusals: each rule in a table, and the promise that what is listed can be booked."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest

from domain.availability import (
    Busy,
    CalendarPolicy,
    ExceptionDay,
    Rule,
    Rules,
    Window,
    refusal,
    slots,
)
from domain.bookings import BookingStatus
from domain.times import Span

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOBODY = UUID(int=0)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""A Monday."""


def calendar(opens: int = 9 * 60, closes: int = 17 * 60, **policy: object) -> Rules:
    weekly = tuple(Rule(weekday=d, opens_minute=opens, closes_minute=closes) for d in range(7))
    chosen = msgspec.structs.replace(CalendarPolicy(time_zone="UTC"), **policy)
    return Rules(policy=chosen, weekly=weekly)


def busy(
    start_at: datetime,
    minutes: int = 60,
    *,
    before: int = 0,
    after: int = 0,
    status: BookingStatus = "confirmed",
    hold_expires_at: datetime | None = None,
) -> Busy:
    return Busy(
        booking_id=uuid4(),
        start_at=start_at,
        end_at=start_at + minutes * MINUTE,
        buffer_before_minutes=before,
        buffer_after_minutes=after,
        status=status,
        hold_expires_at=hold_expires_at,
        student_id=NOBODY,
        learner_id=NOBODY,
    )


def code(
    rules: Rules,
    start_at: datetime,
    *taken: Busy,
    minutes: int = 60,
    now: datetime = NOW,
    floor: timedelta = 30 * MINUTE,
    shortest: int = 30,
) -> str | None:
    span = Span(start_at, start_at + minutes * MINUTE)
    why = refusal(rules, taken, span=span, notice_floor=floor, shortest_minutes=shortest, now=now)
    return why and why.code


def starts(
    rules: Rules,
    *taken: Busy,
    on: datetime,
    minutes: int = 60,
    shortest: int = 30,
    now: datetime = NOW,
) -> list[str]:
    found = slots(
        rules,
        taken,
        duration_minutes=minutes,
        window=Span(on, on + DAY),
        notice_floor=30 * MINUTE,
        shortest_minutes=shortest,
        now=now,
    )
    assert all(s.end_at - s.start_at == minutes * MINUTE for s in found)
    return [f"{s.start_at:%H:%M}" for s in found]


THURSDAY = datetime(2026, 6, 4, tzinfo=UTC)
TEN = THURSDAY + 10 * HOUR


@pytest.mark.parametrize(
    ("start_at", "expected"),
    [
        (TEN, None),
        (TEN + 15 * MINUTE, None),
        (TEN + 10 * MINUTE, "slot-not-offered"),
        (TEN + timedelta(seconds=1), "slot-not-offered"),
        (THURSDAY + 9 * HOUR, None),
        (THURSDAY + 8 * HOUR + 45 * MINUTE, "slot-not-offered"),
        (THURSDAY + 16 * HOUR, None),
        (THURSDAY + 16 * HOUR + 15 * MINUTE, "slot-not-offered"),
        (NOW - DAY, "slot-not-offered"),
        (NOW + HOUR, "slot-not-offered"),
    ],
)
def test_a_lesson_starts_on_the_grid_and_lies_in_an_opening(
    start_at: datetime, expected: str | None
) -> None:
    assert code(calendar(), start_at) == expected


def test_a_span_that_does_not_end_after_its_start_is_not_offered() -> None:
    assert code(calendar(), TEN, minutes=0) == "slot-not-offered"


@pytest.mark.parametrize(
    ("notice", "floor", "lead", "expected"),
    [
        (120, 30 * MINUTE, 120 * MINUTE, None),
        (120, 30 * MINUTE, 120 * MINUTE - timedelta(microseconds=1), "slot-not-offered"),
        (0, 30 * MINUTE, 30 * MINUTE, None),
        (0, 30 * MINUTE, 29 * MINUTE, "slot-not-offered"),
        (0, 60 * MINUTE, 59 * MINUTE, "slot-not-offered"),
        (0, 60 * MINUTE, 60 * MINUTE, None),
        (0, timedelta(0), timedelta(0), None),
        (0, timedelta(0), timedelta(microseconds=-1), "slot-not-offered"),
    ],
)
def test_notice_is_elapsed_time_with_a_floor_and_equality_counts(
    notice: int, floor: timedelta, lead: timedelta, expected: str | None
) -> None:
    rules = calendar(minimum_notice_minutes=notice)
    assert code(rules, TEN, now=TEN - lead, floor=floor) == expected


def test_the_last_bookable_date_is_inclusive_and_local() -> None:
    rules = calendar(0, 24 * 60, horizon_days=3, time_zone="Asia/Kathmandu")
    local = ZoneInfo("Asia/Kathmandu")
    last = datetime(2026, 6, 4, 23, 45, tzinfo=local).astimezone(UTC)
    assert code(rules, last) is None
    assert code(rules, last + 15 * MINUTE) == "slot-not-offered"


@pytest.mark.parametrize(
    ("own", "theirs", "start", "expected"),
    [
        ((0, 0), (0, 0), "11:00", None),
        ((0, 0), (0, 0), "09:00", None),
        ((0, 0), (0, 0), "09:15", "slot-taken"),
        ((15, 0), (0, 10), "11:00", "slot-taken"),
        ((15, 0), (0, 10), "11:15", None),
        ((10, 0), (0, 30), "11:15", "slot-taken"),
        ((10, 0), (0, 30), "11:30", None),
        ((0, 30), (0, 0), "08:45", "slot-taken"),
        ((0, 30), (0, 0), "08:30", None),
        ((0, 10), (45, 0), "08:30", "slot-taken"),
        ((0, 10), (45, 0), "08:15", None),
        ((60, 0), (0, 60), "12:00", None),
        ((120, 120), (0, 0), "08:00", "slot-taken"),
    ],
)
def test_the_gap_between_lessons_is_the_larger_buffer_not_the_sum(
    own: tuple[int, int], theirs: tuple[int, int], start: str, expected: str | None
) -> None:
    rules = calendar(8 * 60, buffer_before_minutes=own[0], buffer_after_minutes=own[1])
    taken = busy(TEN, before=theirs[0], after=theirs[1])
    hour, minute = start.split(":")
    at = THURSDAY + int(hour) * HOUR + int(minute) * MINUTE
    assert code(rules, at, taken) == expected


def test_buffers_are_not_needed_against_the_edges_of_an_opening() -> None:
    rules = calendar(buffer_before_minutes=60, buffer_after_minutes=60)
    assert starts(rules, on=THURSDAY)[0] == "09:00"
    assert starts(rules, on=THURSDAY)[-1] == "16:00"


def test_a_hold_blocks_until_it_expires_and_not_at_that_instant() -> None:
    held = busy(TEN, status="pending", hold_expires_at=NOW + 5 * MINUTE)
    assert code(calendar(), TEN, held) == "slot-taken"
    assert code(calendar(), TEN, held, now=NOW + 5 * MINUTE) is None


@pytest.mark.parametrize("status", ["requested", "cancelled", "expired", "completed", "no_show"])
def test_what_is_not_active_blocks_nobody(status: BookingStatus) -> None:
    assert code(calendar(), TEN, busy(TEN, status=status)) is None


def test_the_daily_limit_counts_the_instructors_local_date() -> None:
    rules = calendar(0, 24 * 60, lessons_per_day_max=1, time_zone="America/New_York")
    late = datetime(2026, 6, 4, 23, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
    assert code(rules, late - 5 * HOUR, busy(late)) == "slot-not-offered"
    assert code(rules, late + 2 * HOUR, busy(late)) is None
    assert code(rules, late, busy(late)) == "slot-taken"
    expired = busy(late, status="pending", hold_expires_at=NOW)
    assert code(rules, late - 5 * HOUR, expired) is None
    assert code(rules, late - 5 * HOUR, busy(late, status="completed")) == "slot-not-offered"


def test_the_weekly_limit_counts_minutes_from_monday_to_sunday() -> None:
    rules = calendar(minutes_per_week_max=150)
    monday, sunday = datetime(2026, 6, 8, 10, tzinfo=UTC), datetime(2026, 6, 14, 10, tzinfo=UTC)
    assert code(rules, sunday, busy(monday, 90)) is None
    assert code(rules, sunday, busy(monday, 91)) == "slot-not-offered"
    assert code(rules, sunday, busy(monday, 90), minutes=90) == "slot-not-offered"
    assert code(rules, sunday + DAY, busy(monday, 120)) is None


def test_a_tight_calendar_offers_starts_flush_with_its_neighbours() -> None:
    rules = calendar(9 * 60, 13 * 60, is_tight=True, grid_minutes=30, buffer_after_minutes=10)
    found = starts(rules, busy(TEN + 20 * MINUTE, 30, after=10), on=THURSDAY)
    # until 10:50 with a gap of 10: flush after is 11:00, flush before ends at 10:10
    assert "11:00" in found
    assert "09:10" not in found  # 10 minutes at the start of the opening would be lost
    tight_start = starts(rules, busy(TEN, 35, after=10), on=THURSDAY)
    assert tight_start[0] == "10:45"


def test_a_tight_calendar_hides_starts_that_leave_a_useless_gap() -> None:
    rules = calendar(9 * 60, 12 * 60, is_tight=True)
    assert starts(rules, on=THURSDAY) == [
        "09:00", "09:30", "09:45", "10:00", "10:15", "10:30", "11:00",
    ]  # fmt: skip
    assert starts(rules, on=THURSDAY, shortest=60) == ["09:00", "10:00", "11:00"]
    assert code(rules, THURSDAY + 9 * HOUR + 15 * MINUTE) == "slot-not-offered"


def test_a_lesson_may_run_over_midnight_between_two_open_dates() -> None:
    rules = calendar(0, 24 * 60)
    assert code(rules, THURSDAY - 30 * MINUTE) is None
    closed = ExceptionDay(exception_on=THURSDAY.date(), windows=())
    cut = msgspec.structs.replace(rules, exceptions=(closed,))
    assert code(cut, THURSDAY - 30 * MINUTE) == "slot-not-offered"
    assert code(cut, THURSDAY - 60 * MINUTE) is None


def test_a_window_of_slots_is_half_open_over_their_starts() -> None:
    found = slots(
        calendar(),
        (),
        duration_minutes=60,
        window=Span(TEN, TEN + 30 * MINUTE),
        notice_floor=30 * MINUTE,
        shortest_minutes=30,
        now=NOW,
    )
    assert [s.start_at for s in found] == [TEN, TEN + 15 * MINUTE]


@pytest.mark.parametrize(
    ("zone", "on", "window", "expected"),
    [
        (
            "America/New_York",
            date(2026, 3, 8),
            (60, 240),
            ["01:00-05", "01:30-05", "03:00-04", "03:30-04"],
        ),
        (
            "America/New_York",
            date(2026, 11, 1),
            (60, 120),
            ["01:00-04", "01:30-04", "01:00-05", "01:30-05"],
        ),
        ("Europe/Berlin", date(2026, 3, 29), (90, 210), ["01:30+01", "03:00+02"]),
        (
            "Europe/Berlin",
            date(2026, 10, 25),
            (120, 180),
            ["02:00+02", "02:30+02", "02:00+01", "02:30+01"],
        ),
        ("Australia/Lord_Howe", date(2026, 10, 4), (90, 180), ["01:30+10", "02:30+11"]),
        ("Australia/Lord_Howe", date(2026, 4, 5), (60, 120), ["01:00+11", "01:30+11", "01:30+10"]),
        ("America/Sao_Paulo", date(2026, 11, 1), (0, 60), ["00:00-03", "00:30-03"]),
        ("Asia/Kathmandu", date(2026, 3, 8), (0, 60), ["00:00+05", "00:30+05"]),
    ],
)
def test_slots_walk_in_elapsed_time_when_the_clocks_change(
    zone: str, on: date, window: tuple[int, int], expected: list[str]
) -> None:
    local = ZoneInfo(zone)
    policy = CalendarPolicy(time_zone=zone, grid_minutes=30, horizon_days=180)
    own = Window(opens_minute=window[0], closes_minute=window[1])
    rules = Rules(policy=policy, exceptions=(ExceptionDay(exception_on=on, windows=(own,)),))
    midnight = datetime(on.year, on.month, on.day, tzinfo=local).astimezone(UTC)
    found = slots(
        rules,
        (),
        duration_minutes=30,
        window=Span(midnight - DAY, midnight + 2 * DAY),
        notice_floor=30 * MINUTE,
        shortest_minutes=30,
        now=midnight - 3 * DAY,
    )
    shown = [s.start_at.astimezone(local) for s in found]
    assert [f"{t:%H:%M}{f'{t:%z}'[:3]}" for t in shown] == expected


def test_a_notice_that_crosses_a_change_of_the_clocks_is_elapsed_time() -> None:
    rules = calendar(0, 24 * 60, time_zone="America/New_York", minimum_notice_minutes=24 * 60)
    before = datetime(2026, 3, 7, 20, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
    first = starts(rules, on=before, now=before) + starts(rules, on=before + DAY, now=before)
    # 24 hours after 20:00 the wall shows 21:00
    assert first[0] == "01:00"
