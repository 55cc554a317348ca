"""Money on its way back: shares, waiting, late and failed refunds, reversals, fee refunds."""

import pytest
import stripe

from tests.sandbox.stripe.conftest import Process, onboarded
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold, movements, net, saved_card

BOTH = {"reverse_transfer": True, "refund_application_fee": True}


def lesson(
    api: stripe.StripeClient, customer: str, instructor: str, card: str = "pm_card_visa"
) -> stripe.PaymentIntent:
    """Return a captured lesson of 100 dollars, 15 of them the platform's."""
    held = hold(api, customer, instructor, card=saved_card(api, customer, card))
    return api.v1.payment_intents.capture(held.id)


def types(api: stripe.StripeClient, count: int) -> list[str]:
    """Return the types of the latest platform events, oldest first."""
    return [event.type for event in reversed(api.v1.events.list({"limit": count}).data)]


def test_parts_of_a_refund_round_half_up_and_never_exceed_the_whole(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor)
    fees: list[int] = []
    for part in (3_333, 3_333, 3_334):
        api.v1.refunds.create({"payment_intent": taken.id, "amount": part, **BOTH})
        fees.append(api.v1.application_fees.list().data[0].amount_refunded)
    assert fees == [500, 1_000, 1_500]
    assert (net(api), net(api, instructor)) == (-320, 0)
    transfer = api.v1.transfers.list().data[0]
    assert transfer.reversed
    assert [each.amount for each in transfer.reversals.data] == [3_334, 3_333, 3_333]


def test_a_refund_tells_what_it_did_in_this_order(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor)
    refund = api.v1.refunds.create(
        {"payment_intent": taken.id, **BOTH, "expand": ["transfer_reversal"]}
    )
    assert types(api, 4) == [
        "transfer.reversed",
        "application_fee.refunded",
        "refund.created",
        "charge.refunded",
    ]
    assert refund.transfer_reversal.source_refund == refund.id
    mirror = api.v1.refunds.retrieve(
        refund.transfer_reversal.destination_payment_refund, None, {"stripe_account": instructor}
    )
    assert (mirror.amount, mirror.source_transfer_reversal) == (10_000, refund.transfer_reversal.id)
    assert api.v1.refunds.list({"payment_intent": taken.id}).data[0].id == refund.id


def test_a_refund_without_funds_waits_and_goes_out_when_they_come(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor)
    emulator.control("config", {"platform_available_cents": 3_000})
    first = api.v1.refunds.create({"payment_intent": taken.id, "amount": 4_000})
    second = api.v1.refunds.create({"payment_intent": taken.id, "amount": 5_000})
    assert (first.status, first.pending_reason) == ("pending", "insufficient_funds")
    assert first.balance_transaction is None
    assert api.v1.charges.retrieve(taken.latest_charge).amount_refunded == 9_000
    emulator.control("config", {"platform_available_cents": 4_500})
    emulator.control("clock", {})
    first, second = (api.v1.refunds.retrieve(each.id) for each in (first, second))
    assert (first.status, second.status) == ("succeeded", "pending")
    assert not hasattr(first, "pending_reason")
    assert types(api, 2) == ["refund.updated", "charge.refund.updated"]
    emulator.control("config", {"platform_available_cents": 5_000})
    emulator.control("clock", {})
    assert api.v1.refunds.retrieve(second.id).status == "succeeded"
    assert api.v1.balance.retrieve().available[0].amount == 0
    assert emulator.look("invariants")["ok"], emulator.look("invariants")


def test_a_slow_refund_arrives_later(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor, "pm_card_pendingRefund")
    refund = api.v1.refunds.create({"payment_intent": taken.id})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    assert emulator.look("due")["next_kind"] == "settle_refund"
    emulator.advance(3_600)
    assert api.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert types(api, 2) == ["refund.updated", "charge.refund.updated"]


def test_a_failed_refund_brings_the_money_back_and_leaves_the_reversal(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor, "pm_card_refundFail")
    refund = api.v1.refunds.create({"payment_intent": taken.id, **BOTH})
    assert refund.status == "succeeded"
    assert net(api) == -320
    emulator.advance(3_600)
    refund = api.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (refund.status, refund.failure_reason) == ("failed", "expired_or_canceled_card")
    assert refund.failure_balance_transaction.type == "refund_failure"
    assert refund.failure_balance_transaction.amount == 10_000
    assert (net(api), net(api, instructor)) == (9_680, 0)
    charge = api.v1.charges.retrieve(taken.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert types(api, 3) == ["refund.updated", "charge.refund.updated", "refund.failed"]
    assert emulator.look("invariants")["ok"]


def test_refunds_to_cards_cannot_be_canceled(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    refund = api.v1.refunds.create({"payment_intent": lesson(api, customer, instructor).id})
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.refunds.cancel(refund.id)
    updated = api.v1.refunds.update(refund.id, {"metadata": {"op_id": "1"}})
    assert updated.metadata["op_id"] == "1"


def test_a_refund_after_a_reversal_reverses_nothing_twice(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor)
    transfer = api.v1.transfers.list().data[0].id
    reversal = api.v1.transfers.reversals.create(
        transfer, {"refund_application_fee": True, "metadata": {"op_id": "7"}}
    )
    assert (net(api), net(api, instructor)) == (9_680, 0)
    assert api.v1.transfers.reversals.list(transfer).data[0].metadata["op_id"] == "7"
    renamed = {"metadata": {"op_id": "8"}}
    assert (
        api.v1.transfers.reversals.update(transfer, reversal.id, renamed).metadata["op_id"] == "8"
    )
    refund = api.v1.refunds.create({"payment_intent": taken.id, **BOTH})
    assert refund.transfer_reversal is None
    assert (net(api), net(api, instructor)) == (-320, 0)
    assert emulator.look("invariants")["ok"]


def test_a_plain_transfer_comes_back_only_as_far_as_the_account_has_funds(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    emulator.control("config", {"is_connect_reserves_on": False})
    options = {"stripe_account": instructor}
    transfer = api.v1.transfers.create(
        {"amount": 1_500, "currency": "usd", "destination": instructor}
    )
    api.v1.payouts.create({"amount": 1_000, "currency": "usd"}, options)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.transfers.reversals.create(transfer.id, {"amount": 501})
    assert caught.value.code == "balance_insufficient"
    api.v1.transfers.reversals.create(transfer.id, {"amount": 500})
    emulator.control("config", {"is_connect_reserves_on": True})
    api.v1.transfers.reversals.create(transfer.id, {"amount": 1_000})
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.transfers.reversals.create(transfer.id, {"amount": 1})
    assert api.v1.balance.retrieve(None, options).available[0].amount == -1_000
    balance = api.v1.balance.retrieve()
    assert balance.connect_reserved[0].amount == 1_000
    assert balance.available[0].amount == 100_000_000 - 1_000


def test_an_account_that_owes_is_paid_for_after_180_days(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor)
    options = {"stripe_account": instructor}
    api.v1.payouts.create({"amount": 8_330, "currency": "usd", "method": "instant"}, options)
    emulator.advance(10 * 86_400)
    api.v1.refunds.create({"payment_intent": taken.id, **BOTH})
    assert net(api, instructor) == -8_500
    emulator.advance(179 * 86_400)
    assert net(api, instructor) == -8_500
    emulator.advance(86_400)
    assert net(api, instructor) == 0
    last = api.v1.balance_transactions.list({"type": "connect_collection_transfer"}).data[0]
    assert (last.amount, last.reporting_category) == (-8_500, "connect_collection_transfer")
    assert api.v1.balance.retrieve().connect_reserved[0].amount == 0
    assert emulator.look("invariants")["ok"]


def test_a_debt_that_is_paid_in_time_is_forgotten(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    lesson(api, customer, instructor)
    api.v1.transfers.reversals.create(api.v1.transfers.list().data[0].id)
    assert net(api, instructor) == -1_500
    emulator.advance(100 * 86_400)
    api.v1.transfers.create({"amount": 1_500, "currency": "usd", "destination": instructor})
    emulator.advance(100 * 86_400)
    kinds = [kind for kind, _, _ in movements(api, instructor)]
    assert "connect_collection_transfer" not in kinds


def test_fees_are_refunded_by_themselves_too(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    lesson(api, customer, instructor)
    fee = api.v1.application_fees.list().data[0]
    back = api.v1.application_fees.refunds.create(fee.id, {"amount": 400})
    assert api.v1.application_fees.refunds.retrieve(fee.id, back.id).amount == 400
    changed = api.v1.application_fees.refunds.update(fee.id, back.id, {"metadata": {"a": "b"}})
    assert changed.metadata["a"] == "b"
    assert types(api, 1) == ["application_fee.refund.updated"]
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.application_fees.refunds.create(fee.id, {"amount": 1_101})
    assert (net(api), net(api, instructor)) == (780, 8_900)
    assert emulator.look("invariants")["ok"]


def test_a_charge_can_be_split_over_transfers_up_to_its_amount(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    second = onboarded(api, emulator)
    intent = api.v1.payment_intents.create(
        {
            "amount": 10_000,
            "currency": "usd",
            "customer": customer,
            "payment_method": "pm_card_visa",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "transfer_group": "group",
        }
    )
    source = {"currency": "usd", "source_transaction": intent.latest_charge}
    api.v1.transfers.create({"amount": 6_000, "destination": instructor, **source})
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.transfers.create({"amount": 4_001, "destination": second, **source})
    api.v1.transfers.create({"amount": 4_000, "destination": second, **source})
    assert len(api.v1.transfers.list({"transfer_group": "group"}).data) == 2
    assert api.v1.transfers.list({"destination": second}).data[0].amount == 4_000
    assert api.v1.balance.retrieve(None, {"stripe_account": second}).pending[0].amount == 4_000


def test_the_platform_debits_an_account(
    api: stripe.StripeClient, emulator: Process, instructor: str
) -> None:
    api.v1.transfers.create({"amount": 2_000, "currency": "usd", "destination": instructor})
    debit = api.v1.charges.create(
        {"amount": 700, "currency": "usd", "source": instructor, "metadata": {"why": "debt"}}
    )
    assert (debit.status, debit.amount_captured) == ("succeeded", 700)
    assert net(api, instructor) == 1_300
    assert movements(api)[-1] == ("payment", 700, 0)
    moved = api.v1.transfers.list(None, {"stripe_account": instructor}).data[0]
    assert (moved.id, moved.destination_payment) == (debit.source_transfer, debit.id)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.charges.create({"amount": 700, "currency": "usd", "source": "tok_visa"})
    assert emulator.look("invariants")["ok"], emulator.look("invariants")


def test_what_is_only_reserved_is_released_and_never_refunded(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    for wish, code, param in (
        ({"payment_intent": held.id}, "payment_intent_unexpected_state", "payment_intent"),
        ({"charge": held.latest_charge.id}, "charge_not_refundable", "charge"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.v1.refunds.create(wish)
        seen = caught.value
        assert (seen.http_status, seen.code, seen.param) == (400, code, param)
    assert api.v1.refunds.list().data == []
    assert api.v1.payment_intents.retrieve(held.id).status == "requires_capture"
