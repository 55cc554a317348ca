"""The WebSocket protocol of our sockets: uvicorn's own, with a short way out for live frames.

A frame for thousands of sockets is framed once and written straight to each transport, which costs
a third of sending it through ASGI. Nobody waits for a slow reader: once its buffer is over the high
water mark, `write` refuses until it has drained.
"""

import logging
import struct
from collections.abc import Callable
from typing import Any, Final, cast

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.http11 import Request

EXTENSION: Final = "live.outlet"
"""Under this name in `scope["extensions"]` an application finds the socket's protocol."""
PING_SECONDS = 20.0
HIGH_WATER_BYTES = 128 * 1024
TEXT_FRAME = 0x81
"""A whole text message, not masked (RFC 6455 §5.2)."""

quiet = logging.getLogger("server.sockets")
quiet.setLevel(logging.WARNING)


class LiveProtocol(WebSocketsSansIOProtocol):
    """One connection; after `websocket.accept` it is an outlet of the hub."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: Any = None,  # noqa: ANN401 - uvicorn's own signature
    ) -> None:
        """Pings by itself; uvicorn's log of accepted sockets would hold tickets."""
        super().__init__(config, server_state, app_state, _loop)
        self.logger = quiet
        self.ping_interval = PING_SECONDS
        self.ping_timeout = PING_SECONDS
        self.on_drained: Callable[[], None] | None = None
        self._is_full = False

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - uvicorn's own signature
        """Bounds what may wait for a slow reader."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)

    def handle_connect(self, event: Request) -> None:
        """Offers this connection to the application as an outlet."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            # the application's task has not begun yet
            extensions = cast("dict[str, Any]", self.scope.get("extensions"))
            extensions[EXTENSION] = self

    async def send(self, message: ASGISendEvent) -> None:
        """Sends for the application, which may also refuse an upgrade with an answer of its own."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            # uvicorn would report an application that left without an answer
            self.handshake_complete = True

    def pause_writing(self) -> None:
        """The reader is too slow."""
        super().pause_writing()
        self._is_full = True

    def resume_writing(self) -> None:
        """The reader has caught up."""
        super().resume_writing()
        self._is_full = False
        if self.on_drained is not None:
            self.on_drained()

    def keepalive_timeout(self) -> None:
        """Drops a connection that does not answer, without waiting for its buffer to drain."""
        super().keepalive_timeout()
        self.transport.abort()

    def write(self, frame: bytes) -> bool:
        """Writes a frame without waiting; False when the buffer is full and nothing was written."""
        if self._is_full:
            return False
        if not self.close_sent and not self.transport.is_closing():
            self.transport.write(frame)
        return True

    def wrap(self, text: bytes) -> bytes:
        """The frame that carries a text."""
        return framed(text)

    def end(self, code: int, reason: str) -> None:
        """Closes the connection; the application hears of it as a disconnect."""
        if self.close_sent or self.transport.is_closing():
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()


def framed(text: bytes) -> bytes:
    """A text as one WebSocket frame from a server."""
    length = len(text)
    if length < 126:
        return struct.pack("!BB", TEXT_FRAME, length) + text
    if length < 65_536:
        return struct.pack("!BBH", TEXT_FRAME, 126, length) + text
    return struct.pack("!BBQ", TEXT_FRAME, 127, length) + text
