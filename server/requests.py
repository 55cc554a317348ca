"""The request as our handlers see it: its viewer, its parts of the house, its strict body."""

from typing import TYPE_CHECKING, Any, cast

from litestar import Request as LitestarRequest
from litestar.connection import ASGIConnection
from litestar.datastructures import State

from domain.errors import Invalid, UnsupportedMediaType
from domain.people import Viewer
from server.bodies import decode_body

if TYPE_CHECKING:
    from server.parts import Parts  # it holds parts that take requests

JSON = "application/json"
IDEMPOTENCY_KEY_LENGTH_MAX = 255

Connection = ASGIConnection[Any, Any, Any, Any]


def parts_of(connection: Connection) -> "Parts":
    """What handlers may use; put there by `create_app`."""
    return cast("Parts", connection.app.state["parts"])


def scope_of(connection: Connection) -> dict[str, Any]:
    """The ASGI scope as the plain mapping it is."""
    return cast("dict[str, Any]", connection.scope)


def viewer_of(connection: Connection) -> Viewer | None:
    """Who asks, as far as a guard has found out."""
    return cast("Viewer | None", scope_of(connection).get("user"))


def request_id_of(connection: Connection) -> str:
    """The id of this request in answers, logs and the audit trail."""
    return cast("str", scope_of(connection)["state"]["request_id"])


def address_of(connection: Connection) -> str | None:
    """Where the request comes from; forwarded headers were judged before by uvicorn."""
    client = cast("tuple[str, int] | None", scope_of(connection).get("client"))
    return client[0] if client else None


class Request(LitestarRequest[Any, Any, State]):
    """One HTTP request."""

    @property
    def parts(self) -> "Parts":
        """What handlers may use."""
        return parts_of(self)

    @property
    def viewer(self) -> Viewer:
        """Who asks; only behind a guard that refuses strangers (`server/guards.py`)."""
        return cast("Viewer", self.scope["user"])

    @property
    def visitor(self) -> Viewer | None:
        """Who asks, if signed in; behind the guard `known`."""
        return viewer_of(self)

    @property
    def request_id(self) -> str:
        """The id of this request in answers, logs and the audit trail."""
        return request_id_of(self)

    @property
    def agent(self) -> str:
        """What the caller calls itself, for the list of sessions."""
        return self.headers.get("user-agent", "")

    @property
    def idempotency_key(self) -> str | None:
        """The Idempotency-Key header, bounded."""
        key = self.headers.get("idempotency-key")
        if key is not None and not 0 < len(key) <= IDEMPOTENCY_KEY_LENGTH_MAX:
            raise Invalid("an Idempotency-Key has 1 to 255 characters")
        return key

    async def json(self) -> Any:  # noqa: ANN401 - Litestar's own signature
        """The body as the struct that the handler takes as `data`, read strictly."""
        if self.content_type[0] != JSON:
            raise UnsupportedMediaType("send JSON with Content-Type: application/json")
        field = self.route_handler.parsed_data_field
        return decode_body(await self.body(), field.annotation if field else Any)
