"""Runs an application on uvicorn, after a look at everything it stands on."""

import asyncio
import gc
import sys
from urllib.parse import urlsplit

import structlog
import uvicorn
from litestar import Litestar

from domain.errors import DomainError
from gateways.logs import configure_logs
from gateways.settings import Settings
from gateways.stripe import StripeGateway
from server.sockets import LiveProtocol
from server.wire import HttpProtocol
from storage import migrate

log = structlog.get_logger()

WEBHOOK_PATH = "/api/webhooks/stripe"
CONNECT_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 30
GRACE_SECONDS = 5
BACKLOG = 2048
SOCKET_FRAME_BYTES_MAX = 65_536
SOCKET_QUEUE_MAX = 32
GARBAGE_THRESHOLDS = (20_000, 20, 20)
PORTS = {"https": 443, "http": 80, "nats": 4222, "tls": 4222}


class UnreachableError(OSError):
    """A service the settings name does not answer; the message is the sentence to print."""


class VersionRefusedError(ValueError):
    """The webhook endpoint speaks a version this code does not; the message is for the operator."""


def serve(app: Litestar, settings: Settings) -> int:
    """Serves until told to stop; the exit code. Refuses with one sentence and 1."""
    configure_logs(settings.log_level)
    try:
        asyncio.run(check_services(settings))
    except (DomainError, UnreachableError, VersionRefusedError) as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201 - the sentence for whoever started it
        return 1
    server = uvicorn.Server(config(app, settings))
    spare_the_collector()
    server.run()
    return 0 if server.started else 1


def spare_the_collector() -> None:
    """Has the garbage collector look seldom, and never at what stays as long as the process.

    A full look took 120 ms of everybody's time, again and again, mostly at imported modules.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def config(app: Litestar, settings: Settings) -> uvicorn.Config:
    """How uvicorn runs us. Forwarded headers are believed only from configured peers."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=HttpProtocol,
        ws=LiveProtocol,
        ws_max_size=SOCKET_FRAME_BYTES_MAX,
        ws_max_queue=SOCKET_QUEUE_MAX,
        ws_per_message_deflate=False,
        lifespan="on",
        backlog=BACKLOG,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


async def check_services(settings: Settings) -> None:
    """Raises one sentence for the first thing that is not there or does not fit."""
    await migrate.check(settings.database_url)
    await reach("NATS_URL", settings.nats_url)
    await reach("STRIPE_API_BASE", settings.stripe_api_base)
    await check_webhook_version(settings)


async def check_webhook_version(settings: Settings) -> None:
    """Raises `VersionRefusedError` when Stripe sends our address events of other versions alone.

    Every such event would be quarantined. An endpoint without a version speaks its account's, which
    the events themselves will show; nothing is refused when Stripe does not say. That there is no
    enabled endpoint is a warning only: a tool that forwards may stand in for one.
    """
    stripe = StripeGateway.connect(
        secret_key=settings.stripe_secret_key, api_base=settings.stripe_api_base
    )
    try:
        versions = await stripe.webhook_versions(f"{settings.public_url}{WEBHOOK_PATH}")
    finally:
        await stripe.close()
    if not isinstance(versions, list):
        log.warning("webhook.version_unknown", answer=repr(versions))
        return
    if not versions:
        log.warning("webhook.no_endpoint", path=WEBHOOK_PATH)
    elif not {stripe.api_version, None} & set(versions):
        raise VersionRefusedError(
            f"the webhook endpoint speaks {', '.join(str(each) for each in versions)}:"
            f" add one with API version {stripe.api_version}"
        )


async def reach(name: str, url: str) -> None:
    """Raises `UnreachableError` unless somebody accepts connections at the address."""
    parts = urlsplit(url)
    host, port = parts.hostname or "localhost", parts.port or PORTS.get(parts.scheme, 80)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        raise UnreachableError(f"{name}: nobody answers at {host}:{port}") from error
    writer.close()
