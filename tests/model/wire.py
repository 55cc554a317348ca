"""A wire to a server that a test can cut or make silent."""

import asyncio
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit, urlunsplit


class Wire:
    """Forwards connections to `url`; `url` of its own is what to connect to instead."""

    def __init__(self, url: str) -> None:
        """Nothing is listened on before `open`."""
        self._parts = urlsplit(url)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.url = ""
        self.sent = bytearray()
        """What clients have sent, for those who ask about its order."""
        self.is_silent = False
        """Whether what the server says is lost."""

    async def open(self) -> None:
        """Listens on a port of its own."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        user = self._parts.netloc.rpartition("@")
        self.url = urlunsplit(self._parts._replace(netloc=f"{user[0]}{user[1]}127.0.0.1:{port}"))

    def cut(self) -> None:
        """Every connection is lost; the next ones are forwarded again."""
        for each in list(self._writers):
            each.transport.abort()

    async def close(self) -> None:
        """Forwards nothing any more."""
        self.cut()
        if self._server is not None:
            self._server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        self._writers |= {writer, back}
        await asyncio.gather(self._ask(reader, back), self._answer(there, writer))
        self._writers -= {writer, back}

    async def _ask(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        async for chunk in _read(reader, back):
            self.sent += chunk
            back.write(chunk)

    async def _answer(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for chunk in _read(there, writer):
            if not self.is_silent:
                writer.write(chunk)


async def _read(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> AsyncGenerator[bytes]:
    """What comes in, until it ends; then the other side ends too."""
    try:
        while chunk := await reader.read(65_536):
            yield chunk
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
