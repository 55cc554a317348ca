"""Payouts that are refused, each with Stripe's own code, and debts that a bank pays."""

import pytest
import stripe

from tests.sandbox.stripe.conftest import Process
from tests.sandbox.stripe.test_a_lesson_to_the_cent import net
from tests.sandbox.stripe.test_payouts import DAY, account_types, bank, fund, on, pay

EXPAND = {"expand": ["instant_available.net_available"]}


def code_of(api: stripe.StripeClient, account: str, cents: int, method: str = "instant") -> str:
    """Return the code with which a payout is refused."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        pay(api, account, cents, method)
    return caught.value.code or ""


def offered(api: stripe.StripeClient, account: str) -> int:
    """Return how many destinations are offered instant payouts."""
    (available,) = api.v1.balance.retrieve(EXPAND, on(account)).instant_available
    return len(available.net_available)


def test_a_bank_that_is_never_instant_takes_standard_payouts(
    api: stripe.StripeClient, instructor: str
) -> None:
    fund(api, instructor, 5_000)
    assert offered(api, instructor) == 1
    never = bank(api, instructor, "000777777771")
    assert offered(api, instructor) == 1
    with pytest.raises(stripe.InvalidRequestError) as caught:
        pay(api, instructor, 1_000, destination=never)
    assert caught.value.code == "instant_payouts_unsupported"
    assert pay(api, instructor, 1_000, "standard", destination=never).status == "pending"


def test_the_recipient_agreement_allows_no_instant_payout(
    api: stripe.StripeClient, instructor: str
) -> None:
    fund(api, instructor, 5_000)
    api.v1.accounts.update(instructor, {"tos_acceptance": {"service_agreement": "recipient"}})
    assert offered(api, instructor) == 0
    assert code_of(api, instructor, 1_000) == "instant_payouts_unsupported"
    assert pay(api, instructor, 1_000, "standard").status == "pending"


@pytest.mark.parametrize(
    "code",
    [
        "instant_payouts_config_disabled",
        "instant_payouts_currency_disabled",
        "instant_payouts_limit_exceeded",
        "instant_payouts_unsupported",
    ],
)
def test_every_refusal_of_instant_payouts_can_be_had(
    api: stripe.StripeClient, emulator: Process, instructor: str, code: str
) -> None:
    fund(api, instructor, 5_000)
    emulator.control("config", {"instant_refusal": code})
    assert code_of(api, instructor, 1_000) == code
    emulator.control("config", {"instant_refusal": ""})
    assert pay(api, instructor, 1_000).status == "in_transit"
    wrong = emulator.http.post("/_emulator/config", json={"instant_refusal": "no"})
    assert wrong.status_code == 400


def test_standard_payouts_have_a_daily_limit(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    fund(api, instructor, 5_000)
    emulator.control("config", {"payouts_limit_cents": 1_500})
    assert pay(api, instructor, 1_000, "standard").status == "pending"
    assert code_of(api, instructor, 501, "standard") == "payouts_limit_exceeded"
    assert pay(api, instructor, 500, "standard").status == "pending"
    emulator.advance(DAY)
    assert pay(api, instructor, 1_500, "standard").status == "pending"


@pytest.mark.parametrize("is_debited", [True, False])
def test_a_debt_is_taken_from_the_bank_when_the_settings_say_so(
    api: stripe.StripeClient, emulator: Process, instructor: str, *, is_debited: bool
) -> None:
    emulator.control("config", {"negative_debit_days": 3})
    wish = {"payments": {"debit_negative_balances": is_debited}}
    api.v1.balance_settings.update(wish, on(instructor))
    transfer = api.v1.transfers.create(
        {"amount": 1_000, "currency": "usd", "destination": instructor}
    )
    pay(api, instructor, 1_000, "standard")
    api.v1.transfers.reversals.create(transfer.id)
    assert net(api, instructor) == -1_000
    emulator.advance(3 * DAY - 1)
    assert net(api, instructor) == -1_000
    emulator.advance(1)
    assert net(api, instructor) == (0 if is_debited else -1_000)
    assert emulator.look("invariants")["ok"], emulator.look("invariants")
    if is_debited:
        (debit, _) = api.v1.payouts.list(None, on(instructor)).data
        assert (debit.amount, debit.automatic, debit.status) == (-1_000, True, "pending")
        assert debit.reconciliation_status == "in_progress"
        assert account_types(api, instructor, 1) == ["payout.created"]
        emulator.advance(5 * DAY)
        paid = api.v1.payouts.retrieve(debit.id, None, on(instructor))
        assert (paid.status, paid.reconciliation_status) == ("paid", "completed")
        assert account_types(api, instructor, 2) == [
            "payout.paid",
            "payout.reconciliation_completed",
        ]
