"""Request parameters: Stripe's form encoding, and what each endpoint accepts.

An endpoint's specification is a nested dict of types: `int`, `str`, `bool`, `map` (metadata),
`any`, `[type]` a list, `{…}` an object; a trailing `!` makes a parameter required.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from sandbox.stripe.errors import invalid

Doc = dict[str, Any]
Spec = Mapping[str, Any]

PARTS: Final = re.compile(r"([^\[\]]+)|\[([^\[\]]*)\]")
DEPTH_MAX: Final = 8
PARAMETERS_MAX: Final = 2000
METADATA_KEYS_MAX: Final = 50
METADATA_KEY_MAX: Final = 40
METADATA_VALUE_MAX: Final = 500
RANGE: Final[Spec] = {"gt": "int", "gte": "int", "lt": "int", "lte": "int"}


def decode_form(text: str) -> Doc:
    """`a[b]=1&c[]=2&d[0][e]=3` as nested dicts; lists are dicts with numbers as keys."""
    result: Doc = {}
    pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=PARAMETERS_MAX)
    for name, value in pairs:
        path = [match[1] or match[2] or "" for match in PARTS.finditer(name)]
        if not path or len(path) > DEPTH_MAX:
            raise invalid(f"Invalid parameter name: {name}", param=name)
        node = result
        for position, part in enumerate(path[:-1]):
            key = str(len(node)) if part == "" and position else part
            child = node.setdefault(key, {})
            if not isinstance(child, dict):
                raise invalid(f"Invalid object: {name}", param=name)
            node = child
        last = path[-1]
        node[str(len(node)) if last == "" else last] = value
    return result


def accept(spec: Spec, raw: Doc) -> Doc:
    """Typed parameters; `''` becomes None (unset). Raises Stripe's 400 for what does not fit."""
    unknown = [name for name in raw if name not in spec]
    if "payment_method_types" in unknown:
        raise invalid(
            "The `payment_method_types` parameter is no longer supported in this API version. Use"
            " `allowed_payment_method_types` instead.",
            code="payment_method_types_no_longer_supported",
            param="payment_method_types",
        )
    if unknown:
        raise _unknown(unknown[0])
    result: Doc = {}
    for name, kind in spec.items():
        is_required = isinstance(kind, str) and kind.endswith("!")
        if name not in raw:
            if is_required:
                raise invalid(
                    f"Missing required param: {name}.", code="parameter_missing", param=name
                )
            continue
        if is_required and raw[name] == "":
            raise invalid(
                f"You passed an empty string for '{name}'. We assume empty values are an attempt to"
                " unset a parameter; however this parameter cannot be unset.",
                code="parameter_invalid_empty",
                param=name,
            )
        result[name] = _value(kind.rstrip("!") if is_required else kind, raw[name], name)
    return result


def _value(kind: Any, raw: Any, path: str) -> Any:  # noqa: ANN401 -- any JSON
    """One value of the kind asked for."""
    if kind == "any":
        return raw
    if kind == "map":
        return _metadata(raw, path)
    if isinstance(kind, list):
        return _list(kind[0], raw, path)
    if isinstance(kind, Mapping):
        return _object(kind, raw, path)
    if kind == "range" and isinstance(raw, dict):
        return _object(RANGE, raw, path)
    return _scalar(kind, raw, path)


def _scalar(kind: str, raw: object, path: str) -> str | int | bool | None:
    """A word, a whole number or a truth; '' unsets."""
    if not isinstance(raw, str):
        raise invalid(f"Invalid {kind}: {path}", param=path)
    if raw == "":
        return None
    if kind in ("int", "range"):
        return _integer(raw, path)
    if kind != "bool":
        return raw
    if raw not in ("true", "false"):
        raise invalid(f"Invalid boolean: {raw}", param=path)
    return raw == "true"


def _integer(raw: str, path: str) -> int:
    """A whole number."""
    if not re.fullmatch(r"-?\d{1,18}", raw):
        raise invalid(f"Invalid integer: {raw}", code="parameter_invalid_integer", param=path)
    return int(raw)


def _list(kind: Any, raw: Any, path: str) -> list[Any] | None:  # noqa: ANN401 -- any JSON
    """`a[]`, `a[0]`; '' unsets."""
    if raw == "":
        return None
    if not isinstance(raw, dict) or not all(key.isdigit() for key in raw):
        raise invalid("Invalid array", param=path)
    ordered = sorted(raw.items(), key=lambda item: int(item[0]))
    return [_value(kind, value, f"{path}[{key}]") for key, value in ordered]


def _object(spec: Spec, raw: Any, path: str) -> Doc | None:  # noqa: ANN401 -- any JSON
    """A nested object; unknown members are refused with their full name."""
    if raw == "":
        return None
    if not isinstance(raw, dict):
        raise invalid("Invalid object", param=path)
    for name in raw:
        if name not in spec:
            raise _unknown(f"{path}[{name}]")
    return {
        name: _value(
            kind.rstrip("!") if isinstance(kind, str) else kind, raw[name], f"{path}[{name}]"
        )
        for name, kind in spec.items()
        if name in raw
    }


def _metadata(raw: Any, path: str) -> Doc | None:  # noqa: ANN401 -- any JSON
    """String to string; None unsets all, '' unsets one."""
    if raw == "":
        return None
    if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
        raise invalid("Invalid hash", param=path)
    if len(raw) > METADATA_KEYS_MAX:
        raise invalid(f"Metadata can have at most {METADATA_KEYS_MAX} keys.", param=path)
    for key, value in raw.items():
        if len(key) > METADATA_KEY_MAX:
            raise invalid(f"Metadata keys can be at most {METADATA_KEY_MAX} long.", param=path)
        if len(value) > METADATA_VALUE_MAX:
            raise invalid(
                f"Metadata values can have up to {METADATA_VALUE_MAX} characters, but you passed"
                f" in a value that is {len(value)} characters.",
                param=f"{path}[{key}]",
            )
    return raw


def _unknown(name: str) -> Exception:
    return invalid(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def merge_metadata(current: Doc, changes: Doc | None) -> Doc:
    """Metadata after an update: '' deletes a key, None all of them."""
    if changes is None:
        return {}
    merged = {**current, **changes}
    return {key: value for key, value in merged.items() if value != ""}
