"""What every answer carries."""

import httpx
import pytest
from litestar import Litestar

from tests.server.conftest import registered

PATHS = ["/", "/login", "/schema", "/api/skills", "/api/nothing", "/health/live", "/favicon.svg"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_is_safe_and_has_an_id(http: httpx.AsyncClient, path: str) -> None:
    headers = (await http.get(path)).headers
    assert len(headers["X-Request-Id"]) == 32
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"]
    assert headers["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in headers
    assert "Server" not in headers


async def test_scripts_come_from_here_and_from_stripes_one_origin(
    http: httpx.AsyncClient, app: Litestar
) -> None:
    policy = (await http.get("/")).headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    url: str = app.state["parts"].settings.stripe_js_url
    assert rules["script-src"].split() == ["'self'", url.removesuffix("/js/stripe.js")]
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy


async def test_a_harmless_id_of_the_caller_is_kept_and_any_other_is_not(
    http: httpx.AsyncClient,
) -> None:
    kept = await http.get("/health/live", headers={"X-Request-Id": "trace-0001"})
    assert kept.headers["X-Request-Id"] == "trace-0001"
    replaced = await http.get("/health/live", headers={"X-Request-Id": "a b<script>"})
    assert len(replaced.headers["X-Request-Id"]) == 32


async def test_money_is_never_cached(http: httpx.AsyncClient) -> None:
    person = await registered(http)
    answer = await http.get("/api/payments/credits/balance", headers=person.auth)
    assert answer.json() == {"balance_cents": 0, "currency": "usd", "lots": []}
    assert answer.headers["Cache-Control"] == "no-store"


async def test_health_names_what_this_process_needs(http: httpx.AsyncClient) -> None:
    ready = await http.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "dependencies": {"postgres": "ok", "nats": "ok", "stripe": "ok"},
    }


async def test_metrics_are_for_this_machine_alone(http: httpx.AsyncClient) -> None:
    assert "http_requests_seconds" in (await http.get("/metrics")).text
    outside = await http.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert outside.status_code == 404


async def test_a_strange_webhook_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/webhooks/stripe", content=b"{}")
    assert answer.status_code == 400
    large = await http.post("/api/webhooks/stripe", content=b"x" * 300_000)
    assert large.status_code == 413
