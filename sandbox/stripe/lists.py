"""Pages of objects: cursors, `limit`, `created`, filters; newest first."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid, missing

Doc = dict[str, Any]

LIST: Final = {
    "limit": "int",
    "starting_after": "str",
    "ending_before": "str",
    "created": "range",
    "expand": ["str"],
}
UNDATED: Final = {name: kind for name, kind in LIST.items() if name != "created"}
LIMIT_DEFAULT: Final = 10
LIMIT_MAX: Final = 100
OPERATORS: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
FILTERS: Final = {
    "customer": "customer = ?",
    "payment_intent": "payment_intent = ?",
    "charge": "parent = ?",
    "transfer_group": "transfer_group = ?",
    "transfer": "parent = ?",
    "destination": "body ->> '$.destination' = ?",
    "source": "parent = ?",
    "fee": "parent = ?",
    "type": "body ->> '$.type' = ?",
    "currency": "body ->> '$.currency' = ?",
    "status": "body ->> '$.status' = ?",
    "email": "body ->> '$.email' = ?",
    "payout": "body ->> '$._.payout' = ?",
    "setup_intent": "parent = ?",
    "payment_method": "body ->> '$.payment_method' = ?",
}


def check_limit(p: Doc) -> int:
    """How many objects a page has."""
    limit = p.get("limit") if p.get("limit") is not None else LIMIT_DEFAULT
    if not 1 <= limit <= LIMIT_MAX:
        raise invalid(
            "Invalid integer: limit must be between 1 and 100",
            code="parameter_invalid_integer",
            param="limit",
        )
    return limit


def page(
    ctx: Ctx,
    kind: str,
    p: Doc,
    url: str,
    *,
    filters: Sequence[str] = (),
    ranges: Sequence[str] = (),
    conditions: Sequence[tuple[str, object]] = (),
    any_account: bool = False,
) -> Doc:
    """`{object: "list", data, has_more, url}`; `filters` name parameters equal to a field.

    `ranges` name whole-number fields asked for by value or by bounds, as `created` always is.
    """
    limit = check_limit(p)
    wheres: list[tuple[str, object]] = [("kind = ?", kind), *conditions]
    if not any_account:
        wheres.append(("account = ?", ctx.account))
    wheres += [(FILTERS[name], p[name]) for name in filters if p.get(name) is not None]
    wheres += _bounds("created", p.get("created"))
    for name in ranges:
        wheres += _bounds(f"body ->> '$.{name}'", p.get(name))
    is_backward = bool(p.get("ending_before"))
    for name, operator in (("starting_after", "<"), ("ending_before", ">")):
        if p.get(name):
            wheres.append((f"seq {operator} ?", _position(ctx, kind, p[name], name)))
    order = "ASC" if is_backward else "DESC"
    query = (
        "SELECT body FROM objects WHERE "  # noqa: S608 -- every text is a constant of ours
        + " AND ".join(where for where, _ in wheres)
        + f" ORDER BY seq {order} LIMIT ?"
    )
    rows = ctx.store.rows(query, *(value for _, value in wheres), limit + 1)
    data = [msgspec.json.decode(row["body"]) for row in rows[:limit]]
    if is_backward:
        data.reverse()
    return {"object": "list", "data": data, "has_more": len(rows) > limit, "url": url}


def _bounds(field: str, value: Any) -> list[tuple[str, object]]:  # noqa: ANN401 -- number or range
    """Conditions on a number, for example the second of creation."""
    if value is None:
        return []
    if isinstance(value, int):
        return [(f"{field} = ?", value)]
    return [(f"{field} {OPERATORS[name]} ?", bound) for name, bound in value.items()]


def _position(ctx: Ctx, kind: str, object_id: str, param: str) -> int:
    """Where a cursor stands."""
    seq = ctx.store.scalar("SELECT seq FROM objects WHERE id = ? AND kind = ?", object_id, kind)
    if seq is None:
        raise missing(kind, object_id, param=param, status=400)
    return seq


def embedded(data: list[Doc], url: str) -> Doc:
    """A list inside an object."""
    return {"object": "list", "data": data, "has_more": False, "url": url}
