"""What a sandbox remembers between two starts: ports and secrets, in DATA_DIR/world.json."""

import secrets
from pathlib import Path

import msgspec

from sandbox.ports import free_port, is_free


class Endpoint(msgspec.Struct, kw_only=True):
    """A webhook endpoint registered with the emulator: where it points and what signs for it."""

    id: str
    url: str
    secret: str


class Memory(msgspec.Struct, kw_only=True):
    """Ports by server name, secrets, and the registered webhook endpoints by name."""

    postgres_password: str
    nats_password: str
    token_secret: str
    metrics_token: str
    ports: dict[str, int] = {}
    endpoints: dict[str, Endpoint] = {}

    def port(self, name: str) -> int:
        """Return the remembered port, or a new one when it is unknown or somebody else's."""
        port = self.ports.get(name)
        if port is None or not is_free(port):
            taken = set(self.ports.values())
            port = free_port()
            while port in taken:
                port = free_port()
            self.ports[name] = port
        return port


def remember(directory: Path) -> Memory:
    """Return what this folder's sandbox remembers; new secrets when it is a new one."""
    path = directory / "world.json"
    if path.exists():
        return msgspec.json.decode(path.read_bytes(), type=Memory)
    return Memory(
        postgres_password=secrets.token_urlsafe(24),
        nats_password=secrets.token_urlsafe(24),
        token_secret=secrets.token_urlsafe(48),
        metrics_token=secrets.token_urlsafe(24),
    )


def keep(directory: Path, memory: Memory) -> None:
    """Write the memory so that a crash leaves the old or the new one; for our eyes alone."""
    partial = directory / "world.json.new"
    partial.touch(mode=0o600)
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(memory), indent=2))
    partial.replace(directory / "world.json")
