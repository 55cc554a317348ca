"""Our books against Stripe's, on real Postgres, NATS and an emulator of this module's own."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio

from actors.credits import Grant
from actors.ledger import post
from actors.refunds import RefundWish
from domain.ids import BookingId, new_id
from domain.journals import Journal, JournalKind, Line
from domain.reconciliation import PATIENCE, Check
from sandbox.clock import ClockWriter
from sandbox.emulator import Emulator
from sandbox.ports import free_port
from storage.ledger import ledger_totals
from storage.reconciliation import Incident, incidents, payouts_are_stopped
from tests.actors.money_kit import Market, open_market

HOUR = timedelta(hours=1)
FLOAT = 100_000_000


@pytest_asyncio.fixture(scope="module")
async def own_emulator(worker_directory: Path, clock_file: Path) -> AsyncIterator[Emulator]:
    """An emulator whose books hold nothing but what these tests move."""
    emulator = Emulator(worker_directory / "reconciliation", free_port(), clock_file)
    await emulator.start()
    yield emulator
    await emulator.stop()


@pytest_asyncio.fixture
async def market(
    fresh_database_url: str, nats_url: str, own_emulator: Emulator, clock_writer: ClockWriter
) -> AsyncIterator[Market]:
    """A marketplace and a Stripe that both begin empty."""
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(f"{own_emulator.url}/_emulator/reset", json={})).status_code == 200
    async with open_market(fresh_database_url, nats_url, own_emulator, clock_writer) as opened:
        yield opened


async def found(market: Market, state: str = "open") -> dict[tuple[Check, str], Incident]:
    """Return the incidents by what they are of."""
    listed = await incidents(market.db.reads, state=state, most=100)
    return {(each.check, each.account.split(":")[0]): each for each in listed}


async def balances(market: Market) -> dict[str, int]:
    """Return the whole ledger by account class."""
    sums: dict[str, int] = {}
    for each in await ledger_totals(market.db.reads):
        name = each.account.split(":")[0]
        sums[name] = sums.get(name, 0) + each.balance_cents
    return {name: cents for name, cents in sums.items() if cents}


async def transfer_by_hand(market: Market, account: str, amount_cents: int = 700) -> dict[str, str]:
    """Move money at Stripe without telling the marketplace."""
    form = {"amount": str(amount_cents), "currency": "usd", "destination": account}
    answer = await market.http.post("/v1/transfers", data=form)
    assert answer.status_code == 200, answer.text
    await market.settle()
    return answer.json()


async def account_of(market: Market, instructor_id: UUID) -> str:
    """Return an instructor's account at Stripe."""
    query = "SELECT stripe_account_id FROM instructors WHERE id = $1"
    return str(await market.value(query, instructor_id))


async def write(market: Market, kind: JournalKind, *lines: Line) -> None:
    """Post a journal that nothing at Stripe stands behind."""
    now = market.clock.now()
    journal = Journal(
        kind=kind,
        dedupe_key=str(new_id(now)),
        booking_id=None,
        user_ids=(),
        effective_at=now,
        source="by hand",
        lines=lines,
    )
    async with market.db.transaction() as tx:
        await post(tx, [journal], now=now)


def line(account: str, cents: int, transaction: str | None = None) -> Line:
    """Return one posting."""
    return Line(account=account, amount_cents=cents, balance_transaction_id=transaction)


async def test_a_lesson_reconciles_to_the_cent(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=24)
    run = await market.money.reconciliation.run(cause="test")
    assert (run.differences, run.unseen_accounts, run.unseen_checks) == (0, [], [])
    assert (run.ingested, run.posted, run.accounts) == (5, 1, 2)
    expected = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
    assert await balances(market) == {**expected, "SP": FLOAT + 1180, "BNK": -FLOAT}
    assert run.available_cents == FLOAT
    assert not await payouts_are_stopped(market.db.reads)


async def test_credit_and_its_end_reconcile_too(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=20)
    await lesson.cancel()
    run = await market.money.reconciliation.run(cause="test")
    assert (run.differences, (await balances(market))["CRA"]) == (0, -10_000)
    await market.travel(market.clock.now() + timedelta(days=366))
    again = await market.money.reconciliation.run(cause="test")
    assert (again.differences, (await balances(market))["CRX"]) == (0, -10_000)


@pytest.mark.parametrize("amount_cents", [10_000, 4000])
async def test_refunds_reconcile_on_both_sides(market: Market, amount_cents: int) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=30)
    wish = RefundWish(amount_cents=amount_cents, reason="a test")
    await market.money.refunds.refund(
        lesson.id, wish, refund_id=new_id(market.clock.now()), viewer=lesson.student
    )
    await market.settle()
    run = await market.money.reconciliation.run(cause="test")
    assert (run.differences, await found(market)) == (0, {})
    share = {10_000: {"SP": -320}, 4000: {"SP": 580, "SC": 5100, "WAL": -5100, "REV": -900}}
    expected = {"XPR": 320, **share[amount_cents]}
    assert await balances(market) == {**expected, "SP": FLOAT + expected["SP"], "BNK": -FLOAT}


async def test_credit_reconciles_reserved_used_and_owed(market: Market) -> None:
    reconciliation = market.money.reconciliation
    lesson = await market.lesson()
    wish = Grant(
        user_id=lesson.student.user_id, amount_cents=3000, expires_at=None, reason="a test"
    )
    await market.money.credits.grant(
        wish, lot_id=new_id(market.clock.now()), viewer=lesson.instructor
    )
    await lesson.book()
    assert (await reconciliation.run(cause="test")).differences == 0
    assert (await balances(market))["CRR"] == -3000
    async with market.db.transaction() as tx:
        await tx.execute("UPDATE credit_reservations SET amount_cents = 2990")
    assert (await reconciliation.run(cause="test")).differences == 1
    assert (await found(market))["credit_differs", "CRR"].difference_cents == -10
    async with market.db.transaction() as tx:
        await tx.execute("UPDATE credit_reservations SET amount_cents = 3000")
    await market.control("/_emulator/config", {"platform_available_cents": 0})
    await lesson.after_end(hours=24)
    run = await reconciliation.run(cause="test")
    assert (run.differences, await found(market)) == (0, {})
    owing = await balances(market)
    assert (owing["PAY"], owing["SC"]) == (-1500, 7000)
    await market.control("/_emulator/config", {"platform_available_cents": FLOAT})
    await lesson.after_end(hours=30)
    run = await reconciliation.run(cause="test")
    assert (run.differences, await found(market)) == (0, {})
    paid = await balances(market)
    assert ("PAY" in paid, paid["SC"], paid["REV"]) == (False, 8500, -1500)


async def test_a_dispute_reconciles_while_it_is_open(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book("pm_card_createDispute")
    await lesson.after_end(hours=24)
    run = await market.money.reconciliation.run(cause="test")
    assert (run.differences, await found(market)) == (0, {})
    open_one = await balances(market)
    assert (open_one["DSP"], open_one["XDF"]) == (10_000, 1500)


async def test_an_instant_payout_reconciles_whoever_looks_first(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=25)
    payouts, reconciliation = market.money.payouts, market.money.reconciliation
    _, run = await asyncio.gather(
        payouts.pay_out(None, payout_id=new_id(market.clock.now()), viewer=lesson.instructor),
        reconciliation.run(cause="test", patience=PATIENCE),
    )
    await market.settle()
    run = await reconciliation.run(cause="test")
    assert (run.differences, await found(market)) == (0, {})
    expected = {"SP": FLOAT + 1267, "REV": -1500, "XPR": 320, "IPF": -170, "XIP": 83, "BNK": -FLOAT}
    assert await balances(market) == expected
    await market.travel(market.clock.now() + timedelta(days=5))
    assert (await reconciliation.run(cause="test")).differences == 0


async def test_what_stripe_alone_starts_is_posted_once_with_its_transaction(market: Market) -> None:
    reconciliation = market.money.reconciliation
    await asyncio.gather(*(reconciliation.run(cause="test") for _ in range(4)))
    await market.control("/_emulator/config", {"platform_available_cents": FLOAT + 5000})
    await market.control("/_emulator/config", {"platform_available_cents": FLOAT - 2000})
    runs = await asyncio.gather(*(reconciliation.run(cause="test") for _ in range(4)))
    assert [run.differences for run in runs] == [0] * 4
    assert await balances(market) == {"SP": FLOAT - 2000, "BNK": 2000 - FLOAT}
    kinds = await market.db.reads.fetch(
        "SELECT e.kind, l.amount_cents FROM ledger_entries e JOIN ledger_lines l ON l.entry_id ="
        " e.id WHERE l.account = 'SP' AND l.balance_transaction_id IS NOT NULL ORDER BY e.id"
    )
    assert sorted(tuple(row) for row in kinds) == [
        ("platform_payout", -7000),
        ("platform_topup", 5000),
        ("platform_topup", FLOAT),
    ]


async def test_money_that_moved_behind_our_back_opens_incidents_and_stops_payouts(
    market: Market,
) -> None:
    lesson = await market.lesson()
    account = await account_of(market, lesson.instructor.user_id)
    transfer = await transfer_by_hand(market, account)
    run = await market.money.reconciliation.run(cause="test")
    opened = await found(market)
    assert set(opened) == {
        ("leg_missing", "SP"),
        ("leg_missing", "SC"),
        ("sum_differs", "SP"),
        ("sum_differs", "SC"),
    }
    assert run.differences == 4
    missing = opened["leg_missing", "SP"]
    assert (missing.subject, missing.difference_cents) == (transfer["balance_transaction"], 700)
    assert opened["sum_differs", "SC"].difference_cents == -700
    assert await payouts_are_stopped(market.db.reads)

    await market.travel(market.clock.now() + timedelta(hours=3))
    await market.money.reconciliation.run(cause="test")
    still = await found(market)
    assert {each.id for each in still.values()} == {each.id for each in opened.values()}
    assert still["leg_missing", "SP"].opened_at == missing.opened_at
    assert still["leg_missing", "SP"].seen_at > missing.seen_at

    received = opened["leg_missing", "SC"].subject
    await write(
        market,
        "transfer",
        line("SP", -700, transfer["balance_transaction"]),
        line(f"SC:{account}", 700, received),
        line("XLS", 700),
        line(f"WAL:{lesson.instructor.user_id}", -700),
    )
    assert (await market.money.reconciliation.run(cause="test")).differences == 0
    assert await found(market) == {}
    history = await found(market, "closed")
    assert {each.id for each in history.values()} == {each.id for each in opened.values()}
    assert all(each.closed_at for each in history.values())
    assert not await payouts_are_stopped(market.db.reads)


async def test_an_hourly_run_is_patient_with_what_is_on_its_way(market: Market) -> None:
    lesson = await market.lesson()
    await transfer_by_hand(market, await account_of(market, lesson.instructor.user_id))
    reconciliation = market.money.reconciliation
    assert (await reconciliation.run(cause="test", patience=PATIENCE)).differences == 0
    await reconciliation.run(cause="test")
    impatient = await found(market)
    assert impatient
    await reconciliation.run(cause="test", patience=PATIENCE)
    assert await found(market) == impatient, "what is too young to tell closes nothing"
    await market.travel(market.clock.now() + HOUR)
    assert (await reconciliation.run(cause="test", patience=PATIENCE)).differences == 4


async def test_even_an_admin_is_patient_while_money_is_under_way(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=24)
    booking = await lesson.read()
    async with market.db.transaction() as tx:
        await tx.execute(
            "UPDATE stripe_operations SET state = 'unknown', finished_at = NULL"
            " WHERE booking_id = $1 AND kind = 'confirm_intent'",
            booking.id,
        )
    await transfer_by_hand(market, await account_of(market, lesson.instructor.user_id))
    assert (await market.money.reconciliation.run(cause="test")).differences == 0


async def test_lines_without_a_transaction_and_of_another_amount_are_told(market: Market) -> None:
    lesson = await market.lesson()
    account = await account_of(market, lesson.instructor.user_id)
    transfer = await transfer_by_hand(market, account)
    await write(
        market, "transfer", line("SP", -650, transfer["balance_transaction"]), line("XLS", 650)
    )
    await write(market, "transfer", line("SP", 40, "txn_nobody_knows"), line("XLS", -40))
    await market.money.reconciliation.run(cause="test")
    opened = await found(market)
    assert opened["leg_differs", "SP"].difference_cents == 50
    assert opened["leg_unknown", "SP"].difference_cents == 40
    assert opened["sum_differs", "SP"].difference_cents == 90


async def test_every_account_is_held_to_what_it_stands_for(
    market: Market, fresh_database_url: str
) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=20)
    await lesson.cancel()
    other = await market.lesson()
    await other.book()
    await other.after_end(hours=24)
    assert (await market.money.reconciliation.run(cause="test")).differences == 0
    await write(market, "transfer", line(f"WAL:{other.instructor.user_id}", 30), line("XLS", -30))
    await write(market, "charge", line(f"CLR:{other.id}", 11), line("XLS", -11))
    now = market.clock.now()
    revenue = Journal(
        kind="application_fee",
        dedupe_key="twice",
        booking_id=BookingId(other.id),
        user_ids=(),
        effective_at=now,
        source="by hand",
        lines=(line("REV", -1500), line("XLS", 1500)),
    )
    async with market.db.transaction() as tx:
        await post(tx, [revenue], now=now)
        await tx.execute("UPDATE credit_lots SET remaining_cents = remaining_cents - 1")
    owner = await asyncpg.connect(fresh_database_url)
    await owner.execute(
        "UPDATE ledger_balances SET balance_cents = balance_cents - 2 WHERE account LIKE 'CRA:%'"
    )
    await owner.close()
    await market.money.reconciliation.run(cause="test")
    opened = await found(market)
    assert {check: each.difference_cents for (check, _), each in opened.items()} == {
        "own_money_differs": 30,
        "transit_open": 11,
        "revenue_differs": 1500,
        "credit_differs": -3,
        "ledger_unbalanced": -2,
    }
    assert opened["revenue_differs", "REV"].subject == str(other.id)
    assert opened["transit_open", "CLR"].subject == str(other.id)


async def test_a_transit_may_be_open_for_an_hour(market: Market) -> None:
    await write(market, "charge", line(f"CLR:{new_id(market.clock.now())}", 11), line("XLS", -11))
    reconciliation = market.money.reconciliation
    assert (await reconciliation.run(cause="test", patience=PATIENCE)).differences == 0
    await market.travel(market.clock.now() + HOUR)
    assert (await reconciliation.run(cause="test", patience=PATIENCE)).differences == 1


@pytest.mark.parametrize(
    ("status", "checks"), [(403, {"books_unreadable"}), (500, set[str]())], ids=["refused", "down"]
)
async def test_what_stripe_does_not_show_changes_nothing(
    market: Market, status: int, checks: set[str]
) -> None:
    lesson = await market.lesson()
    account = await account_of(market, lesson.instructor.user_id)
    await transfer_by_hand(market, account)
    await market.money.reconciliation.run(cause="test")
    before = await found(market)
    if status == 403:
        await _become(market, lesson.instructor.user_id, "acct_nobody")
    else:
        match = {"path": "/v1/balance_transactions"}
        rule = {"action": "500_before", "match": match, "times": 0}
        await market.control("/_emulator/faults", rule)
    run = await market.money.reconciliation.run(cause="test")
    after = await found(market)
    assert run.unseen_accounts
    assert {check for check, _ in after} - {check for check, _ in before} == checks
    assert {key: each.id for key, each in after.items() if key in before} == {
        key: each.id for key, each in before.items()
    }


async def _become(market: Market, instructor_id: UUID, account: str) -> None:
    async with market.db.transaction() as tx:
        await tx.execute(
            "UPDATE instructors SET stripe_account_id = $2 WHERE id = $1", instructor_id, account
        )


async def test_a_run_is_due_every_hour_and_after_a_travel(market: Market) -> None:
    reconciliation = market.money.reconciliation
    first = await reconciliation.run_when_due()
    assert first is not None
    assert first.cause == "hourly"
    assert await reconciliation.run_when_due() is None
    await market.travel(market.clock.now() + timedelta(minutes=59))
    assert await reconciliation.run_when_due() is None
    await market.travel(market.clock.now() + timedelta(minutes=1))
    assert await reconciliation.run_when_due() is not None


async def test_a_thousand_transactions_come_in_by_pages_once(market: Market) -> None:
    lesson = await market.lesson()
    account = await account_of(market, lesson.instructor.user_id)
    form = {"amount": "1", "currency": "usd", "destination": account}
    for _ in range(5):
        sent = (market.http.post("/v1/transfers", data=form) for _ in range(50))
        assert {answer.status_code for answer in await asyncio.gather(*sent)} == {200}
    await market.settle()
    run = await market.money.reconciliation.run(cause="test")
    assert run.ingested == 501
    assert (await market.money.reconciliation.run(cause="test")).ingested == 0
    assert await market.value("SELECT count(*) FROM balance_transactions") == 501
    assert "leg_missing" in run.unseen_checks, "more than can be told apart"
