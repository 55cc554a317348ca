"""Search by metadata and status: `metadata['booking_id']:'…' AND status:'succeeded'`."""

import re
from typing import Any, Final

from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid
from sandbox.stripe.lists import page
from sandbox.stripe.routing import Handler, Route, get

Doc = dict[str, Any]

SPEC: Final = {"query": "str!", "limit": "int", "page": "str", "expand": ["str"]}
CLAUSE: Final = re.compile(
    r"""^(?:metadata\[(['"])(?P<key>[\w:.-]+)\1\]|(?P<field>\w+))\s*(?P<how>:|=|~)\s*"""
    r"""(?P<quote>['"]?)(?P<value>[^'"]*)(?P=quote)$"""
)
FIELDS: Final = {
    "payment_intent": ("status", "customer", "amount", "currency"),
    "charge": ("status", "customer", "amount", "currency", "payment_intent"),
    "customer": ("email", "name", "phone"),
}


def search(ctx: Ctx, kind: str, p: Doc, url: str) -> Doc:
    """`{object: "search_result", data, has_more, next_page, url}`; clauses joined by AND only."""
    conditions = [_condition(clause.strip(), kind) for clause in re.split(r"\s+AND\s+", p["query"])]
    asked = {"limit": p.get("limit"), "starting_after": p.get("page")}
    found = page(ctx, kind, asked, url, conditions=conditions)
    last = found["data"][-1]["id"] if found["has_more"] else None
    return {**found, "object": "search_result", "next_page": last}


def _condition(clause: str, kind: str) -> tuple[str, object]:
    """One clause as SQL; every name in it was checked, every value is a parameter."""
    match = CLAUSE.match(clause)
    if match is None:
        raise invalid(f"The search query is not understood: {clause}", param="query")
    operator = "LIKE" if match["how"] == "~" else "="
    value = f"%{match['value']}%" if match["how"] == "~" else match["value"]
    if match["key"]:
        path = f"body ->> '$.metadata.\"{match['key']}\"'"
        return f"{path} {operator} ?", value
    if match["field"] not in FIELDS[kind]:
        raise invalid(f"{match['field']} cannot be searched.", param="query")
    return f"CAST(body ->> '$.{match['field']}' AS TEXT) {operator} ?", value


def _handler(kind: str, url: str) -> Handler:
    def handle(ctx: Ctx, p: Doc) -> Doc:
        """GET /v1/…/search."""
        return search(ctx, kind, p, url)

    return handle


ROUTES: list[Route] = [
    get(f"/v1/{kind}s/search", _handler(kind, f"/v1/{kind}s/search"), SPEC) for kind in FIELDS
]
