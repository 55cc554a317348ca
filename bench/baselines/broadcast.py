"""Baseline: tells every socket the same text with `websockets.broadcast`, and knows nothing else.

A socket that says anything joins and hears one text; one that says `go <n>` makes all the others
hear n bytes of text, and first hears itself when that began and which process does it.
"""

import asyncio
import os
import time

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve


async def main() -> None:
    """Serve until ended; on uvloop and without compression, as the product does."""
    everybody: set[ServerConnection] = set()

    async def serve_one(socket: ServerConnection) -> None:
        try:
            async for said in socket:
                word, _, size = str(said).partition(" ")
                if word == "go":
                    text = "x" * int(size)
                    await socket.send(f"{time.perf_counter()} {os.getpid()}")
                    broadcast(everybody, text)
                else:
                    everybody.add(socket)
                    await socket.send("welcome")
        finally:
            everybody.discard(socket)

    port = int(os.environ["PORT"])
    async with serve(serve_one, "127.0.0.1", port, compression=None) as server:
        await asyncio.shield(server.wait_closed())


if __name__ == "__main__":
    uvloop.run(main())
