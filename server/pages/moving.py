"""Another time for a lesson: the free times of its instructor, and a button."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from domain.ids import BookingId, ServiceId, UserId
from server.guards import known
from server.pages.frame import Frame, frame_of, show, sign_in_first
from server.pages.free_times import WEEKS_MAX, Window, first_shown, starts_of_week
from server.pages.missing import missing
from server.pages.weeks import start_of_date, week_of
from server.requests import Request
from storage.bookings import booking_by_id
from storage.calendars import calendar_by_instructor
from storage.database import Reads
from storage.lessons import Lesson, lesson_by_id


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """The instructor whose times are shown."""

    id: UserId
    time_zone: str


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """The service that the lesson is of."""

    id: ServiceId


@get("/lessons/{booking_id:uuid}/move", include_in_schema=False, guards=[known])
async def move(
    request: Request,
    booking_id: FromPath[UUID],
    week: FromQuery[int] = 0,
    start: FromQuery[datetime | None] = None,
) -> Template | Redirect:
    """Times to move one of the viewer's lessons to, live."""
    frame = await frame_of(request)
    if frame.viewer is None:
        return sign_in_first(frame)
    asked = start if start is not None and start.tzinfo else None
    context = await _context(
        request.parts.reads,
        frame,
        BookingId(booking_id),
        week=min(max(week, 0), WEEKS_MAX),
        start=asked,
    )
    return missing(frame) if context is None else show("move", frame, context)


async def _context(
    reads: Reads, frame: Frame, booking_id: BookingId, *, week: int, start: datetime | None
) -> dict[str, object] | None:
    """What the page shows; nothing for a lesson that is not the viewer's or cannot move."""
    me = None if frame.viewer is None else frame.viewer.id
    if me is None:
        return None
    lesson = await lesson_by_id(reads, booking_id=booking_id, viewer_id=me)
    booking = await booking_by_id(reads, booking_id=booking_id, viewer_id=me)
    if lesson is None or booking is None or not can_move(lesson, now=frame.now):
        return None
    calendar = await calendar_by_instructor(
        reads, instructor_id=lesson.instructor_id, now=frame.now
    )
    if calendar is None:
        return None
    minutes = (lesson.end_at - lesson.start_at) // timedelta(minutes=1)
    first = first_shown(frame, week=week, start=start)
    starts = starts_of_week(
        calendar, service_id=booking.service_id, minutes=minutes, first=first, frame=frame
    )
    picked = start if start in starts else None
    shown = week_of(starts, first=first, zone=frame.zone, picked=picked)
    is_student = me == lesson.student_id
    return {
        "lesson": lesson,
        "is_student": is_student,
        "other_name": lesson.instructor_name if is_student else lesson.student_name,
        "instructor": Whose(id=lesson.instructor_id, time_zone=lesson.instructor_zone),
        "service": Offered(id=booking.service_id),
        "minutes": minutes,
        "week": week,
        "days": shown.days,
        "part_labels": shown.labels,
        "window": Window(from_at=start_of_date(first, frame.zone)),
        "version": calendar.version,
        "picked": picked,
    }


def can_move(lesson: Lesson, *, now: datetime) -> bool:
    """Whether there is still something to move."""
    return lesson.status == "confirmed" and lesson.start_at > now
