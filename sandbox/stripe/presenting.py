"""How a kept object is answered: nothing hidden, `expand` followed, less for the browser."""

from collections.abc import Iterable
from typing import Any, Final

from sandbox.stripe.context import Ctx, shown
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import pending_webhooks
from sandbox.stripe.instant import NET_AVAILABLE, quote

Doc = dict[str, Any]

LEVELS_MAX: Final = 4
EXPANDABLE: Final[dict[str, frozenset[str]]] = {
    kind: frozenset(fields.split())
    for kind, fields in {
        "payment_intent": "application customer latest_charge on_behalf_of payment_method review"
        " transfer_data.destination",
        "setup_intent": "application customer latest_attempt mandate on_behalf_of payment_method",
        "setup_attempt": "customer payment_method setup_intent",
        "charge": "application application_fee balance_transaction customer"
        " failure_balance_transaction on_behalf_of payment_intent refunds review source_transfer"
        " transfer transfer_data.destination",
        "refund": "balance_transaction charge failure_balance_transaction payment_intent"
        " source_transfer_reversal transfer_reversal",
        "transfer": "balance_transaction destination destination_payment reversals"
        " source_transaction",
        "transfer_reversal": "balance_transaction destination_payment_refund source_refund"
        " transfer",
        "application_fee": "account application balance_transaction charge"
        " originating_transaction refunds",
        "fee_refund": "balance_transaction fee",
        "balance_transaction": "source",
        "payment_method": "customer",
        "payout": "balance_transaction destination failure_balance_transaction original_payout"
        " reversed_by",
        "customer": "default_source sources invoice_settings.default_payment_method",
        "account": "external_accounts",
        "balance": NET_AVAILABLE,
        "bank_account": "account",
        "dispute": "charge payment_intent",
        "radar.early_fraud_warning": "charge payment_intent",
        "review": "charge payment_intent",
        "topup": "balance_transaction",
    }.items()
}
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
    if kind == "list":
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
    parts = path.split(".")
    targets = [doc]
    if doc.get("object") == "list":
        if parts[0] != "data":
            raise _not_expandable(path)
        parts = parts[1:]
        targets = doc["data"]
    if len(parts) > LEVELS_MAX:
        raise invalid(
            "You cannot expand more than 4 levels of a property. Property: " + path, param="expand"
        )
    for target in targets:
        _follow(ctx, target, parts, path)


def _follow(ctx: Ctx, doc: Doc, parts: list[str], path: str) -> None:
    """Walk one path from one object."""
    node, kind, within = doc, doc.get("object", ""), ""
    for part in parts:
        within = f"{within}.{part}" if within else part
        is_leaf = within in EXPANDABLE.get(kind, ())
        if not is_leaf and not _leads_on(kind, within):
            raise _not_expandable(path)
        if is_leaf:
            node[part] = _resolve(ctx, node.get(part), doc=node, name=part)
        value = node.get(part)
        if not isinstance(value, dict):
            return
        node = value
        if is_leaf:
            kind, within = value.get("object", ""), ""


def _leads_on(kind: str, within: str) -> bool:
    """Some expandable field lies below this one."""
    return any(field.startswith(within + ".") for field in EXPANDABLE.get(kind, ()))


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


def _not_expandable(path: str) -> Exception:
    return invalid(
        f"This property cannot be expanded ({path}). You may want to try expanding another"
        " property.",
        param="expand",
    )
