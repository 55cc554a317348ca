"""Webhook endpoints: who hears of which events, signed with which secret."""

from typing import Any, Final

from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid
from sandbox.stripe.lists import UNDATED, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routing import Route, delete, get, post

Doc = dict[str, Any]

ROLL_SECONDS: Final = 86_400


def create(ctx: Ctx, p: Doc) -> Doc:
    """POST /v1/webhook_endpoints; the answer alone carries the secret."""
    endpoint = make(ctx, p, f"whsec_{ctx.new_id('whsec').removeprefix('whsec_')}")
    return {**endpoint, "secret": endpoint["_"]["secret"]}


def make(ctx: Ctx, p: Doc, secret: str) -> Doc:
    """Keep a new endpoint."""
    if not p["url"].startswith(("http://", "https://")):
        raise invalid(
            "Invalid URL: An explicit scheme (such as https) must be provided.", param="url"
        )
    if not p.get("enabled_events"):
        raise invalid(
            "Missing required param: enabled_events.",
            code="parameter_missing",
            param="enabled_events",
        )
    endpoint: Doc = {
        "id": ctx.new_id("we"),
        "object": "webhook_endpoint",
        "api_version": p.get("api_version"),
        "application": None,
        "created": ctx.now,
        "description": p.get("description"),
        "enabled_events": p["enabled_events"],
        "livemode": False,
        "metadata": merge_metadata({}, p.get("metadata")),
        "status": "enabled",
        "url": p["url"],
        "_": {"secret": secret, "is_connect": bool(p.get("connect"))},
    }
    return ctx.insert(endpoint)


def ensure(ctx: Ctx, p: Doc) -> Doc:
    """Control: the endpoint of this URL and kind, made or updated, with a given secret."""
    is_connect = bool(p.get("connect"))
    for endpoint in ctx.store.all_of("webhook_endpoint"):
        if endpoint["url"] == p["url"] and endpoint["_"]["is_connect"] == is_connect:
            endpoint["enabled_events"] = p.get("enabled_events") or endpoint["enabled_events"]
            endpoint["status"] = "enabled"
            endpoint["_"]["secret"] = p.get("secret") or endpoint["_"]["secret"]
            ctx.save(endpoint)
            return {**endpoint, "secret": endpoint["_"]["secret"]}
    p = {**p, "enabled_events": p.get("enabled_events") or ["*"]}
    secret = p.get("secret") or f"whsec_{ctx.new_id('whsec').removeprefix('whsec_')}"
    endpoint = make(ctx, p, secret)
    return {**endpoint, "secret": secret}


def roll(ctx: Ctx, endpoint_id: str, p: Doc) -> Doc:
    """Control: a new secret; the old one signs too for `expires_in_seconds` (a day if not said).

    The Dashboard's "Roll secret", which Stripe's API does not have.
    """
    endpoint = ctx.load("webhook_endpoint", endpoint_id)
    kept = endpoint["_"]
    until_us = ctx.now_us + int(p.get("expires_in_seconds", ROLL_SECONDS)) * 1_000_000
    still = [each for each in kept.get("earlier", ()) if each["until_us"] > ctx.now_us]
    kept["earlier"] = [{"secret": kept["secret"], "until_us": until_us}, *still]
    kept["secret"] = p.get("secret") or f"whsec_{ctx.new_id('whsec').removeprefix('whsec_')}"
    ctx.save(endpoint)
    return {**endpoint, "secret": kept["secret"]}


def retrieve(ctx: Ctx, p: Doc, endpoint_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/webhook_endpoints/{id}."""
    return ctx.load("webhook_endpoint", endpoint_id)


def update(ctx: Ctx, p: Doc, endpoint_id: str) -> Doc:
    """POST /v1/webhook_endpoints/{id}."""
    endpoint = ctx.load("webhook_endpoint", endpoint_id)
    for name in ("url", "enabled_events", "description"):
        if p.get(name) is not None:
            endpoint[name] = p[name]
    if p.get("disabled") is not None:
        endpoint["status"] = "disabled" if p["disabled"] else "enabled"
    if "metadata" in p:
        endpoint["metadata"] = merge_metadata(endpoint["metadata"], p["metadata"])
    return ctx.save(endpoint)


def remove(ctx: Ctx, p: Doc, endpoint_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """DELETE /v1/webhook_endpoints/{id}; what was on its way to it is dropped."""
    ctx.load("webhook_endpoint", endpoint_id)
    ctx.store.delete(endpoint_id)
    ctx.store.execute(
        "UPDATE deliveries SET state = 'dropped', answer = 'the endpoint was deleted'"
        " WHERE endpoint_id = ? AND state = 'pending'",
        endpoint_id,
    )
    return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}


def list_endpoints(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/webhook_endpoints."""
    return page(ctx, "webhook_endpoint", p, "/v1/webhook_endpoints")


ROUTES: list[Route] = [
    post(
        "/v1/webhook_endpoints",
        create,
        {
            "url": "str!",
            "enabled_events": ["str"],
            "api_version": "str",
            "connect": "bool",
            "description": "str",
            "metadata": "map",
        },
    ),
    get("/v1/webhook_endpoints", list_endpoints, UNDATED),
    get("/v1/webhook_endpoints/{id}", retrieve),
    post(
        "/v1/webhook_endpoints/{id}",
        update,
        {
            "url": "str",
            "enabled_events": ["str"],
            "description": "str",
            "disabled": "bool",
            "metadata": "map",
        },
    ),
    delete("/v1/webhook_endpoints/{id}", remove),
]
