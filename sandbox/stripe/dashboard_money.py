"""Pages about money: overview, payments, accounts, books, and any object by its id."""

from typing import Any, Final

import msgspec

from sandbox.stripe.balances import available_cents, pending_cents
from sandbox.stripe.books import movements
from sandbox.stripe.context import Ctx, shown
from sandbox.stripe.dashboard import Html, badge, button, link, money, render, safe, table, when
from sandbox.stripe.invariants import invariants
from sandbox.stripe.store import Store

Doc = dict[str, Any]

ROWS: Final = 50
FEW: Final = 8
REQUEST_HEADS: Final = ("When", "Request", "Status", "Decision")
MOVED: Final = (
    ("refund", "Refunds"),
    ("transfer", "Transfers"),
    ("payout", "Payouts"),
    ("dispute", "Disputes"),
)


def home(ctx: Ctx, due: Doc, said: str) -> str:
    """How things stand, and what happened last."""
    store = ctx.store
    check = invariants(store, ctx.config)
    faults = store.scalar("SELECT count(*) FROM faults")
    facts = [
        ("Now", when(ctx.now_us)),
        ("Available", money(available_cents(ctx, ""))),
        ("Pending", money(pending_cents(ctx, ""))),
        ("Books", badge("ok" if check["ok"] else "no")),
        ("Deliveries due", f"{due['deliveries_due']} of {due['pending_deliveries']} waiting"),
        ("Fault rules", faults),
    ]
    rows = store.rows(
        "SELECT at, method, path, status, decision FROM log ORDER BY seq DESC LIMIT ?", FEW
    )
    return render(
        "Overview",
        "",
        facts,
        [
            _intents(store, FEW),
            table("Latest requests", REQUEST_HEADS, [_request(row) for row in rows]),
        ],
        said,
    )


def _intents(store: Store, limit: int) -> Html:
    rows = store.rows(
        "SELECT created, id, body FROM objects WHERE kind = 'payment_intent'"
        " ORDER BY seq DESC LIMIT ?",
        limit,
    )
    return table(
        "Payments",
        ("Created", "Amount#", "Status", "Payment intent", "Customer", "Goes to"),
        [
            (
                when(row["created"] * 1_000_000),
                money((doc := msgspec.json.decode(row["body"]))["amount"]),
                badge(doc["status"]),
                link(row["id"]),
                link(doc["customer"]),
                link((doc["transfer_data"] or {}).get("destination")),
            )
            for row in rows
        ],
    )


def payments(ctx: Ctx, said: str) -> str:
    """Intents, and the money that moved otherwise."""
    others = [_moved(ctx.store, kind, title) for kind, title in MOVED]
    return render("Payments", "payments", [], [_intents(ctx.store, ROWS), *others], said)


def _moved(store: Store, kind: str, title: str) -> Html:
    """Objects with an amount; on the platform or in an account."""
    rows = store.rows(
        "SELECT created, id, account, body ->> '$.amount' AS amount,"
        " coalesce(body ->> '$.status', iif(body ->> '$.reversed', 'reversed', 'paid')) AS status,"
        " coalesce(body ->> '$.charge', body ->> '$.destination') AS subject"
        " FROM objects WHERE kind = ? ORDER BY seq DESC LIMIT ?",
        kind,
        ROWS,
    )
    return table(
        title,
        ("Created", "Amount#", "Status", "Id", "About", "Account"),
        [
            (
                when(row["created"] * 1_000_000),
                money(row["amount"]),
                badge(row["status"]),
                link(row["id"]),
                link(row["subject"]),
                link(row["account"]) if row["account"] else "platform",
            )
            for row in rows
        ],
    )


def accounts(ctx: Ctx, said: str) -> str:
    """Connected accounts, what they have, and a way to restrict them."""
    rows = ctx.store.rows(
        "SELECT o.id, o.body, coalesce(b.available, 0) AS available,"
        " coalesce(b.pending, 0) AS pending"
        " FROM objects o LEFT JOIN balances b ON b.account = o.id"
        " WHERE o.kind = 'account' ORDER BY o.seq DESC LIMIT ?",
        ROWS,
    )
    shown_rows = [_account(row["id"], row, msgspec.json.decode(row["body"])) for row in rows]
    heads = ("Account", "E-mail", "Transfers", "Payouts", "Available#", "Pending#", "")
    return render(
        "Accounts", "accounts", [], [table("Connected accounts", heads, shown_rows)], said
    )


def _account(account_id: str, row: Any, doc: Doc) -> tuple[object, ...]:  # noqa: ANN401 -- a row
    """One line of the accounts."""
    transfers = doc["capabilities"].get("transfers", "none")
    is_free = transfers == "active" and doc["payouts_enabled"]
    fields = {
        "transfers": "inactive" if is_free else "active",
        "payouts_enabled": "false" if is_free else "true",
    }
    label = "Restrict" if is_free else "Free"
    return (
        link(account_id),
        doc["email"] or "",
        badge(transfers),
        badge("yes" if doc["payouts_enabled"] else "no"),
        money(row["available"]),
        money(row["pending"]),
        button(f"accounts/{account_id}", label, "accounts", fields),
    )


def books(ctx: Ctx, said: str) -> str:
    """Both books side by side, every check, and the latest movements."""
    check = invariants(ctx.store, ctx.config)
    parties = sorted(check["accounts"].keys() | check["derived"].keys())
    sums = [
        (party, money(check["derived"].get(party, 0)), money(check["accounts"].get(party, 0)))
        for party in parties
    ]
    checks = [
        (each["name"], badge("ok" if each["ok"] else "failed"), _violations(each["violations"]))
        for each in check["checks"]
    ]
    moved = list(movements(ctx.store, ctx.config))
    latest = [
        (
            each.what,
            link(each.object_id),
            ", ".join(f"{leg.party} {money(leg.cents)}" for leg in each.legs),
        )
        for each in moved[-ROWS:][::-1]
    ]
    facts = [
        ("Books", badge("ok" if check["ok"] else "failed")),
        ("Sum over all parties", money(check["total_cents"])),
        ("Movements", len(moved)),
    ]
    return render(
        "Books",
        "books",
        facts,
        [
            table("Parties", ("Party", "From the objects#", "From the journal#"), sums),
            table("Checks", ("Check", "Result", "Violations"), checks),
            table("Movements", ("What", "Object", "Legs"), latest),
        ],
        said,
    )


def _violations(rows: list[Doc]) -> Html:
    return Html("<br>".join(safe(msgspec.json.encode(row).decode()) for row in rows))


def any_object(ctx: Ctx, object_id: str) -> str | None:
    """One object with its events, movements and requests; None when there is none."""
    doc = ctx.store.any_object(object_id)
    if doc is None:
        return None
    body = msgspec.json.format(msgspec.json.encode(shown(doc)), indent=2).decode()
    return render(
        f"{doc['object'].replace('_', ' ').capitalize()}",
        "payments",
        [
            ("Id", object_id),
            ("Amount", money(doc.get("amount"))),
            ("Status", badge(doc.get("status") or "none")),
            ("Account", ctx.store.account_of(object_id) or "platform"),
        ],
        [
            _events_of(ctx.store, object_id),
            _movements_of(ctx.store, object_id),
            _requests_of(ctx.store, object_id),
            Html(f"<section><h2>As JSON</h2><pre>{safe(body)}</pre></section>"),
        ],
    )


def _events_of(store: Store, object_id: str) -> Html:
    """What was told of an object."""
    rows = store.rows(
        "SELECT id, created, body ->> '$.type' AS type FROM objects WHERE kind = 'event'"
        " AND body ->> '$.data.object.id' = ? ORDER BY seq DESC LIMIT ?",
        object_id,
        ROWS,
    )
    told = [(when(row["created"] * 1_000_000), row["type"], link(row["id"])) for row in rows]
    return table("Events", ("When", "Type", "Event"), told)


def _movements_of(store: Store, object_id: str) -> Html:
    """What an object moved on balances."""
    rows = store.rows(
        "SELECT id, created, account, body ->> '$.type' AS type, body ->> '$.net' AS net"
        " FROM objects WHERE kind = 'balance_transaction' AND parent = ? ORDER BY seq",
        object_id,
    )
    moved = [
        (
            when(row["created"] * 1_000_000),
            row["type"].replace("_", " "),
            money(row["net"]),
            row["account"] or "platform",
            link(row["id"]),
        )
        for row in rows
    ]
    return table("Balance transactions", ("When", "Type", "Net#", "Account", "Id"), moved)


def _requests_of(store: Store, object_id: str) -> Html:
    """Who asked for an object."""
    rows = store.rows(
        "SELECT at, method, path, status, decision FROM log"
        " WHERE instr(path || coalesce(result, ''), ?) > 0 ORDER BY seq DESC LIMIT ?",
        object_id,
        ROWS,
    )
    return table("Requests", REQUEST_HEADS, [_request(row) for row in rows])


def _request(row: Any) -> tuple[object, ...]:  # noqa: ANN401 -- a row
    """One line of the log, in short."""
    return (
        when(row["at"]),
        f"{row['method']} {row['path']}",
        badge(row["status"] or "cut"),
        badge(row["decision"]),
    )


def express(ctx: Ctx, account_id: str) -> str | None:
    """A connected account's own page: balance and movements; None when there is none."""
    account = ctx.store.find("account", account_id)
    if account is None:
        return None
    rows = ctx.store.rows(
        "SELECT created, body ->> '$.type' AS type, body ->> '$.amount' AS amount,"
        " body ->> '$.fee' AS fee, body ->> '$.net' AS net FROM objects"
        " WHERE kind = 'balance_transaction' AND account = ? ORDER BY seq DESC LIMIT ?",
        account_id,
        ROWS,
    )
    facts = [
        ("Account", account["email"] or account_id),
        ("Available", money(available_cents(ctx, account_id))),
        ("On its way", money(pending_cents(ctx, account_id))),
    ]
    moved = [
        (
            when(row["created"] * 1_000_000),
            row["type"].replace("_", " "),
            money(row["amount"]),
            money(row["fee"]),
            money(row["net"]),
        )
        for row in rows
    ]
    heads = ("When", "Type", "Amount#", "Fee#", "Net#")
    return render("Express dashboard", None, facts, [table("Movements", heads, moved)])
