"""Sign in and create an account. Whoever is signed in already is sent on."""

from litestar import get
from litestar.response import Redirect, Template

from domain.people import User
from server.guards import known
from server.pages.frame import frame_of, own_path, show
from server.requests import Request


@get("/login", include_in_schema=False, guards=[known])
async def login(request: Request) -> Template | Redirect:
    """Sign in, then on to `?next=`."""
    frame = await frame_of(request)
    if frame.viewer is not None:
        return Redirect(own_path(_asked(request, "next"), otherwise=_home_of(frame.viewer)))
    next_path = own_path(_asked(request, "next"), otherwise="")
    return show("login", frame, {"next": next_path, "reason": _asked(request, "reason")})


@get("/register", include_in_schema=False, guards=[known])
async def register(request: Request) -> Template | Redirect:
    """Create an account, to learn or to teach."""
    frame = await frame_of(request)
    if frame.viewer is not None:
        return Redirect(_home_of(frame.viewer))
    next_path = own_path(_asked(request, "next"), otherwise="")
    return show("register", frame, {"next": next_path, "role": _asked(request, "role")})


def _asked(request: Request, name: str) -> str:
    return request.query_params.get(name, "")


def _home_of(viewer: User) -> str:
    return "/teach" if "instructor" in viewer.roles else "/lessons"
