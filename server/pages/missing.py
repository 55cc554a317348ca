"""The page that says that something is not here."""

from litestar.response import Template

from server.pages.frame import Frame, show

TITLE = "This page is not here"
TEXT = (
    "The address may be old, or the page is not public any more. "
    "Your lessons are where you left them."
)


def missing(frame: Frame) -> Template:
    """404 in words."""
    return show("problem", frame, {"status": 404, "title": TITLE, "text": TEXT}, status=404)
