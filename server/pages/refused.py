"""A refusal as a page, for people who followed a link; programs get the same as JSON."""

from typing import Any

from litestar import Response
from litestar.connection import Request as LitestarRequest

from domain.errors import DomainError
from server.pages.frame import Frame, anonymous_frame_of, show
from server.pages.missing import TEXT, TITLE
from server.problems import answer_exception, headers_of, refusal_of, status_of
from server.requests import Request

PROGRAMS = ("/api/", "/health/", "/metrics", "/schema", "/sandbox", "/assets/")
LATER_TITLE = "That did not work"
LATER_TEXT = "Nothing was lost. Please try again in a moment."


def answer(request: LitestarRequest[Any, Any, Any], error: Exception) -> Response[Any]:
    """Litestar's exception handler for everything."""
    as_json = answer_exception(request, error)
    if not isinstance(request, Request) or not _is_for_people(request):
        return as_json
    refusal = refusal_of(error)
    page = _page(anonymous_frame_of(request), refusal)
    page.headers.update(headers_of(refusal))
    return page


def _is_for_people(request: Request) -> bool:
    is_page = not request.scope["path"].startswith(PROGRAMS)
    return is_page and request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _page(frame: Frame, refusal: DomainError) -> Response[Any]:
    status = status_of(refusal)
    if status == 404:
        return show("problem", frame, {"status": 404, "title": TITLE, "text": TEXT}, status=404)
    text = refusal.detail if status < 500 else LATER_TEXT
    context = {"status": status, "title": LATER_TITLE, "text": text}
    return show("problem", frame, context, status=status)
