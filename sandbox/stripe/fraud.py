"""Early fraud warnings of issuers, and reviews of risky payments."""

from typing import Any, Final

from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit
from sandbox.stripe.lists import LIST, page
from sandbox.stripe.routing import Route, get, post

Doc = dict[str, Any]

WARNING: Final = "radar.early_fraud_warning"
UNKNOWN: Final = dict.fromkeys(
    ("billing_zip", "closed_reason", "ip_address", "ip_address_location", "session")
)


def warn(ctx: Ctx, charge: Doc, fraud_type: str = "made_with_stolen_card") -> Doc:
    """The issuer reports a charge as fraud; nothing moves, a dispute may follow."""
    warning: Doc = {
        "id": ctx.new_id("issfr"),
        "object": WARNING,
        "actionable": not (charge["refunded"] or charge["disputed"]),
        "charge": charge["id"],
        "created": ctx.now,
        "fraud_type": fraud_type,
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
    ctx.insert(warning)
    emit(ctx, f"{WARNING}.created", warning)
    return warning


def settle_warnings(ctx: Ctx, charge: Doc) -> None:
    """After a full refund or a dispute nothing is left to do about a warning or a review."""
    if not (charge["refunded"] or charge["disputed"]):
        return
    for warning in ctx.store.children(WARNING, charge["id"]):
        if warning["actionable"]:
            warning["actionable"] = False
            ctx.save(warning)
            emit(ctx, f"{WARNING}.updated", warning, {"actionable": True})
    for review in ctx.store.children("review", charge["id"]):
        if review["open"]:
            _close(ctx, review, "disputed" if charge["disputed"] else "refunded")


def open_review(ctx: Ctx, charge: Doc) -> Doc:
    """A payment of elevated risk waits for somebody to look at it; nothing else stops."""
    review: Doc = {
        **UNKNOWN,
        "id": ctx.new_id("prv"),
        "object": "review",
        "charge": charge["id"],
        "created": ctx.now,
        "livemode": False,
        "open": True,
        "opened_reason": "rule",
        "payment_intent": charge["payment_intent"],
        "reason": "rule",
    }
    ctx.insert(review)
    charge["review"] = review["id"]
    emit(ctx, "review.opened", review)
    return review


def _close(ctx: Ctx, review: Doc, reason: str) -> None:
    review |= {"open": False, "closed_reason": reason, "reason": reason}
    ctx.save(review)
    emit(ctx, "review.closed", review)


def approve(ctx: Ctx, p: Doc, review_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """POST /v1/reviews/{id}/approve."""
    review = ctx.load("review", review_id)
    if not review["open"]:
        raise invalid("This review is already closed.")
    _close(ctx, review, "approved")
    return review


def retrieve_review(ctx: Ctx, p: Doc, review_id: str) -> Doc:  # noqa: ARG001
    """GET /v1/reviews/{id}."""
    return ctx.load("review", review_id)


def list_reviews(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/reviews: the open ones."""
    open_ones: list[tuple[str, object]] = [("body ->> '$.open' = ?", 1)]
    return page(ctx, "review", p, "/v1/reviews", conditions=open_ones)


def retrieve(ctx: Ctx, p: Doc, warning_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/radar/early_fraud_warnings/{id}."""
    return ctx.load(WARNING, warning_id)


def list_warnings(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/radar/early_fraud_warnings."""
    url = "/v1/radar/early_fraud_warnings"
    return page(ctx, WARNING, p, url, filters=("charge", "payment_intent"))


ROUTES: list[Route] = [
    get(
        "/v1/radar/early_fraud_warnings",
        list_warnings,
        LIST | {"charge": "str", "payment_intent": "str"},
    ),
    get("/v1/radar/early_fraud_warnings/{id}", retrieve),
    get("/v1/reviews", list_reviews, LIST),
    get("/v1/reviews/{id}", retrieve_review),
    post("/v1/reviews/{id}/approve", approve, {}),
]
