"""What every page has around it: who looks, in which zone, what is held for them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from urllib.parse import quote, unquote

import msgspec
from litestar.response import Redirect, Template

from domain.people import User
from domain.times import ZONES
from server.requests import Request
from storage.accounts import user_by_id
from storage.lessons import Hold, hold_of_student

Theme = Literal["light", "dark"]
ZoneOf = Literal["cookie", "viewer", "guess"]
THEMES: dict[str | None, Theme] = {"light": "light", "dark": "dark"}


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The reader and their circumstances. `viewer` is the signed-in account, if any."""

    path: str
    here: str
    viewer: User | None
    csrf_token: str | None
    zone: str
    zone_of: ZoneOf
    now: datetime
    theme: Theme | None
    hold: Hold | None
    is_reader_known: bool = True


async def frame_of(request: Request) -> Frame:
    """Reads who looks; behind the guard `known`."""
    parts, visitor = request.parts, request.visitor
    now = parts.clock.now()
    viewer = await user_by_id(parts.reads, user_id=visitor.user_id) if visitor else None
    zone, zone_of = _zone_of(request, viewer)
    return Frame(
        path=request.url.path,
        here=_here(request),
        viewer=viewer,
        csrf_token=parts.auth.tokens.csrf(visitor.session_id) if visitor else None,
        zone=zone,
        zone_of=zone_of,
        now=now,
        theme=THEMES.get(request.cookies.get("theme")),
        hold=(
            await hold_of_student(parts.reads, student_id=viewer.id, now=now) if viewer else None
        ),
    )


def anonymous_frame_of(request: Request) -> Frame:
    """The frame of a page that could not find out who looks; it asks nobody to sign in."""
    zone, zone_of = _zone_of(request, None)
    return Frame(
        path=request.url.path,
        here=_here(request),
        viewer=None,
        csrf_token=None,
        zone=zone,
        zone_of=zone_of,
        now=request.parts.clock.now(),
        theme=THEMES.get(request.cookies.get("theme")),
        hold=None,
        is_reader_known=False,
    )


def show(name: str, frame: Frame, context: Mapping[str, object], *, status: int = 200) -> Template:
    """A page inside its frame."""
    return Template(f"pages/{name}.html", context={"page": frame, **context}, status_code=status)


def sign_in_first(frame: Frame) -> Redirect:
    """Sends a stranger to the sign-in page, and back here afterwards."""
    return Redirect(f"/login?next={quote(frame.here, safe='')}", status_code=302)


def own_path(next_path: str, *, otherwise: str) -> str:
    """Where to go after signing in: a path of this site and nothing else."""
    is_own = next_path.startswith("/") and not next_path.startswith(("//", "/\\"))
    is_plain = not any(character < " " for character in next_path)
    return next_path if is_own and is_plain else otherwise


def _zone_of(request: Request, viewer: User | None) -> tuple[str, ZoneOf]:
    chosen = unquote(request.cookies.get("zone", ""))
    if chosen in ZONES:
        return chosen, "cookie"
    if viewer is not None:
        return viewer.time_zone, "viewer"
    return "UTC", "guess"


def _here(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
