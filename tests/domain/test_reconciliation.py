"""What a balance transaction means, and when a difference between two witnesses counts."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from domain.ids import least_id
from domain.journals import Journal, Line
from domain.reconciliation import (
    EVERYTHING,
    PROOF_LAG,
    AccountSum,
    BalanceSeen,
    BalanceTransaction,
    Check,
    Difference,
    Findings,
    OpenIncident,
    Since,
    bill_journal,
    ingested_journal,
    is_due,
    is_ripe,
    proof_until,
    seen_twice,
    sum_differences,
    verdict,
)

NOW = datetime(2027, 3, 10, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
INSTRUCTOR = UUID("01a1f6c0-2b40-7c3e-9d52-6f1e8a7b9c10")


def transaction(
    kind: str,
    amount_cents: int,
    *,
    account: str = "SP",
    fee_cents: int = 0,
    application_fee_cents: int = 0,
    source: str | None = "obj_1",
    description: str | None = None,
) -> BalanceTransaction:
    """Return a balance transaction."""
    return BalanceTransaction(
        id="txn_1",
        account=account,
        kind=kind,
        amount_cents=amount_cents,
        fee_cents=fee_cents,
        application_fee_cents=application_fee_cents,
        net_cents=amount_cents - fee_cents,
        currency="usd",
        source=source,
        description=description,
        created_at=NOW,
    )


def posted(of: BalanceTransaction) -> dict[str, int]:
    """Return what the ingest posts for a transaction, by account."""
    journal = ingested_journal(of, instructor_id=INSTRUCTOR)
    if journal is None:
        return {}
    assert sum(line.amount_cents for line in journal.lines) == 0
    assert journal.lines[0].balance_transaction_id == of.id
    assert journal.lines[0].account == of.account
    assert msgspec.convert(msgspec.to_builtins(journal), Journal) == journal
    assert journal.dedupe_key == f"stripe:{of.account}:{of.id}"
    assert (journal.effective_at, journal.source) == (of.created_at, of.source)
    return {line.account: line.amount_cents for line in journal.lines}


@pytest.mark.parametrize(
    ("of", "lines"),
    [
        (transaction("topup", 500), {"SP": 500, "BNK": -500}),
        (transaction("topup_reversal", -500), {"SP": -500, "BNK": 500}),
        (transaction("payout", -700), {"SP": -700, "BNK": 700}),
        (transaction("payout_failure", 700), {"SP": 700, "BNK": -700}),
        (transaction("stripe_fee", -200), {"SP": -200, "XCN": 200}),
        (transaction("stripe_fee", -83, description="Instant payout"), {"SP": -83, "XIP": 83}),
        (
            transaction("payout", -5000, fee_cents=50),
            {"SP": -5050, "BNK": 5000, "XIP": 50},
        ),
        (
            transaction("stripe_fee", -1500, description="Dispute countered fee"),
            {"SP": -1500, "XDF": 1500},
        ),
        (transaction("connect_collection_transfer", -50), {"SP": -50, "XLS": 50}),
        (
            transaction("connect_collection_transfer", 50, account="SC:acct_1"),
            {"SC:acct_1": 50, f"WAL:{INSTRUCTOR}": -50},
        ),
    ],
)
def test_what_nobody_of_us_starts_is_posted_from_stripes_books(
    of: BalanceTransaction, lines: dict[str, int]
) -> None:
    assert posted(of) == lines


@pytest.mark.parametrize("kind", ["charge", "transfer", "application_fee", "refund", "adjustment"])
def test_what_a_booking_moves_is_posted_by_the_booking(kind: str) -> None:
    assert posted(transaction(kind, 100)) == {}
    assert posted(transaction("payout", -100, account="SC:acct_1")) == {}
    bill = transaction("stripe_fee", -83, description="Instant Payouts fee for po_1")
    assert posted(bill) == {}


def test_what_is_posted_says_what_it_is_and_whose() -> None:
    account = transaction("connect_collection_transfer", 50, account="SC:acct_1", source=None)
    journal = ingested_journal(account, instructor_id=INSTRUCTOR)
    assert journal is not None
    assert (journal.kind, journal.user_ids) == ("collection", (INSTRUCTOR,))
    assert journal.source == "txn_1", "what is of nothing is known by itself"
    nobody = ingested_journal(transaction("topup", 500), instructor_id=None)
    assert nobody is not None
    assert (nobody.kind, nobody.user_ids) == ("platform_topup", ())
    assert posted(transaction("topup", 1)) == {"SP": 1, "BNK": -1}
    assert posted(transaction("topup", 0)) == {}


def test_only_a_payout_of_our_own_has_a_price() -> None:
    assert posted(transaction("topup", 500, fee_cents=20)) == {"SP": 480, "BNK": -480}


def test_a_reserve_stays_within_the_balance_and_carries_its_id() -> None:
    journal = ingested_journal(transaction("reserve_transaction", -90), instructor_id=None)
    assert journal is not None
    assert journal.kind == "reserve"
    assert [line.account for line in journal.lines] == ["SP", "SP"]
    assert sum(line.amount_cents for line in journal.lines) == 0
    assert journal.lines[0].balance_transaction_id == "txn_1"


def test_the_leg_of_a_charge_is_its_net_and_that_of_a_payment_is_gross() -> None:
    assert transaction("charge", 10_000, fee_cents=320).leg_cents == 9680
    payment = transaction(
        "payment", 10_000, account="SC:acct_1", fee_cents=1500, application_fee_cents=1500
    )
    assert (payment.net_cents, payment.leg_cents) == (8500, 10_000)


def test_a_balance_is_all_its_parts() -> None:
    assert BalanceSeen(available_cents=1, pending_cents=20, reserved_cents=300).total_cents == 321


def account(name: str, ledger: int, stripe: int, **young: int) -> AccountSum:
    """Return the sums of an account; `young` names what is on its way."""
    return AccountSum(
        account=name,
        ledger_cents=ledger,
        stripe_cents=stripe,
        young_ledger_cents=young.get("ours", 0),
        young_stripe_cents=young.get("theirs", 0),
        young=young.get("count", 0),
    )


@pytest.mark.parametrize(
    ("sums", "off"),
    [
        (account("SP", 1180, 1180), None),
        (account("SP", 1181, 1180), 1),
        (account("SP", 1180, 10_860, theirs=9680, count=1), None),
        (account("SP", 10_860, 1180, ours=9680, count=1), None),
        (account("SP", 1185, 10_860, theirs=9680, count=1), 5),
        (account("SC:acct_1", 8500, 8500), None),
        (account("SC:acct_1", 8500, 8400), 100),
        (account("SC:acct_1", 8500, 0, ours=10_000, count=1), None),
    ],
)
def test_sums_agree_but_for_what_is_on_its_way(sums: AccountSum, off: int | None) -> None:
    found = sum_differences([sums])
    name = sums.account
    assert found == (
        []
        if off is None
        else [Difference(check="sum_differs", subject=name, account=name, difference_cents=off)]
    )


def difference(subject: str = "txn_1", *, at: datetime | None = None, cents: int = 5) -> Difference:
    """Return a leg that is missing."""
    return Difference(
        check="leg_missing", subject=subject, account="SP", difference_cents=cents, at=at
    )


def test_what_is_young_may_lack_its_other_half() -> None:
    assert not is_ripe(difference(at=NOW), now=NOW, patience=HOUR)
    assert is_ripe(difference(at=NOW), now=NOW, patience=timedelta(0))
    assert is_ripe(difference(at=NOW - HOUR), now=NOW, patience=HOUR)
    assert is_ripe(difference(), now=NOW, patience=HOUR)


def known(subject: str = "txn_1", account: str = "SP") -> OpenIncident:
    """Return an incident that is open."""
    return OpenIncident(id=uuid4(), check="leg_missing", subject=subject, account=account)


def test_a_difference_opens_goes_on_and_closes_itself() -> None:
    there, gone = known("txn_1"), known("txn_2")
    found = Findings(differences=(difference("txn_1", cents=7), difference("txn_3")))
    decided = verdict(found, [there, gone])
    assert [each.subject for each in decided.opens] == ["txn_3"]
    assert [(each, d.difference_cents) for each, d in decided.goes_on] == [(there.id, 7)]
    assert decided.closes == (gone.id,)


@pytest.mark.parametrize(
    "found",
    [
        Findings(differences=(), unseen_checks=frozenset({"leg_missing"})),
        Findings(differences=(), unseen_accounts=frozenset({"SP"})),
        Findings(differences=(), waiting=frozenset({("leg_missing", "txn_1")})),
    ],
)
def test_what_could_not_be_looked_at_stays_open(found: Findings) -> None:
    assert verdict(found, [known()]).closes == ()


def test_only_what_two_looks_agree_on_counts() -> None:
    waiting = frozenset[tuple[Check, str]]({("leg_missing", "d")})
    first = Findings(
        differences=(difference("a"), difference("b")),
        unseen_checks=frozenset({"top_up_differs"}),
        waiting=frozenset({("leg_missing", "e")}),
    )
    second = Findings(
        differences=(difference("b"), difference("c")),
        unseen_checks=frozenset({"credit_differs"}),
        unseen_accounts=frozenset({"SC:x"}),
        waiting=waiting,
    )
    assert seen_twice(first, second) == Findings(
        differences=(difference("b"),),
        unseen_checks=frozenset({"top_up_differs", "credit_differs"}),
        unseen_accounts=frozenset({"SC:x"}),
        waiting=waiting,
    )


@pytest.mark.parametrize(
    ("market", "wall", "due"),
    [
        (timedelta(0), timedelta(0), False),
        (HOUR, timedelta(0), True),
        (timedelta(0), HOUR, True),
        (HOUR - timedelta(seconds=1), timedelta(minutes=59), False),
    ],
)
def test_a_run_is_due_an_hour_after_the_last_in_either_time(
    market: timedelta, wall: timedelta, due: bool
) -> None:
    assert is_due(last_at=NOW - market, last_wall_at=NOW - wall, now=NOW, wall_now=NOW) is due
    assert is_due(last_at=None, last_wall_at=None, now=NOW, wall_now=NOW)
    assert is_due(last_at=None, last_wall_at=NOW, now=NOW, wall_now=NOW)
    assert is_due(last_at=NOW, last_wall_at=None, now=NOW, wall_now=NOW)


def test_a_proof_ends_before_what_may_still_be_on_its_way() -> None:
    assert proof_until(EVERYTHING, now=NOW, unasked=()) == Since(
        id=least_id(NOW - PROOF_LAG), at=NOW - PROOF_LAG
    )


def test_a_proof_waits_for_accounts_that_were_not_asked() -> None:
    asked_at = NOW - timedelta(hours=5)
    until = proof_until(EVERYTHING, now=NOW, unasked=(NOW, asked_at))
    assert until is not None
    assert until.at == asked_at - PROOF_LAG
    assert proof_until(EVERYTHING, now=NOW, unasked=(NOW, None)) is None


def test_a_proof_never_goes_back() -> None:
    since = Since(id=least_id(NOW), at=NOW)
    assert proof_until(since, now=NOW, unasked=()) is None
    assert proof_until(since, now=NOW + PROOF_LAG, unasked=()) is None, "it is no step further"
    assert not since.is_full


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"description": "Instant payout fee: po_1abc"}, "payout_cost:po_1abc"),
        ({"source": "po_2"}, "payout_cost:po_2"),
        ({"description": "Connect account"}, None),
        ({"source": "po_2", "kind": "payout"}, None),
        ({"source": "po_2", "account": "SC:acct_1"}, None),
        ({"source": "po_2", "net_cents": 0}, None),
    ],
)
def test_a_bill_for_a_payout_is_posted_as_the_payout_would(
    changes: dict[str, object], key: str | None
) -> None:
    bill = BalanceTransaction(
        id="txn_1",
        account="SP",
        kind="stripe_fee",
        amount_cents=-83,
        fee_cents=0,
        application_fee_cents=0,
        net_cents=-83,
        currency="usd",
        source=None,
        description=None,
        created_at=NOW,
    )
    journal = bill_journal(msgspec.structs.replace(bill, **changes))
    assert (journal and journal.dedupe_key) == key
    if key is not None:
        assert journal == Journal(
            kind="payout_cost",
            dedupe_key=key,
            booking_id=None,
            user_ids=(),
            effective_at=NOW,
            source=key.removeprefix("payout_cost:"),
            lines=(
                Line(account="SP", amount_cents=-83, balance_transaction_id="txn_1"),
                Line(account="XIP", amount_cents=83),
            ),
        )
