"""What admins see of money: the inbox and its replay, the audit trail, incidents, and metrics."""

import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio
from litestar import Litestar
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from gateways.clock import SystemClock
from gateways.settings import Settings
from sandbox.emulator import Emulator
from server.serving import VersionRefusedError, check_webhook_version
from tests.server.conftest import Person, client_of, in_days, registered, teaching
from tests.server.kit import admin_of

SECRET = "whsec_test"
ALERTS = (Path(__file__).parents[2] / "ops" / "alerts.yml").read_text(encoding="utf-8")


class Cast:
    """An admin, a student, and a booking of theirs."""

    admin: Person
    student: Person
    booking_id: str


@pytest_asyncio.fixture(scope="module")
async def people(app: Litestar, database_url: str) -> AsyncIterator[Cast]:
    """Everybody who plays here."""
    cast = Cast()
    async with client_of(app) as http:
        cast.admin = await admin_of(http, app, database_url)
        cast.student, teacher = await registered(http), await teaching(app, http)
        wish = teacher.lesson(in_days(9), payment_method_id="pm_card_visa")
        made = await http.post("/api/bookings", json=wish, headers=cast.student.auth)
        assert made.status_code == 201, made.text
        cast.booking_id = made.json()["booking"]["id"]
    yield cast


async def send(http: httpx.AsyncClient, event_type: str, *, secret: str = SECRET) -> str:
    """Send an event as Stripe would; returns its id."""
    event_id = f"evt_{uuid4().hex}"
    event = {
        "id": event_id,
        "object": "event",
        "type": event_type,
        "api_version": None,
        "livemode": False,
        "data": {"object": {"object": "thing", "id": "thing_1"}},
    }
    payload = msgspec.json.encode(event)
    at = int(SystemClock().now().timestamp())
    signed = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    answer = await http.post(
        "/api/webhooks/stripe",
        content=payload,
        headers={"Stripe-Signature": f"t={at},v1={signed}", "Content-Type": "application/json"},
    )
    assert answer.status_code == 200, answer.text
    return event_id


async def listed(
    http: httpx.AsyncClient, path: str, person: Person, **filters: str
) -> list[dict[str, object]]:
    """Return the items of a list."""
    answer = await http.get(path, headers=person.auth, params=filters)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_an_event_set_aside_is_found_with_its_reason_and_worked_again(
    http: httpx.AsyncClient, people: Cast, app: Litestar
) -> None:
    event_id = await send(http, "unheard.of")
    path = "/api/admin/webhooks"
    (event,) = await listed(http, path, people.admin, event_id=event_id)
    assert (event["state"], event["reason"]) == ("quarantined", "of unknown type unheard.of")
    found = await listed(http, path, people.admin, state="quarantined", type="unheard")
    assert event_id in [each["id"] for each in found]
    assert await listed(http, path, people.admin, event_id=event_id, state="worked") == []

    replay = await http.post(f"{path}/{event_id}/replay", headers=people.admin.auth)
    assert replay.json() == {"event_ids": [event_id]}
    (event,) = await listed(http, path, people.admin, event_id=event_id)
    assert (event["state"], event["attempts"], event["worked_at"]) == ("received", 0, None)
    await app.state["parts"].stripe_events.work(event_id)
    (event,) = await listed(http, path, people.admin, event_id=event_id)
    assert (event["state"], event["attempts"]) == ("worked", 1)

    audit = await listed(http, "/api/admin/audit", people.admin, event="webhook")
    action = next(each for each in audit if each["cause"] == event_id)
    assert (action["event"], action["actor_id"]) == ("webhook.replay", people.admin.id)
    assert action["request_id"] == replay.headers["x-request-id"]


async def test_many_events_are_replayed_at_once_and_unknown_ones_left_out(
    http: httpx.AsyncClient, people: Cast
) -> None:
    known = [await send(http, "unheard.of") for _ in range(2)]
    body = {"event_ids": [*known, "evt_nobody"]}
    answer = await http.post("/api/admin/webhooks/replay", json=body, headers=people.admin.auth)
    assert sorted(answer.json()["event_ids"]) == sorted(known)
    nothing = await http.post(
        "/api/admin/webhooks/replay", json={"event_ids": []}, headers=people.admin.auth
    )
    assert nothing.status_code == 400


async def test_events_come_page_by_page(http: httpx.AsyncClient, people: Cast) -> None:
    sent = [await send(http, "unheard.of.pages") for _ in range(3)]
    path, cursor, seen = "/api/admin/webhooks", None, []
    for _ in range(3):
        params = {"limit": "1", "type": "unheard.of.pages"} | ({"cursor": cursor} if cursor else {})
        page = (await http.get(path, headers=people.admin.auth, params=params)).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert (seen, cursor) == (sent[::-1], None)


async def test_any_configured_secret_signs_and_no_other(
    http: httpx.AsyncClient, settings: Settings
) -> None:
    assert settings.stripe_webhook_secrets == (SECRET,)
    with pytest.raises(AssertionError, match="signature is not right"):
        await send(http, "charge.updated", secret="whsec_of_another_environment")


async def test_every_change_of_a_payment_names_actor_cause_and_request(
    http: httpx.AsyncClient, people: Cast
) -> None:
    rows = await listed(http, "/api/admin/audit", people.admin, booking_id=people.booking_id)
    assert rows
    for row in rows:
        assert row["actor_kind"]
        assert row["cause"]
        assert row["request_id"], row
    of_student = await listed(http, "/api/admin/audit", people.admin, actor_id=people.student.id)
    assert {row["booking_id"] for row in of_student} == {people.booking_id}
    request_id = str(rows[0]["request_id"])
    same = await listed(http, "/api/admin/audit", people.admin, request_id=request_id)
    assert rows[0] in same
    later = {"from": "2999-01-01T00:00:00Z"}
    assert await listed(http, "/api/admin/audit", people.admin, **later) == []


async def test_reconciliation_is_shown_and_run_when_an_admin_wants_it(
    http: httpx.AsyncClient, people: Cast
) -> None:
    path = "/api/admin/reconciliation"
    run = await http.post(path, headers=people.admin.auth)
    assert run.status_code == 200, run.text
    assert run.json()["cause"] == "admin"
    page = (await http.get(path, headers=people.admin.auth)).json()
    assert page["last_run"]["id"] == run.json()["id"]
    is_open = {each["state"] for each in page["items"]} == {"open"}
    assert page["payouts_are_stopped"] is is_open
    for filters in ({"state": "closed"}, {"check": "transit_open"}, {"account": "CLR"}):
        assert await listed(http, path, people.admin, **filters) == []
    wrong = await http.get(path, headers=people.admin.auth, params={"state": "hidden"})
    assert wrong.status_code == 400


async def test_only_admins_operate(http: httpx.AsyncClient, people: Cast) -> None:
    for method, path in (
        ("GET", "/api/admin/webhooks"),
        ("GET", "/api/admin/audit"),
        ("GET", "/api/admin/reconciliation"),
        ("POST", "/api/admin/reconciliation"),
        ("POST", "/api/admin/webhooks/evt_1/replay"),
    ):
        assert (await http.request(method, path)).status_code == 401
        refused = await http.request(method, path, headers=people.student.auth)
        assert refused.status_code == 403


MONEY = {
    "stripe_call_seconds": {"op", "outcome"},
    "stripe_op_unknown": set[str](),
    "stripe_op_state": {"state"},
    "auth_attempts": {"n", "result", "decline_code"},
    "captures": {"result"},
    "due_lag_seconds": {"kind"},
    "payments_due_lag_seconds": {"kind"},
    "webhook_events": {"type", "result"},
    "webhook_age_seconds": set[str](),
    "ledger_imbalance_cents": set[str](),
    "recon_diff_cents": {"account"},
    "credit_liability_cents": set[str](),
    "platform_available_cents": set[str](),
    "negative_instructors": set[str](),
    "auth_failure_ratio": set[str](),
}
"""The numbers of `docs/money-operations.md` and their labels."""


async def test_metrics_of_money_are_told_and_no_label_holds_an_id(
    http: httpx.AsyncClient, people: Cast
) -> None:
    await http.post("/api/admin/reconciliation", headers=people.admin.auth)
    await send(http, "unheard.of.metrics")
    text = (await http.get("/metrics")).text
    families = {each.name: each for each in text_string_to_metric_families(text)}
    assert not set(MONEY) - set(families)
    for family in families.values():
        for sample in family.samples:
            labels = dict(sample.labels)
            labels.pop("le", None)
            assert set(labels) <= MONEY.get(family.name, set(labels)), family.name
            for value in labels.values():
                assert not is_id(value), f"{family.name} {labels}"
    typed = {s.labels["type"] for s in families["webhook_events"].samples}
    assert "other" in typed
    assert not {each for each in typed if each.startswith("unheard")}
    accounts = {s.labels["account"] for s in families["recon_diff_cents"].samples}
    assert {"SP", "SC", "CLR"} <= accounts


def is_id(text: str) -> bool:
    """Tell whether a label's value looks like somebody's or something's id."""
    try:
        UUID(text)
    except ValueError:
        return any(text.startswith(p) for p in ("acct_", "pi_", "ch_", "evt_", "cus_", "txn_"))
    return True


async def test_every_alert_asks_for_a_metric_that_is_told(
    http: httpx.AsyncClient, people: Cast
) -> None:
    await http.post("/api/admin/reconciliation", headers=people.admin.auth)
    answer = await http.get("/metrics")
    assert answer.headers["content-type"].count("charset") == 1
    told = {each.name for each in text_string_to_metric_families(answer.text)}
    asked = set(re.findall(r"\b[a-z]+_[a-z_]+\b(?=[\s{\[)])", rules_of(ALERTS)))
    named = {re.sub(r"_(total|bucket|count|sum)$", "", each) for each in asked}
    assert {"auth_failure_ratio", "recon_incidents_open", "captures"} <= named
    assert not named - told - {"histogram_quantile"}


def rules_of(text: str) -> str:
    """Return the expressions of an alert file, without names of labels."""
    found = re.findall(r"expr: (.*?)\n\s+(?:for|labels):", text, re.DOTALL)
    return " ".join(each + " " for each in found)


def test_an_id_is_noticed() -> None:
    assert is_id(str(uuid4()))
    assert is_id("acct_1abc")
    assert not is_id("SP")


async def test_an_endpoint_of_another_version_alone_is_refused_at_boot(
    settings: Settings, stripe_emulator: Emulator
) -> None:
    here = msgspec.structs.replace(settings, public_url=f"http://{uuid4().hex}.example")
    with capture_logs() as nobody:
        await check_webhook_version(here)
    assert [each["event"] for each in nobody] == ["webhook.no_endpoint"]
    async with httpx.AsyncClient(
        base_url=stripe_emulator.url, auth=(stripe_emulator.secret_key, ""), trust_env=False
    ) as stripe:
        form = {"url": f"{here.public_url}/api/webhooks/stripe", "enabled_events[]": "*"}
        old = await stripe.post("/v1/webhook_endpoints", data={**form, "api_version": "2020-08-27"})
        with pytest.raises(VersionRefusedError, match="speaks 2020-08-27"):
            await check_webhook_version(here)
        current = await stripe.post("/v1/webhook_endpoints", data=form)
        with capture_logs() as both:
            await check_webhook_version(here)
        assert both == []
        for made in (old, current):
            await stripe.delete(f"/v1/webhook_endpoints/{made.json()['id']}")


@pytest.mark.parametrize("role", ["instainstru_app", None], ids=["running", "owner"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_lines SET amount_cents = 1",
        "UPDATE ledger_entries SET kind = 'x'",
        "DELETE FROM ledger_lines",
        "TRUNCATE ledger_entries CASCADE",
        "UPDATE booking_events SET cause = 'x'",
        "UPDATE admin_actions SET action = 'x'",
        "UPDATE balance_transactions SET net_cents = 0",
        "TRUNCATE balance_transactions",
    ],
)
async def test_nobody_rewrites_money_or_its_trail(
    database_url: str, role: str | None, statement: str
) -> None:
    connection = await asyncpg.connect(database_url)
    if role is not None:
        await connection.execute(f"SET ROLE {role}")
    refusal = asyncpg.InsufficientPrivilegeError if role else asyncpg.RestrictViolationError
    with pytest.raises(refusal):
        await connection.execute(statement)
    await connection.close()
