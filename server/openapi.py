"""The OpenAPI document and its page, both made by this process and free of foreign scripts.

Litestar writes the operations and schemas; we add what it cannot know: an example for every body
and answer, and the problems each address may answer with.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, cast, get_args

import msgspec
from litestar import Litestar, Router
from litestar.connection import Request as LitestarRequest
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.response import Response
from litestar.routes import HTTPRoute

from domain.errors import (
    BodyTooLarge,
    BookingState,
    CalendarChanged,
    CardDeclined,
    DisputeClosed,
    DomainError,
    EmailTaken,
    Forbidden,
    HoldExpired,
    Invalid,
    NotFound,
    NotSignedIn,
    RateLimited,
    SlotTaken,
    Unavailable,
    UnsupportedMediaType,
)
from server.examples import example_of
from server.guards import LIMITING, SIGNING_IN, Guard
from server.problems import MEDIA_TYPE, Problem, body_of, status_of
from server.schema_page import SHEET, page_of_schema

VERSION = "1.0.0"
TITLE = "InstaInstru"
DESCRIPTION = "Lessons: live slots, no double booking, exact money. Errors are problem+json."
JSON = "application/json"
SCHEMAS = "#/components/schemas/"
CONFLICTS: dict[str, type[DomainError]] = {
    "register": EmailTaken,
    "replace_availability": CalendarChanged,
    "book_lesson": SlotTaken,
    "confirm_booking": HoldExpired,
    "cancel_booking": BookingState,
    "quote_cancellation": BookingState,
    "update_method": BookingState,
    "answer_dispute": DisputeClosed,
}
"""The usual conflict of an address; `docs/problems.md` lists all."""
NAMING = frozenset({"book_lesson", "update_method"})
"""Bodies that name something which may not be there."""
REPEATED = frozenset({"book_lesson"})
"""What answers 200 where the same was done before."""
PAYING = frozenset({"book_lesson", "confirm_booking", "update_method"})

Document = dict[str, Any]


class Json(JsonRenderPlugin):
    """`/schema/openapi.json`, whole."""

    def render(self, request: LitestarRequest[Any, Any, Any], openapi_schema: Document) -> bytes:
        """The document as JSON."""
        return msgspec.json.encode(completed(request.app, openapi_schema))


class Page(OpenAPIRenderPlugin):
    """`/schema`, for people."""

    def render(self, request: LitestarRequest[Any, Any, Any], openapi_schema: Document) -> bytes:
        """The document as a page."""
        return page_of_schema(completed(request.app, openapi_schema)).encode()


class Sheet(OpenAPIRenderPlugin):
    """The page's styles."""

    def render(self, request: LitestarRequest[Any, Any, Any], openapi_schema: Document) -> bytes:  # noqa: ARG002 - the plugin's own signature
        """The stylesheet."""
        return SHEET.encode()


def openapi_config() -> OpenAPIConfig:
    """How Litestar writes the document."""
    return OpenAPIConfig(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        use_handler_docstrings=True,
        openapi_router=Router(
            "/schema", route_handlers=[], include_in_schema=False, after_request=_refuse_missing
        ),
        operation_id_creator=lambda handler, _method, _path: handler.handler_name,
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT"),
                "session": SecurityScheme(
                    type="apiKey", name="session", security_scheme_in="cookie"
                ),
            }
        ),
        render_plugins=[
            Json(),
            Page(path="/", media_type=MediaType.HTML),
            Sheet(path="/page.css", media_type=MediaType.CSS),
        ],
    )


def _refuse_missing(response: Response[Any]) -> Response[Any]:
    """Litestar answers an unknown address below `/schema` with a page of its own."""
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise NotFound
    return response


def completed(app: Litestar, document: Document) -> Document:
    """The document with examples and problems; made once for an application."""
    known = cast("Document | None", app.state.get("openapi"))
    if known is not None:
        return known
    components = document.setdefault("components", {}).setdefault("schemas", {})
    operations = list(operations_of(app))
    components.update(_schemas([handler for _, _, handler in operations]))
    for path, method, handler in operations:
        operation = document["paths"][path][method.lower()]
        _complete(operation, handler, path)
    app.state["openapi"] = document
    return document


def operations_of(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Path, method and handler of everything the document lists."""
    routes = [route for route in app.routes if isinstance(route, HTTPRoute)]
    handlers = [(route, handler) for route in routes for handler in route.route_handlers]
    for route, handler in handlers:
        if handler.resolve_include_in_schema():
            yield from (
                (route.path_format, method, handler) for method in sorted(handler.http_methods)
            )


def body_type_of(handler: HTTPRouteHandler) -> object | None:
    """The type of the request body, if it takes one."""
    field = handler.parsed_data_field
    return field.annotation if field else None


def answer_type_of(handler: HTTPRouteHandler) -> object | None:
    """The type of the answer's body, if it has one; a file is of none."""
    returned = handler.parsed_return_field
    if returned.is_subclass_of(Response):
        if not returned.inner_types:
            return None
        returned = returned.inner_types[0]
    return None if returned.annotation in {None, type(None)} else returned.annotation


def guards_of(handler: HTTPRouteHandler) -> set[Guard]:
    """Who stands before an address."""
    return cast("set[Guard]", set(handler.resolve_guards()))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - Litestar leaves the connection's types open


def problems_of(handler: HTTPRouteHandler, path: str) -> list[type[DomainError]]:
    """One refusal for each status that an address may answer with; `path` is the whole one."""
    guards = guards_of(handler)
    name = handler.handler_name
    has_body = body_type_of(handler) is not None
    possible: dict[type[DomainError], bool] = {
        Invalid: True,
        NotSignedIn: bool(guards & SIGNING_IN) or "/auth/" in path,
        CardDeclined: name in PAYING,
        Forbidden: bool(guards & SIGNING_IN),
        NotFound: "{" in path or name in NAMING,
        BodyTooLarge: True,
        UnsupportedMediaType: has_body,
        RateLimited: bool(guards & LIMITING) or name in {"login", "register"},
        Unavailable: True,
    }
    found = [error for error, is_possible in possible.items() if is_possible]
    return [*found, CONFLICTS[name]] if name in CONFLICTS else found


def _schemas(handlers: list[HTTPRouteHandler]) -> Document:
    """The schemas of all bodies and answers as msgspec, which checks them, sees them."""
    types: list[object] = [Problem]
    for handler in handlers:
        types += [body_type_of(handler), answer_type_of(handler)]
    _, schemas = msgspec.json.schema_components(
        [each for each in types if each is not None], ref_template=SCHEMAS + "{name}"
    )
    return schemas


def _complete(operation: Document, handler: HTTPRouteHandler, path: str) -> None:
    if guards_of(handler) & SIGNING_IN:
        operation["security"] = [{"bearer": []}, {"session": []}]
    body = body_type_of(handler)
    if body is not None:
        operation["requestBody"]["content"][JSON]["example"] = example_of(body)
        operation["requestBody"]["required"] = type(None) not in get_args(body)
    answer = answer_type_of(handler)
    answers = operation["responses"]
    for status in [status for status in answers if not status.startswith("2")]:
        del answers[status]
    if answer is not None:
        for media in answers[str(handler.status_code)]["content"].values():
            media["example"] = example_of(answer)
    else:
        answers[str(handler.status_code)].pop("content", None)
    if handler.handler_name in REPEATED:
        answers["200"] = answers["201"]
    for error in problems_of(handler, path):
        status = status_of(error())
        answers[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": SCHEMAS + "Problem"},
                    "example": msgspec.json.decode(body_of(error())),
                }
            },
        }
