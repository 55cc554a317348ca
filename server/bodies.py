"""Request bodies: strict JSON into structs, with a JSON pointer for whatever does not fit."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Annotated, cast, get_args, get_origin, get_type_hints

import msgspec

from domain.errors import Invalid
from domain.texts import FREE_TEXT, ONE_LINE, refuse_card_number, refuse_unreadable
from server.problems import FieldProblem, InvalidFields

_WHERE = re.compile(r" - at `\$(?P<path>.*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""The escape of U+0000, not an escaped backslash followed by such letters."""
_FIELD = re.compile(r"(?:missing required|contains unknown) field `(?P<name>.*)`$")


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every request body is: frozen, by name, nothing unknown."""


def decode_body(raw: bytes, wanted: object) -> object:
    """The body as the wanted type; `Invalid` with pointers when it does not fit."""
    try:
        value = _decoder(wanted).decode(raw)
    except msgspec.ValidationError as error:
        raise InvalidFields([field_problem(str(error))]) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"the body is not JSON: {error}") from error
    if _NUL.search(raw):
        raise Invalid("text cannot hold the character U+0000")
    for name, is_one_line in _free_texts(wanted):
        for text in _texts_in(getattr(value, name, None)):
            refuse_unreadable(text, pointer=f"/{name}", is_one_line=is_one_line)
            refuse_card_number(text, pointer=f"/{name}")
    return value


def _texts_in(value: object) -> Iterator[str]:
    """The text, or those of a list."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | list):
        yield from (each for each in cast("Sequence[object]", value) if isinstance(each, str))


def field_problem(message: str) -> FieldProblem:
    """msgspec's sentence as a JSON pointer (RFC 6901) and what is wrong there."""
    where = _WHERE.search(message)
    detail = message[: where.start()] if where else message
    steps = list(_steps(where["path"])) if where else []
    if field := _FIELD.search(detail):
        steps.append(field["name"])
    return FieldProblem(pointer="".join(f"/{_escaped(step)}" for step in steps), detail=detail)


def _steps(path: str) -> Iterator[str]:
    for step in _STEP.finditer(path):
        yield step["name"] or step["index"]


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


@lru_cache(maxsize=256)
def _decoder(wanted: object) -> msgspec.json.Decoder[object]:
    return msgspec.json.Decoder[object](cast("type", wanted), strict=True)


@lru_cache(maxsize=256)
def _free_texts(wanted: object) -> tuple[tuple[str, bool], ...]:
    """Names of the fields people write freely in, and whether they hold one line."""
    kinds = (wanted, *get_args(wanted))
    return tuple(
        (name, _is_marked(annotation, ONE_LINE))
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        for name, annotation in get_type_hints(kind, include_extras=True).items()
        if _is_marked(annotation, FREE_TEXT)
    )


def _is_marked(annotation: object, mark: str) -> bool:
    """Whether the annotation or a part of it has a mark of `domain/texts.py`."""
    if get_origin(annotation) is Annotated:
        metadata = cast("tuple[object, ...]", getattr(annotation, "__metadata__", ()))
        marked = (meta.extra for meta in metadata if isinstance(meta, msgspec.Meta))
        if any(extra and extra.get(mark) for extra in marked):
            return True
    return any(_is_marked(part, mark) for part in get_args(annotation))
