"""What control requests and pages show of webhooks and idempotency keys."""

from typing import Any, Final

from sandbox.stripe.clock import rfc3339
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid
from sandbox.stripe.parcels import valid_secrets
from sandbox.stripe.store import Store

Doc = dict[str, Any]

SHOWN: Final = 200
FILTERS: Final = {
    "event": "d.event_id = ?",
    "endpoint": "d.endpoint_id = ?",
    "state": "d.state = ?",
    "type": "o.body ->> '$.type' = ?",
    "account": "o.account = ?",
}


def deliveries(store: Store, form: Doc) -> Doc:
    """The latest deliveries, newest first, each with its attempts."""
    if unknown := set(form) - set(FILTERS) - {"limit"}:
        raise invalid(f"Unknown: {', '.join(sorted(unknown))}")
    asked = {name: form[name] for name in FILTERS if form.get(name)}
    where = " AND ".join(FILTERS[name] for name in asked) or "1"
    rows = store.rows(
        "SELECT d.id, d.event_id, o.body ->> '$.type' AS type, o.account, d.endpoint_id, d.state,"  # noqa: S608 -- texts of this module
        " d.attempts, d.created_at, d.due_at, d.is_wall, d.answer FROM deliveries d"
        f" LEFT JOIN objects o ON o.id = d.event_id WHERE {where} ORDER BY d.id DESC LIMIT ?",
        *asked.values(),
        int(form.get("limit") or SHOWN),
    )
    return {"data": [_delivery(store, dict(row)) for row in rows]}


def _delivery(store: Store, row: Doc) -> Doc:
    """One delivery and what every try of it came to."""
    tries = store.rows(
        "SELECT at, status, answer, fault FROM attempts WHERE delivery = ? ORDER BY id", row["id"]
    )
    return {
        **row,
        "created_at": rfc3339(row["created_at"]),
        "due_at": rfc3339(row["due_at"]),
        "is_wall": bool(row["is_wall"]),
        "tries": [{**dict(each), "at": rfc3339(each["at"])} for each in tries],
    }


def endpoints(ctx: Ctx) -> Doc:
    """Every webhook endpoint with its kind and the secrets that count now."""
    return {
        "data": [
            {
                **{name: value for name, value in endpoint.items() if name != "_"},
                "connect": endpoint["_"]["is_connect"],
                "secrets": valid_secrets(endpoint, ctx.now_us),
            }
            for endpoint in ctx.store.all_of("webhook_endpoint")
        ]
    }


def keys(store: Store, form: Doc) -> Doc:
    """The latest idempotency keys: what each keeps, without its answer."""
    rows = store.rows(
        "SELECT account, key, status, request_id, at FROM idempotency"
        " WHERE (? = '' OR key = ?) ORDER BY at DESC, key LIMIT ?",
        form.get("key", ""),
        form.get("key", ""),
        int(form.get("limit") or SHOWN),
    )
    return {"data": [{**dict(row), "at": rfc3339(row["at"])} for row in rows]}
