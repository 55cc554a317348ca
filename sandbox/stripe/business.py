"""What banks, issuers and Stripe's checks do, on demand: `POST /_emulator/{kind}/{id}/{action}`.

`charges/…/dispute` `{reason?, amount?, inquiry?}` · `charges/…/fraud_warning` `{fraud_type?}`
`disputes/…/win|lose|escalate|appeal|prevent` · `topups/…/settle`
`refunds/…/settle|fail` `{reason?}`
`payouts/…/pay|fail` `{code?}` · `accounts/…/requirements` `{due?, deadline?, disabled_reason?}`
`payment_methods/…/update` `{exp_month?, exp_year?, number?}` (the network renewed the card)
"""

from collections.abc import Callable
from typing import Any, Final

from sandbox.stripe.accounts import capability, load_account, requirements
from sandbox.stripe.cards import BY_NUMBER, card_details, fingerprint
from sandbox.stripe.context import Ctx
from sandbox.stripe.disputes import appeal, escalate, open_dispute, prevent, resolve
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.events import emit
from sandbox.stripe.fraud import warn
from sandbox.stripe.payout_outcomes import fail_payout, pay_payout
from sandbox.stripe.refunds import fail_refund, settle_refund
from sandbox.stripe.topups import settle_topup

Doc = dict[str, Any]
Action = Callable[[Ctx, str, Doc], object]

TRUE: Final = (True, "true")


def act(ctx: Ctx, kind: str, object_id: str, action: str, body: Doc) -> Doc:
    """Let one thing happen to one object; answers the object as it is then."""
    work = ACTIONS.get((kind, action))
    found = ctx.store.any_object(object_id)
    if work is None or found is None:
        raise StripeError(404, f"No such control: POST {kind}/{object_id}/{action}")
    result = work(ctx.on(ctx.store.account_of(object_id)), object_id, body)
    made = result if isinstance(result, dict) else None
    return made or ctx.store.any_object(object_id) or found


def _dispute(ctx: Ctx, charge_id: str, body: Doc) -> Doc:
    amount = body.get("amount")
    return open_dispute(
        ctx,
        ctx.load("charge", charge_id),
        str(body.get("reason") or "fraudulent"),
        amount=None if amount is None else int(amount),
        is_inquiry=body.get("inquiry") in TRUE,
    )


def _warn(ctx: Ctx, charge_id: str, body: Doc) -> Doc:
    fraud_type = str(body.get("fraud_type") or "made_with_stolen_card")
    return warn(ctx, ctx.load("charge", charge_id), fraud_type)


def _decide(ctx: Ctx, dispute_id: str, how: str) -> Doc:
    """The bank decides, whatever the evidence says."""
    dispute = ctx.load("dispute", dispute_id)
    is_inquiry = dispute["status"].startswith("warning_")
    if dispute["status"] in ("won", "lost", "warning_closed", "prevented"):
        raise invalid(f"This dispute is over: {dispute['status']}.")
    if how == "escalate":
        if not is_inquiry:
            raise invalid("Only an inquiry escalates.")
        return escalate(ctx, dispute)
    return resolve(ctx, dispute, "warning_closed" if is_inquiry else how)


def _require(ctx: Ctx, account_id: str, body: Doc) -> Doc:
    """Ask an account for more: `restricted soon` with a deadline, restricted with a reason."""
    account = load_account(ctx, account_id)
    due, reason = list(body.get("due") or []), body.get("disabled_reason")
    deadline = body.get("deadline")
    previous = {name: account[name] for name in ("requirements", "payouts_enabled", "capabilities")}
    account["requirements"] = requirements(
        due, reason, deadline=None if deadline is None else int(deadline)
    )
    state = "inactive" if reason else "active"
    account["payouts_enabled"] = not reason
    account["capabilities"] = dict.fromkeys(account["capabilities"], state)
    ctx.save(account)
    there = ctx.on(account_id)
    for name, before in previous["capabilities"].items():
        if before != state:
            emit(there, "capability.updated", capability(account, name), {"status": before})
    emit(there, "account.updated", account, previous)
    return account


def _renew_card(ctx: Ctx, method_id: str, body: Doc) -> Doc:
    """The network tells a saved card's new data; with `number` it behaves as that test card."""
    method = ctx.load("payment_method", method_id)
    old = method["card"]
    month = int(body.get("exp_month") or old["exp_month"])
    year = int(body.get("exp_year") or old["exp_year"] + 4)
    if number := body.get("number"):
        card = BY_NUMBER.get(str(number))
        if card is None:
            raise invalid(f"No such test card: {number}", param="number")
        method["_"] |= {"number": card.number, "script": None}
        method["card"] = card_details(card, fingerprint(ctx.store.seed, card.number), month, year)
    else:
        method["card"] = {**old, "exp_month": month, "exp_year": year}
    ctx.save(method)
    emit(ctx, "payment_method.automatically_updated", method, {"card": old})
    return method


ACTIONS: Final[dict[tuple[str, str], Action]] = {
    ("accounts", "requirements"): _require,
    ("charges", "dispute"): _dispute,
    ("charges", "fraud_warning"): _warn,
    ("disputes", "appeal"): lambda ctx, dispute, _: appeal(ctx, ctx.load("dispute", dispute)),
    ("disputes", "escalate"): lambda ctx, dispute, _: _decide(ctx, dispute, "escalate"),
    ("disputes", "lose"): lambda ctx, dispute, _: _decide(ctx, dispute, "lost"),
    ("disputes", "prevent"): lambda ctx, dispute, _: prevent(ctx, ctx.load("dispute", dispute)),
    ("disputes", "win"): lambda ctx, dispute, _: _decide(ctx, dispute, "won"),
    ("payment_methods", "update"): _renew_card,
    ("payouts", "fail"): lambda ctx, payout, body: fail_payout(
        ctx, payout, str(body.get("code") or "could_not_process")
    ),
    ("payouts", "pay"): lambda ctx, payout, _: pay_payout(ctx, payout),
    ("refunds", "fail"): lambda ctx, refund, body: fail_refund(
        ctx, refund, str(body.get("reason") or "expired_or_canceled_card")
    ),
    ("refunds", "settle"): lambda ctx, refund, _: settle_refund(ctx, refund),
    ("topups", "settle"): lambda ctx, topup, _: settle_topup(ctx, topup),
}
