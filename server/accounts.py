"""Accounts: register, sign in and out, who am I."""

from typing import Annotated, Literal

import msgspec
from litestar import Controller, Response, get, patch, post
from litestar.params import JSONBody

from actors.accounts import NewAccount, SignedIn
from domain.errors import NotFound
from domain.people import Learner, SessionKind, User
from domain.texts import Name
from server.bodies import Body
from server.guards import limited, signed_in
from server.limits import LOGIN, REFRESH, REGISTER
from server.requests import Request, address_of
from server.tokens import ACCESS_LIFE, TICKET_LIFE
from storage.accounts import learners_of_student, user_by_id

Password = Annotated[str, msgspec.Meta(max_length=256)]
Email = Annotated[str, msgspec.Meta(max_length=254)]
ZoneName = Annotated[str, msgspec.Meta(max_length=64)]
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
ReferralCode = Annotated[str, msgspec.Meta(max_length=32)]
OwnRole = Literal["student", "instructor"]


class Register(Body, frozen=True, kw_only=True):
    """A new account. `session` `cookie` sets a cookie instead of answering with tokens."""

    email: Email
    password: Password
    display_name: Name
    role: OwnRole
    time_zone: ZoneName
    referral_code: ReferralCode | None = None
    session: SessionKind = "token"


class Login(Body, frozen=True, kw_only=True):
    """E-mail and password."""

    email: Email
    password: Password
    session: SessionKind = "token"


class Refresh(Body, frozen=True, kw_only=True):
    """The newest refresh token; it works once."""

    refresh_token: Secret


class AddRole(Body, frozen=True, kw_only=True):
    """The other role to have as well."""

    role: OwnRole


class ChangeMe(Body, frozen=True, kw_only=True):
    """What to change; what is left out stays."""

    display_name: Name | None = None
    time_zone: ZoneName | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Signed in: tokens, or a cookie and the form token that goes with it."""

    user: User
    access_token: str | None = None
    refresh_token: str | None = None
    token_type: Literal["bearer"] | None = None
    expires_in: int | None = None
    csrf_token: str | None = None


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Opens one live socket, once, within so many seconds."""

    ticket: str
    expires_in: int


class Learners(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody the viewer books for."""

    items: list[Learner]
    next_cursor: str | None = None


class Accounts(Controller):
    """Identity."""

    path = "/api"
    tags = ("Identity",)

    @post("/auth/register")
    async def register(self, request: Request, data: JSONBody[Register]) -> Response[Session]:
        """Opens an account and signs in."""
        await request.parts.limits.spend_address(REGISTER, address_of(request))
        account = NewAccount(
            email=data.email,
            password=data.password,
            display_name=data.display_name,
            role=data.role,
            time_zone=data.time_zone,
        )
        signed_in = await request.parts.accounts.register(account, data.session, request.agent)
        return _session(request, signed_in, data.session, status=201)

    @post("/auth/login", status_code=200)
    async def login(self, request: Request, data: JSONBody[Login]) -> Response[Session]:
        """Signs in."""
        limits, key = request.parts.limits, data.email.strip().casefold()
        await limits.spend_address(LOGIN, address_of(request))
        await limits.spend_durably(LOGIN, key=key)
        signed_in = await request.parts.accounts.login(
            data.email, data.password, data.session, request.agent
        )
        await limits.forgive(LOGIN, key=key)
        return _session(request, signed_in, data.session, status=200)

    @post("/auth/refresh", status_code=200, guards=[limited(REFRESH)])
    async def refresh(self, request: Request, data: JSONBody[Refresh]) -> Response[Session]:
        """A new pair of tokens for a refresh token; the same one again ends the session."""
        signed_in = await request.parts.accounts.refresh(data.refresh_token)
        return _session(request, signed_in, "token", status=200)

    @post("/auth/logout", status_code=204, guards=[signed_in])
    async def logout(self, request: Request) -> Response[None]:
        """Ends this session everywhere at once."""
        await request.parts.accounts.logout(request.viewer.session_id)
        cookies = [request.parts.auth.no_cookie()]
        return Response(None, status_code=204, cookies=cookies)

    @post("/live/ticket", status_code=200, guards=[signed_in])
    async def make_live_ticket(self, request: Request) -> Ticket:
        """A ticket for `GET /api/live?ticket=`, for browsers that cannot send a header there."""
        viewer, parts = request.viewer, request.parts
        ticket = parts.auth.tokens.ticket(
            viewer.user_id, viewer.session_id, list(viewer.roles), parts.clock.wall_now()
        )
        return Ticket(ticket=ticket, expires_in=int(TICKET_LIFE.total_seconds()))

    @get("/me", guards=[signed_in])
    async def show_me(self, request: Request) -> User:
        """The viewer's own account."""
        user = await user_by_id(request.parts.reads, user_id=request.viewer.user_id)
        if user is None:
            raise NotFound
        return user

    @patch("/me", guards=[signed_in])
    async def change_me(self, request: Request, data: JSONBody[ChangeMe]) -> User:
        """Changes the viewer's name or time zone."""
        return await request.parts.accounts.change_me(
            request.viewer, display_name=data.display_name, time_zone=data.time_zone
        )

    @post("/me/roles", status_code=200, guards=[signed_in])
    async def add_role(self, request: Request, data: JSONBody[AddRole]) -> User:
        """Gives the viewer the other role too."""
        user = await request.parts.accounts.add_role(request.viewer, data.role)
        request.parts.auth.forget_roles(request.viewer.session_id)
        return user

    @get("/me/learners", guards=[signed_in])
    async def list_learners(self, request: Request) -> Learners:
        """Everybody the viewer books for; the viewer comes first."""
        items = await learners_of_student(request.parts.reads, student_id=request.viewer.user_id)
        return Learners(items=items)


def _session(
    request: Request, signed_in: SignedIn, kind: SessionKind, *, status: int
) -> Response[Session]:
    """The answer to a sign-in: a cookie and its form token, or tokens."""
    auth, clock = request.parts.auth, request.parts.clock
    if kind == "cookie":
        csrf_token = auth.tokens.csrf(signed_in.session_id)
        return Response(
            Session(user=signed_in.user, csrf_token=csrf_token),
            status_code=status,
            cookies=[auth.cookie(signed_in.secret)],
        )
    access_token = auth.tokens.access(
        signed_in.user.id, signed_in.session_id, signed_in.user.roles, clock.wall_now()
    )
    tokens = Session(
        user=signed_in.user,
        access_token=access_token,
        refresh_token=signed_in.secret,
        token_type="bearer",  # noqa: S106 - the name of a kind of token, no password
        expires_in=int(ACCESS_LIFE.total_seconds()),
    )
    return Response(tokens, status_code=status)
