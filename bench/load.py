"""A cheap HTTP/1.1 load client: prepared requests, kept-alive sockets, a clock beside each answer.

Load, server and database share two cores here, so the client must cost little: no headers are
parsed but the status line and Content-Length.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    """Status and latency of one request."""

    status: int
    seconds: float


class Result(NamedTuple):
    """All answers of one run and how long the run took."""

    answers: list[Answer]
    seconds: float

    def per_second(self) -> float:
        """Answers a second."""
        return len(self.answers) / self.seconds

    def count(self, status: int) -> int:
        """How many answers had this status."""
        return sum(1 for answer in self.answers if answer.status == status)

    def percentile(self, share: float, *, status: int | None = None) -> float:
        """Latency in milliseconds below which `share` of the answers (of one status) lie."""
        chosen = sorted(a.seconds for a in self.answers if status in (None, a.status))
        if not chosen:
            return float("nan")
        return 1000 * chosen[min(len(chosen) - 1, int(share * len(chosen)))]


def request_bytes(
    method: str, path: str, *, body: bytes = b"", token: str = "", key: str = ""
) -> bytes:
    """One request, ready for the wire; `key` is its Idempotency-Key."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Length: {len(body)}",
        "Content-Type: application/json",
    ]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if key:
        lines.append(f"Idempotency-Key: {key}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def run(url: str, requests: Sequence[bytes], *, concurrency: int) -> Result:
    """Sends every request once over `concurrency` sockets, each taking the next when free."""
    parts = urlsplit(url)
    waiting = iter(requests)
    answers: list[Answer] = []
    sockets = [
        await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
        for _ in range(min(concurrency, len(requests)))
    ]
    began = time.perf_counter()
    await asyncio.gather(*(_serve(reader, writer, waiting, answers) for reader, writer in sockets))
    seconds = time.perf_counter() - began
    for _, writer in sockets:
        writer.close()
    return Result(answers, seconds)


async def _serve(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    waiting: Iterator[bytes],
    answers: list[Answer],
) -> None:
    for request in waiting:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(head))
        answers.append(Answer(int(head[9:12]), time.perf_counter() - began))


def _length(head: bytes) -> int:
    start = head.lower().find(b"content-length:")
    if start < 0:
        return 0
    return int(head[start + 15 : head.index(b"\r", start)])
