"""Disputes, inquiries, fraud warnings and reviews: who pays when, and what is told."""

import pytest
import stripe

from tests.sandbox.stripe.conftest import Process
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold, net
from tests.sandbox.stripe.test_refunds import lesson, types

DAY = 86_400


def only_dispute(api: stripe.StripeClient) -> stripe.Dispute:
    """Return the one dispute there is."""
    (dispute,) = api.v1.disputes.list().data
    return dispute


def answer(api: stripe.StripeClient, emulator: Process, word: str) -> stripe.Dispute:
    """Submit evidence, let the bank decide, return the dispute then."""
    dispute = only_dispute(api)
    api.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": word}})
    emulator.control("clock", {})
    return api.v1.disputes.retrieve(dispute.id)


def test_a_dispute_opens_at_the_capture_and_not_before(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor, card="pm_card_createDispute")
    assert api.v1.disputes.list().data == []
    taken = api.v1.payment_intents.capture(held.id, {"expand": ["latest_charge"]})
    assert taken.latest_charge.disputed
    assert types(api, 4) == [
        "charge.captured",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "payment_intent.succeeded",
    ]
    dispute = api.v1.disputes.list({"payment_intent": held.id}).data[0]
    assert (dispute.status, dispute.reason) == ("needs_response", "fraudulent")
    assert dispute.payment_method_details.card.case_type == "chargeback"
    assert not dispute.is_charge_refundable
    (withdrawn,) = dispute.balance_transactions
    assert (withdrawn.amount, withdrawn.fee, withdrawn.net) == (-10_000, 1_500, -11_500)
    assert (withdrawn.type, withdrawn.reporting_category) == ("adjustment", "dispute")
    assert (net(api), net(api, instructor)) == (1_180 - 11_500, 8_500)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"payment_intent": held.id})
    assert caught.value.code == "charge_disputed"


def test_a_lost_dispute_and_a_reversal_leave_the_platform_fee_and_dispute_fee(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor, "pm_card_createDispute")
    dispute = answer(api, emulator, "losing_evidence")
    assert dispute.status == "lost"
    assert types(api, 2) == ["charge.dispute.updated", "charge.dispute.closed"]
    transfer = api.v1.transfers.list().data[0].id
    api.v1.transfers.reversals.create(transfer, {"refund_application_fee": True})
    assert (net(api), net(api, instructor)) == (-1_820, 0)
    assert emulator.look("invariants")["ok"], emulator.look("invariants")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.refunds.create({"payment_intent": taken.id})
    assert caught.value.code == "charge_disputed"


def test_a_won_dispute_brings_the_amount_back_but_not_the_fee(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor, "pm_card_createDispute")
    dispute = answer(api, emulator, "winning_evidence")
    assert (dispute.status, dispute.evidence_details.submission_count) == ("won", 1)
    assert [each.net for each in dispute.balance_transactions] == [-11_500, 10_000]
    assert types(api, 3) == [
        "charge.dispute.updated",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]
    assert (net(api), net(api, instructor)) == (-320, 8_500)
    assert emulator.look("invariants")["ok"]
    assert api.v1.refunds.create({"payment_intent": taken.id}).status == "succeeded"


def test_evidence_counts_once_and_may_be_prepared_before(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    lesson(api, customer, instructor, "pm_card_createDisputeProductNotReceived")
    dispute = only_dispute(api)
    assert dispute.reason == "product_not_received"
    staged = api.v1.disputes.update(
        dispute.id, {"evidence": {"product_description": "A lesson"}, "submit": False}
    )
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    sent = api.v1.disputes.update(dispute.id, {"submit": True, "metadata": {"v": "1"}})
    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
    assert sent.evidence.product_description == "A lesson"
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.disputes.update(dispute.id, {"evidence": {"product_description": "More"}})
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.disputes.close(dispute.id)
    assert api.v1.disputes.update(dispute.id, {"metadata": {"v": "2"}}).metadata["v"] == "2"


def test_an_unanswered_dispute_is_lost_after_its_last_second(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    lesson(api, customer, instructor, "pm_card_createDispute")
    due_by = only_dispute(api).evidence_details.due_by
    emulator.control("clock", {"set": due_by, "frozen": True})
    assert only_dispute(api).status == "needs_response"
    emulator.advance(1)
    dispute = only_dispute(api)
    assert (dispute.status, dispute.evidence_details.past_due) == ("lost", True)


def test_conceding_closes_a_dispute_at_once(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    lesson(api, customer, instructor, "pm_card_createDispute")
    assert api.v1.disputes.close(only_dispute(api).id).status == "lost"
    assert emulator.look("due")["next_kind"] == "settle_funds"


def test_an_inquiry_moves_nothing_and_allows_refunds(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor, "pm_card_createDisputeInquiry")
    dispute = only_dispute(api)
    assert (dispute.status, dispute.is_charge_refundable) == ("warning_needs_response", True)
    assert dispute.balance_transactions == []
    assert net(api) == 1_180
    assert "charge.dispute.funds_withdrawn" not in types(api, 10)
    closed = answer(api, emulator, "winning_evidence")
    assert closed.status == "warning_closed"
    assert net(api) == 1_180
    assert api.v1.refunds.create({"payment_intent": taken.id}).status == "succeeded"


def test_an_inquiry_that_escalates_takes_the_money_and_fails_refunds_made_meanwhile(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor, "pm_card_createDisputeInquiry")
    refund = api.v1.refunds.create({"payment_intent": taken.id, "amount": 4_000})
    dispute = answer(api, emulator, "escalate_inquiry_evidence")
    assert dispute.status == "needs_response"
    assert dispute.payment_method_details.card.case_type == "chargeback"
    failed = api.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == (
        "failed",
        "charge_for_pending_refund_disputed",
    )
    assert net(api) == 1_180 - 11_500
    assert types(api, 2) == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    assert answer(api, emulator, "winning_evidence").status == "won"
    assert net(api) == -320
    assert emulator.look("invariants")["ok"]


def test_an_inquiry_nobody_answers_ends_after_120_days(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    lesson(api, customer, instructor, "pm_card_createDisputeInquiry")
    emulator.advance(20 * DAY)
    dispute = only_dispute(api)
    assert (dispute.status, dispute.evidence_details.past_due) == ("warning_needs_response", True)
    emulator.advance(100 * DAY)
    assert only_dispute(api).status == "warning_closed"


def test_one_charge_can_be_disputed_in_parts(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    lesson(api, customer, instructor, "pm_card_createMultipleDisputes")
    assert [each.amount for each in api.v1.disputes.list().data] == [5_000, 5_000]
    assert net(api) == 1_180 - 10_000 - 3_000
    assert emulator.look("invariants")["ok"]


def test_a_fee_for_answering_is_returned_by_a_win(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    emulator.control("config", {"dispute_counter_fee_cents": 1_500, "dispute_decision_seconds": 60})
    lesson(api, customer, instructor, "pm_card_createDispute")
    assert answer(api, emulator, "winning_evidence").status == "under_review"
    assert net(api) == 1_180 - 11_500 - 1_500
    emulator.advance(60)
    assert net(api) == -320


def test_a_test_opens_and_decides_a_dispute_of_any_charge(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor)
    charge = taken.latest_charge
    made = emulator.control(f"charges/{charge}/dispute", {"reason": "duplicate", "amount": 6_000})
    assert (made["status"], made["amount"]) == ("needs_response", 6_000)
    assert api.v1.disputes.list({"charge": charge}).data[0].id == made["id"]
    assert emulator.control(f"disputes/{made['id']}/lose")["status"] == "lost"
    again = emulator.http.post(f"/_emulator/disputes/{made['id']}/win", json={})
    assert again.status_code == 400
    expanded = api.v1.disputes.retrieve(made["id"], {"expand": ["charge", "payment_intent"]})
    assert expanded.payment_intent.id == taken.id


def test_a_prevented_dispute_is_as_if_there_had_been_none(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor, "pm_card_createDispute")
    dispute = only_dispute(api)
    assert emulator.control(f"disputes/{dispute.id}/prevent")["status"] == "prevented"
    assert types(api, 2) == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]
    ended = only_dispute(api)
    assert (ended.status, ended.is_charge_refundable) == ("prevented", True)
    assert [each.net for each in ended.balance_transactions] == [-11_500, 11_500]
    assert net(api) == 1_180
    for action in ("prevent", "win", "appeal"):
        again = emulator.http.post(f"/_emulator/disputes/{dispute.id}/{action}", json={})
        assert again.status_code == 400
    assert api.v1.refunds.create({"payment_intent": taken.id}).status == "succeeded"
    assert emulator.look("invariants")["ok"], emulator.look("invariants")


def test_a_prevented_inquiry_moves_nothing(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    lesson(api, customer, instructor, "pm_card_createDisputeInquiry")
    emulator.control(f"disputes/{only_dispute(api).id}/prevent")
    assert types(api, 1) == ["charge.dispute.closed"]
    assert (only_dispute(api).status, only_dispute(api).balance_transactions) == ("prevented", [])
    assert net(api) == 1_180


def test_an_early_fraud_warning_is_actionable_until_the_charge_is_refunded(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor, "pm_card_createIssuerFraudRecord")
    charge = taken.latest_charge
    warning = api.v1.radar.early_fraud_warnings.list({"charge": charge}).data[0]
    assert (warning.actionable, warning.payment_intent) == (True, taken.id)
    assert "radar.early_fraud_warning.created" in types(api, 3)
    api.v1.refunds.create({"payment_intent": taken.id})
    assert not api.v1.radar.early_fraud_warnings.retrieve(warning.id).actionable
    assert types(api, 1) == ["radar.early_fraud_warning.updated"]


def test_an_elevated_risk_is_reviewed(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    taken = lesson(api, customer, instructor, "pm_card_riskLevelElevated")
    charge = api.v1.charges.retrieve(taken.latest_charge, {"expand": ["review"]})
    assert charge.outcome.risk_level == "elevated"
    assert charge.review.open
    assert api.v1.reviews.approve(charge.review.id).closed_reason == "approved"
    assert api.v1.reviews.list().data == []


def test_the_highest_risk_is_blocked_before_the_network(
    api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        hold(api, customer, instructor, card="pm_card_radarBlock")
    blocked = api.v1.charges.retrieve(caught.value.error.charge)
    assert (blocked.outcome.type, blocked.outcome.network_status) == (
        "blocked",
        "not_sent_to_network",
    )
