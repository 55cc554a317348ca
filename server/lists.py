"""Lists: `?limit=&cursor=` in, `{items, next_cursor}` out. Cursors are opaque to clients."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, TypeVar

import msgspec
from litestar.params import QueryParameter

from domain.errors import Invalid

LIMIT_DEFAULT = 50
LIMIT_MAX = 100

Limit = Annotated[
    int, QueryParameter(ge=1, le=LIMIT_MAX, description="at most so many items, 100 at most")
]
Cursor = Annotated[
    str | None,
    QueryParameter(max_length=400, description="`next_cursor` of the answer before"),
]

K = TypeVar("K", bound=msgspec.Struct)
T = TypeVar("T")


def cursor_of(key: msgspec.Struct) -> str:
    """The cursor that goes on after the item with this key."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode("ascii")


def key_in(cursor: str | None, kind: type[K]) -> K | None:
    """The key in a cursor; `Invalid` when it is none of ours."""
    if cursor is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise Invalid("this cursor is not one of ours", pointer="?cursor") from error


def page_of(found: Sequence[T], limit: int) -> tuple[list[T], T | None]:
    """Of `limit + 1` rows asked for: those to show, and the last one if there are more."""
    shown = list(found[:limit])
    return shown, shown[-1] if len(found) > limit else None
