"""Balance transactions, balances, and the emulator's own double entry.

Every movement is written twice: as the balance transactions the API shows, and as a journal over
all parties (the outside world included) that must sum to zero. `/_emulator/invariants` compares.
"""

from collections.abc import Sequence
from typing import Any, Final

from sandbox.stripe.clock import DAY_SECONDS, after_business_days
from sandbox.stripe.context import Ctx
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import emit
from sandbox.stripe.lists import LIST, page
from sandbox.stripe.routing import Route, get
from sandbox.stripe.schedules import plan_sweep

Doc = dict[str, Any]

CURRENCY: Final = "usd"
OPENING_FLOAT_CENTS: Final = 100_000_000
CARDS: Final = "world:cards"
BANK: Final = "world:bank"
PLATFORM: Final = "platform"
STRIPE_FEES: Final = "stripe:fees"
REPORTING: Final = {
    "charge": "charge",
    "payment": "charge",
    "transfer": "transfer",
    "transfer_refund": "transfer_reversal",
    "application_fee": "platform_earning",
    "application_fee_refund": "platform_earning_refund",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failure",
    "payment_failure_refund": "refund_failure",
    "payout": "payout",
    "payout_cancel": "payout_reversal",
    "payout_failure": "payout_reversal",
    "topup": "topup",
    "stripe_fee": "fee",
    "adjustment": "other_adjustment",
    "connect_collection_transfer": "connect_collection_transfer",
}
COLLECTION_DAYS: Final = 180
"""How long an account may owe before the platform pays for it."""


def add_transaction(
    ctx: Ctx,
    account: str,
    kind: str,
    amount: int,
    source: str | None,
    *,
    available_on: int | None = None,
    fee_details: Sequence[Doc] = (),
    description: str | None = None,
    category: str | None = None,
    is_instant: bool = False,
) -> Doc:
    """Change an account's balance by `amount` less its fees; `available_on` in seconds, None now.

    The one place where a balance changes: whoever calls it writes the `journal` too. An instant
    payout takes what is available first, then what is still pending.
    """
    free_at = ctx.now if available_on is None else max(available_on, ctx.now)
    fee = sum(detail["amount"] for detail in fee_details)
    transaction: Doc = {
        "id": ctx.new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": free_at,
        "balance_type": "payments",
        "created": ctx.now,
        "currency": CURRENCY,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [detail for detail in fee_details if detail["amount"]],
        "net": amount - fee,
        "reporting_category": category or REPORTING[kind],
        "source": source,
        "status": "pending",
        "type": kind,
        "_": {"payout": None},
    }
    ctx.on(account).insert(transaction)
    parts = [(transaction["id"], transaction["net"], free_at)]
    if is_instant:
        parts = _instant_parts(ctx, account, transaction)
    for part in parts:
        _fund(ctx, account, *part)
    return transaction


def _instant_parts(ctx: Ctx, account: str, transaction: Doc) -> list[tuple[str, int, int]]:
    """(fund, cents, when) of an instant payout: pending money never becomes available first."""
    left = -transaction["net"]
    first = min(left, max(0, _raw(ctx, account, "available")))
    left -= first
    parts: list[tuple[str, int, int]] = []
    batches = ctx.store.rows(
        "SELECT available_on, sum(net) AS cents FROM funds WHERE account = ? AND is_settled = 0"
        " GROUP BY available_on HAVING sum(net) > 0 ORDER BY available_on",
        account,
    )
    for batch in batches:
        part = min(left, batch["cents"])
        if part:
            free_at = batch["available_on"]
            parts.append((f"{transaction['id']}:{free_at}", -part, free_at))
            left -= part
    return [(transaction["id"], -first - left, ctx.now), *parts]


def _fund(ctx: Ctx, account: str, fund: str, net: int, free_at: int) -> None:
    """Add money to an account's balance, or plan when it gets there."""
    is_settled = free_at <= ctx.now
    ctx.store.execute(
        "INSERT INTO funds VALUES (?, ?, ?, ?, ?, ?)",
        fund,
        account,
        CURRENCY,
        net,
        free_at,
        int(is_settled),
    )
    _change(
        ctx,
        account,
        available=net * is_settled,
        pending=net * (not is_settled),
    )
    if not is_settled:
        ctx.store.plan("settle_funds", f"{account or PLATFORM}:{free_at}", free_at * 1_000_000)


def _change(ctx: Ctx, account: str, *, available: int, pending: int) -> None:
    """Add to the running balance."""
    ctx.store.replica.keep_balance(account)
    ctx.store.execute(
        "INSERT INTO balances VALUES (?, ?, ?, ?) ON CONFLICT (account, currency) DO UPDATE SET"
        " available = available + excluded.available, pending = pending + excluded.pending",
        account,
        CURRENCY,
        available,
        pending,
    )
    if account:
        _watch_debt(ctx, account)
    if available > 0:
        plan_sweep(ctx, account)
        if ctx.store.meta(f"refunds_wait:{account}"):
            ctx.store.plan("complete_refunds", account or PLATFORM, ctx.now_us)


def _watch_debt(ctx: Ctx, account: str) -> None:
    """An account that owes has 180 days from the moment it began to; its bank may pay sooner."""
    if available_cents(ctx, account) + pending_cents(ctx, account) >= 0:
        ctx.store.unplan("collect_debt", account)
        ctx.store.unplan("debit_bank", account)
    elif not ctx.store.scalar(
        "SELECT 1 FROM due WHERE kind = 'collect_debt' AND subject = ?", account
    ):
        at_us = ctx.now_us + COLLECTION_DAYS * DAY_SECONDS * 1_000_000
        ctx.store.plan("collect_debt", account, at_us)
        if days := ctx.config.negative_debit_days:
            at_us = ctx.now_us + days * DAY_SECONDS * 1_000_000
            ctx.store.plan("debit_bank", account, at_us)


def journal(ctx: Ctx, lines: Sequence[tuple[str, int, str | None]]) -> None:
    """Write one double entry: (party, cents received, balance transaction)."""
    number = ctx.store.number("journal")
    for party, amount, transaction_id in lines:
        ctx.store.execute(
            "INSERT INTO books VALUES (?, ?, ?, ?, ?)",
            number,
            party,
            amount,
            transaction_id,
            ctx.now_us,
        )


def stripe_detail(amount: int, description: str) -> Doc:
    """A fee of Stripe's as a balance transaction names it."""
    return {
        "amount": amount,
        "application": None,
        "currency": CURRENCY,
        "description": description,
        "type": "stripe_fee",
    }


def stripe_fee(ctx: Ctx, amount: int) -> int:
    """Stripe's card fee: 2.9 % half up, and 30 cents."""
    return (amount * ctx.config.card_fee_permille + 500) // 1000 + ctx.config.card_fee_fixed_cents


def settles_on(ctx: Ctx) -> int:
    """When today's charges become available."""
    return after_business_days(ctx.now, ctx.config.settlement_business_days)


def _raw(ctx: Ctx, account: str, column: str) -> int:
    """One column of an account's running balance."""
    query = f"SELECT {column} FROM balances WHERE account = ?"  # noqa: S608 -- our own column names
    return ctx.store.scalar(query, account) or 0


def reserved_cents(ctx: Ctx) -> int:
    """What the platform cannot spend because connected accounts owe it: the sum of their debts.

    Shown as `connect_reserved`. No balance transaction is written for it: the reserve moves within
    the platform's balance, so available, pending and reserved stay the sum of all of them.
    """
    return (
        ctx.store.scalar(
            "SELECT -sum(available + pending) FROM balances"
            " WHERE account <> '' AND available + pending < 0"
        )
        or 0
    )


def available_cents(ctx: Ctx, account: str) -> int:
    """What an account can spend now."""
    raw = _raw(ctx, account, "available")
    return raw if account else raw - reserved_cents(ctx)


def pending_cents(ctx: Ctx, account: str) -> int:
    """What an account will be able to spend."""
    return _raw(ctx, account, "pending")


def instant_cents(ctx: Ctx, account: str) -> int:
    """What can be paid out at once: card money need not have settled."""
    return max(0, available_cents(ctx, account) + pending_cents(ctx, account))


def check_source(p: Doc) -> None:
    """All money here came from cards: there is none of another `source_type`."""
    if p.get("source_type") not in (None, "card"):
        raise invalid(
            f"You have insufficient funds of the source type {p['source_type']}: all funds are"
            " card.",
            code="balance_insufficient",
            param="source_type",
        )


def settle_funds(ctx: Ctx, subject: str) -> None:
    """Due work: pending funds of one account become available."""
    name, _, free_at = subject.rpartition(":")
    account = "" if name == PLATFORM else name
    net = ctx.store.scalar(
        "SELECT sum(net) FROM funds WHERE account = ? AND is_settled = 0 AND available_on <= ?",
        account,
        int(free_at),
    )
    ctx.store.execute(
        "UPDATE funds SET is_settled = 1"
        " WHERE account = ? AND is_settled = 0 AND available_on <= ?",
        account,
        int(free_at),
    )
    _change(ctx, account, available=net or 0, pending=-(net or 0))
    emit(ctx.on(account), "balance.available", balance_of(ctx, account))


def adjust_available(ctx: Ctx, target: int) -> None:
    """Bring the platform's available balance to `target` by a top-up or a payout to the bank."""
    difference = target - available_cents(ctx, "")
    if difference == 0:
        return
    kind, prefix = ("topup", "tu") if difference > 0 else ("payout", "po")
    source = ctx.new_id(prefix)
    transaction = add_transaction(
        ctx, "", kind, difference, source, description=f"STRIPE {kind.upper()}"
    )
    journal(ctx, [(BANK, -difference, None), ("", difference, transaction["id"])])


def balance_of(ctx: Ctx, account: str) -> Doc:
    """The balance object of an account."""
    available, pending = available_cents(ctx, account), pending_cents(ctx, account)

    def amounts(cents: int) -> list[Doc]:
        return [{"amount": cents, "currency": CURRENCY, "source_types": {"card": cents}}]

    balance: Doc = {
        "object": "balance",
        "available": amounts(available),
        "connect_reserved": [{"amount": reserved_cents(ctx), "currency": CURRENCY}],
        "instant_available": amounts(instant_cents(ctx, account)),
        "livemode": False,
        "pending": amounts(pending),
    }
    if account:
        balance.pop("connect_reserved")
    return balance


def retrieve_balance(ctx: Ctx, p: Doc) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/balance."""
    return balance_of(ctx, ctx.account)


def retrieve(ctx: Ctx, p: Doc, transaction_id: str) -> Doc:  # noqa: ARG001 -- every handler's form
    """GET /v1/balance_transactions/{id}."""
    return ctx.load("balance_transaction", transaction_id)


def list_transactions(ctx: Ctx, p: Doc) -> Doc:
    """GET /v1/balance_transactions."""
    return page(
        ctx,
        "balance_transaction",
        p,
        "/v1/balance_transactions",
        filters=("type", "source", "payout", "currency"),
    )


ROUTES: list[Route] = [
    get("/v1/balance", retrieve_balance),
    get(
        "/v1/balance_transactions",
        list_transactions,
        LIST
        | {
            "type": "str",
            "source": "str",
            "payout": "str",
            "currency": "str",
        },
    ),
    get("/v1/balance_transactions/{id}", retrieve),
    get("/v1/balance/history", list_transactions, LIST | {"type": "str", "source": "str"}),
    get("/v1/balance/history/{id}", retrieve),
]
