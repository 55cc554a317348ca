"""What the two people of a lesson ask of each other: another time, and whether somebody came."""

from datetime import datetime

import msgspec

from domain.cancellation import Side
from domain.moves import Proposal
from domain.no_shows import Attended, Report, refuse_contest, refuse_report
from domain.settings import POLICY
from storage.lessons import Lesson

OTHER: dict[Side, Side] = {"student": "instructor", "instructor": "student"}


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """A report that somebody did not come, as its reader may see and answer it."""

    text: str
    can_report: bool
    """Whether the reader may say now that the other side did not come."""
    absent: Side
    can_contest: bool
    until_at: datetime | None
    """Until when it can be contested."""


def open_proposal(found: list[Proposal]) -> Proposal | None:
    """The wish for another time that waits for an answer."""
    return next((each for each in found if each.state == "open"), None)


def missed(lesson: Lesson, report: Report | None, *, side: Side, now: datetime) -> Missed | None:
    """What is said about somebody's absence; nothing when nothing is and nothing can be."""
    absent = OTHER[side]
    if report is None:
        attended = Attended(status=lesson.status, start_at=lesson.start_at, end_at=lesson.end_at)
        refusal = refuse_report(attended, by=side, absent=absent, now=now, policy=POLICY)
        return None if refusal else _view("", can_report=True, absent=absent)
    can_contest = refuse_contest(report, by=side, now=now) is None
    until_at = report.upheld_at if report.state == "open" else None
    text = _words(lesson, report, side)
    return _view(text, absent=absent, can_contest=can_contest, until_at=until_at)


def _view(
    text: str,
    *,
    absent: Side,
    can_report: bool = False,
    can_contest: bool = False,
    until_at: datetime | None = None,
) -> Missed:
    return Missed(
        text=text,
        can_report=can_report,
        absent=absent,
        can_contest=can_contest,
        until_at=until_at,
    )


def _words(lesson: Lesson, report: Report, side: Side) -> str:
    names = {"student": lesson.student_name, "instructor": lesson.instructor_name}
    is_me = report.absent == side
    match report.state:
        case "open" if is_me:
            return f"{names[OTHER[side]]} says that you did not come."
        case "open":
            return f"You said that {names[report.absent]} did not come. They can answer for a day."
        case "contested":
            return "You two say different things. A person will look at it; nothing is paid yet."
        case "upheld":
            return "You did not come." if is_me else f"{names[report.absent]} did not come."
        case "rejected":
            return "It was decided that the lesson took place."
