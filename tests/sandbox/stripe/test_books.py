"""The independent books agree with the handlers' work, and notice when they would not."""

import sqlite3
from collections.abc import Callable

import pytest
import stripe

from tests.sandbox.stripe.conftest import Process
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold


@pytest.fixture
def busy(api: stripe.StripeClient, emulator: Process, customer: str, instructor: str) -> str:
    """Return a captured intent after a refund, a top-up transfer, its reversal and a payout."""
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
    transfer = api.v1.transfers.create(
        {"amount": 1_500, "currency": "usd", "destination": instructor}
    )
    api.v1.transfers.reversals.create(transfer.id, {"amount": 500})
    emulator.control("config", {"platform_available_cents": 5_000_000})
    emulator.advance(5 * 86_400)
    for amount in (700, 800):
        paid = api.v1.payouts.create(
            {"amount": amount, "currency": "usd"}, {"stripe_account": instructor}
        )
    api.v1.payouts.cancel(paid.id, {}, {"stripe_account": instructor})
    return held.id


def test_both_books_agree_to_the_cent(
    api: stripe.StripeClient, emulator: Process, busy: str, instructor: str
) -> None:
    assert busy
    shown = emulator.look("invariants")
    assert shown["ok"], [check for check in shown["checks"] if not check["ok"]]
    assert shown["derived"] == shown["accounts"]
    assert shown["derived"][instructor] == 5_100 + 1_000 - 700
    assert sum(shown["derived"].values()) == 0
    balance = api.v1.balance.retrieve()
    platform = balance.available[0].amount + balance.pending[0].amount
    assert shown["derived"]["platform"] == platform
    books = emulator.look("books")
    kinds = {each["what"] for each in books["data"]}
    assert kinds >= {
        "float",
        "charge",
        "transfer",
        "transfer_reversal",
        "application_fee",
        "fee_refund",
        "refund",
        "payout",
    }
    assert all(sum(leg["cents"] for leg in each["legs"]) == 0 for each in books["data"])


TRANSACTION = "kind = 'balance_transaction' AND body ->> '$.type' ="
NET = "objects SET body = json_set(body, '$.net', 9000)"
CAPTURED = "objects SET body = json_set(body, '$.amount_captured', 1)"
SPOILED: list[tuple[str, str]] = [
    (f"UPDATE {NET} WHERE {TRANSACTION} 'charge'", "object by object"),
    (f"DELETE FROM objects WHERE {TRANSACTION} 'refund'", "object by object"),  # noqa: S608 -- texts of this module
    (
        "UPDATE objects SET body = json_set(body, '$.amount', 8000) WHERE kind = 'transfer'",
        "party by party",
    ),
    ("UPDATE books SET amount = amount + 1 WHERE account = ''", "sums to zero"),
    ("UPDATE balances SET available = available + 1", "a balance is the sum"),
    (f"UPDATE {CAPTURED} WHERE id LIKE 'ch_%'", "party by party"),
]


@pytest.mark.parametrize(("statement", "check"), SPOILED)
def test_a_spoiled_state_is_noticed(
    emulator: Process, busy: str, statement: str, check: str
) -> None:
    assert busy
    emulator.stop_process()
    with sqlite3.connect(emulator.data / "emulator.sqlite") as file:
        assert file.execute(statement).rowcount > 0
    file.close()
    emulator.start()
    shown = emulator.look("invariants")
    failed = [each["name"] for each in shown["checks"] if not each["ok"]]
    assert not shown["ok"]
    assert any(check in name for name in failed)


def test_a_snapshot_brings_everything_back(
    api: stripe.StripeClient, emulator: Process, busy: str, instructor: str
) -> None:
    emulator.control("faults", {"action": "429_rate", "match": {"path": "none"}})
    emulator.control("config", {"silence_seconds": 7})
    before = emulator.look("invariants"), emulator.look("due"), emulator.look("log")["count"]
    assert emulator.control("snapshot", {"name": "busy"})["bytes"] > 0
    emulator.control("reset", {})
    assert emulator.look("snapshots")["data"] == ["busy"]
    api.v1.customers.create()
    emulator.control("restore", {"name": "busy"})
    after = emulator.look("invariants"), emulator.look("due"), emulator.look("log")["count"]
    assert after == before
    assert api.v1.payment_intents.retrieve(busy).amount_received == 10_000
    assert emulator.look("config")["silence_seconds"] == 7
    assert len(emulator.look("faults")["data"]) == 1
    payout = api.v1.payouts.create(
        {"amount": 100, "currency": "usd"}, {"stripe_account": instructor}
    )
    assert payout.status == "pending"


@pytest.mark.parametrize("name", ["../x", "", "none", 5])
def test_a_snapshot_has_a_plain_name(emulator: Process, name: str | int) -> None:
    answer = emulator.http.post("/_emulator/restore", json={"name": name})
    assert answer.status_code in (400, 404)


def test_fees_are_booked_by_the_prices_in_force(
    api: stripe.StripeClient,
    emulator: Process,
    customer: str,
    instructor: str,
) -> None:
    take: Callable[[str], object] = api.v1.payment_intents.capture
    take(hold(api, customer, instructor).id)
    emulator.advance(1)
    emulator.control("config", {"card_fee_permille": 15, "card_fee_fixed_cents": 10})
    take(hold(api, customer, instructor).id)
    shown = emulator.look("invariants")
    assert shown["ok"], [check for check in shown["checks"] if not check["ok"]]
    assert shown["derived"]["stripe:fees"] == 320 + 160


def balanced(emulator: Process) -> dict[str, int]:
    """The independent books, which must agree with everything else."""
    shown = emulator.look("invariants")
    assert shown["ok"], [check for check in shown["checks"] if not check["ok"]]
    return shown["derived"]


@pytest.mark.parametrize(
    ("evidence", "platform", "fees"),
    [(None, -10_320, 1_820), ("winning_evidence", -320, 1_820)],
)
def test_a_dispute_is_booked_by_its_end(
    api: stripe.StripeClient,
    emulator: Process,
    customer: str,
    instructor: str,
    evidence: str | None,
    platform: int,
    fees: int,
) -> None:
    held = hold(api, customer, instructor)
    emulator.control("faults", {"action": "dispute_now", "match": {"path": "capture$"}})
    api.v1.payment_intents.capture(held.id)
    dispute = api.v1.disputes.list().data[0]
    assert balanced(emulator)["world:cards"] == 0
    if evidence:
        api.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": evidence}})
    else:
        api.v1.disputes.close(dispute.id)
    emulator.advance(1)
    books = balanced(emulator)
    assert books[instructor] == 8_500
    assert books["platform"] == 100_000_000 + platform
    assert books["stripe:fees"] == fees


def test_a_payout_and_a_refund_fail_on_demand(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    api.v1.payment_intents.capture(held.id)
    emulator.advance(5 * 86_400)
    rule = {"action": "payout_fail", "reason": "account_closed", "seconds": 3_600}
    emulator.control("faults", rule)
    emulator.control("faults", {"action": "refund_fail", "match": {"path": "refunds$"}})
    paid = api.v1.payouts.create({"amount": 500, "currency": "usd"}, {"stripe_account": instructor})
    back = api.v1.refunds.create({"payment_intent": held.id, "amount": 1_000})
    assert back.status == "succeeded"
    assert balanced(emulator)["world:cards"] == -9_000
    emulator.advance(60)
    assert api.v1.refunds.retrieve(back.id).status == "failed"
    assert balanced(emulator)["world:cards"] == -10_000
    emulator.advance(3_600)
    failed = api.v1.payouts.retrieve(paid.id, {}, {"stripe_account": instructor})
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    assert balanced(emulator)[instructor] == 8_500


def test_instant_payouts_debits_and_top_ups_are_booked(
    api: stripe.StripeClient, emulator: Process, customer: str, instructor: str
) -> None:
    held = hold(api, customer, instructor)
    api.v1.payment_intents.capture(held.id)
    emulator.advance(5 * 86_400)
    emulator.form("/v1/topups", {"amount": 2_000, "currency": "usd"})
    debit = {"amount": 700, "currency": "usd", "source": instructor}
    assert emulator.form("/v1/charges", debit).status_code == 200
    emulator.advance(5 * 86_400)
    books = balanced(emulator)
    assert books[instructor] == 7_800
    assert books["world:bank"] == -100_000_000 - 2_000
