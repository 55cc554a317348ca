"""Whether this process lives, and whether everything it needs does."""

import asyncio
from collections.abc import Awaitable
from typing import Literal

import msgspec
from litestar import Controller, Response, get

from domain.errors import DomainError
from server.requests import Request

CHECK_SECONDS = 2.0

Condition = Literal["ok", "down"]


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    """This process answers."""

    status: Literal["ok"] = "ok"


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What this process needs, by name."""

    status: Literal["ready", "not_ready"]
    dependencies: dict[str, Condition]


class Health(Controller):
    """For supervisors and load balancers."""

    path = "/health"
    tags = ("Operations",)

    @get("/live", sync_to_thread=False)
    def check_live(self) -> Alive:
        """This process answers; says nothing of what it needs."""
        return Alive()

    @get("/ready")
    async def check_ready(self, request: Request) -> Response[Ready]:
        """Whether requests can be served: each dependency by name, 503 when one is down."""
        checks = request.parts.checks
        conditions = await asyncio.gather(*(_condition(check()) for check in checks.values()))
        is_ready = all(condition == "ok" for condition in conditions)
        answer = Ready(
            status="ready" if is_ready else "not_ready",
            dependencies=dict(zip(checks, conditions, strict=True)),
        )
        return Response(answer, status_code=200 if is_ready else 503)


async def _condition(check: Awaitable[object]) -> Condition:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check
    except (DomainError, OSError, TimeoutError):
        return "down"
    return "ok"
