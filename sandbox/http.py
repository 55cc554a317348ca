"""The few HTTP requests of the supervisor; no client library to load."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple

REQUEST_SECONDS = 10.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Answer(NamedTuple):
    """Status and body of an HTTP answer."""

    status: int
    body: bytes


async def request(
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = REQUEST_SECONDS,
) -> Answer:
    """GET, or POST when there is a body; raises `OSError` when nobody answers in time."""
    return await asyncio.to_thread(_request, url, body, dict(headers or {}), seconds)


def _request(url: str, body: bytes | None, headers: dict[str, str], seconds: float) -> Answer:
    """Make one request in this thread."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"not an HTTP address: {url}")
    asked = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - checked above
    try:
        with _OPENER.open(asked, timeout=seconds) as answer:
            return Answer(answer.status, answer.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, refusal.read())
