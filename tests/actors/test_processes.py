"""Worker and clock as processes: they refuse with one sentence and stop when told."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from sandbox.emulator import Emulator
from sandbox.nats import Nats
from sandbox.ports import free_port
from sandbox.processes import child_environment

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30.0


def settings(database_url: str, nats_url: str, stripe_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "NATS_URL": nats_url,
        "STRIPE_API_BASE": stripe_url,
        "STRIPE_SECRET_KEY": "sk_test_emulator",
        "STRIPE_PUBLISHABLE_KEY": "pk_test_emulator",
        "STRIPE_WEBHOOK_SECRETS": "whsec_1",
        "TOKEN_SECRET": "x" * 32,
    }


async def start(module: str, environment: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        cwd=ROOT,
        env=child_environment(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("module", ["actors.worker", "actors.clock"])
@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"TOKEN_SECRET": ""}, "TOKEN_SECRET is missing"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "the database at 127.0.0.1:1"),
        ({"NATS_URL": "nats://127.0.0.1:1"}, "NATS at 127.0.0.1:1"),
        ({"STRIPE_SECRET_KEY": "sk_live_x"}, "live"),
        ({"CLOCK_FILE": "/nowhere/clock"}, "clock file"),
    ],
)
async def test_what_is_missing_is_said_in_one_sentence(
    module: str,
    broken: dict[str, str],
    words: str,
    database_url: str,
    nats_url: str,
) -> None:
    environment = settings(database_url, nats_url, "http://127.0.0.1:1") | broken
    process = await start(module, environment)
    async with asyncio.timeout(PATIENCE_SECONDS):
        _, said = await process.communicate()
    assert process.returncode == 1
    sentence = said.decode().strip()
    assert words in sentence
    assert len(sentence.splitlines()) == 1


@pytest.mark.parametrize("module", ["actors.worker", "actors.clock"])
async def test_a_process_becomes_ready_and_stops_when_told(
    module: str, database_url: str, stripe_emulator: Emulator, tmp_path: Path
) -> None:
    own = Nats(tmp_path, free_port(), "secret")
    await own.start()
    try:
        environment = settings(database_url, own.url, stripe_emulator.url)
        process = await start(module, environment)
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            while b"process.ready" not in await process.stdout.readline():
                assert process.returncode is None
            os.kill(process.pid, signal.SIGTERM)
            await process.communicate()
        assert process.returncode == 0
    finally:
        await own.stop()
