"""Prometheus' numbers, not for the public: behind a token, or for this machine alone."""

import hmac

from litestar import MediaType, Response, get
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from domain.errors import NotFound
from gateways.settings import LOOPBACK_HOSTS
from server.requests import Request, address_of


@get("/metrics", media_type=MediaType.TEXT, include_in_schema=False)
async def metrics(request: Request) -> Response[bytes]:
    """Everything this process counts; who may not see it sees nothing there."""
    if not _may_see(request):
        raise NotFound
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _may_see(request: Request) -> bool:
    """With METRICS_TOKEN only by it; without, only from here and not through a proxy."""
    token = request.parts.settings.metrics_token
    if token is not None:
        shown = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(shown.encode(), token.encode())
    is_forwarded = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    return address_of(request) in LOOPBACK_HOSTS and not is_forwarded
