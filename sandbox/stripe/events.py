"""Event objects and the deliveries they cause."""

from typing import Any

import msgspec

from sandbox.stripe.context import Ctx, shown
from sandbox.stripe.lists import LIST, page
from sandbox.stripe.routing import Route, get
from sandbox.stripe.settings import API_VERSION

Doc = dict[str, Any]


def emit(ctx: Ctx, kind: str, doc: Doc, previous: Doc | None = None) -> str:
    """Record that something happened to `doc` in this account; returns the event's id.

    The payload is rendered here once: every delivery sends these very bytes.
    """
    event_id = ctx.new_id("evt")
    endpoints = [
        endpoint
        for endpoint in ctx.store.all_of("webhook_endpoint")
        if endpoint["_"]["is_connect"] == bool(ctx.account) and _wants(endpoint, kind)
    ]
    data: Doc = {"object": shown(doc)}
    if previous is None and kind.endswith(".updated"):
        previous = changed_from(ctx.store.replica.before_now(doc.get("id") or ""), data["object"])
    if previous is not None:
        data["previous_attributes"] = previous
    event: Doc = {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": ctx.now,
        "data": data,
        "livemode": False,
        "pending_webhooks": len(endpoints),
        "request": {"id": ctx.request_id, "idempotency_key": ctx.key},
        "type": kind,
    }
    if ctx.account:
        event["account"] = ctx.account
    ctx.insert(event)
    for endpoint in endpoints:
        enqueue(ctx, event_id, endpoint["id"])
    return event_id


def changed_from(old: Doc | None, new: Doc) -> Doc | None:
    """What differs, as it was: nested objects by their own differences; None if it was not kept."""
    if old is None:
        return None
    previous: Doc = {}
    for name in old.keys() | new.keys():
        before, after = old.get(name), new.get(name)
        if name == "_" or before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            previous[name] = changed_from(before, after)
        else:
            previous[name] = before
    return previous


def enqueue(ctx: Ctx, event_id: str, endpoint_id: str) -> None:
    """Deliver an event to an endpoint, the first attempt at once."""
    ctx.store.execute(
        "INSERT INTO deliveries (event_id, endpoint_id, state, attempts, created_at, due_at,"
        " is_wall) VALUES (?, ?, 'pending', 0, ?, ?, 0)",
        event_id,
        endpoint_id,
        ctx.now_us,
        ctx.now_us,
    )


def _wants(endpoint: Doc, kind: str) -> bool:
    """An endpoint that is enabled and listens to this type."""
    wanted = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in wanted or kind in wanted)


def payload_of(ctx_store: Any, event_id: str) -> bytes | None:  # noqa: ANN401 -- the store
    """The bytes of an event as first rendered."""
    body = ctx_store.scalar("SELECT body FROM objects WHERE id = ?", event_id)
    return None if body is None else body.encode()


def pending_webhooks(ctx: Ctx, event_id: str) -> int:
    """How many endpoints have not yet taken the event."""
    return ctx.store.scalar(
        "SELECT count(DISTINCT endpoint_id) FROM deliveries WHERE event_id = ?"
        " AND state IN ('pending', 'failed')",
        event_id,
    )


def retrieve(ctx: Ctx, p: Doc, event_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/events/{id}."""
    return ctx.load("event", event_id)


def list_events(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/events, newest first, by type or by failed delivery."""
    types = [p["type"]] if p.get("type") else (p.get("types") or [])
    conditions: list[tuple[str, object]] = []
    if types:
        wanted = msgspec.json.encode([kind.replace("*", "%") for kind in types]).decode()
        conditions.append(
            (
                "EXISTS (SELECT 1 FROM json_each(?) WHERE body ->> '$.type' LIKE value)",
                wanted,
            )
        )
    if p.get("delivery_success") is not None:
        undelivered = (
            "EXISTS (SELECT 1 FROM deliveries WHERE event_id = objects.id"
            " AND state IN ('pending', 'failed'))"
        )
        conditions.append((f"{undelivered} = ?", int(not p["delivery_success"])))
    return page(ctx, "event", p, "/v1/events", conditions=conditions)


ROUTES: list[Route] = [
    get(
        "/v1/events",
        list_events,
        {**LIST, "type": "str", "types": ["str"], "delivery_success": "bool"},
    ),
    get("/v1/events/{id}", retrieve, {"expand": ["str"]}),
]
