"""Pages about what comes and goes: events, deliveries, faults, time, the request log."""

from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from sandbox.stripe import views
from sandbox.stripe.clock import EmulatorClock
from sandbox.stripe.context import Ctx
from sandbox.stripe.dashboard import (
    Html,
    badge,
    button,
    choice,
    field,
    form,
    link,
    render,
    safe,
    section,
    table,
    when,
)
from sandbox.stripe.faults import ACTIONS, Faults
from sandbox.stripe.log import Log
from sandbox.stripe.snapshots import Snapshots

Doc = dict[str, Any]

ROWS: Final = 60
JUMPS: Final = (("1 hour", 3_600), ("6 hours", 21_600), ("1 day", 86_400), ("7 days", 604_800))
LOG_FIELDS: Final = (
    ("path", "Path contains"),
    ("object", "Object"),
    ("key", "Key"),
    ("status", "Status"),
    ("decision", "Decision"),
    ("fault", "Fault"),
)


def events(ctx: Ctx, said: str) -> str:
    """The latest events and how their deliveries stand."""
    rows = ctx.store.rows(
        "SELECT o.created, o.id, o.account, o.body ->> '$.type' AS type,"
        " o.body ->> '$.data.object.id' AS subject,"
        " (SELECT group_concat(state || ' (' || attempts || ')', ', ') FROM deliveries"
        " WHERE event_id = o.id) AS deliveries"
        " FROM objects o WHERE o.kind = 'event' ORDER BY o.seq DESC LIMIT ?",
        ROWS,
    )
    shown = [
        (
            when(row["created"] * 1_000_000),
            row["type"],
            link(row["id"]),
            link(row["subject"]),
            row["account"] or "platform",
            row["deliveries"] or "nobody listens",
            button(f"webhooks/{row['id']}/resend", "Send again", "events"),
        )
        for row in rows
    ]
    heads = ("When", "Type", "Event", "About", "Account", "Deliveries", "")
    return render("Events", "events", [], [table("Latest events", heads, shown)], said)


def deliveries(ctx: Ctx, said: str) -> str:
    """Webhook endpoints with their secrets, and what was sent there."""
    urls = {each["id"]: each for each in views.endpoints(ctx)["data"]}
    listening = [
        (
            each["url"],
            "Connect" if each["connect"] else "Platform",
            badge(each["status"]),
            _heard(each["enabled_events"]),
            ", ".join(each["secrets"]),
            button(f"webhook_endpoints/{each['id']}/roll", "Roll secret", "deliveries"),
        )
        for each in urls.values()
    ]
    sent = [
        (
            each["created_at"][:19].replace("T", " "),
            each["type"] or "",
            badge(each["state"]),
            urls.get(each["endpoint_id"], {}).get("url", each["endpoint_id"]),
            " → ".join(_try(one) for one in each["tries"]) or "not yet",
            link(each["event_id"]),
        )
        for each in views.deliveries(ctx.store, {"limit": ROWS})["data"]
    ]
    return render(
        "Deliveries",
        "deliveries",
        [],
        [
            table("Endpoints", ("URL", "Hears", "Status", "Events", "Secrets", ""), listening),
            table(
                "Latest deliveries",
                ("When", "Type", "State", "Endpoint", "Tries", "Event"),
                sent,
            ),
        ],
        said,
    )


def _heard(types: list[str]) -> str:
    """How much an endpoint listens to."""
    if "*" in types:
        return "all events"
    return types[0] if len(types) == 1 else f"{len(types)} types"


def _try(one: Doc) -> str:
    """A try in a word or two."""
    status = str(one["status"] or "no answer")
    return f"{status} ({one['fault']})" if one["fault"] else status


def faults_page(faults: Faults, said: str) -> str:
    """The rules at work, and a form for one more."""
    rules = [
        (
            badge(f"fault {shown['action']}"),
            _match(shown["match"]),
            shown["times"] or "for ever",
            shown["seen"],
            shown["hits"],
            button(f"faults/{shown['id']}", "Remove", "faults", is_delete=True),
        )
        for shown in (fault.shown() for fault in faults.all)
    ]
    more = form(
        "faults",
        "faults",
        "Add fault",
        choice("action", "Action", ACTIONS),
        field("match[path]", "Path (regex)", placeholder="capture$"),
        field("match[method]", "Method", placeholder="POST"),
        field("match[event]", "Event (regex)", placeholder="payment_intent"),
        field("match[probability]", "Chance", placeholder="0.5", inputmode="decimal"),
        field("times", "Times, 0 for ever", "1", inputmode="numeric"),
        field("seconds", "Seconds", inputmode="decimal"),
    )
    heads = ("Action", "Matches", "Times#", "Seen#", "Hits#", "")
    return render(
        "Faults", "faults", [], [section("New fault", more), table("Rules", heads, rules)], said
    )


def _match(match: Doc) -> str:
    """What a rule means, in short."""
    named = [f"{name} {value}" for name, value in match.items() if value is not None]
    return ", ".join(each for each in named if each != "seed fault") or "everything"


def clock_page(ctx: Ctx, clock: EmulatorClock, snapshots: Snapshots, said: str) -> str:
    """What time it is, what it will bring, and ways to move it."""
    rows = ctx.store.rows("SELECT kind, subject, at FROM due ORDER BY at, kind LIMIT ?", ROWS)
    due = [
        (when(row["at"]), row["kind"].replace("_", " "), link(_subject(row["subject"])))
        for row in rows
    ]
    if clock.is_shared:
        moves = Html('<p class="muted">This clock is shared: its owner moves it.</p>')
    else:
        jumps = [
            button("clock", label, "clock", {"advance": seconds, "frozen": "true"})
            for label, seconds in JUMPS
        ]
        moves = Html(f'<div class="row">{"".join(jumps)}</div>') + form(
            "clock", "clock", "Set", field("set", "To", placeholder="2027-03-10T18:00:00Z")
        )
    kept = [
        (name, button("restore", "Bring back", "clock", {"name": name}))
        for name in snapshots.names()
    ]
    take = form("snapshot", "clock", "Keep", field("name", "Name", "snapshot"))
    return render(
        "Clock",
        "clock",
        [("Now", when(ctx.now_us)), ("Clock", "shared" if clock.is_shared else "own")],
        [
            section("Move time", Html(moves)),
            table("Due", ("At", "What", "Object"), due),
            section("Keep the state", take),
            table("Snapshots", ("Name", ""), kept),
        ],
        said,
    )


def _subject(subject: str) -> str:
    """The object of due work; funds are due by account and instant."""
    return subject.partition(":")[0]


def log_page(log: Log, query: Doc, said: str) -> str:
    """Requests, searched by any of their parts."""
    asked = {name: str(query.get(name, "")) for name, _ in LOG_FIELDS if query.get(name)}
    found = log.search({**asked, "limit": str(ROWS)})
    inputs = "".join(field(name, label, asked.get(name, "")) for name, label in LOG_FIELDS)
    search = Html(
        f'<form class="line" action="/dashboard/log">{inputs}'
        '<button type="submit">Search</button></form>'
    )
    lines = [
        (
            line["at"][:19].replace("T", " "),
            Html(f"{safe(line['method'])} {safe(line['path'])}{_params(line['params'])}"),
            badge(line["status"] or "cut"),
            badge(line["decision"]),
            line["error_code"] or "",
            line["key"] or "",
            line["account"] or "platform",
            f"{line['took_us'] / 1000:.1f} ms",
        )
        for line in found["data"]
    ]
    heads = ("When", "Request", "Status", "Decision", "Code", "Key", "Account", "Took#")
    facts = [("Found", found["count"]), ("As JSON", _json_link(asked))]
    return render(
        "Log", "log", facts, [section("Search", search), table("Requests", heads, lines)], said
    )


def _json_link(asked: Doc) -> Html:
    """The same search for programs."""
    address = f"/_emulator/log?{urlencode(asked)}"
    return Html(f'<a href="{safe(address)}">/_emulator/log</a>')


def _params(params: Doc) -> str:
    """What was sent, folded away."""
    if not params:
        return ""
    body = msgspec.json.format(msgspec.json.encode(params), indent=2).decode()
    return f"<details><summary>params</summary><pre>{safe(body)}</pre></details>"
