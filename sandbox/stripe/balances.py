"""Balance transactions, balances, and the emulator's own double entry.

Every movement is written twice: as the balance transactions the API shows, and as a journal over
all parties (the outside world included) that must sum to zero. `/_emulator/invariants` compares.
"""

from collections.abc import Sequence
from typing import Any, Final

from sandbox.stripe.clock import after_business_days
from sandbox.stripe.context import Ctx
from sandbox.stripe.events import emit
from sandbox.stripe.lists import LIST, page
from sandbox.stripe.routing import Route, get

Doc = dict[str, Any]

CURRENCY: Final = "usd"
OPENING_FLOAT_CENTS: Final = 100_000_000
CARDS: Final = "world:cards"
BANK: Final = "world:bank"
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
}


def add_transaction(
    ctx: Ctx,
    account: str,
    kind: str,
    amount: int,
    source: str,
    *,
    available_on: int | None = None,
    fee: int = 0,
    fee_details: Sequence[Doc] = (),
    description: str | None = None,
) -> Doc:
    """Change an account's balance by `amount - fee` cents; `available_on` in seconds, None now."""
    free_at = ctx.now if available_on is None else max(available_on, ctx.now)
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
        "fee_details": list(fee_details),
        "net": amount - fee,
        "reporting_category": REPORTING[kind],
        "source": source,
        "status": "pending",
        "type": kind,
    }
    ctx.on(account).insert(transaction)
    _fund(ctx, account, transaction)
    return transaction


def _fund(ctx: Ctx, account: str, transaction: Doc) -> None:
    """Add a balance transaction to its account's balance, or plan when it gets there."""
    net, free_at = transaction["net"], transaction["available_on"]
    is_settled = free_at <= ctx.now
    ctx.store.execute(
        "INSERT INTO funds VALUES (?, ?, ?, ?, ?, ?)",
        transaction["id"],
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
        ctx.store.plan("settle_funds", f"{account or 'platform'}:{free_at}", free_at * 1_000_000)


def _change(ctx: Ctx, account: str, *, available: int, pending: int) -> None:
    """Add to the running balance."""
    ctx.store.execute(
        "INSERT INTO balances VALUES (?, ?, ?, ?) ON CONFLICT (account, currency) DO UPDATE SET"
        " available = available + excluded.available, pending = pending + excluded.pending",
        account,
        CURRENCY,
        available,
        pending,
    )


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


def stripe_fee(ctx: Ctx, amount: int) -> int:
    """Stripe's card fee: 2.9 % half up, and 30 cents."""
    return (amount * ctx.config.card_fee_permille + 500) // 1000 + ctx.config.card_fee_fixed_cents


def settles_on(ctx: Ctx) -> int:
    """When today's charges become available."""
    return after_business_days(ctx.now, ctx.config.settlement_business_days)


def available_cents(ctx: Ctx, account: str) -> int:
    """What an account can spend now."""
    return ctx.store.scalar("SELECT available FROM balances WHERE account = ?", account) or 0


def pending_cents(ctx: Ctx, account: str) -> int:
    """What an account will be able to spend."""
    return ctx.store.scalar("SELECT pending FROM balances WHERE account = ?", account) or 0


def settle_funds(ctx: Ctx, subject: str) -> None:
    """Due work: pending funds of one account become available."""
    name, _, free_at = subject.rpartition(":")
    account = "" if name == "platform" else name
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
        "connect_reserved": [{"amount": 0, "currency": CURRENCY}],
        "livemode": False,
        "pending": amounts(pending),
    }
    if account:
        balance["instant_available"] = amounts(max(0, available + pending))
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
