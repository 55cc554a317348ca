"""The emulator's own work: what happens at Stripe when time gets there."""

from collections.abc import Callable
from typing import Any, Final

from sandbox.stripe.balance_settings import sweep_balance
from sandbox.stripe.balances import settle_funds
from sandbox.stripe.captures import expire_authorization
from sandbox.stripe.clock import EmulatorClock, rfc3339
from sandbox.stripe.context import Ctx
from sandbox.stripe.debts import collect_debt, debit_bank
from sandbox.stripe.disputes import decide_dispute, end_dispute
from sandbox.stripe.external_accounts import verify_bank
from sandbox.stripe.misfortunes import spoil
from sandbox.stripe.payout_outcomes import pay_payout, send_payout
from sandbox.stripe.refunds import complete_refunds, fail_refund, settle_refund
from sandbox.stripe.settings import Config
from sandbox.stripe.store import Store
from sandbox.stripe.topups import settle_topup

Doc = dict[str, Any]

WORK: Final[dict[str, Callable[[Ctx, str], object]]] = {
    "collect_debt": collect_debt,
    "complete_refunds": complete_refunds,
    "debit_bank": debit_bank,
    "decide_dispute": decide_dispute,
    "end_dispute": end_dispute,
    "expire_authorization": expire_authorization,
    "fail_refund": fail_refund,
    "pay_payout": pay_payout,
    "send_payout": send_payout,
    "settle_funds": settle_funds,
    "settle_refund": settle_refund,
    "settle_topup": settle_topup,
    "spoil": spoil,
    "sweep_balance": sweep_balance,
    "verify_bank": verify_bank,
}
BATCH_MAX: Final = 10_000


def run_due(store: Store, clock: EmulatorClock, config: Config) -> list[Doc]:
    """Do everything due up to now, in order, each at its own instant; returns what was done."""
    fired: list[Doc] = []
    for _ in range(BATCH_MAX):
        now_us = clock.now_us()
        row = store.row(
            "SELECT kind, subject, at FROM due WHERE at <= ? ORDER BY at, kind, subject LIMIT 1",
            now_us,
        )
        if row is None:
            return fired
        with store.transaction():
            store.unplan(row["kind"], row["subject"])
            account = store.account_of(row["subject"])
            ctx = Ctx(store, config, now_us=row["at"], wall_us=clock.wall_us(), account=account)
            WORK[row["kind"]](ctx, row["subject"])
        fired.append({"kind": row["kind"], "id": row["subject"], "due_at": rfc3339(row["at"])})
    return fired


def due_view(store: Store, clock: EmulatorClock) -> Doc:
    """When the emulator has work of its own next, and how many deliveries are due or waiting.

    A delivery counts as due from the commit of its event until its answer is recorded: in flight
    ones included. Retries count in `next_at` when they wait for virtual time.
    """
    now_us, wall_us = clock.now_us(), clock.wall_us()
    following = store.row(
        "SELECT kind, subject, at FROM ("
        " SELECT kind, subject, at FROM due"
        " UNION ALL SELECT 'deliver_webhook', event_id, due_at FROM deliveries"
        " WHERE state = 'pending' AND is_wall = 0 AND due_at > ?"
        ") ORDER BY at, kind, subject LIMIT 1",
        now_us,
    )
    counts = store.row(
        "SELECT count(*) AS pending,"
        " coalesce(sum(due_at <= CASE is_wall WHEN 1 THEN ? ELSE ? END), 0) AS due"
        " FROM deliveries WHERE state = 'pending'",
        wall_us,
        now_us,
    )
    return {
        "now": rfc3339(now_us),
        "next_at": rfc3339(following["at"]) if following else None,
        "next_kind": following["kind"] if following else None,
        "next_id": following["subject"] if following else None,
        "pending_deliveries": counts["pending"] if counts else 0,
        "deliveries_due": counts["due"] if counts else 0,
    }
