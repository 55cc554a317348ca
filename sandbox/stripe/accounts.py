"""Connected accounts: express, created by the platform, completed on the hosted page."""

from typing import Any, Final

from sandbox.stripe.account_settings import SETTINGS, account_settings
from sandbox.stripe.balances import CURRENCY, available_cents, pending_cents
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.events import emit
from sandbox.stripe.external_accounts import SLOW_BANK, add_bank_account, add_external
from sandbox.stripe.ids import platform_id
from sandbox.stripe.lists import LIST, embedded, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routing import Route, delete, get, post
from sandbox.stripe.schedules import replan_sweep

Doc = dict[str, Any]

DUE: Final = [
    "business_profile.url",
    "external_account",
    "individual.dob.day",
    "individual.first_name",
    "individual.last_name",
    "individual.ssn_last_4",
    "tos_acceptance.date",
    "tos_acceptance.ip",
]
PROFILE: Final = (
    "mcc",
    "name",
    "product_description",
    "support_email",
    "support_phone",
    "support_url",
    "url",
)
"""What an account tells of its business as a word."""
REJECTIONS: Final = (
    "fraud_payment_method_casher",
    "fraud_payment_method_tester",
    "fraud_no_intent_to_fulfill",
    "fraud_other",
    "fraud",
    "credit",
    "terms_of_service",
    "other",
)
SPEC: Final = {
    "email": "str",
    "business_type": "str",
    "business_profile": {
        **dict.fromkeys(PROFILE, "str"),
        "support_address": "any",
    },
    "company": "any",
    "individual": "any",
    "capabilities": "any",
    "metadata": "map",
    "settings": SETTINGS,
    "tos_acceptance": {
        "date": "int",
        "ip": "str",
        "service_agreement": "str",
        "user_agent": "str",
    },
    "default_currency": "str",
    "external_account": "any",
}


def requirements(
    due: list[str], disabled_reason: str | None, *, deadline: int | None = None
) -> Doc:
    """What Stripe still wants to know; until `deadline` (seconds) nothing is disabled."""
    return {
        "alternatives": [],
        "current_deadline": deadline,
        "currently_due": due,
        "disabled_reason": disabled_reason,
        "errors": [],
        "eventually_due": due,
        "past_due": due if disabled_reason == "requirements.past_due" else [],
        "pending_verification": [],
    }


def _check(p: Doc) -> None:
    """Refuse what the hosted page alone collects here, rather than forget it."""
    for name in ("company", "individual"):
        if p.get(name):
            raise invalid(
                f"The emulator takes {name} from its hosted onboarding page alone.", param=name
            )
    if (p.get("default_currency") or CURRENCY).lower() != CURRENCY:
        raise invalid("Only usd is supported.", param="default_currency")
    agreement = (p.get("tos_acceptance") or {}).get("service_agreement")
    if agreement not in (None, "full", "recipient"):
        raise invalid(
            f"Invalid service_agreement: {agreement}", param="tos_acceptance[service_agreement]"
        )


def create(ctx: Ctx, p: Doc) -> Doc:
    """POST /v1/accounts."""
    _check(p)
    controller = p.get("controller") or {}
    dashboard = (controller.get("stripe_dashboard") or {}).get("type") or p.get("type") or "full"
    if p.get("type") and controller:
        raise invalid(
            "You may only specify one of these parameters: type, controller.", param="type"
        )
    account_id = ctx.new_id("acct")
    account = _account(ctx, account_id, p, dashboard)
    account["controller"] = {
        "fees": {"payer": (controller.get("fees") or {}).get("payer") or "application_express"},
        "is_controller": True,
        "losses": {"payments": (controller.get("losses") or {}).get("payments") or "application"},
        "requirement_collection": controller.get("requirement_collection") or "stripe",
        "stripe_dashboard": {"type": dashboard},
        "type": "application",
    }
    request_capabilities(account, p.get("capabilities") or {})
    ctx.insert(account)
    return _with_bank(ctx, account, p)


def _with_bank(ctx: Ctx, account: Doc, p: Doc) -> Doc:
    """The account with the bank account that the same request gives it."""
    if p.get("external_account"):
        add_external(ctx, account, p["external_account"])
        ctx.save(account)
    return account


def _account(ctx: Ctx, account_id: str, p: Doc, kind: str) -> Doc:
    """Every field of a new account."""
    profile = {
        **dict.fromkeys(PROFILE),
        "annual_revenue": None,
        "estimated_worker_count": None,
        "minority_owned_business_designation": None,
        "support_address": None,
    }
    return {
        "id": account_id,
        "object": "account",
        "business_profile": profile | (p.get("business_profile") or {}),
        "business_type": p.get("business_type"),
        "capabilities": {},
        "charges_enabled": False,
        "controller": {"type": "account"},
        "country": p.get("country") or "US",
        "created": ctx.now,
        "default_currency": CURRENCY,
        "details_submitted": False,
        "email": p.get("email"),
        "external_accounts": embedded([], f"/v1/accounts/{account_id}/external_accounts"),
        "future_requirements": requirements([], None),
        "metadata": merge_metadata({}, p.get("metadata")),
        "payouts_enabled": False,
        "requirements": requirements(list(DUE), "requirements.past_due"),
        "settings": account_settings(ctx, p.get("settings") or {}),
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None}
        | (p.get("tos_acceptance") or {}),
        "type": "express" if kind == "express" else "none",
        "_": {},
    }


def request_capabilities(account: Doc, wanted: Doc) -> None:
    """A requested capability is inactive until the account is complete."""
    for name, options in wanted.items():
        unknown = sorted(set(options if isinstance(options, dict) else ()) - {"requested"})
        if unknown:
            where = f"capabilities[{name}][{unknown[0]}]"
            raise invalid(
                f"Received unknown parameter: {where}", code="parameter_unknown", param=where
            )
        is_requested = isinstance(options, dict) and options.get("requested") == "true"
        if is_requested and account["capabilities"].get(name) != "active":
            active = account["details_submitted"]
            account["capabilities"][name] = "active" if active else "inactive"


def platform_account(ctx: Ctx) -> Doc:
    """The platform's own account."""
    account_id = platform_id(ctx.store.seed)
    account = _account(ctx, account_id, {"email": "platform@example.com"}, "full")
    account |= {"charges_enabled": True, "payouts_enabled": True, "details_submitted": True}
    account["capabilities"] = {"card_payments": "active", "transfers": "active"}
    account["requirements"] = requirements([], None)
    return account | {"type": "standard"}


def load_account(ctx: Ctx, account_id: str) -> Doc:
    """A connected account; unknown or foreign ones answer 403."""
    account = ctx.store.find("account", account_id, "")
    if account is None:
        raise account_invalid(account_id)
    return account


def account_invalid(account_id: str) -> StripeError:
    """403: no such account, or not ours."""
    return StripeError(
        403,
        f"The provided key does not have access to account '{account_id}' (or that account does not"
        " exist). Application access may have been revoked.",
        code="account_invalid",
        is_stored=False,
    )


def complete(ctx: Ctx, account: Doc, routing_number: str, account_number: str) -> None:
    """Everything Stripe wanted is there: transfers and payouts work from now on."""
    previous = {
        name: account[name]
        for name in ("charges_enabled", "payouts_enabled", "details_submitted", "requirements")
    }
    if not account["external_accounts"]["data"]:
        add_bank_account(ctx, account, routing_number, account_number)
    states = account["capabilities"]
    changed = {name: state for name, state in states.items() if state != "active"}
    account["capabilities"] = dict.fromkeys(account["capabilities"] or {"transfers": ""}, "active")
    account |= {
        "charges_enabled": account["capabilities"].get("card_payments") == "active",
        "details_submitted": True,
        "payouts_enabled": True,
        "requirements": requirements([], None),
        "tos_acceptance": {
            **account["tos_acceptance"],
            "date": ctx.now,
            "ip": "127.0.0.1",
            "user_agent": None,
        },
    }
    if account_number == SLOW_BANK:
        account["payouts_enabled"] = False
        account["requirements"]["pending_verification"] = ["external_account"]
    ctx.save(account)
    there = ctx.on(account["id"])
    for name, state in changed.items():
        emit(there, "capability.updated", capability(account, name), {"status": state})
    emit(there, "account.updated", account, previous)


def capability(account: Doc, name: str) -> Doc:
    """A capability of an account as an object."""
    state = account["capabilities"].get(name)
    if state is None:
        raise invalid(f"No such capability: '{name}'", code="resource_missing", param="capability")
    return {
        "id": name,
        "object": "capability",
        "account": account["id"],
        "future_requirements": requirements([], None),
        "requested": True,
        "requested_at": account["created"],
        "requirements": requirements(account["requirements"]["currently_due"], None),
        "status": state,
    }


def retrieve_own(ctx: Ctx, p: Doc) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/account."""
    return load_account(ctx, ctx.account) if ctx.account else platform_account(ctx)


def retrieve(ctx: Ctx, p: Doc, account_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/accounts/{id}."""
    own = platform_account(ctx)
    return own if account_id == own["id"] else load_account(ctx, account_id)


def update(ctx: Ctx, p: Doc, account_id: str) -> Doc:
    """POST /v1/accounts/{id}."""
    _check(p)
    account = load_account(ctx, account_id)
    previous = {name: account[name] for name in p if name in account}
    if p.get("tos_acceptance"):
        account["tos_acceptance"] = account["tos_acceptance"] | p["tos_acceptance"]
    for name in ("email", "business_type"):
        if name in p:
            account[name] = p[name]
    if p.get("business_profile"):
        account["business_profile"] = account["business_profile"] | p["business_profile"]
    if p.get("settings"):
        schedule = {
            "payouts": account["settings"]["payouts"] | (p["settings"].get("payouts") or {})
        }
        account["settings"] = account_settings(ctx, schedule)
    if "metadata" in p:
        account["metadata"] = merge_metadata(account["metadata"], p["metadata"])
    request_capabilities(account, p.get("capabilities") or {})
    _with_bank(ctx, account, p)
    ctx.save(account)
    replan_sweep(ctx, account_id)
    emit(ctx.on(account_id), "account.updated", account, previous)
    return account


def reject(ctx: Ctx, p: Doc, account_id: str) -> Doc:
    """POST /v1/accounts/{id}/reject: nothing works any more, for good."""
    account = load_account(ctx, account_id)
    if p["reason"] not in REJECTIONS:
        raise invalid(f"Invalid reason: {p['reason']}", param="reason")
    if p.get("payouts_action") not in (None, "none", "pause"):
        raise invalid(f"Invalid payouts_action: {p['payouts_action']}", param="payouts_action")
    kind = p["reason"].partition("_")[0]
    before = account["capabilities"]
    reason = {"fraud": "fraud", "terms": "terms_of_service"}.get(kind, "other")
    account["capabilities"] = dict.fromkeys(account["capabilities"], "inactive")
    account |= {
        "charges_enabled": False,
        "payouts_enabled": account["payouts_enabled"] and p.get("payouts_action") == "none",
        "requirements": requirements([], f"rejected.{reason}"),
    }
    ctx.save(account)
    there = ctx.on(account_id)
    for name, state in before.items():
        if state != "inactive":
            emit(there, "capability.updated", capability(account, name), {"status": state})
    emit(there, "account.updated", account)
    return account


def remove(ctx: Ctx, p: Doc, account_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """DELETE /v1/accounts/{id}: only with an empty balance."""
    load_account(ctx, account_id)
    if available_cents(ctx, account_id) or pending_cents(ctx, account_id):
        raise invalid("This account cannot be deleted: its balance is not zero.")
    application = {"id": "ca_" + ctx.store.seed_token("application"), "object": "application"}
    emit(ctx.on(account_id), "account.application.deauthorized", {**application, "name": None})
    ctx.store.delete(account_id)
    return {"id": account_id, "object": "account", "deleted": True}


def list_accounts(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/accounts."""
    return page(ctx.on(""), "account", p, "/v1/accounts")


ROUTES: list[Route] = [
    post(
        "/v1/accounts",
        create,
        SPEC
        | {
            "country": "str",
            "type": "str",
            "controller": {
                "fees": {"payer": "str"},
                "losses": {"payments": "str"},
                "requirement_collection": "str",
                "stripe_dashboard": {"type": "str"},
            },
        },
    ),
    get("/v1/accounts", list_accounts, LIST),
    get("/v1/account", retrieve_own),
    get("/v1/accounts/{id}", retrieve),
    post("/v1/accounts/{id}", update, SPEC),
    delete("/v1/accounts/{id}", remove),
    post("/v1/accounts/{id}/reject", reject, {"reason": "str!", "payouts_action": "str"}),
]
