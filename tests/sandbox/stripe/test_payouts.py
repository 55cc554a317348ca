"""Payouts: standard and instant, quoted and priced, failing banks, schedules, limits; top-ups."""

import pytest
import stripe

from tests.sandbox.stripe.conftest import JSON, Process
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold, movements, net
from tests.sandbox.stripe.test_refunds import lesson, types

DAY = 86_400
ROUTING = "110000000"


def on(account: str) -> JSON:
    """Return request options of a connected account."""
    return {"stripe_account": account}


def quoted(api: stripe.StripeClient, account: str) -> tuple[int, int, str]:
    """Return (balance, net, destination) of an instant payout."""
    expand = {"expand": ["instant_available.net_available"]}
    (available,) = api.v1.balance.retrieve(expand, on(account)).instant_available
    (net_available,) = available.net_available
    return available.amount, net_available.amount, net_available.destination


def fund(api: stripe.StripeClient, account: str, cents: int) -> None:
    """Give an account available money."""
    api.v1.transfers.create({"amount": cents, "currency": "usd", "destination": account})


def pay(
    api: stripe.StripeClient, account: str, cents: int, method: str = "instant", **more: object
) -> stripe.Payout:
    """Pay out."""
    wish = {"amount": cents, "currency": "usd", "method": method, **more}
    return api.v1.payouts.create(wish, on(account))


def bank(api: stripe.StripeClient, account: str, number: str) -> str:
    """Make a bank account with this number the default."""
    added = api.v1.accounts.external_accounts.create(
        account,
        {
            "external_account": {
                "object": "bank_account",
                "country": "US",
                "currency": "usd",
                "routing_number": ROUTING,
                "account_number": number,
            },
            "default_for_currency": True,
        },
    )
    return added.id


def account_types(api: stripe.StripeClient, account: str, count: int) -> list[str]:
    """Return the types of an account's latest events, oldest first."""
    listed = api.v1.events.list({"limit": count}, on(account)).data
    return [event.type for event in reversed(listed)]


@pytest.mark.parametrize(
    ("base", "arrives", "fee"), [("gross", 8_330, 170), ("payout", 8_333, 167)]
)
def test_an_instant_payout_pays_what_was_quoted(
    api: stripe.StripeClient,
    emulator: Process,
    customer: str,
    instructor: str,
    base: str,
    arrives: int,
    fee: int,
) -> None:
    emulator.control("config", {"instant_fee_base": base})
    lesson(api, customer, instructor)
    balance, most, destination = quoted(api, instructor)
    assert (balance, most) == (8_500, arrives)
    payout = pay(api, instructor, most, destination=destination, metadata={"request": "1"})
    assert (payout.status, payout.application_fee_amount) == ("in_transit", fee)
    assert quoted(api, instructor)[:2] == (0, 0)
    assert net(api, instructor) == 0
    assert movements(api, instructor)[-1] == ("payout", -arrives, fee)
    assert movements(api)[-2:] == [("application_fee", fee, 0), ("stripe_fee", -83, 0)]
    assert net(api) == 1_180 + fee - 83
    own = api.v1.application_fees.retrieve(payout.application_fee)
    assert (own.fee_source.type, own.fee_source.payout) == ("payout", payout.id)
    owned = api.v1.balance.retrieve(None, on(instructor))
    assert (owned.available[0].amount, owned.pending[0].amount) == (0, 0)
    emulator.advance(1_800)
    assert api.v1.payouts.retrieve(payout.id, None, on(instructor)).status == "paid"
    assert account_types(api, instructor, 3) == [
        "payout.created",
        "payout.updated",
        "payout.paid",
    ]
    emulator.advance(5 * DAY)
    assert api.v1.balance.retrieve(None, on(instructor)).available[0].amount == 0
    assert emulator.look("invariants")["ok"], emulator.look("invariants")


@pytest.mark.parametrize("base", ["gross", "payout"])
def test_every_quote_can_be_paid_and_never_overdraws(
    api: stripe.StripeClient, emulator: Process, instructor: str, base: str
) -> None:
    emulator.control("config", {"instant_fee_base": base, "instant_cost_bps": 0})
    for cents in (51, 75, 124, 500, 999, 2_525, 99_999):
        fund(api, instructor, cents)
        balance, most, _ = quoted(api, instructor)
        payout = pay(api, instructor, most)
        fee = payout.application_fee_amount
        assert fee == (2 * (balance if base == "gross" else most) + 50) // 100
        left = balance - most - fee
        assert left == 0 if base == "gross" else left in (0, 1)
        if left:
            pay(api, instructor, left, "standard")
    assert net(api, instructor) == 0


def test_a_part_of_the_balance_costs_its_own_share(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    fund(api, instructor, 10_000)
    payout = pay(api, instructor, 490)
    assert payout.application_fee_amount == 10
    assert quoted(api, instructor)[0] == 9_500
    emulator.control("config", {"instant_fee_bps": 0})
    assert pay(api, instructor, 490).application_fee is None
    assert quoted(api, instructor)[:2] == (9_010, 9_010)


def test_the_quote_exists_for_connected_accounts_only(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.balance.retrieve({"expand": ["instant_available.net_available"]})
    plain = api.v1.balance.retrieve(None, on(instructor))
    assert not hasattr(plain.instant_available[0], "net_available")
    own = api.v1.payouts.create({"amount": 10_000, "currency": "usd", "method": "instant"})
    assert own.application_fee is None
    assert movements(api)[-1] == ("payout", -10_000, 100)
    assert emulator.look("invariants")["ok"]


@pytest.mark.parametrize(
    ("config", "cents", "code"),
    [
        ({}, 49, "amount_too_small"),
        ({}, 999_901, "amount_too_large"),
        ({}, 999_000, "balance_insufficient"),
        ({"is_instant_enabled": False}, 5_000, "instant_payouts_config_disabled"),
        ({"instant_limit_cents": 4_999}, 5_000, "instant_payouts_limit_exceeded"),
    ],
)
def test_instant_payouts_have_limits(
    api: stripe.StripeClient,
    emulator: Process,
    instructor: str,
    config: JSON,
    cents: int,
    code: str,
) -> None:
    fund(api, instructor, 999_999)
    emulator.control("config", config)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        pay(api, instructor, cents)
    assert caught.value.code == code


def test_the_daily_limit_ends_at_midnight_in_chicago(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    emulator.control("config", {"instant_limit_cents": 5_000})
    fund(api, instructor, 100_000)
    pay(api, instructor, 5_000)
    emulator.control("clock", {"set": "2027-03-02T05:59:59Z", "frozen": True})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        pay(api, instructor, 50)
    assert caught.value.code == "instant_payouts_limit_exceeded"
    emulator.advance(1)
    assert pay(api, instructor, 5_000).status == "in_transit"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("000111111116", "no_account"),
        ("000111111113", "account_closed"),
        ("000222222227", "insufficient_funds"),
        ("000333333335", "debit_not_authorized"),
        ("000444444440", "invalid_currency"),
    ],
)
def test_a_bank_that_refuses_sends_the_money_back(
    api: stripe.StripeClient, emulator: Process, instructor: str, number: str, code: str
) -> None:
    fund(api, instructor, 8_500)
    wrong = bank(api, instructor, number)
    payout = pay(api, instructor, 8_330)
    assert payout.destination == wrong
    emulator.advance(1_800)
    payout = api.v1.payouts.retrieve(
        payout.id, {"expand": ["failure_balance_transaction"]}, on(instructor)
    )
    assert (payout.status, payout.failure_code) == ("failed", code)
    assert payout.failure_balance_transaction.type == "payout_failure"
    assert net(api, instructor) == 8_330
    assert account_types(api, instructor, 3) == [
        "payout.updated",
        "payout.failed",
        "account.external_account.updated",
    ]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        pay(api, instructor, 1_000)
    assert caught.value.code == "payouts_not_allowed"
    bank(api, instructor, "000123456789")
    assert pay(api, instructor, 1_000).status == "in_transit"
    assert emulator.look("invariants")["ok"], emulator.look("invariants")


def test_a_failed_instant_payout_can_give_its_fee_back(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    fund(api, instructor, 8_500)
    payout = pay(api, instructor, 8_330)
    emulator.advance(1_800)
    emulator.control("config", {"is_instant_fee_returned": True})
    emulator.control(f"payouts/{payout.id}/fail", {"code": "no_account"})
    assert api.v1.application_fees.retrieve(payout.application_fee).amount_refunded == 170
    assert net(api, instructor) == 8_500
    assert emulator.look("invariants")["ok"]


def test_a_standard_payout_leaves_at_midnight_and_arrives_after_two_business_days(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    fund(api, instructor, 1_000)
    first, second = (pay(api, instructor, 500, "standard") for _ in range(2))
    assert api.v1.payouts.cancel(first.id, None, on(instructor)).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.payouts.cancel(first.id, None, on(instructor))
    emulator.control("clock", {"set": "2027-03-02T00:00:00Z", "frozen": True})
    sent = api.v1.payouts.retrieve(second.id, None, on(instructor))
    assert sent.status == "in_transit"
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.payouts.cancel(second.id, None, on(instructor))
    emulator.control("clock", {"set": sent.arrival_date, "frozen": True})
    assert api.v1.payouts.list({"status": "paid"}, on(instructor)).data[0].id == second.id
    bounds = {"arrival_date": {"gte": sent.arrival_date + 1}}
    assert api.v1.payouts.list(bounds, on(instructor)).data == []
    back = api.v1.payouts.reverse(second.id, None, on(instructor))
    assert (back.amount, back.original_payout) == (-500, second.id)
    assert net(api, instructor) == 1_000
    assert emulator.look("invariants")["ok"]


def test_a_daily_schedule_pays_out_what_became_available(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    api.v1.accounts.update(
        instructor, {"settings": {"payouts": {"schedule": {"interval": "daily"}}}}
    )
    lesson(api, customer, instructor)
    emulator.control("clock", {"set": "2027-03-03T00:00:00Z", "frozen": True})
    assert emulator.look("due")["next_kind"] == "sweep_balance"
    emulator.advance(DAY)
    (payout,) = api.v1.payouts.list(None, on(instructor)).data
    assert (payout.amount, payout.automatic, payout.method) == (8_500, True, "standard")
    assert payout.reconciliation_status == "in_progress"
    emulator.advance(4 * DAY)
    paid = api.v1.payouts.retrieve(payout.id, None, on(instructor))
    assert (paid.status, paid.reconciliation_status) == ("paid", "completed")
    assert account_types(api, instructor, 2) == ["payout.paid", "payout.reconciliation_completed"]
    settled = api.v1.balance_transactions.list({"payout": payout.id}, on(instructor)).data
    assert [each.type for each in settled] == ["payout", "payment"]
    assert sum(each.net for each in settled) == 0
    assert emulator.look("invariants")["ok"]


@pytest.mark.parametrize(
    ("schedule", "day"),
    [
        ({"interval": "weekly", "weekly_payout_days": ["friday"]}, "2027-03-05"),
        ({"interval": "monthly", "monthly_payout_days": [31]}, "2027-03-31"),
        ({"interval": "daily"}, "2027-03-02"),
        ({"interval": "manual"}, None),
    ],
)
def test_balance_settings_plan_payouts_and_keep_a_minimum(
    api: stripe.StripeClient, emulator: Process, instructor: str, schedule: JSON, day: str | None
) -> None:
    wish = {"payouts": {"schedule": schedule, "minimum_balance_by_currency": {"usd": 1_000}}}
    settings = api.v1.balance_settings.update({"payments": wish}, on(instructor))
    assert settings.payments.payouts.schedule.interval == schedule["interval"]
    assert settings.payments.payouts.minimum_balance_by_currency["usd"] == 1_000
    assert account_types(api, instructor, 1) == ["balance_settings.updated"]
    kept = api.v1.accounts.retrieve(instructor).settings.payouts.schedule
    assert kept.interval == schedule["interval"]
    fund(api, instructor, 8_500)
    due = emulator.look("due")["next_at"]
    assert due == (day and f"{day}T00:00:00.000000Z")
    if due:
        emulator.control("clock", {"set": due, "frozen": True})
        assert api.v1.balance.retrieve(None, on(instructor)).available[0].amount == 1_000


def test_the_platform_pays_out_above_its_minimum_when_told_to(
    api: stripe.StripeClient, emulator: Process
) -> None:
    assert api.v1.balance_settings.retrieve().payments.payouts.schedule.interval == "manual"
    wish: JSON = {
        "schedule": {"interval": "daily"},
        "minimum_balance_by_currency": {"usd": 500_000},
    }
    api.v1.balance_settings.update({"payments": {"payouts": wish}})
    emulator.advance(DAY)
    assert api.v1.balance.retrieve().available[0].amount == 500_000
    api.v1.balance_settings.update(
        {"payments": {"payouts": {"minimum_balance_by_currency": {"usd": ""}}}}
    )
    emulator.advance(DAY)
    assert api.v1.balance.retrieve().available[0].amount == 0
    payout = api.v1.payouts.list({"expand": ["data.destination"]}).data[0]
    assert payout.destination.object == "bank_account"
    assert emulator.look("invariants")["ok"]


def test_a_restricted_account_is_paid_when_it_is_free_again(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    api.v1.accounts.update(
        instructor, {"settings": {"payouts": {"schedule": {"interval": "daily"}}}}
    )
    fund(api, instructor, 500)
    emulator.control(f"accounts/{instructor}", {"payouts_enabled": False})
    emulator.advance(DAY)
    assert net(api, instructor) == 500
    emulator.control(f"accounts/{instructor}", {"payouts_enabled": True})
    emulator.advance(DAY)
    assert net(api, instructor) == 0


def test_a_top_up_arrives_on_the_next_business_day(
    api: stripe.StripeClient, emulator: Process
) -> None:
    topup = api.v1.topups.create({"amount": 2_000, "currency": "usd", "metadata": {"op_id": "1"}})
    assert (topup.status, topup.balance_transaction) == ("pending", None)
    bad = api.v1.topups.create(
        {"amount": 100, "currency": "usd", "source": "btok_us_verified_noAccount"}
    )
    gone = api.v1.topups.create({"amount": 300, "currency": "usd"})
    assert api.v1.topups.cancel(gone.id).status == "canceled"
    emulator.advance(DAY)
    topup = api.v1.topups.retrieve(topup.id, {"expand": ["balance_transaction"]})
    assert (topup.status, topup.balance_transaction.net) == ("succeeded", 2_000)
    assert api.v1.topups.retrieve(bad.id).failure_code == "no_account"
    assert api.v1.balance.retrieve().available[0].amount == 100_002_000
    assert types(api, 2) == ["topup.succeeded", "topup.failed"]
    assert [each.id for each in api.v1.topups.list({"status": "succeeded"}).data] == [topup.id]
    assert len(api.v1.topups.list({"amount": {"gte": 300}}).data) == 2
    assert emulator.look("invariants")["ok"]


def test_funds_of_the_bypass_card_can_be_paid_out_at_once(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor, card="pm_card_bypassPending")
    api.v1.payment_intents.capture(held.id)
    assert pay(api, instructor, 8_500, "standard").status == "pending"
