"""Openings: weekly rules and exceptions as instants, through every change of the clocks."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.availability import CalendarPolicy, ExceptionDay, Rule, Rules, Window, openings
from domain.errors import Invalid
from domain.openings import merged
from domain.times import Span

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ZONES = [
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Atlantic/Azores",
    "Africa/Cairo",
    "America/St_Johns",
    "UTC",
]


def minute_of(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def window(text: str) -> Window:
    opens, closes = text.split("-")
    return Window(opens_minute=minute_of(opens), closes_minute=minute_of(closes))


def rules_of(
    zone: str,
    *windows: str,
    weekdays: range = range(7),
    exceptions: dict[date, list[str]] | None = None,
) -> Rules:
    return Rules(
        policy=CalendarPolicy(time_zone=zone),
        weekly=tuple(
            Rule(
                weekday=weekday,
                opens_minute=window(text).opens_minute,
                closes_minute=window(text).closes_minute,
            )
            for weekday in weekdays
            for text in windows
        ),
        exceptions=tuple(
            ExceptionDay(exception_on=on, windows=tuple(window(text) for text in texts))
            for on, texts in (exceptions or {}).items()
        ),
    )


def local_day(zone: str, on: date) -> Span:
    local = ZoneInfo(zone)
    begins = datetime(on.year, on.month, on.day, tzinfo=local).astimezone(UTC)
    after = on + DAY
    return Span(begins, datetime(after.year, after.month, after.day, tzinfo=local).astimezone(UTC))


def as_text(spans: list[Span]) -> list[str]:
    return [f"{s.start_at:%dT%H:%M}/{s.end_at:%dT%H:%M}" for s in spans]


@pytest.mark.parametrize(
    ("zone", "on", "text", "expected"),
    [
        ("America/New_York", date(2026, 3, 8), "01:00-04:00", ["08T06:00/08T08:00"]),
        ("America/New_York", date(2026, 3, 8), "02:30-04:00", ["08T07:00/08T08:00"]),
        ("America/New_York", date(2026, 3, 8), "01:00-02:30", ["08T06:00/08T07:00"]),
        ("America/New_York", date(2026, 3, 8), "02:00-03:00", []),
        ("America/New_York", date(2026, 11, 1), "00:00-03:00", ["01T04:00/01T08:00"]),
        ("America/New_York", date(2026, 11, 1), "01:30-03:00", ["01T05:30/01T08:00"]),
        ("America/New_York", date(2026, 11, 1), "00:00-01:30", ["01T04:00/01T06:30"]),
        ("America/New_York", date(2026, 11, 1), "01:15-01:45", ["01T05:15/01T06:45"]),
        ("Europe/Berlin", date(2026, 3, 29), "01:00-04:00", ["29T00:00/29T02:00"]),
        ("Europe/Berlin", date(2026, 3, 29), "02:15-03:30", ["29T01:00/29T01:30"]),
        ("Europe/Berlin", date(2026, 10, 25), "02:00-03:00", ["25T00:00/25T02:00"]),
        ("Europe/Berlin", date(2026, 10, 25), "09:00-17:00", ["25T08:00/25T16:00"]),
        ("Australia/Lord_Howe", date(2026, 4, 5), "01:30-03:00", ["04T14:30/04T16:30"]),
        ("Australia/Lord_Howe", date(2026, 10, 4), "01:45-03:00", ["03T15:15/03T16:00"]),
        ("Australia/Lord_Howe", date(2026, 10, 4), "02:10-03:00", ["03T15:30/03T16:00"]),
        ("America/Sao_Paulo", date(2026, 11, 1), "09:00-10:00", ["01T12:00/01T13:00"]),
        ("Asia/Kathmandu", date(2026, 3, 8), "09:00-10:00", ["08T03:15/08T04:15"]),
        ("Africa/Cairo", date(2026, 4, 24), "00:00-02:00", ["23T22:00/23T23:00"]),
        ("Atlantic/Azores", date(2026, 10, 25), "00:00-02:00", ["25T00:00/25T03:00"]),
    ],
)
def test_edges_move_past_a_gap_and_span_a_repeated_hour(
    zone: str, on: date, text: str, expected: list[str]
) -> None:
    rules = rules_of(zone, exceptions={on: [text], on - DAY: [], on + DAY: []})
    assert as_text(openings(rules, local_day(zone, on))) == expected


def test_a_window_over_midnight_belongs_to_the_evening() -> None:
    rules = rules_of("UTC", "22:00-02:00", weekdays=range(1))
    week = Span(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 8, tzinfo=UTC))
    assert as_text(openings(rules, week)) == ["01T22:00/02T02:00"]


def test_midnight_can_be_written_in_both_ways() -> None:
    day = Span(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 3, tzinfo=UTC))
    for text in ("20:00-24:00", "20:00-00:00"):
        rules = rules_of("UTC", text, weekdays=range(1))
        assert as_text(openings(rules, day)) == ["01T20:00/02T00:00"]


def test_equal_edges_are_open_for_a_whole_day() -> None:
    on = date(2026, 6, 3)
    week = Span(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 8, tzinfo=UTC))
    whole = rules_of("UTC", exceptions={on: ["00:00-00:00"]})
    late = rules_of("UTC", exceptions={on: ["09:00-09:00"]})
    assert as_text(openings(whole, week)) == ["03T00:00/04T00:00"]
    assert as_text(openings(late, week)) == ["03T09:00/04T09:00"]


def test_an_exception_owns_its_date_and_cuts_the_evening_before() -> None:
    closed = date(2026, 6, 3)
    rules = rules_of("UTC", "22:00-02:00", exceptions={closed: []})
    span = Span(datetime(2026, 6, 2, 12, tzinfo=UTC), datetime(2026, 6, 5, 12, tzinfo=UTC))
    assert as_text(openings(rules, span)) == ["02T22:00/03T00:00", "04T22:00/05T02:00"]


def test_an_exception_may_itself_end_next_day_unless_that_is_one_too() -> None:
    first, second = date(2026, 6, 3), date(2026, 6, 4)
    span = Span(datetime(2026, 6, 2, tzinfo=UTC), datetime(2026, 6, 6, tzinfo=UTC))
    alone = rules_of("UTC", exceptions={first: ["23:00-01:00"]})
    both = rules_of("UTC", exceptions={first: ["23:00-01:00"], second: ["08:00-09:00"]})
    assert as_text(openings(alone, span)) == ["03T23:00/04T01:00"]
    assert as_text(openings(both, span)) == ["03T23:00/04T00:00", "04T08:00/04T09:00"]


def test_touching_and_overlapping_windows_become_one() -> None:
    rules = rules_of("UTC", "00:00-24:00", "09:00-12:00")
    span = Span(datetime(2026, 6, 2, 5, tzinfo=UTC), datetime(2026, 6, 5, 7, tzinfo=UTC))
    assert openings(rules, span) == [span]
    assert merged([(5, 9), (1, 2), (2, 3), (6, 7)]) == [(1, 3), (5, 9)]


def test_an_empty_span_has_no_openings() -> None:
    at = datetime(2026, 6, 2, 5, tzinfo=UTC)
    assert openings(rules_of("UTC", "00:00-24:00"), Span(at, at)) == []


def test_a_zone_that_is_none_is_refused() -> None:
    at = datetime(2026, 6, 2, 5, tzinfo=UTC)
    with pytest.raises(Invalid):
        openings(rules_of("Mars/Olympus", "00:00-24:00"), Span(at, at + DAY))


class Walls:
    """The reference: what a wall clock shows at each minute of some days, looked up by scanning."""

    def __init__(self, zone: str, around: datetime) -> None:
        local = ZoneInfo(zone)
        self.instants = [around + n * MINUTE for n in range(-4 * 1440, 5 * 1440)]
        self.shown = [t.astimezone(local).replace(tzinfo=None) for t in self.instants]

    def edge(self, wall: datetime, *, last: bool) -> datetime:
        at = [t for t, shown in zip(self.instants, self.shown, strict=True) if shown == wall]
        if at:
            return at[-1] if last else at[0]
        return next(t for t, w in zip(self.instants, self.shown, strict=True) if w > wall)


def reference(rules: Rules, span: Span) -> set[datetime]:
    """The open minutes of a span, from the words of the rules and nothing else."""
    walls = Walls(rules.policy.time_zone, span.start_at)
    own = {day.exception_on: day.windows for day in rules.exceptions}
    dates = sorted({shown.date() for shown in walls.shown})[1:-2]
    found: set[datetime] = set()
    for on in dates:
        windows = own.get(on)
        if windows is None:
            windows = tuple(
                Window(opens_minute=r.opens_minute, closes_minute=r.closes_minute)
                for r in rules.weekly
                if r.weekday == on.weekday()
            )
        for each in windows:
            found |= _minutes(walls, on, each, own)
    return {t for t in found if span.start_at <= t < span.end_at}


def _minutes(
    walls: Walls, on: date, each: Window, own: dict[date, tuple[Window, ...]]
) -> set[datetime]:
    midnight = datetime(on.year, on.month, on.day)  # noqa: DTZ001 what a wall shows has no zone
    opens = walls.edge(midnight + each.opens_minute * MINUTE, last=False)
    is_next = each.closes_minute <= each.opens_minute
    closing = midnight + each.closes_minute * MINUTE + (DAY if is_next else timedelta(0))
    closes = walls.edge(closing, last=closing.time() != closing.min.time())
    return {
        t
        for t, shown in zip(walls.instants, walls.shown, strict=True)
        if opens <= t < closes and not (shown.date() != on and shown.date() in own)
    }


MINUTES = st.sampled_from([0, 30, 60, 90, 100, 120, 150, 180, 540, 1020, 1320, 1410, 1439])
WINDOWS = st.builds(Window, opens_minute=MINUTES, closes_minute=st.one_of(MINUTES, st.just(1440)))
CHANGES = [
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 4, 4, tzinfo=UTC),
    datetime(2026, 10, 3, tzinfo=UTC),
    datetime(2026, 4, 23, tzinfo=UTC),
    datetime(2026, 10, 29, tzinfo=UTC),
]


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    change=st.sampled_from(CHANGES),
    weekly=st.lists(st.tuples(st.integers(0, 6), WINDOWS), max_size=6),
    exceptions=st.dictionaries(st.integers(-2, 2), st.lists(WINDOWS, max_size=2), max_size=3),
)
def test_openings_are_what_a_wall_clock_shows_minute_by_minute(
    zone: str,
    change: datetime,
    weekly: list[tuple[int, Window]],
    exceptions: dict[int, list[Window]],
) -> None:
    rules = Rules(
        policy=CalendarPolicy(time_zone=zone),
        weekly=tuple(
            Rule(weekday=d, opens_minute=w.opens_minute, closes_minute=w.closes_minute)
            for d, w in weekly
        ),
        exceptions=tuple(
            ExceptionDay(exception_on=change.date() + n * DAY, windows=tuple(windows))
            for n, windows in exceptions.items()
        ),
    )
    span = Span(change - DAY, change + 2 * DAY)
    found = openings(rules, span)
    assert found == sorted(found)
    assert all(a.end_at < b.start_at for a, b in itertools.pairwise(found))
    minutes = {
        span.start_at + n * MINUTE
        for n in range(3 * 1440)
        if any(o.start_at <= span.start_at + n * MINUTE < o.end_at for o in found)
    }
    assert minutes == reference(rules, span)
