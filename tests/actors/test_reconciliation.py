"""Our books against Stripe's, on real Postgres, NATS and an emulator of this module's own."""

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from actors.ledger import post
from domain.ids import BookingId, new_id
from domain.journals import Journal
from domain.reconciliation import PATIENCE
from storage.reconciliation import payouts_are_stopped
from tests.actors.books_kit import (
    FLOAT,
    account_of,
    balances,
    found,
    line,
    transfer_by_hand,
    write,
)
from tests.actors.money_kit import Market

HOUR = timedelta(hours=1)


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
    assert first.cause == "daily"
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
