"""What the server says on `/api/live`, each message encoded once however many hear it."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from domain.errors import DomainError
from domain.times import Span

Reason = Literal["held", "booked", "closed", "passed"]


class Outlet(Protocol):
    """The writing end of a connection."""

    on_drained: Callable[[], None] | None

    def write(self, frame: bytes) -> bool:
        """Writes a frame without waiting; False when the buffer is full and nothing was written."""
        ...

    def wrap(self, text: bytes) -> bytes:
        """The frame that carries a text; made once for many sockets."""
        ...

    def end(self, code: int, reason: str) -> None:
        """Closes the connection."""
        ...


class Shape(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """What a subscription asks for; all who ask the same share one computation.

    Without both ends the window is `rolling`: it begins now and moves along with the time.
    """

    instructor_id: UUID
    duration_minutes: int
    service_id: UUID | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


class RemovedSlot(msgspec.Struct, frozen=True):
    """A slot that cannot be booked any more, and why."""

    start_at: datetime
    end_at: datetime
    reason: Reason


class _About(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="type",
    rename={"from_at": "from", "to_at": "to"},
):
    """Says which subscription a message belongs to."""

    instructor_id: UUID
    duration_minutes: int
    service_id: UUID | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


class Snapshot(_About, frozen=True, kw_only=True, tag="snapshot"):
    """Every slot of a subscription."""

    version: int
    slots: list[Span]


class Delta(_About, frozen=True, kw_only=True, tag="delta"):
    """What changed since the last message; equal versions: time alone did it."""

    previous_version: int
    version: int
    added: list[Span]
    removed: list[RemovedSlot]


class Resync(_About, frozen=True, kw_only=True, tag="resync"):
    """The reader was too slow: messages were left out and a snapshot follows."""


class Problem(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="type",
    tag="problem",
):
    """A message of the client's that was refused."""

    code: str
    detail: str
    instructor_id: UUID | None = None
    duration_minutes: int | None = None
    service_id: UUID | None = None


encode = msgspec.json.Encoder().encode

PONG = b'{"type":"pong"}'
RESYNC_ME = b'{"type":"resync","topic":"me"}'


def snapshot_of(shape: Shape, version: int, slots: list[Span]) -> bytes:
    """A snapshot's JSON."""
    about = msgspec.structs.asdict(shape)
    return encode(Snapshot(**about, version=version, slots=slots))


def delta_of(
    shape: Shape, versions: tuple[int, int], added: list[Span], removed: list[RemovedSlot]
) -> bytes:
    """A delta's JSON; `versions` are the previous and the new one."""
    about = msgspec.structs.asdict(shape)
    previous, version = versions
    return encode(
        Delta(**about, previous_version=previous, version=version, added=added, removed=removed)
    )


def resync_of(shape: Shape) -> bytes:
    """A resync's JSON."""
    return encode(Resync(**msgspec.structs.asdict(shape)))


def problem_of(
    error: DomainError,
    *,
    instructor_id: UUID | None = None,
    duration_minutes: int | None = None,
    service_id: UUID | None = None,
) -> bytes:
    """A refusal's JSON, with what it was about."""
    return encode(
        Problem(
            code=error.code,
            detail=error.detail,
            instructor_id=instructor_id,
            duration_minutes=duration_minutes,
            service_id=service_id,
        )
    )


def event_of(told: bytes) -> bytes | None:
    """An event of the outbox as a message; None for what is no JSON object."""
    body = told.strip()
    if len(body) < 3 or not body.startswith(b"{") or not body.endswith(b"}"):
        return None
    return b'{"type":"event",' + body[1:]
