"""The words of pages: times, names, weeks, and where a sign-in may lead."""

from datetime import UTC, date, datetime, timedelta

import pytest

from server.pages.frame import own_path
from server.pages.weeks import first_date, start_of_date, week_of
from server.pages.words import city, countdown, initials, when

NEW_YORK = "America/New_York"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_an_instant_is_told_with_weekday_and_date_in_the_readers_zone() -> None:
    assert when(at("2027-03-09T23:00:00Z"), NEW_YORK) == "Tue 9 Mar, 18:00"
    assert when(at("2027-03-09T23:00:00Z"), "Europe/Berlin") == "Wed 10 Mar, 00:00"
    assert when(at("2027-03-09T23:00:00Z"), "Asia/Kathmandu", "clock") == "04:45"


def test_a_zone_is_called_by_its_city() -> None:
    assert city("America/Argentina/Buenos_Aires") == "Buenos Aires"


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ana Belén Castellanos", "AC"), ("Yuki", "Y"), ("Ana (piano)", "A"), ("42", "·")],
)
def test_an_avatar_has_the_first_letters_of_a_name(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_a_countdown_never_goes_below_zero() -> None:
    now = at("2027-03-09T23:00:00Z")
    assert countdown(now + timedelta(seconds=247), now) == "4:07"
    assert countdown(now - timedelta(seconds=3), now) == "0:00"


def test_a_week_begins_today_in_the_readers_zone() -> None:
    late = at("2027-03-10T03:30:00Z")
    assert first_date(late, NEW_YORK, 0) == date(2027, 3, 9)
    assert first_date(late, "UTC", 1) == date(2027, 3, 17)


def test_a_date_begins_after_the_gap_when_midnight_is_skipped() -> None:
    beirut = start_of_date(date(2027, 3, 28), "Asia/Beirut")
    assert beirut == datetime(2027, 3, 27, 22, tzinfo=UTC)
    assert start_of_date(date(2027, 3, 14), NEW_YORK) == datetime(2027, 3, 14, 5, tzinfo=UTC)


def test_times_stand_under_their_local_date_and_part_of_day() -> None:
    starts = [at("2027-03-09T14:00:00Z"), at("2027-03-10T00:30:00Z"), at("2027-03-14T16:00:00Z")]
    week = week_of(starts, first=date(2027, 3, 8), zone=NEW_YORK, picked=starts[1])
    tuesday, sunday = week.days[1], week.days[6]
    assert [len(part.slots) for part in tuesday.parts] == [1, 0, 1]
    assert [part.count for part in week.labels] == [1, 1, 1]
    assert sunday.parts[1].slots[0].start_at == starts[2], "noon on the day clocks change"
    assert tuesday.is_current
    assert not sunday.is_current


@pytest.mark.parametrize(
    "foreign", ["https://evil.example", "//evil.example", "/\\evil.example", "x", "/a\r\nSet: b"]
)
def test_signing_in_leads_to_our_own_pages_only(foreign: str) -> None:
    assert own_path(foreign, otherwise="/lessons") == "/lessons"
    assert own_path("/instructors/1?start=2", otherwise="/") == "/instructors/1?start=2"
