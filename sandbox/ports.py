"""Free ports on the loopback interface."""

import asyncio
import secrets
import socket

LOOPBACK = "127.0.0.1"


PORTS = range(10_240, 32_000)
"""Below those that systems give to connections: nobody's own connection takes one of these."""
TRIES_MAX = 1_000
_given: set[int] = set()


def free_port() -> int:
    """Return a port that nobody listens on now and that this process was not given before."""
    for _ in range(TRIES_MAX):
        port = secrets.choice(PORTS)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise OSError("no port is free")


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether a server could listen on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


async def answers(host: str, port: int) -> None:
    """Return when somebody accepts connections there; raises `OSError` when nobody does."""
    async with asyncio.timeout(5):
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        await writer.wait_closed()
