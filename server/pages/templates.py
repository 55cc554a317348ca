"""The template engine and everything a page is served by: `template_config`, `page_handlers`."""

from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Router, get
from litestar.params import FromPath
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import File
from litestar.template import TemplateConfig
from litestar.types import ControllerRouterHandler

from domain.errors import NotFound
from server.pages import (
    availability,
    billing,
    earnings,
    home,
    instructors,
    lesson_detail,
    lessons,
    moving,
    signing_in,
    teaching,
)
from server.pages.assets import DIST, WEB, Build
from server.pages.compressing import compress_for_strangers, smallest
from server.pages.words import FILTERS
from server.requests import Request

YEAR_SECONDS = 365 * 86_400
DAY_SECONDS = 86_400
KINDS = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


def environment(dist: Path = DIST) -> Environment:
    """Templates, filters and built assets; unknown names are errors, text is escaped."""
    env = Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.filters.update(FILTERS)
    names = cast("dict[str, Any]", env.globals)
    names["latest_build"] = Build(dist).latest
    return env


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """How Litestar renders our pages."""
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment()))


@get("/favicon.svg", include_in_schema=False, media_type="image/svg+xml")
async def favicon() -> File:
    """The mark in the browser's tab."""
    return File(
        WEB / "public" / "favicon.svg",
        media_type="image/svg+xml",
        content_disposition_type="inline",
        headers={"cache-control": f"public, max-age={DAY_SECONDS}"},
    )


@get("/assets/{name:str}", include_in_schema=False)
async def asset(request: Request, name: FromPath[str]) -> File:
    """A built file. Its name carries its content's hash, so it may be kept for ever."""
    kind = KINDS.get(Path(name).suffix)
    path = DIST / "assets" / name
    if kind is None or name != Path(name).name or not path.is_file():
        raise NotFound
    packed, encoding = smallest(path, request.headers.get("accept-encoding", ""))
    headers = {
        "cache-control": f"public, max-age={YEAR_SECONDS}, immutable",
        "vary": "accept-encoding",
    }
    if encoding is not None:
        headers["content-encoding"] = encoding
    return File(packed, media_type=kind, content_disposition_type="inline", headers=headers)


pages: list[ControllerRouterHandler] = [
    home.home,
    instructors.instructor,
    lessons.lessons,
    lesson_detail.lesson,
    moving.move,
    signing_in.login,
    signing_in.register,
    teaching.overview,
    teaching.bookings,
    teaching.profile,
    teaching.services,
    earnings.earnings,
    billing.billing,
    availability.availability,
]
page_handlers: list[ControllerRouterHandler] = [
    Router(path="/", route_handlers=pages, middleware=[compress_for_strangers]),
    favicon,
    asset,
]
