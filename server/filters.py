"""Filters and cursors that the admins' lists share."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.params import QueryParameter

from domain.times import Instant
from server.availability_window import INSTANT
from server.lists import cursor_of, key_in

FromAt = Annotated[
    str | None, QueryParameter(name="from", schema_extra=INSTANT, description="not before")
]
ToAt = Annotated[str | None, QueryParameter(name="to", schema_extra=INSTANT, description="before")]
Id = Annotated[UUID | None, QueryParameter()]
Text = Annotated[str | None, QueryParameter(max_length=200)]


class After(msgspec.Struct, frozen=True):
    """Where a list in order of time goes on."""

    at: Instant
    id: UUID


def after_in(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    """Instant and id in a cursor; twice nothing at the beginning of a list."""
    after = key_in(cursor, After)
    return (after.at, after.id) if after else (None, None)


def after_of(at: datetime, row_id: UUID) -> str:
    """The cursor that goes on after a row."""
    return cursor_of(After(at, row_id))
