"""Smaller answers: pages for strangers are compressed as they go, files when they are built.

A page of somebody signed in holds their CSRF token, and an address can write words into a page:
compressed together, its length would tell the token bit by bit (BREACH). Those go as they are.
"""

from gzip import compress
from pathlib import Path

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.types.asgi_types import HTTPResponseStartEvent

BYTES_MIN = 1_024
LEVEL = 5
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
"""What the build writes beside a file, the smallest first."""


def accepted(header: str) -> frozenset[str]:
    """The encodings that a browser takes, those it weighs with zero left out."""
    offers = [offer.replace(" ", "").partition(";") for offer in header.lower().split(",")]
    return frozenset(name for name, _, weight in offers if weight not in ("q=0", "q=0.0"))


def smallest(path: Path, header: str) -> tuple[Path, str | None]:
    """The built file in the best encoding that the browser takes, and that encoding's name."""
    taken = accepted(header)
    for name, suffix in ENCODINGS:
        packed = path.with_name(path.name + suffix)
        if name in taken and packed.is_file():
            return packed, name
    return path, None


def compress_for_strangers(app: ASGIApp) -> ASGIApp:
    """Middleware: gzip for whole pages when nobody is signed in."""

    async def compressed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_wanted(scope):
            await app(scope, receive, send)
            return
        started: HTTPResponseStartEvent | None = None

        async def send_compressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = message
            elif message["type"] == "http.response.body" and started is not None:
                head, started = started, None
                is_whole = not message.get("more_body", False)
                if is_whole and len(message["body"]) >= BYTES_MIN:
                    message["body"] = compress(message["body"], LEVEL, mtime=0)
                    _tell(head, len(message["body"]))
                await send(head)
                await send(message)
            else:
                await send(message)

        await app(scope, receive, send_compressed)

    return compressed


def _is_wanted(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    is_stranger = b"session=" not in headers.get(b"cookie", b"") and b"authorization" not in headers
    return is_stranger and "gzip" in accepted(
        headers.get(b"accept-encoding", b"").decode("latin-1")
    )


def _tell(head: HTTPResponseStartEvent, length: int) -> None:
    kept = [(name, value) for name, value in head["headers"] if name != b"content-length"]
    told = [
        (b"content-encoding", b"gzip"),
        (b"vary", b"accept-encoding, cookie"),
        (b"content-length", str(length).encode()),
    ]
    head["headers"] = [*kept, *told]
