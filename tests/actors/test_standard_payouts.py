"""Standard payouts: what is available and not questioned, at its time, and never twice."""

import asyncio
from datetime import timedelta

import pytest

from storage.timings import claim_due_timings
from tests.actors.books_kit import (
    account_of,
    balances,
    line,
    transfer_by_hand,
    write,
)
from tests.actors.money_kit import Market
from tests.actors.payouts_kit import (
    FAILING_BANK,
    PAID,
    PAID_OUT,
    SOON,
    agree,
    dispute,
    due,
    later,
    payouts_at_stripe,
    states,
    taught,
    told,
    use_bank,
)

EFFECTS_MAX = 40


@pytest.fixture
def payout_rhythm() -> str:
    """A marketplace that pays out every week."""
    return "weekly"


async def test_a_weeks_payout_is_what_is_available_and_what_is_pending_waits_a_week(
    market: Market,
) -> None:
    first = await taught(market)
    who = first.instructor
    monday = await due(market, who)
    assert monday.weekday() == 0
    await taught(market, after=first, lead=SOON)
    await market.travel(monday - timedelta(seconds=1))
    assert await payouts_at_stripe(market, who) == []
    assert await balances(market) == {name: 2 * cents for name, cents in PAID.items()}
    await market.travel(monday)
    assert [cents for cents, _ in await payouts_at_stripe(market, who)] == [8500]
    assert await due(market, who) == monday + timedelta(days=7)
    await market.travel(monday + timedelta(days=11))
    assert await payouts_at_stripe(market, who) == [(8500, "paid"), (8500, "paid")]
    assert await told(market, "payout.paid") == 2
    assert await balances(market) == {name: 2 * cents for name, cents in PAID_OUT.items()}
    await agree(market)


@pytest.mark.parametrize("payout_rhythm", ["daily"])
async def test_every_day_but_when_banks_rest_and_nothing_for_less_than_a_dollar(
    market: Market,
) -> None:
    lesson = await taught(market)
    account = await account_of(market, lesson.instructor.user_id)
    await later(market, days=6)
    assert await payouts_at_stripe(market, lesson.instructor) == [(8500, "paid")]
    await transfer_by_hand(market, account, 99)
    await later(market, days=6)
    assert await payouts_at_stripe(market, lesson.instructor) == [(8500, "paid")]
    await transfer_by_hand(market, account, 1)
    await later(market, days=6)
    assert await payouts_at_stripe(market, lesson.instructor) == [(8500, "paid"), (100, "paid")]


async def test_what_a_bank_questions_stays_until_it_has_decided(market: Market) -> None:
    first = await taught(market, lead=SOON)
    second = await taught(market, after=first, lead=SOON)
    questioned = await dispute(market, second)
    await later(market, days=7)
    (paid,) = await payouts_at_stripe(market, first.instructor)
    assert paid[0] == 17_000 - 10_000
    await market.control(f"/_emulator/disputes/{questioned}/win", {})
    await later(market, days=8)
    cents = [cents for cents, _ in await payouts_at_stripe(market, first.instructor)]
    assert cents == [7000, 10_000]


async def test_nothing_is_paid_while_the_books_differ_and_at_once_when_they_agree(
    market: Market,
) -> None:
    lesson = await taught(market)
    who = lesson.instructor
    account = await account_of(market, who.user_id)
    transfer = await transfer_by_hand(market, account)
    monday = await due(market, lesson.instructor)
    await market.money.reconciliation.run(cause="test")
    await market.travel(monday + timedelta(days=2, minutes=10))
    assert await payouts_at_stripe(market, who) == []
    assert await states(market) == []
    query = "SELECT id FROM balance_transactions WHERE account = $1 AND leg_cents = 700"
    received = await market.value(query, f"SC:{account}")
    await write(
        market,
        "transfer",
        line("SP", -700, transfer["balance_transaction"]),
        line(f"SC:{account}", 700, str(received)),
        line("XLS", 700),
        line(f"WAL:{who.user_id}", -700),
    )
    await market.money.reconciliation.run(cause="test")
    await later(market, minutes=1)
    assert [cents for cents, _ in await payouts_at_stripe(market, who)] == [9200]
    assert await due(market, who) == monday + timedelta(days=7)


async def test_what_the_bank_returns_is_theirs_again_told_once_and_paid_a_week_later(
    market: Market,
) -> None:
    lesson = await taught(market)
    who = lesson.instructor
    await use_bank(market, who, FAILING_BANK)
    monday = await due(market, lesson.instructor)
    await market.travel(monday)
    assert await states(market) == ["in_transit"]
    assert await balances(market) == PAID_OUT
    await market.travel(monday + timedelta(days=6))
    assert await states(market) == ["failed"]
    assert await balances(market) == PAID
    assert (await told(market, "payout.failed"), await told(market, "payout.paid")) == (1, 0)
    await use_bank(market, who)
    await later(market, days=8)
    assert await states(market) == ["failed", "paid"]
    assert await balances(market) == PAID_OUT
    assert await told(market, "payout.failed") == 1
    await agree(market)


async def test_a_bank_that_is_not_mended_costs_a_try_a_week(market: Market) -> None:
    lesson = await taught(market)
    await use_bank(market, lesson.instructor, FAILING_BANK)
    monday = await due(market, lesson.instructor)
    await market.travel(monday + timedelta(days=15))
    assert await states(market) == ["failed", "refused", "refused"]
    assert await balances(market) == PAID
    assert await told(market, "payout.failed") == 1


async def test_a_worker_that_dies_anywhere_leaves_one_payout(market: Market) -> None:
    lesson = await taught(market)
    account = await account_of(market, lesson.instructor.user_id)
    await later(market, days=7)
    paid = 1
    for effects in range(EFFECTS_MAX):
        await transfer_by_hand(market, account)
        market.writer.freeze(await due(market, lesson.instructor))
        market.fuse.left = effects
        has_lived = await market.survive(market.settle)
        market.fuse.left = None
        await market.settle()
        await later(market, minutes=6)
        paid += 1
        assert len(await payouts_at_stripe(market, lesson.instructor)) == paid, effects
        assert (await states(market))[-1] == "in_transit"
        await later(market, days=4)
        if has_lived:
            break
    assert has_lived
    assert paid > 6
    assert await states(market) == ["paid"] * paid


async def test_an_answer_that_is_lost_makes_no_second_payout(market: Market) -> None:
    lesson = await taught(market)
    monday = await due(market, lesson.instructor)
    match = {"method": "POST", "path": "/v1/payouts$"}
    for action in ("500_after_commit", "drop_after_commit"):
        await market.control("/_emulator/faults", {"action": action, "match": match, "times": 3})
    market.writer.freeze(monday)
    await market._fire()
    await market.http.delete("/_emulator/faults")
    await market.money.payments.rescue(is_boot=True)
    await later(market, days=5)
    assert await payouts_at_stripe(market, lesson.instructor) == [(8500, "paid")]
    assert await balances(market) == PAID_OUT


async def test_two_workers_at_one_promise_make_one_payout(market: Market) -> None:
    lesson = await taught(market)
    market.writer.freeze(await due(market, lesson.instructor))
    async with market.db.transaction() as tx:
        now = market.clock.now()
        claimed = await claim_due_timings(tx, now=now, wall_now=now, limit=9)
    await asyncio.gather(*(market.money.timings.fire(claimed[0].id) for _ in range(4)))
    await market.settle()
    await later(market, minutes=10)
    assert len(await payouts_at_stripe(market, lesson.instructor)) == 1
    assert await balances(market) == PAID_OUT


async def test_accounts_made_on_stripes_own_schedule_leave_it(market: Market) -> None:
    lesson = await taught(market)
    account = await account_of(market, lesson.instructor.user_id)
    monday = await due(market, lesson.instructor)
    path, interval = f"/v1/accounts/{account}", "settings[payouts][schedule][interval]"
    made = (await market.http.get(path)).json()
    assert made["settings"]["payouts"]["schedule"]["interval"] == "manual"
    assert (await market.http.post(path, data={interval: "daily"})).status_code == 200
    async with market.db.transaction() as tx:
        await tx.execute("DELETE FROM timings WHERE kind = 'pay_out'")
    await market.money.timings.sweep("begin_payouts")
    now = (await market.http.get(path)).json()
    assert now["settings"]["payouts"]["schedule"]["interval"] == "manual"
    assert await due(market, lesson.instructor) == monday
