"""Requests to Stripe keep their pace, are timed, and never name an id."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from gateways.stripe import StripeGateway
from gateways.stripe_http import BURST, Pace, endpoint_of, outcome_of
from sandbox.emulator import Emulator


@pytest.mark.parametrize(
    ("method", "url", "endpoint"),
    [
        ("post", "https://api.stripe.com/v1/payment_intents", "POST /v1/payment_intents"),
        (
            "POST",
            "https://api.stripe.com/v1/payment_intents/pi_3Abc/confirm",
            "POST /v1/payment_intents/{id}/confirm",
        ),
        ("get", "http://localhost/v1/balance_transactions?limit=9", "GET /v1/balance_transactions"),
        (
            "POST",
            "http://localhost/v1/payment_methods/pm_card_visa/attach",
            "POST /v1/payment_methods/{id}/attach",
        ),
        ("GET", "http://localhost/v1/accounts/acct_1", "GET /v1/accounts/{id}"),
    ],
)
def test_an_endpoint_has_no_id_in_it(method: str, url: str, endpoint: str) -> None:
    assert endpoint_of(method, url) == endpoint


def test_what_comes_of_a_request_is_one_of_a_few_words() -> None:
    words = [outcome_of(status) for status in (200, 402, 409, 429, 400, 404, 500, 502)]
    assert words == ["ok", "declined", "busy", "busy", "refused", "refused", "failed", "failed"]


async def test_a_pace_lets_a_burst_through_and_then_so_many_a_second() -> None:
    pace, loop = Pace(50), asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(pace.wait("GET /v1/balance") for _ in range(BURST)))
    assert loop.time() - began < 0.05
    await asyncio.gather(*(pace.wait("GET /v1/balance") for _ in range(20)))
    assert 0.3 < loop.time() - began < 1.5, "20 more at 50 a second"


async def test_endpoints_do_not_wait_for_each_other() -> None:
    pace, loop = Pace(1), asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(pace.wait(f"GET /v1/{number}") for number in range(20)))
    assert loop.time() - began < 0.5


async def test_without_a_number_there_is_no_pace() -> None:
    await asyncio.wait_for(
        asyncio.gather(*(Pace(None).wait("GET /v1/balance") for _ in range(1000))), 5
    )


async def test_every_request_is_counted_by_endpoint_and_outcome(stripe_emulator: Emulator) -> None:
    stripe = StripeGateway.connect(
        secret_key=stripe_emulator.secret_key, api_base=stripe_emulator.url, calls_per_second=100
    )

    def counted(op: str, outcome: str) -> float:
        labels = {"op": op, "outcome": outcome}
        return REGISTRY.get_sample_value("stripe_call_seconds_count", labels) or 0

    read, lost = "GET /v1/balance", "GET /v1/payment_intents/{id}"
    before = (counted(read, "ok"), counted(lost, "refused"))
    await stripe.balance()
    await stripe.intent("pi_nobody")
    assert (counted(read, "ok"), counted(lost, "refused")) == (before[0] + 1, before[1] + 1)
    await stripe.close()
