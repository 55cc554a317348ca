"""Account links with their hosted page, and login links."""

from typing import Any, Final

from sandbox.stripe.accounts import complete, load_account
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid
from sandbox.stripe.routing import Route, post

Doc = dict[str, Any]

LINK_LIFE_SECONDS: Final = 300
TEST_ROUTING: Final = "110000000"
TEST_ACCOUNT: Final = "000123456789"


def create_link(ctx: Ctx, p: Doc) -> Doc:
    """POST /v1/account_links: single use, five minutes."""
    load_account(ctx, p["account"])
    if p["type"] not in ("account_onboarding", "account_update"):
        raise invalid(f"Invalid type: {p['type']}", param="type")
    for name in ("refresh_url", "return_url"):
        if not (p.get(name) or "").startswith(("http://", "https://")):
            raise invalid("Not a valid URL", code="url_invalid", param=name)
    number = ctx.new_id("link").removeprefix("link_")
    link: Doc = {
        "object": "account_link",
        "created": ctx.now,
        "expires_at": ctx.now + LINK_LIFE_SECONDS,
        "url": f"{ctx.base_url}/setup/s/{p['account']}/{number}",
    }
    ctx.on("").insert(
        {
            **link,
            "id": f"link_{number}",
            "object": "emulator_link",
            "account": p["account"],
            "return_url": p["return_url"],
            "refresh_url": p["refresh_url"],
            "is_used": False,
        }
    )
    return link


def open_link(ctx: Ctx, account_id: str, number: str) -> Doc | None:
    """The link behind a hosted page; None when there is none. `is_open` tells if it still works."""
    link = ctx.store.find("emulator_link", f"link_{number}")
    if link is None or link["account"] != account_id:
        return None
    link["is_open"] = not link["is_used"] and ctx.now < link["expires_at"]
    return link


def finish(ctx: Ctx, link: Doc, form: Doc) -> None:
    """The form was sent, even empty: the account is complete."""
    account = load_account(ctx, link["account"])
    routing = str(form.get("routing_number") or TEST_ROUTING)
    number = str(form.get("account_number") or TEST_ACCOUNT)
    complete(ctx, account, routing, number)
    ctx.save({**{k: v for k, v in link.items() if k != "is_open"}, "is_used": True})


def create_login_link(ctx: Ctx, p: Doc, account_id: str) -> Doc:  # noqa: ARG001
    """POST /v1/accounts/{id}/login_links."""
    account = load_account(ctx, account_id)
    if not account["details_submitted"]:
        raise invalid(
            "Cannot create a login link for an account that has not completed onboarding."
        )
    return {
        "object": "login_link",
        "created": ctx.now,
        "url": f"{ctx.base_url}/express/{account_id}/{ctx.new_id('login')}",
    }


ROUTES: list[Route] = [
    post(
        "/v1/account_links",
        create_link,
        {
            "account": "str!",
            "type": "str!",
            "refresh_url": "str",
            "return_url": "str",
            "collect": "str",
            "collection_options": {"fields": "str", "future_requirements": "str"},
        },
    ),
    post("/v1/accounts/{id}/login_links", create_login_link, {}),
]
