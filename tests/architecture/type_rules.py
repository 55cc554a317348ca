"""Which Postgres types fit which annotations, for columns and for parameters."""

import types
import typing
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin
from uuid import UUID

import msgspec

from storage.rows import bare, is_enum, is_struct, without_none

FITS: dict[object, set[str]] = {
    UUID: {"uuid"},
    datetime: {"timestamptz"},
    date: {"date"},
    time: {"time"},
    timedelta: {"interval"},
    bool: {"bool"},
    int: {"int2", "int4", "int8"},
    float: {"float4", "float8"},
    Decimal: {"numeric"},
    str: {"text", "varchar", "bpchar", "citext", "name"},
    bytes: {"bytea", "jsonb"},
    msgspec.Raw: {"jsonb"},
    dict: {"jsonb"},
    Mapping: {"jsonb"},
    object: {"jsonb"},
    Any: {"jsonb"},
}
ROWS = {list, tuple, frozenset, set, Sequence}


def fits(annotation: object, postgres: str) -> bool:
    """Whether a column (or parameter) of this Postgres type fits the annotation.

    `numeric` never fits `int`: a `sum(bigint)` without its cast would hand out Decimals as money.
    """
    wanted, _ = without_none(annotation)
    origin = get_origin(wanted) or wanted
    if is_struct(wanted):
        return postgres == "jsonb"
    if is_enum(wanted):
        return all(fits(type(each.value), postgres) for each in wanted)
    if origin is Literal:
        return all(fits(type(each), postgres) for each in get_args(wanted))
    if origin in {typing.Union, types.UnionType}:
        members = [each for each in get_args(wanted) if each is not types.NoneType]
        return postgres == "jsonb" or all(fits(each, postgres) for each in members)
    if origin in ROWS:
        members = [bare(each) for each in get_args(wanted) if each is not Ellipsis]
        is_array = postgres.endswith("[]") and len(members) == 1
        return postgres == "jsonb" or (is_array and fits(members[0], postgres[:-2]))
    return postgres in FITS.get(origin, set())


def misfits(
    where: str, wanted: Mapping[str, object], found: Sequence[tuple[str, str]]
) -> list[str]:
    """What differs between a struct's fields in order and a result's columns (name, type)."""
    if [name for name, _ in found] != list(wanted):
        return [f"{where}: columns {[name for name, _ in found]}, fields {list(wanted)}"]
    return [
        f"{where}: column {name} is {postgres}, the field is {wanted[name]}"
        for name, postgres in found
        if not fits(wanted[name], postgres)
    ]
