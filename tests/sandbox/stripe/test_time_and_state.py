"""The emulator's clock, what it does by itself, and what survives a restart."""

from pathlib import Path

import pytest
import stripe

from tests.sandbox.stripe.conftest import Process
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold


def test_an_authorization_lapses_at_its_instant(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    before = held.latest_charge.payment_method_details.card.capture_before
    due = emulator.look("due")
    assert (due["next_kind"], due["next_id"]) == ("expire_authorization", held.id)
    assert due["next_at"] == "2027-03-06T06:00:00.000000Z"
    fired = emulator.advance(10 * 86_400)["fired"]
    assert [each["kind"] for each in fired] == ["expire_authorization"]
    lapsed = api.v1.payment_intents.retrieve(held.id, {"expand": ["latest_charge"]})
    assert (lapsed.status, lapsed.cancellation_reason) == ("canceled", "automatic")
    assert lapsed.canceled_at == before
    assert lapsed.latest_charge.refunded
    events = api.v1.events.list({"limit": 2}).data
    assert [event.type for event in events] == ["payment_intent.canceled", "charge.expired"]
    assert {event.created for event in events} == {before}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.capture(held.id)
    assert caught.value.code == "payment_intent_unexpected_state"


def test_a_released_authorization_has_no_end_any_more(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    gone = api.v1.payment_intents.cancel(held.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    assert emulator.look("due")["next_at"] is None
    assert api.v1.balance_transactions.list({"type": "charge"}).data == []


def test_time_goes_forward_only(emulator: Process) -> None:
    answer = emulator.http.post("/_emulator/clock", json={"set": "2026-01-01T00:00:00Z"})
    assert answer.status_code == 400
    assert emulator.http.post("/_emulator/clock", json={"tomorrow": 1}).status_code == 400
    emulator.control("clock", {"advance": 1.5, "frozen": True})
    assert emulator.look("due")["now"] == "2027-03-01T12:00:01.500000Z"


def test_everything_survives_a_crash(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    headers = {"Idempotency-Key": "kept"}
    first = emulator.form(f"/v1/payment_intents/{held.id}/capture", {}, headers=headers)
    emulator.control("config", {"silence_seconds": 3})
    emulator.kill()
    emulator.start()
    again = emulator.form(f"/v1/payment_intents/{held.id}/capture", {}, headers=headers)
    assert again.content == first.content
    assert emulator.look("config")["silence_seconds"] == 3
    assert emulator.look("due")["now"] == "2027-03-01T12:00:00.000000Z"
    assert emulator.look("invariants")["ok"]
    assert api.v1.customers.create().id != customer


def test_the_float_is_one_top_up(api: stripe.StripeClient, emulator: Process) -> None:
    transactions = api.v1.balance_transactions.list().data
    assert [(each.type, each.net) for each in transactions] == [("topup", 100_000_000)]
    emulator.control("config", {"platform_available_cents": 0})
    assert api.v1.balance.retrieve().available[0].amount == 0
    assert emulator.look("invariants")["ok"]


def test_the_same_seed_and_history_make_the_same_ids(
    api: stripe.StripeClient, tmp_path: Path
) -> None:
    here = [
        api.v1.customers.create().id,
        api.v1.payment_intents.create({"amount": 500, "currency": "usd"}).client_secret,
    ]
    twin = Process(tmp_path / "twin")
    twin.start()
    try:
        other = twin.sdk()
        there = [
            other.v1.customers.create().id,
            other.v1.payment_intents.create({"amount": 500, "currency": "usd"}).client_secret,
        ]
    finally:
        twin.stop()
    assert there == here


def test_onboarding_is_one_page_that_works_once(
    api: stripe.StripeClient, emulator: Process
) -> None:
    account = api.v1.accounts.create(
        {
            "controller": {"stripe_dashboard": {"type": "express"}},
            "capabilities": {"transfers": {"requested": True}},
        }
    )
    assert account.capabilities.transfers == "inactive"
    assert account.requirements.currently_due
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.accounts.login_links.create(account.id)
    params = {
        "account": account.id,
        "type": "account_onboarding",
        "return_url": "http://shop.test/back",
        "refresh_url": "http://shop.test/again",
    }
    link = api.v1.account_links.create(params)
    assert "<form" in emulator.http.get(link.url).text
    sent = emulator.http.post(link.url)
    assert (sent.status_code, sent.headers["location"]) == (303, "http://shop.test/back")
    again = emulator.http.post(link.url)
    assert again.headers["location"] == "http://shop.test/again"
    done = api.v1.accounts.retrieve(account.id)
    assert (done.capabilities.transfers, done.payouts_enabled, done.details_submitted) == (
        "active",
        True,
        True,
    )
    assert len(done.external_accounts.data) == 1
    late = api.v1.account_links.create(params)
    emulator.advance(300)
    assert emulator.http.get(late.url).status_code == 303
    page = api.v1.accounts.login_links.create(account.id).url
    assert "Express dashboard" in emulator.http.get(page).text
    assert "Stripe emulator" in emulator.http.get("/").text
