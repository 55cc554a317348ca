"""Following make: an interrupt that reaches make alone is noticed."""

import asyncio
import signal
import subprocess
from pathlib import Path

import pytest

from sandbox.parent import follow

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux only")


async def test_an_interrupt_of_make_alone_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("run:\n\t@echo up && exec cat\n", encoding="ascii")
    make = await asyncio.create_subprocess_exec(
        *("make", "--no-print-directory", "-C", str(tmp_path), "run"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert make.stdout is not None
    assert make.stdin is not None
    assert await make.stdout.readline() == b"up\n"
    stopped = asyncio.Event()
    following = asyncio.create_task(follow(make.pid, stopped))
    await asyncio.sleep(0.1)
    assert not stopped.is_set()
    make.send_signal(signal.SIGINT)
    async with asyncio.timeout(10):
        await following
    assert stopped.is_set()
    make.stdin.close()
    await make.wait()
    assert make.returncode == -signal.SIGINT
