"""What admins see of writes without an answer, what they decide, and a key that Stripe refuses."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
from litestar import Litestar

from domain.ids import new_id
from domain.movements import CreateTransfer
from gateways.clock import SystemClock
from gateways.stripe import StripeGateway
from sandbox.emulator import Emulator
from storage.rows import encode_json
from tests.server.conftest import Person, client_of, registered
from tests.server.kit import admin_of

PATH = "/api/admin/operations"


@pytest_asyncio.fixture
async def admin(http: httpx.AsyncClient, app: Litestar, database_url: str) -> Person:
    """Somebody who operates."""
    return await admin_of(http, app, database_url)


@pytest_asyncio.fixture
async def emulator(stripe_emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    """Stripe's own side; its faults end with the test."""
    async with httpx.AsyncClient(
        base_url=stripe_emulator.url, auth=(stripe_emulator.secret_key, ""), trust_env=False
    ) as client:
        yield client
        await client.delete("/_emulator/faults")


async def left_open(database_url: str, state: str) -> str:
    """Store a transfer that nobody has made; returns its id."""
    now, group = SystemClock().now(), f"booking:{uuid4()}"
    operation_id = new_id(now)
    call = CreateTransfer(
        amount_cents=100,
        currency="usd",
        destination_account="acct_1",
        transfer_group=group,
        metadata={"booking_id": group},
    )
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO stripe_operations (id, kind, subject_id, idempotency_key, params, state,"
        " planned_at, error_code)"
        " VALUES ($1, 'create_transfer', $1, $2, $3, $4, $5, 'idempotency_error')",
        *(operation_id, str(operation_id), encode_json(call)[1:].decode(), state, now),
    )
    await connection.close()
    return str(operation_id)


async def waiting(http: httpx.AsyncClient, admin: Person, **filters: str) -> dict[str, Any]:
    """The open writes by id."""
    answer = await http.get(PATH, headers=admin.auth, params=filters)
    assert answer.status_code == 200, answer.text
    return {each["id"]: each for each in answer.json()["items"]}


async def test_a_parked_write_is_shown_resolved_and_audited(
    http: httpx.AsyncClient, admin: Person, database_url: str
) -> None:
    parked, unknown = [await left_open(database_url, each) for each in ("parked", "unknown")]
    assert {parked, unknown} <= set(await waiting(http, admin))
    found = await waiting(http, admin, state="parked")
    assert unknown not in found
    assert found[parked]["error_code"] == "idempotency_error"
    assert found[parked]["params"]["amount_cents"] == 100
    first = (await http.get(PATH, headers=admin.auth, params={"limit": "1"})).json()
    assert first["next_cursor"] is not None
    assert "stripe_op_parked 1.0" in (await http.get("/metrics")).text

    path = f"{PATH}/{parked}/resolve"
    refused = await http.post(path, json={"happened": True}, headers=admin.auth)
    assert (refused.status_code, refused.json()["code"]) == (409, "operation-differs")
    for each, status in ((unknown, 409), (str(uuid4()), 404)):
        wrong = await http.post(
            f"{PATH}/{each}/resolve", json={"happened": False}, headers=admin.auth
        )
        assert wrong.status_code == status
    done = await http.post(path, json={"happened": False}, headers=admin.auth)
    assert done.json() == {"operation_id": parked, "booking_id": None}
    assert parked not in await waiting(http, admin)
    audit = await http.get("/api/admin/audit", params={"event": "operation"}, headers=admin.auth)
    action = next(each for each in audit.json()["items"] if each["cause"] == parked)
    assert (action["event"], action["actor_id"]) == ("operation.resolve", admin.id)
    assert action["details"] == {"happened": False, "kind": "create_transfer"}
    assert action["request_id"] == done.headers["x-request-id"]


async def test_only_admins_decide(http: httpx.AsyncClient, app: Litestar) -> None:
    async with client_of(app) as client:
        student = await registered(client)
    for method, path in (("GET", PATH), ("POST", f"{PATH}/{uuid4()}/resolve")):
        assert (await http.request(method, path)).status_code == 401
        assert (await http.request(method, path, headers=student.auth)).status_code == 403


async def test_a_refused_key_is_seen_by_supervisors_and_by_prometheus(
    http: httpx.AsyncClient, app: Litestar, emulator: httpx.AsyncClient
) -> None:
    stripe = app.state["parts"].has_good_key.__self__
    assert isinstance(stripe, StripeGateway)
    patience, stripe.gate.probe_seconds = stripe.gate.probe_seconds, 0.0
    rule = {"action": "401_key", "match": {"path": "^/v1/"}, "times": 0}
    assert (await http.get("/health/ready")).json()["dependencies"]["stripe"] == "ok"
    assert "stripe_key_refused 0.0" in (await http.get("/metrics")).text
    await emulator.post("/_emulator/faults", json=rule)
    shut = await http.get("/health/ready")
    assert (shut.status_code, shut.json()["dependencies"]["stripe"]) == (503, "down")
    assert "stripe_key_refused 1.0" in (await http.get("/metrics")).text

    stripe.gate.probe_seconds = 3600.0
    before = (await emulator.get("/_emulator/log", params={"limit": 1})).json()["data"]
    assert await stripe.intent("pi_1") is not None
    assert (await emulator.get("/_emulator/log", params={"limit": 1})).json()["data"] == before

    stripe.gate.probe_seconds = 0.0
    await emulator.delete("/_emulator/faults")
    assert (await http.get("/health/ready")).json()["status"] == "ready"
    stripe.gate.probe_seconds = patience


async def test_a_failure_is_logged_with_all_that_stripe_tells(
    stripe_emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    stripe = StripeGateway.connect(
        secret_key=stripe_emulator.secret_key, api_base=stripe_emulator.url
    )
    await stripe.intent("pi_nobody")
    told = capsys.readouterr().out
    await stripe.close()
    assert "stripe.failed" in told
    for name in (
        *("http_status=404", "code=resource_missing", "decline_code=", "advice_code="),
        *("network_advice_code=", "payment_intent=", "request_id=req_"),
    ):
        assert name in told
