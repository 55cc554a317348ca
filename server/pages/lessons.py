"""My lessons: held, next and earlier, with what cancelling costs now."""

from litestar import get
from litestar.response import Redirect, Template

from server.guards import known
from server.pages.frame import frame_of, show, sign_in_first
from server.pages.lesson_words import sort_lessons
from server.requests import Request
from storage.lessons import lessons_of_student

SHOWN_MAX = 50


@get("/lessons", include_in_schema=False, guards=[known])
async def lessons(request: Request) -> Template | Redirect:
    """The viewer's lessons as a student."""
    frame = await frame_of(request)
    if frame.viewer is None:
        return sign_in_first(frame)
    found = await lessons_of_student(
        request.parts.reads, student_id=frame.viewer.id, now=frame.now, most=SHOWN_MAX
    )
    mine = sort_lessons(found, side="student", zone=frame.zone, now=frame.now)
    return show("lessons", frame, {"held": mine.held, "upcoming": mine.upcoming, "past": mine.past})
