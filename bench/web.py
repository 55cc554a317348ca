"""The web process under measurement: the product's app and one trivial signed-in POST.

The trivial address costs what every request costs (routing, sign-in, a strict body, an answer) and
does nothing else: what a booking takes beyond it is the booking's own.
"""

import sys

import msgspec
from litestar import post
from litestar.params import JSONBody

from actors.bookings import BookLesson
from gateways.settings import settings_from
from server.app import create_app
from server.guards import student
from server.requests import Request
from server.serving import serve


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody signed in has said something."""

    user_id: str
    start_at: str


@post("/bench/trivial", status_code=200, guards=[student])
async def trivial(request: Request, data: JSONBody[BookLesson]) -> Heard:
    """Answers what it was told."""
    return Heard(user_id=str(request.viewer.user_id), start_at=data.start_at.isoformat())


def main() -> int:
    """Serve until told to stop."""
    settings = settings_from()
    return serve(create_app(settings, extra_handlers=[trivial]), settings)


if __name__ == "__main__":
    sys.exit(main())
