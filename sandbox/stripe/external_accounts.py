"""What payouts go to: bank accounts and debit cards of connected accounts, the platform's bank."""

from typing import Any, Final

from sandbox.stripe.balances import CURRENCY
from sandbox.stripe.context import Ctx, shown
from sandbox.stripe.debit_cards import (
    CARD_ADDRESS,
    change_card,
    check_currency,
    debit_card,
    typed_members,
)
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import emit
from sandbox.stripe.ids import platform_id, token
from sandbox.stripe.lists import UNDATED, check_limit
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routing import Route, delete, get, post

Doc = dict[str, Any]

SLOW_BANK: Final = "000999999991"
"""Its verification takes a while: payouts are enabled only after it."""
SLOW_SECONDS: Final = 3_600
NEVER_INSTANT_BANK: Final = "000777777771"
"""The emulator's own: a bank that takes standard payouts alone."""
ROUTING_LENGTH: Final = 9
PLATFORM_BANK: Final = "000123456789"
BANK_DATA: Final = {
    "object": "str!",
    "account_holder_name": "str",
    "account_holder_type": "str",
    "account_number": "str!",
    "country": "str",
    "currency": "str",
    "routing_number": "str",
}
BANK_CHANGES: Final = {"account_holder_name": "str", "account_holder_type": "str"}
CARD_CHANGES: Final = {
    **dict.fromkeys((*CARD_ADDRESS, "name"), "str"),
    "exp_month": "int",
    "exp_year": "int",
}


def load_owner(ctx: Ctx, account_id: str) -> Doc:
    """The connected account of a path."""
    account = ctx.store.find("account", account_id, "")
    if account is None:
        raise missing("account", account_id)
    return account


def add_bank_account(
    ctx: Ctx, account: Doc, routing_number: str, account_number: str, **holder: str | None
) -> Doc:
    """A bank account payouts go to; the first one is the default. The caller saves the account."""
    bank_account = _bank(ctx, account["id"], routing_number, account_number) | holder
    if account_number == SLOW_BANK:
        at_us = ctx.now_us + SLOW_SECONDS * 1_000_000
        ctx.store.plan("verify_bank", bank_account["id"], at_us)
    return _add(ctx, account, bank_account)


def _add(ctx: Ctx, account: Doc, external: Doc) -> Doc:
    """Keep a new bank account or card, list it, say so; the first one is the default."""
    external["default_for_currency"] = not account["external_accounts"]["data"]
    there = ctx.on(account["id"])
    there.insert(external)
    account["external_accounts"]["data"].append(shown(external))
    emit(there, "account.external_account.created", external)
    return shown(external)


def _bank(ctx: Ctx, owner: str, routing_number: str, account_number: str) -> Doc:
    """A new bank account (not yet kept); the whole number is hidden."""
    is_instant = account_number != NEVER_INSTANT_BANK
    return {
        "id": ctx.new_id("ba"),
        "object": "bank_account",
        "account": owner,
        "account_holder_name": None,
        "account_holder_type": "individual",
        "account_type": None,
        "available_payout_methods": ["standard", *(["instant"] if is_instant else [])],
        "bank_name": "STRIPE TEST BANK",
        "country": "US",
        "currency": CURRENCY,
        "default_for_currency": True,
        "fingerprint": token(ctx.store.seed, f"bank:{account_number}", 16),
        "last4": account_number[-4:],
        "metadata": {},
        "routing_number": routing_number,
        "status": "new",
        "_": {"number": account_number},
    }


def platform_bank(ctx: Ctx) -> Doc:
    """The platform's own bank account, made when it is first needed."""
    kept = ctx.store.meta("platform_bank")
    if kept and (bank := ctx.store.find("bank_account", kept)):
        return bank
    bank = _bank(ctx, platform_id(ctx.store.seed), "110000000", PLATFORM_BANK)
    ctx.store.set_meta("platform_bank", bank["id"])
    return ctx.on("").insert(bank)


def save_bank(ctx: Ctx, bank: Doc) -> None:
    """Keep a changed bank account or card, in its account's list too, and say so."""
    ctx.save(bank)
    account = ctx.store.find("account", bank["account"], "")
    if account is None:
        return
    listed = account["external_accounts"]
    listed["data"] = [shown(bank) if each["id"] == bank["id"] else each for each in listed["data"]]
    ctx.save(account)
    emit(ctx.on(account["id"]), "account.external_account.updated", bank)


def find_external(ctx: Ctx, external_id: str, account_id: str | None = None) -> Doc | None:
    """A bank account or a debit card by its id; `account_id` None looks in every account."""
    return ctx.store.find("bank_account", external_id, account_id) or ctx.store.find(
        "card", external_id, account_id
    )


def load_bank(ctx: Ctx, account_id: str, bank_id: str) -> Doc:
    """A bank account or a debit card of an account."""
    bank = find_external(ctx, bank_id, account_id)
    if bank is None:
        raise missing("external account", bank_id)
    return bank


def verify_bank(ctx: Ctx, bank_id: str) -> None:
    """Due work: a slow bank account is verified, which enables the payouts that waited for it."""
    bank = ctx.store.find("bank_account", bank_id)
    if bank is None:
        return
    bank["status"] = "verified"
    save_bank(ctx, bank)
    account = load_owner(ctx, bank["account"])
    waits = account["requirements"]["pending_verification"]
    if "external_account" in waits:
        waits.remove("external_account")
        account["payouts_enabled"] = account["requirements"]["disabled_reason"] is None
        ctx.save(account)
        emit(ctx.on(account["id"]), "account.updated", account, {"payouts_enabled": False})


def create(ctx: Ctx, p: Doc, account_id: str) -> Doc:
    """POST /v1/accounts/{id}/external_accounts with bank or card data, or a test token."""
    account = load_owner(ctx, account_id)
    bank = add_external(ctx, account, p["external_account"])
    if p.get("default_for_currency"):
        _make_default(ctx, account, bank["id"])
    ctx.save(account)
    kept = find_external(ctx, bank["id"]) or bank
    if "metadata" in p:
        kept["metadata"] = merge_metadata(kept["metadata"], p["metadata"])
        save_bank(ctx.on(account_id), kept)
    return kept


def add_external(ctx: Ctx, account: Doc, data: object) -> Doc:
    """A new external account from a token or a hash; the caller saves the account."""
    if data == "btok_us_verified":
        data = {"object": "bank_account", "routing_number": "110000000"}
        data["account_number"] = "000123456789"
    if isinstance(data, str) or (isinstance(data, dict) and data.get("object") == "card"):
        return _add(ctx, account, debit_card(ctx, account["id"], data))
    if not isinstance(data, dict) or data.get("object") != "bank_account":
        raise invalid(
            "The object of an external account is bank_account or card.",
            param="external_account[object]",
        )
    data = typed_members(BANK_DATA, data)
    check_currency(data)
    if (data.get("country") or "US") != "US":
        raise invalid("Only US is supported.", param="external_account[country]")
    routing, number = data.get("routing_number") or "", data["account_number"]
    if len(routing) != ROUTING_LENGTH or not routing.isdigit():
        raise invalid(
            "Invalid routing number for US: must be 9 digits.",
            code="routing_number_invalid",
            param="external_account[routing_number]",
        )
    if not number.isdigit():
        raise invalid(
            "Invalid account number.",
            code="account_number_invalid",
            param="external_account[account_number]",
        )
    holder = {name: data[name] for name in BANK_CHANGES if name in data}
    return add_bank_account(ctx, account, routing, number, **holder)


def _make_default(ctx: Ctx, account: Doc, bank_id: str) -> None:
    """Exactly one bank account is the default; the caller saves the account."""
    listed = account["external_accounts"]["data"]
    for each in listed:
        each["default_for_currency"] = each["id"] == bank_id
        bank = load_bank(ctx, account["id"], each["id"])
        bank["default_for_currency"] = each["default_for_currency"]
        ctx.save(bank)


def list_external(ctx: Ctx, p: Doc, account_id: str) -> Doc:
    """GET /v1/accounts/{id}/external_accounts: in the order they were added; `object` filters."""
    owned = load_owner(ctx, account_id)["external_accounts"]
    kind = p.get("object")
    if kind not in (None, "bank_account", "card"):
        raise invalid(f"Invalid object: must be bank_account or card, not {kind}", param="object")
    data = [each for each in owned["data"] if kind in (None, each["object"])]
    limit = check_limit(p)
    if p.get("starting_after"):
        data = data[_position(data, p["starting_after"], "starting_after") + 1 :]
    if p.get("ending_before"):
        data = data[: _position(data, p["ending_before"], "ending_before")]
        return {**owned, "data": data[-limit:], "has_more": len(data) > limit}
    return {**owned, "data": data[:limit], "has_more": len(data) > limit}


def _position(data: list[Doc], external_id: str, param: str) -> int:
    """Where a cursor stands in a list."""
    ids = [each["id"] for each in data]
    if external_id not in ids:
        raise missing("external account", external_id, param=param, status=400)
    return ids.index(external_id)


def retrieve(ctx: Ctx, p: Doc, account_id: str, bank_id: str) -> Doc:  # noqa: ARG001
    """GET /v1/accounts/{id}/external_accounts/{bank}."""
    return load_bank(ctx, account_id, bank_id)


def update(ctx: Ctx, p: Doc, account_id: str, bank_id: str) -> Doc:
    """POST /v1/accounts/{id}/external_accounts/{bank}."""
    bank = load_bank(ctx, account_id, bank_id)
    others = BANK_CHANGES if bank["object"] == "card" else CARD_CHANGES
    for name in others:
        if name in p:
            raise invalid(f"A {bank['object']} has no {name} to change.", param=name)
    if bank["object"] == "card":
        change_card(ctx, bank, p)
    bank |= {name: p[name] for name in BANK_CHANGES if name in p}
    if "metadata" in p:
        bank["metadata"] = merge_metadata(bank["metadata"], p["metadata"])
    if p.get("default_for_currency"):
        account = load_owner(ctx, account_id)
        _make_default(ctx, account, bank_id)
        ctx.save(account)
        bank["default_for_currency"] = True
    save_bank(ctx, bank)
    return bank


def remove(ctx: Ctx, p: Doc, account_id: str, bank_id: str) -> Doc:  # noqa: ARG001
    """DELETE /v1/accounts/{id}/external_accounts/{bank}: not the default one while others exist."""
    bank = load_bank(ctx, account_id, bank_id)
    account = load_owner(ctx, account_id)
    listed = account["external_accounts"]
    if bank["default_for_currency"] and len(listed["data"]) > 1:
        raise invalid(
            "You cannot delete the default external account for your default currency. Please make"
            " another external account the default using the `default_for_currency` param, and then"
            " delete this one."
        )
    listed["data"] = [each for each in listed["data"] if each["id"] != bank_id]
    ctx.save(account)
    ctx.store.delete(bank_id)
    emit(ctx.on(account_id), "account.external_account.deleted", bank)
    return {"id": bank_id, "object": bank["object"], "deleted": True, "currency": CURRENCY}


ROUTES: list[Route] = [
    post(
        "/v1/accounts/{id}/external_accounts",
        create,
        {"external_account": "any!", "default_for_currency": "bool", "metadata": "map"},
    ),
    get("/v1/accounts/{id}/external_accounts", list_external, UNDATED | {"object": "str"}),
    get("/v1/accounts/{id}/external_accounts/{bank}", retrieve),
    post(
        "/v1/accounts/{id}/external_accounts/{bank}",
        update,
        {**BANK_CHANGES, **CARD_CHANGES, "default_for_currency": "bool", "metadata": "map"},
    ),
    delete("/v1/accounts/{id}/external_accounts/{bank}", remove),
]
