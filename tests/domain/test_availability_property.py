"""The promise of a calendar: a slot is listed if and only if it can be booked."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.availability import (
    Busy,
    CalendarPolicy,
    ExceptionDay,
    Rule,
    Rules,
    Window,
    openings,
    refusal,
    slots,
)
from domain.bookings import BookingStatus
from domain.times import Span

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOBODY = UUID(int=0)


def busy(
    start_at: datetime,
    minutes: int,
    *,
    before: int,
    after: int,
    status: BookingStatus,
    hold_expires_at: datetime,
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


ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]
CHANGES = [
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 4, 4, 12, tzinfo=UTC),
    datetime(2026, 10, 3, 12, tzinfo=UTC),
]
BUFFERS = st.sampled_from([0, 5, 15, 40, 120])
POLICIES = st.builds(
    CalendarPolicy,
    time_zone=st.sampled_from(ZONES),
    grid_minutes=st.sampled_from([10, 15, 20, 30, 60]),
    buffer_before_minutes=BUFFERS,
    buffer_after_minutes=BUFFERS,
    minimum_notice_minutes=st.sampled_from([0, 60, 120, 720, 1440]),
    horizon_days=st.integers(1, 4),
    lessons_per_day_max=st.none() | st.integers(1, 3),
    minutes_per_week_max=st.none() | st.integers(60, 400),
    is_tight=st.booleans(),
)
EDGES = st.integers(0, 287).map(lambda n: n * 5)
WINDOWS = st.builds(Window, opens_minute=EDGES, closes_minute=EDGES | st.just(1440))
STATUSES = st.sampled_from(["confirmed", "confirmed", "pending", "completed", "cancelled"])


@st.composite
def situations(draw: st.DrawFn) -> tuple[Rules, list[Busy], datetime]:
    """A calendar near a change of the clocks, what is booked in it, and the time it is."""
    change = draw(st.sampled_from(CHANGES))
    now = change - timedelta(seconds=draw(st.integers(0, 2 * 86400)))
    weekly = draw(st.lists(st.tuples(st.integers(0, 6), WINDOWS), max_size=8))
    own = draw(st.dictionaries(st.integers(-2, 3), st.lists(WINDOWS, max_size=2), max_size=2))
    rules = Rules(
        policy=draw(POLICIES),
        weekly=tuple(
            Rule(weekday=d, opens_minute=w.opens_minute, closes_minute=w.closes_minute)
            for d, w in weekly
        ),
        exceptions=tuple(
            ExceptionDay(exception_on=change.date() + n * DAY, windows=tuple(windows))
            for n, windows in own.items()
        ),
    )
    taken = [
        busy(
            change + 5 * draw(st.integers(-576, 576)) * MINUTE,
            draw(st.sampled_from([30, 45, 60, 120])),
            before=draw(BUFFERS),
            after=draw(BUFFERS),
            status=draw(STATUSES),
            hold_expires_at=now + draw(st.sampled_from([-1, 0, 1, 600])) * timedelta(seconds=1),
        )
        for _ in range(draw(st.integers(0, 8)))
    ]
    return rules, taken, now


@settings(max_examples=60, deadline=None)
@given(situation=situations(), duration=st.sampled_from([30, 45, 60, 90]))
def test_a_slot_is_listed_if_and_only_if_it_can_be_booked(
    situation: tuple[Rules, list[Busy], datetime], duration: int
) -> None:
    rules, taken, now = situation
    opens_at = now.replace(second=0, microsecond=0) - 2 * HOUR
    opens_at -= timedelta(minutes=opens_at.minute % 5)
    window = Span(opens_at, opens_at + 5 * DAY)
    listed = slots(
        rules,
        taken,
        duration_minutes=duration,
        window=window,
        notice_floor=30 * MINUTE,
        shortest_minutes=30,
        now=now,
    )
    assert listed == sorted(set(listed))
    offered = {s.start_at for s in listed}
    candidates = offered | {opens_at + 5 * n * MINUTE for n in range(5 * 288)}
    candidates |= {opens_at + 37 * n * MINUTE + timedelta(seconds=1) for n in range(40)}
    for start_at in candidates:
        span = Span(start_at, start_at + duration * MINUTE)
        why = refusal(
            rules, taken, span=span, notice_floor=30 * MINUTE, shortest_minutes=30, now=now
        )
        assert (why is None) == (start_at in offered), (span, why)
        if not rules.policy.is_tight:
            assert (why is None) == is_bookable(rules, taken, span, now), (span, why)


def is_bookable(rules: Rules, taken: list[Busy], span: Span, now: datetime) -> bool:
    """The reference for calendars that are not tight: the rules word by word, slowly."""
    policy = rules.policy
    local = ZoneInfo(policy.time_zone)
    shown = span.start_at.astimezone(local)
    midnight = shown.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
    active = [
        b
        for b in taken
        if b.status == "confirmed" or (b.status == "pending" and b.hold_expires_at > now)
    ]
    counted = [*active, *(b for b in taken if b.status == "completed")]
    same_day = [b for b in counted if b.start_at.astimezone(local).date() == shown.date()]
    week = shown.isocalendar()[:2]
    same_week = [b for b in counted if b.start_at.astimezone(local).isocalendar()[:2] == week]
    minutes = sum((b.end_at - b.start_at for b in same_week), span.end_at - span.start_at) / MINUTE
    is_apart = all(
        b.end_at + max(b.buffer_after_minutes, policy.buffer_before_minutes) * MINUTE
        <= span.start_at
        or span.end_at + max(policy.buffer_after_minutes, b.buffer_before_minutes) * MINUTE
        <= b.start_at
        for b in active
    )
    notice = max(policy.minimum_notice_minutes * MINUTE, 30 * MINUTE)
    return (
        span.start_at - now >= notice
        and shown.date() <= now.astimezone(local).date() + policy.horizon_days * DAY
        and (span.start_at - midnight) % (policy.grid_minutes * MINUTE) == timedelta(0)
        and openings(rules, span) == [span]
        and is_apart
        and (policy.lessons_per_day_max is None or len(same_day) < policy.lessons_per_day_max)
        and (policy.minutes_per_week_max is None or minutes <= policy.minutes_per_week_max)
    )
