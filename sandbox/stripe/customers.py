"""Customers."""

from typing import Any

from sandbox.stripe.context import Ctx, shown
from sandbox.stripe.events import emit
from sandbox.stripe.lists import LIST, UNDATED, page
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.routing import Route, delete, get, post

Doc = dict[str, Any]

PLAIN = ("email", "name", "phone", "description")
SPEC = {
    "email": "str",
    "name": "str",
    "phone": "str",
    "description": "str",
    "metadata": "map",
    "address": "any",
    "shipping": "any",
    "preferred_locales": ["str"],
    "invoice_settings": {"default_payment_method": "str"},
}


def create(ctx: Ctx, p: Doc) -> Doc:
    """POST /v1/customers."""
    customer_id = ctx.new_id("cus")
    customer: Doc = {
        "id": customer_id,
        "object": "customer",
        "address": p.get("address"),
        "balance": 0,
        "created": ctx.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": p.get("description"),
        "discount": None,
        "email": p.get("email"),
        "invoice_prefix": customer_id[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
            **(p.get("invoice_settings") or {}),
        },
        "livemode": False,
        "metadata": merge_metadata({}, p.get("metadata")),
        "name": p.get("name"),
        "next_invoice_sequence": 1,
        "phone": p.get("phone"),
        "preferred_locales": p.get("preferred_locales") or [],
        "shipping": p.get("shipping"),
        "tax_exempt": "none",
        "test_clock": None,
    }
    ctx.insert(customer)
    emit(ctx, "customer.created", customer)
    return customer


def load_customer(ctx: Ctx, customer_id: str, *, param: str | None = None) -> Doc:
    """A customer that is not deleted."""
    return ctx.load("customer", customer_id, param=param)


def retrieve(ctx: Ctx, p: Doc, customer_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/customers/{id}; a deleted one answers `deleted: true`."""
    tombstone = ctx.store.find("deleted_customer", f"deleted_{customer_id}", ctx.account)
    if tombstone:
        return {"id": customer_id, "object": "customer", "deleted": True}
    return load_customer(ctx, customer_id)


def update(ctx: Ctx, p: Doc, customer_id: str) -> Doc:
    """POST /v1/customers/{id}."""
    customer = load_customer(ctx, customer_id)
    previous: Doc = {}
    for name in (*PLAIN, "address", "shipping", "preferred_locales"):
        if name in p and p[name] != customer[name]:
            previous[name] = customer[name]
            customer[name] = p[name]
    if "metadata" in p:
        previous["metadata"] = customer["metadata"]
        customer["metadata"] = merge_metadata(customer["metadata"], p["metadata"])
    if p.get("invoice_settings"):
        customer["invoice_settings"] |= p["invoice_settings"]
    ctx.save(customer)
    emit(ctx, "customer.updated", customer, previous)
    return customer


def remove(ctx: Ctx, p: Doc, customer_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """DELETE /v1/customers/{id}."""
    customer = load_customer(ctx, customer_id)
    ctx.store.delete(customer_id)
    ctx.insert({"id": f"deleted_{customer_id}", "object": "deleted_customer", "created": ctx.now})
    for payment_method in ctx.store.methods_of(customer_id):
        payment_method["customer"] = None
        payment_method["_"]["is_spent"] = True
        ctx.save(payment_method)
    emit(ctx, "customer.deleted", shown(customer))
    return {"id": customer_id, "object": "customer", "deleted": True}


def list_customers(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/customers."""
    return page(ctx, "customer", p, "/v1/customers", filters=("email",))


def list_methods(ctx: Ctx, p: Doc, customer_id: str) -> Doc:
    """GET /v1/customers/{id}/payment_methods."""
    load_customer(ctx, customer_id)
    url = f"/v1/customers/{customer_id}/payment_methods"
    wanted = {**p, "customer": customer_id}
    return page(ctx, "payment_method", wanted, url, filters=("customer", "type"))


def retrieve_method(ctx: Ctx, p: Doc, customer_id: str, method_id: str) -> Doc:  # noqa: ARG001
    """GET /v1/customers/{id}/payment_methods/{pm}."""
    load_customer(ctx, customer_id)
    payment_method = ctx.load("payment_method", method_id)
    if payment_method["customer"] != customer_id:
        return ctx.load("payment_method", "", param=None)
    return payment_method


ROUTES: list[Route] = [
    post("/v1/customers", create, SPEC | {"payment_method": "str"}),
    get("/v1/customers", list_customers, LIST | {"email": "str"}),
    get("/v1/customers/{id}", retrieve),
    post("/v1/customers/{id}", update, SPEC),
    delete("/v1/customers/{id}", remove),
    get("/v1/customers/{id}/payment_methods", list_methods, UNDATED | {"type": "str"}),
    get("/v1/customers/{id}/payment_methods/{pm}", retrieve_method),
]
