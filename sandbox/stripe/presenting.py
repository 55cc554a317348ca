"""How a kept object is answered: nothing hidden, `expand` followed, less for the browser."""

from collections.abc import Iterable
from typing import Any, Final

from sandbox.stripe.context import Ctx, shown
from sandbox.stripe.events import pending_webhooks
from sandbox.stripe.expanding import EXPANDABLE, check_path, leads_on, not_expandable
from sandbox.stripe.instant import NET_AVAILABLE, quote

Doc = dict[str, Any]

BROWSER_FIELDS: Final[dict[str, frozenset[str]]] = {
    kind: frozenset(fields.split())
    for kind, fields in {
        "payment_intent": "id object amount amount_details automatic_payment_methods canceled_at"
        " cancellation_reason capture_method client_secret confirmation_method created currency"
        " description last_payment_error livemode next_action payment_method"
        " payment_method_configuration_details payment_method_types processing receipt_email"
        " setup_future_usage shipping source status",
        "setup_intent": "id object automatic_payment_methods cancellation_reason client_secret"
        " created description last_setup_error livemode next_action payment_method"
        " payment_method_configuration_details payment_method_types status usage",
    }.items()
}


def present(ctx: Ctx, doc: Doc) -> Doc:
    """An object as its reader may see it at this moment."""
    kind = doc.get("object")
    if kind in ("list", "search_result"):
        return {**doc, "data": [present(ctx, item) for item in doc["data"]]}
    result = shown(doc)
    if kind == "balance_transaction":
        is_available = doc["available_on"] <= ctx.now
        result["status"] = "available" if is_available else "pending"
    elif kind == "event":
        result["pending_webhooks"] = pending_webhooks(ctx, doc["id"])
    elif kind == "dispute":
        moved = doc["balance_transactions"]
        result["balance_transactions"] = [present(ctx, each) for each in moved]
    if ctx.is_publishable and kind in BROWSER_FIELDS:
        result = {name: result[name] for name in result if name in BROWSER_FIELDS[kind]}
    return result


def answer(ctx: Ctx, doc: Doc, paths: Iterable[str]) -> Doc:
    """The presented object with every path of `expand` followed."""
    result = present(ctx, doc)
    for path in paths:
        if path == NET_AVAILABLE and doc.get("object") == "balance":
            quote(ctx, result)
        else:
            _expand(ctx, result, path)
    return result


def _expand(ctx: Ctx, doc: Doc, path: str) -> None:
    """Replace the ids along one path by the objects they name."""
    check_path(doc, path)
    parts = path.split(".")
    targets = [doc]
    if doc.get("object") in ("list", "search_result"):
        parts, targets = parts[1:], doc["data"]
    for target in targets:
        _follow(ctx, target, parts, path)


def _follow(ctx: Ctx, doc: Doc, parts: list[str], path: str) -> None:
    """Walk one path from one object."""
    node, kind, within = doc, doc.get("object", ""), ""
    for part in parts:
        within = f"{within}.{part}" if within else part
        is_leaf = within in EXPANDABLE.get(kind, ())
        if not is_leaf and not leads_on(kind, within):
            raise not_expandable(path)
        if is_leaf:
            node[part] = _resolve(ctx, node.get(part), doc=node, name=part)
        value = node.get(part)
        if not isinstance(value, dict):
            return
        node = value
        if is_leaf:
            kind, within = value.get("object", ""), ""


def _resolve(ctx: Ctx, value: Any, *, doc: Doc, name: str) -> Any:  # noqa: ANN401 -- id or object
    """The object an id names; `refunds` of a charge is a list made on demand."""
    if name == "refunds" and doc.get("object") == "charge":
        refunds = ctx.store.children("refund", doc["id"])
        return {
            "object": "list",
            "data": [present(ctx, refund) for refund in reversed(refunds)],
            "has_more": False,
            "url": f"/v1/charges/{doc['id']}/refunds",
        }
    if not isinstance(value, str):
        return value
    found = ctx.store.any_object(value)
    return value if found is None else present(ctx, found)
