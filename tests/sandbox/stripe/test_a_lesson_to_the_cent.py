"""The calls of a normal lesson, by the raw SDK, and what they leave in everybody's balance."""

import pytest
import stripe

from tests.sandbox.stripe.conftest import Process

PRICE = 10_000
FEE = 1_500


def saved_card(api: stripe.StripeClient, customer: str, card: str = "pm_card_visa") -> str:
    """Attach a test card."""
    return api.v1.payment_methods.attach(card, {"customer": customer}).id


def hold(
    api: stripe.StripeClient,
    customer: str,
    instructor: str,
    *,
    amount: int = PRICE,
    fee: int = FEE,
    card: str | None = None,
) -> stripe.PaymentIntent:
    """Create and confirm an intent off-session, as the product does."""
    params: dict[str, object] = {
        "amount": amount,
        "currency": "usd",
        "customer": customer,
        "capture_method": "manual",
        "allowed_payment_method_types": ["card"],
        "transfer_data": {"destination": instructor},
        "transfer_group": "booking:1",
        "metadata": {"booking_id": "1", "cycle": "1"},
    }
    if fee:
        params["application_fee_amount"] = fee
    intent = api.v1.payment_intents.create(params)
    assert intent.status == "requires_payment_method"
    return api.v1.payment_intents.confirm(
        intent.id,
        {
            "payment_method": card or saved_card(api, customer),
            "off_session": True,
            "expand": ["latest_charge"],
        },
    )


def movements(api: stripe.StripeClient, account: str | None = None) -> list[tuple[str, int, int]]:
    """(type, amount, fee) of an account's balance transactions, oldest first, without the float."""
    options = {"stripe_account": account} if account else {}
    listed = api.v1.balance_transactions.list({"limit": 100}, options)
    return [(t.type, t.amount, t.fee) for t in reversed(listed.data) if t.type != "topup"]


def net(api: stripe.StripeClient, account: str | None = None) -> int:
    """What an account gained."""
    return sum(amount - fee for _, amount, fee in movements(api, account))


def test_a_lesson_leaves_1180_with_the_platform_and_8500_with_the_instructor(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    assert held.status == "requires_capture"
    assert held.amount_capturable == PRICE
    assert movements(api) == []
    emulator.advance(49 * 3600)
    taken = api.v1.payment_intents.capture(
        held.id,
        {
            "expand": [
                "latest_charge.balance_transaction",
                "latest_charge.transfer.destination_payment",
                "latest_charge.application_fee",
            ]
        },
    )
    assert taken.status == "succeeded"
    assert taken.amount_received == PRICE
    assert movements(api) == [
        ("charge", PRICE, 320),
        ("transfer", -PRICE, 0),
        ("application_fee", FEE, 0),
    ]
    assert movements(api, instructor) == [("payment", PRICE, FEE)]
    assert (net(api), net(api, instructor)) == (1_180, 8_500)
    charge = taken.latest_charge
    assert charge.balance_transaction.net == 9_680
    assert charge.transfer.destination == instructor
    assert charge.transfer.destination_payment.object == "charge"
    assert charge.application_fee.amount == FEE
    books = emulator.look("invariants")
    assert books["ok"], books
    assert books["accounts"]["stripe:fees"] == 320
    assert books["accounts"]["world:cards"] == -PRICE


@pytest.mark.parametrize(
    ("amount", "fee", "platform", "account"),
    [(4_999, 750, 575, 4_249), (9_000, 500, 209, 8_500), (7_000, 0, -233, 7_000)],
)
def test_every_split_is_exact(
    api: stripe.StripeClient,
    customer: str,
    instructor: str,
    amount: int,
    fee: int,
    platform: int,
    account: int,
) -> None:
    held = hold(api, customer, instructor, amount=amount, fee=fee)
    api.v1.payment_intents.capture(held.id)
    assert (net(api), net(api, instructor)) == (platform, account)


def test_the_credit_rule_takes_the_whole_charge_back_as_fee(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    api.v1.payment_intents.capture(held.id, {"application_fee_amount": PRICE})
    assert (net(api), net(api, instructor)) == (9_680, 0)


def test_a_full_refund_costs_the_platform_the_card_fee_alone(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    api.v1.payment_intents.capture(held.id)
    refund = api.v1.refunds.create(
        {
            "payment_intent": held.id,
            "reverse_transfer": True,
            "refund_application_fee": True,
            "expand": ["charge", "transfer_reversal.transfer"],
        }
    )
    assert refund.status == "succeeded"
    assert refund.charge.refunded
    assert refund.transfer_reversal.transfer.reversed
    assert (net(api), net(api, instructor)) == (-320, 0)
    assert emulator.look("invariants")["ok"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"payment_intent": held.id})
    assert caught.value.code == "charge_already_refunded"


def test_a_partial_refund_reverses_transfer_and_fee_in_proportion(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    api.v1.payment_intents.capture(held.id)
    api.v1.refunds.create(
        {
            "payment_intent": held.id,
            "amount": 4_000,
            "reverse_transfer": True,
            "refund_application_fee": True,
        }
    )
    assert (net(api), net(api, instructor)) == (580, 5_100)
    fee = api.v1.application_fees.list().data[0]
    assert fee.amount_refunded == 600


def test_refunding_the_fee_without_the_transfer_is_refused(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    api.v1.payment_intents.capture(held.id)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.refunds.create({"payment_intent": held.id, "refund_application_fee": True})


def test_a_refund_without_reversal_costs_the_platform_the_whole_charge(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    api.v1.payment_intents.capture(held.id)
    api.v1.refunds.create({"payment_intent": held.id})
    assert (net(api), net(api, instructor)) == (-8_820, 8_500)


def test_a_reversal_without_fee_refund_comes_out_of_the_instructors_pocket(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    taken = api.v1.payment_intents.capture(held.id, {"expand": ["latest_charge"]})
    api.v1.transfers.reversals.create(taken.latest_charge.transfer)
    assert net(api, instructor) == -1_500


def test_funds_wait_two_business_days(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    taken = api.v1.payment_intents.capture(
        held.id, {"expand": ["latest_charge.balance_transaction"]}
    )
    transaction = taken.latest_charge.balance_transaction
    assert transaction.status == "pending"
    options = {"stripe_account": instructor}
    balance = api.v1.balance.retrieve(None, options)
    assert (balance.available[0].amount, balance.pending[0].amount) == (0, 8_500)
    due = emulator.look("due")
    assert due["next_kind"] == "settle_funds"
    assert due["next_at"] == "2027-03-03T00:00:00.000000Z"
    emulator.control("clock", {"set": due["next_at"], "frozen": True})
    balance = api.v1.balance.retrieve(None, options)
    assert (balance.available[0].amount, balance.pending[0].amount) == (8_500, 0)
    assert api.v1.balance_transactions.retrieve(transaction.id).status == "available"
    assert api.v1.balance.retrieve().available[0].amount == 100_001_180


def test_a_top_up_needs_available_funds(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    emulator.control("config", {"platform_available_cents": 0})
    top_up = {"amount": 1_500, "currency": "usd", "destination": instructor}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.transfers.create(top_up)
    assert caught.value.code == "balance_insufficient"
    emulator.control("config", {"platform_available_cents": 2_000})
    transfer = api.v1.transfers.create({**top_up, "transfer_group": "booking:2"})
    assert api.v1.transfers.list({"transfer_group": "booking:2"}).data[0].id == transfer.id
    assert api.v1.balance.retrieve().available[0].amount == 500
    assert net(api, instructor) == 1_500
    assert emulator.look("invariants")["ok"]


def test_a_payout_reaches_the_bank_after_two_business_days(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    api.v1.transfers.create({"amount": 8_500, "currency": "usd", "destination": instructor})
    options = {"stripe_account": instructor}
    payout = api.v1.payouts.create({"amount": 8_500, "currency": "usd"}, options)
    assert payout.status == "pending"
    emulator.advance(3 * 86_400)
    assert api.v1.payouts.retrieve(payout.id, None, options).status == "paid"
    assert net(api, instructor) == 0
    assert emulator.look("invariants")["ok"]
