"""Runs one command with a throw-away PostgreSQL: `python -m sandbox.scratch program args…`."""

import asyncio
import os
import secrets
import sys
import tempfile
from pathlib import Path

from sandbox.ports import free_port
from sandbox.postgres import Postgres


async def with_database(program: list[str]) -> int:
    """Return the exit code of the program, which finds its database in `DATABASE_URL`."""
    with tempfile.TemporaryDirectory(prefix="instainstru-") as directory:
        password = secrets.token_urlsafe(16)
        postgres = Postgres(Path(directory), free_port(), password, durable=False)
        await postgres.start()
        try:
            environment = {**os.environ, "DATABASE_URL": postgres.url()}
            process = await asyncio.create_subprocess_exec(*program, env=environment)
            return await process.wait()
        finally:
            await postgres.stop()


if __name__ == "__main__":
    sys.exit(asyncio.run(with_database(sys.argv[1:])))
