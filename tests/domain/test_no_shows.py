"""Who may say when that somebody did not come, and who may contest it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from domain.bookings import BookingStatus
from domain.cancellation import Side
from domain.errors import BookingState, DomainError, Forbidden
from domain.ids import BookingId
from domain.no_shows import Attended, Report, ReportState, refuse_contest, refuse_report
from domain.settings import POLICY

START = datetime(2027, 3, 10, 18, tzinfo=UTC)
END = START + timedelta(hours=1)
TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(hours=24)
TAUGHT = Attended(status="completed", start_at=START, end_at=END)
REPORT = Report(
    booking_id=BookingId(UUID(int=1)),
    absent="student",
    state="open",
    reported_by=UUID(int=2),
    reported_at=END,
    upheld_at=END + DAY,
    contested_at=None,
    resolved_at=None,
    resolved_by=None,
)


def refused(
    absent: Side, now: datetime, *, by: Side | None = None, lesson: Attended = TAUGHT
) -> DomainError | None:
    """What speaks against a report by the other side."""
    other: Side = "instructor" if absent == "student" else "student"
    return refuse_report(lesson, by=by or other, absent=absent, now=now, policy=POLICY)


def told(error: DomainError | None) -> tuple[type, str]:
    """Which refusal, in which words."""
    assert error is not None
    return type(error), error.detail


@pytest.mark.parametrize("side", ["student", "instructor"])
def test_nobody_reports_themselves(side: Side) -> None:
    refusal = told(refused(side, END, by=side))
    assert refusal == (Forbidden, "nobody reports their own absence: cancel instead")


@pytest.mark.parametrize(("absent", "minutes"), [("student", 15), ("instructor", 10)])
def test_people_get_a_few_minutes(absent: Side, minutes: int) -> None:
    at = START + minutes * MINUTE
    assert told(refused(absent, at - TICK)) == (BookingState, "give them a few minutes more")
    assert refused(absent, at) is None


@pytest.mark.parametrize("absent", ["student", "instructor"])
def test_a_report_comes_within_a_day_after_the_lesson(absent: Side) -> None:
    assert refused(absent, END + DAY - TICK) is None
    late = told(refused(absent, END + DAY))
    assert late == (BookingState, "this can be reported within a day after the lesson")


@pytest.mark.parametrize(
    ("status", "is_open"),
    [
        ("confirmed", True),
        ("completed", True),
        ("pending", False),
        ("cancelled", False),
        ("expired", False),
        ("no_show", False),
        ("requested", False),
    ],
)
def test_only_a_lesson_that_stands_can_be_missed(status: BookingStatus, is_open: bool) -> None:
    found = refused("student", END, lesson=msgspec.structs.replace(TAUGHT, status=status))
    if is_open:
        assert found is None
    else:
        assert told(found) == (BookingState, f"the booking is {status}")


def test_there_must_be_something_to_contest() -> None:
    refusal = told(refuse_contest(None, by="student", now=END))
    assert refusal == (BookingState, "nobody has reported anything")


def test_only_who_was_absent_contests() -> None:
    assert refuse_contest(REPORT, by="student", now=END) is None
    refusal = told(refuse_contest(REPORT, by="instructor", now=END))
    assert refusal == (
        Forbidden,
        "only who is said to have been absent contests it",
    )


def test_a_report_is_contested_before_it_holds() -> None:
    assert refuse_contest(REPORT, by="student", now=REPORT.upheld_at - TICK) is None
    refusal = told(refuse_contest(REPORT, by="student", now=REPORT.upheld_at))
    assert refusal == (BookingState, "the report is open")


@pytest.mark.parametrize("state", ["contested", "upheld", "rejected"])
def test_a_report_is_contested_once(state: ReportState) -> None:
    report = msgspec.structs.replace(REPORT, state=state)
    refusal = told(refuse_contest(report, by="student", now=END))
    assert refusal == (BookingState, f"the report is {state}")
