"""The HTTP protocol of our connections: uvicorn's own, but what is no HTTP gets a problem too."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from domain.errors import Invalid
from server.problems import MEDIA_TYPE, body_of


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    def send_400_response(self, msg: str) -> None:
        """Refuses what the parser cannot read, and hangs up."""
        body = body_of(Invalid(msg.rstrip(".")))
        head = (
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[400] + head.encode("ascii") + body)
        self.transport.close()
