"""Capabilities of connected accounts: shown, requested, given up."""

from typing import Any

from sandbox.stripe.accounts import capability, load_account, request_capabilities
from sandbox.stripe.context import Ctx
from sandbox.stripe.events import emit
from sandbox.stripe.lists import embedded
from sandbox.stripe.routing import Route, get, post

Doc = dict[str, Any]


def list_capabilities(ctx: Ctx, p: Doc, account_id: str) -> Doc:  # noqa: ARG001
    """GET /v1/accounts/{id}/capabilities."""
    account = load_account(ctx, account_id)
    data = [capability(account, name) for name in sorted(account["capabilities"])]
    return embedded(data, f"/v1/accounts/{account_id}/capabilities")


def retrieve_capability(ctx: Ctx, p: Doc, account_id: str, name: str) -> Doc:  # noqa: ARG001
    """GET /v1/accounts/{id}/capabilities/{capability}."""
    return capability(load_account(ctx, account_id), name)


def update_capability(ctx: Ctx, p: Doc, account_id: str, name: str) -> Doc:
    """POST /v1/accounts/{id}/capabilities/{capability}: request it, or give it up."""
    account = load_account(ctx, account_id)
    before = account["capabilities"].get(name)
    if p.get("requested"):
        request_capabilities(account, {name: {"requested": "true"}})
    elif name in account["capabilities"]:
        account["capabilities"][name] = "inactive"
    ctx.save(account)
    there = ctx.on(account_id)
    emit(there, "capability.updated", capability(account, name), {"status": before})
    emit(there, "account.updated", account)
    return capability(account, name)


ROUTES: list[Route] = [
    get("/v1/accounts/{id}/capabilities", list_capabilities),
    get("/v1/accounts/{id}/capabilities/{capability}", retrieve_capability),
    post("/v1/accounts/{id}/capabilities/{capability}", update_capability, {"requested": "bool"}),
]
