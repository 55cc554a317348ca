"""From Postgres rows to the types a query's return annotation names.

Columns are matched to struct fields by position; `tests/architecture` proves that the names agree.
A struct's constructor is generated once at import: `Booking(id=row[0], …)` costs 0.3 µs a row where
`msgspec.convert` or `Booking(**row)` cost about 1 µs, and pages read hundreds of rows.
"""

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Annotated, NewType, TypeGuard, Union, cast, get_args, get_origin

import msgspec

Row = Sequence[object]
"""A row: values by position (asyncpg's Record, a tuple)."""

Make = Callable[[Row], object]
Convert = Callable[[object], object]

COLLECTIONS: tuple[object, ...] = (tuple, frozenset, list)
DOCUMENTS: tuple[object, ...] = (dict, Mapping, Union, types.UnionType, object)
"""What a jsonb value may become, besides structs and collections."""


def encode_json(value: object) -> bytes:
    """A jsonb parameter on the wire: bytes and `msgspec.Raw` are JSON already."""
    ready = bytes(value) if isinstance(value, bytes | msgspec.Raw) else msgspec.json.encode(value)
    return b"\x01" + ready


def decode_json(wire: bytes) -> msgspec.Raw:
    """A jsonb value from the wire, left undecoded: the annotation says later what it is."""
    return msgspec.Raw(wire[1:])


def bare(annotation: object) -> object:
    """The annotation without `Annotated` and `NewType` around it."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        else:
            return annotation


def without_none(annotation: object) -> tuple[object, bool]:
    """The annotation without `None` (a union of several stays whole), and whether it was in."""
    annotation = bare(annotation)
    if get_origin(annotation) not in {Union, types.UnionType}:
        return annotation, False
    members = [member for member in get_args(annotation) if member is not types.NoneType]
    is_optional = len(members) < len(get_args(annotation))
    if len(members) == 1:
        return bare(members[0]), is_optional
    return annotation, is_optional


def is_struct(annotation: object) -> TypeGuard[type[msgspec.Struct]]:
    """Whether the annotation is a msgspec struct class."""
    return isinstance(annotation, type) and issubclass(annotation, msgspec.Struct)


def is_enum(annotation: object) -> TypeGuard[type[Enum]]:
    """Whether the annotation is an enum class."""
    return isinstance(annotation, type) and issubclass(annotation, Enum)


def fields_of(struct: object) -> dict[str, object]:
    """A struct's fields in order, with their annotations as written."""
    hints = typing.get_type_hints(struct, include_extras=True)
    names = cast("type[msgspec.Struct]", struct).__struct_fields__
    return {name: hints[name] for name in names}


def maker_of(annotation: object) -> Make:
    """Builds the function that turns one row into the annotated struct or scalar."""
    wanted, _ = without_none(annotation)
    if is_struct(wanted):
        return _struct_maker(wanted)
    convert = converter_of(annotation)
    if convert is None:
        return lambda row: row[0]
    return lambda row: convert(row[0])


def converter_of(annotation: object) -> Convert | None:
    """What a value passes through to become the annotated type; `None`: it is right as it comes."""
    wanted, _ = without_none(annotation)
    if is_enum(wanted):
        return _or_none(wanted)
    outer: object = get_origin(wanted) or wanted
    if outer in COLLECTIONS:
        return _or_none(_collection_converter(wanted))
    if outer in DOCUMENTS or is_struct(wanted):
        return _or_none(_json_converter(wanted))
    return None


def _or_none(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _json_converter(wanted: object) -> Convert:
    decode = msgspec.json.Decoder[object](cast("type", wanted)).decode

    def from_json(value: object) -> object:
        return decode(value) if isinstance(value, msgspec.Raw) else value

    return from_json


def _collection_converter(wanted: object) -> Convert:
    """For arrays and for JSON arrays: `text[]` and jsonb both fit `tuple[str, ...]`."""
    kind = cast("Callable[[object], object]", get_origin(wanted) or wanted)
    members = [member for member in get_args(wanted) if member is not Ellipsis]
    member = converter_of(members[0]) if members else None
    decode = msgspec.json.Decoder[object](cast("type", wanted)).decode

    def from_array(value: object) -> object:
        if isinstance(value, msgspec.Raw):
            return decode(value)
        values = cast("Sequence[object]", value)
        return kind(values) if member is None else kind(member(each) for each in values)

    return from_array


def _struct_maker(struct: type[msgspec.Struct]) -> Make:
    """Writes and compiles `lambda row: Struct(first=row[0], second=convert_1(row[1]), …)`."""
    names: dict[str, object] = {"Struct": struct}
    arguments: list[str] = []
    for position, (field, annotation) in enumerate(fields_of(struct).items()):
        convert = converter_of(annotation)
        if convert is None:
            arguments.append(f"{field}=row[{position}]")
        else:
            names[f"convert_{position}"] = convert
            arguments.append(f"{field}=convert_{position}(row[{position}])")
    source = f"lambda row: Struct({', '.join(arguments)})"
    # built from field names alone, as namedtuple does
    return cast("Make", eval(source, names))  # noqa: S307
