"""The web process as people start it: it says in one sentence why it cannot, or it serves."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from gateways.settings import Settings
from sandbox.ports import free_port
from sandbox.processes import child_environment

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0
POLL_SECONDS = 0.05


def environment(settings: Settings, **changes: str) -> dict[str, str]:
    """Return the variables of a web process."""
    wanted = {
        "DATABASE_URL": settings.database_url,
        "NATS_URL": settings.nats_url,
        "STRIPE_API_BASE": settings.stripe_api_base,
        "STRIPE_SECRET_KEY": settings.stripe_secret_key,
        "STRIPE_PUBLISHABLE_KEY": settings.stripe_publishable_key,
        "STRIPE_WEBHOOK_SECRETS": "whsec_test",
        "TOKEN_SECRET": settings.token_secret,
        **changes,
    }
    return child_environment(wanted)


@asynccontextmanager
async def web(environ: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `python -m server`; end it with the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server"),
        cwd=ROOT,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"TOKEN_SECRET": ""}, "TOKEN_SECRET is missing"),
        ({"NATS_URL": "nats://127.0.0.1:1"}, "NATS_URL: nobody answers at 127.0.0.1:1"),
        ({"STRIPE_API_BASE": "http://127.0.0.1:1"}, "STRIPE_API_BASE: nobody answers"),
        ({"DATABASE_URL": "postgresql://me@127.0.0.1:1/x"}, "127.0.0.1:1"),
        ({"CLOCK_FILE": "/nowhere/clock"}, "clock file"),
        ({"STRIPE_SECRET_KEY": "sk_live_x", "CLOCK_FILE": "x"}, "never runs with a live"),
    ],
)
async def test_a_start_that_cannot_be_is_refused_with_one_sentence(
    settings: Settings, changes: dict[str, str], says: str
) -> None:
    async with web(environment(settings, **changes)) as process:
        async with asyncio.timeout(START_SECONDS):
            _, said = await process.communicate()
        assert process.returncode == 1
        sentence = said.decode().strip()
        assert says in sentence
        assert "\n" not in sentence


async def test_it_serves_and_ends_when_told(settings: Settings) -> None:
    port = free_port()
    async with web(environment(settings, PORT=str(port))) as process:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            assert await _becomes_ready(http)
            forwarded = await http.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})
            assert forwarded.status_code == 404
            assert "Server" not in forwarded.headers
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(START_SECONDS):
            await process.communicate()
        assert process.returncode in {0, -signal.SIGTERM}


async def _becomes_ready(http: httpx.AsyncClient) -> bool:
    for _ in range(int(START_SECONDS / POLL_SECONDS)):
        if await _is_ready(http):
            return True
        await asyncio.sleep(POLL_SECONDS)
    return False


async def _is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/health/ready")).status_code == 200
    except httpx.TransportError:
        return False
