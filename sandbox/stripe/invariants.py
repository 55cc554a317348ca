"""The emulator checks itself: its books, its balances, its objects. An independent oracle."""

from collections.abc import Callable
from typing import Any

from sandbox.stripe.store import Store

Doc = dict[str, Any]

CHECKS: dict[str, str] = {
    "every journal sums to zero": (
        "SELECT journal, sum(amount) AS cents FROM books GROUP BY journal HAVING sum(amount) <> 0"
    ),
    "an account's books are the sum of its balance transactions": (
        "SELECT account, sum(amount) AS books, coalesce((SELECT sum(body ->> '$.net') FROM objects"
        " WHERE kind = 'balance_transaction' AND objects.account = books.account), 0) AS net"
        " FROM books WHERE account NOT LIKE 'world:%' AND account NOT LIKE 'stripe:%'"
        " GROUP BY account HAVING books <> net"
    ),
    "a balance is the sum of its balance transactions": (
        "SELECT account, available, pending, coalesce((SELECT sum(net) FROM funds"
        " WHERE funds.account = balances.account AND is_settled = 1), 0) AS settled,"
        " coalesce((SELECT sum(net) FROM funds WHERE funds.account = balances.account"
        " AND is_settled = 0), 0) AS waiting"
        " FROM balances WHERE available <> settled OR pending <> waiting"
    ),
    "every balance transaction stands in the books once": (
        "SELECT objects.id, count(books.journal) AS times FROM objects"
        " LEFT JOIN books ON books.transaction_id = objects.id"
        " WHERE kind = 'balance_transaction' GROUP BY objects.id HAVING times <> 1"
    ),
    "a succeeded intent received what its charge captured": (
        "SELECT i.id FROM objects i LEFT JOIN objects c ON c.id = i.body ->> '$.latest_charge'"
        " WHERE i.kind = 'payment_intent' AND i.body ->> '$.status' = 'succeeded'"
        " AND i.body ->> '$.amount_received' IS NOT c.body ->> '$.amount_captured'"
    ),
    "an intent captured at most one charge": (
        "SELECT body ->> '$.payment_intent' AS intent, count(*) AS charges FROM objects"
        " WHERE kind = 'charge' AND body ->> '$.captured' AND payment_intent IS NOT NULL"
        " GROUP BY intent HAVING charges > 1"
    ),
    "every open authorization has an end on the clock": (
        "SELECT id FROM objects WHERE kind = 'payment_intent'"
        " AND body ->> '$.status' = 'requires_capture'"
        " AND id NOT IN (SELECT subject FROM due WHERE kind = 'expire_authorization')"
    ),
    "a charge gives back no more than it took": (
        "SELECT id FROM objects WHERE kind = 'charge'"
        " AND body ->> '$.amount_refunded' > body ->> '$.amount'"
    ),
}
VIOLATIONS_SHOWN = 20


def invariants(store: Store, name_of: Callable[[str], str]) -> Doc:
    """Every check with its violations, and each party's balance; the sum over all is zero."""
    checks: list[Doc] = []
    for name, query in CHECKS.items():
        rows = [dict(row) for row in store.rows(query)]
        checks.append({"name": name, "ok": not rows, "violations": rows[:VIOLATIONS_SHOWN]})
    sums = store.rows("SELECT account, sum(amount) AS cents FROM books GROUP BY account")
    accounts = {name_of(row["account"]): row["cents"] for row in sums}
    total = sum(accounts.values())
    return {
        "ok": total == 0 and all(check["ok"] for check in checks),
        "total_cents": total,
        "accounts": accounts,
        "checks": checks,
    }
