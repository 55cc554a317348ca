"""Guards: who may come to a handler, and how often. They run before the body is read."""

from collections.abc import Awaitable, Callable

from litestar.handlers import BaseRouteHandler

from domain.errors import Forbidden, TokenRefused
from domain.people import Role, Viewer
from server.auth import required
from server.limits import Limit
from server.requests import Connection, address_of, parts_of, request_id_of, scope_of
from storage.accounts import roles_by_user

Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]


async def known(connection: Connection, _: BaseRouteHandler) -> None:
    """Finds out who asks, if anybody says so; a proof that is over counts as none."""
    try:
        await _identify(connection)
    except TokenRefused:
        scope_of(connection)["user"] = None


async def signed_in(connection: Connection, _: BaseRouteHandler) -> None:
    """Refuses strangers with 401."""
    required(await _identify(connection))


def role(wanted: Role) -> Guard:
    """Refuses whoever does not have the role: 401 for strangers, 403 for others."""

    async def has_role(connection: Connection, _: BaseRouteHandler) -> None:
        viewer = required(await _identify(connection))
        if wanted in viewer.roles:
            return
        # a role may be younger than the token that does not name it yet
        roles = await roles_by_user(parts_of(connection).reads, user_id=viewer.user_id)
        if roles is None or wanted not in roles:
            raise Forbidden(f"this is for people with the role {wanted}")
        scope_of(connection)["user"] = Viewer(
            user_id=viewer.user_id,
            roles=roles,
            session_id=viewer.session_id,
            request_id=viewer.request_id,
        )

    return has_role


student = role("student")
instructor = role("instructor")
admin = role("admin")

SIGNING_IN: set[Guard] = {signed_in, student, instructor, admin}
"""Guards that let no stranger through."""

LIMITING: set[Guard] = set()
"""Guards that may answer 429."""


def limited(limit: Limit, after: Guard | None = None) -> Guard:
    """Takes one from a limit, after the guard that signs in.

    That one stands before it in the list, or is named here: two guards in one cost less, because
    Litestar copies the handler for each guard of each request.
    """

    async def spend(connection: Connection, handler: BaseRouteHandler) -> None:
        if after is not None:
            await after(connection, handler)
        viewer: Viewer | None = scope_of(connection).get("user")
        parts_of(connection).limits.spend(limit, viewer=viewer, address=address_of(connection))

    LIMITING.add(spend)
    if after in SIGNING_IN:
        SIGNING_IN.add(spend)
    return spend


async def _identify(connection: Connection) -> Viewer | None:
    scope = scope_of(connection)
    scope["user"] = viewer = await parts_of(connection).auth.identify(
        connection.headers,
        connection.cookies,
        request_id=request_id_of(connection),
        method=scope["method"],
    )
    return viewer
