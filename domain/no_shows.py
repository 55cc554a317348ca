"""Who did not come: when it may be said, who may contest it, and what follows."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.bookings import BookingStatus, Outcome
from domain.cancellation import Side
from domain.errors import BookingState, DomainError, Forbidden
from domain.ids import BookingId
from domain.settings import Policy

ReportState = Literal["open", "contested", "upheld", "rejected"]
UNDECIDED: frozenset[ReportState] = frozenset({"open", "contested"})

OUTCOME_OF_ABSENT: dict[Side, Outcome] = {
    "student": "no_show_student",
    "instructor": "no_show_instructor",
}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One lesson's report that somebody did not come. `upheld_at`: when it holds by itself."""

    booking_id: BookingId
    absent: Side
    state: ReportState
    reported_by: UUID
    reported_at: datetime
    upheld_at: datetime
    contested_at: datetime | None
    resolved_at: datetime | None
    resolved_by: UUID | None


class Attended(msgspec.Struct, frozen=True, kw_only=True):
    """The lesson that a report is about."""

    status: BookingStatus
    start_at: datetime
    end_at: datetime


def refuse_report(
    lesson: Attended, *, by: Side, absent: Side, now: datetime, policy: Policy
) -> DomainError | None:
    """Why this cannot be reported now; `None` when it can."""
    if by == absent:
        return Forbidden("nobody reports their own absence: cancel instead")
    if lesson.status not in {"confirmed", "completed"}:
        return BookingState(f"the booking is {lesson.status}")
    grace = policy.grace_student if absent == "student" else policy.grace_instructor
    if now < lesson.start_at + grace:
        return BookingState("give them a few minutes more")
    if now >= lesson.end_at + policy.capture_after:
        return BookingState("this can be reported within a day after the lesson")
    return None


def refuse_contest(report: Report | None, *, by: Side, now: datetime) -> DomainError | None:
    """Why a report cannot be contested; `None` when it can. Only who was absent has a say."""
    if report is None:
        return BookingState("nobody has reported anything")
    if by != report.absent:
        return Forbidden("only who is said to have been absent contests it")
    if report.state != "open" or now >= report.upheld_at:
        return BookingState(f"the report is {report.state}")
    return None
