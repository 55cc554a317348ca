"""Free ports on the loopback interface."""

import asyncio
import socket

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


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
