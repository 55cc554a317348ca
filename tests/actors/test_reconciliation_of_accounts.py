"""What accounts stand for, what is proved once, and what the dashboard does behind our back."""

from datetime import timedelta
from uuid import UUID

from actors.credits import Grant
from actors.ledger import post
from actors.refunds import RefundWish
from domain.ids import BookingId, new_id
from domain.journals import Journal
from domain.reconciliation import PATIENCE, PROOF_LAG
from storage.reconciliation import Run, keep_transactions, proof
from tests.actors.books_kit import FLOAT, balances, found, line, write
from tests.actors.money_kit import Lesson, Market

HOUR = timedelta(hours=1)


async def run(market: Market) -> Run:
    return await market.money.reconciliation.run(cause="test")


async def differing(market: Market) -> dict[str, int]:
    """Return what is open after a full run, by check."""
    await run(market)
    return {check: each.difference_cents for (check, _), each in (await found(market)).items()}


async def taught(market: Market) -> Lesson:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=24)
    return lesson


async def by_hand(market: Market, path: str, **form: str) -> dict[str, str]:
    """Do what somebody does in Stripe's dashboard; its webhooks come."""
    answer = await market.http.post(path, data=form)
    assert answer.status_code == 200, answer.text
    await market.settle()
    return answer.json()


async def of_payment(market: Market, booking_id: UUID, column: str) -> str:
    """Return the id that Stripe gave a part of a payment."""
    query = "SELECT to_jsonb(p) ->> $2 FROM payments p WHERE booking_id = $1"
    return str(await market.value(query, booking_id, column))


async def test_what_instructors_are_owed_is_what_top_ups_are_open(market: Market) -> None:
    lesson = await market.lesson()
    await write(market, "top_up", line(f"PAY:{lesson.instructor.user_id}", -5), line("XLS", 5))
    assert await differing(market) == {"top_up_differs": 5}


async def test_a_top_up_that_is_open_and_not_owed_is_told(
    market: Market,
) -> None:
    lesson = await _topped_up(market)
    assert await differing(market) == {}
    async with market.db.transaction() as tx:
        await tx.execute("UPDATE payments SET top_up_id = NULL WHERE booking_id = $1", lesson.id)
    assert await differing(market) == {"top_up_differs": -1500}


async def _topped_up(market: Market) -> Lesson:
    lesson = await market.lesson()
    wish = Grant(
        user_id=lesson.student.user_id, amount_cents=3000, expires_at=None, reason="a test"
    )
    await market.money.credits.grant(
        wish, lot_id=new_id(market.clock.now()), viewer=lesson.instructor
    )
    await lesson.book()
    await lesson.after_end(hours=24)
    assert (await balances(market))["REV"] == -1500
    return lesson


async def test_what_is_withdrawn_is_what_open_disputes_hold(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book("pm_card_createDispute")
    await lesson.after_end(hours=24)
    assert await differing(market) == {}
    async with market.db.transaction() as tx:
        await tx.execute("UPDATE disputes SET status = 'won', closed_at = created_at")
    assert await differing(market) == {"dispute_differs": 10_000}
    async with market.db.transaction() as tx:
        await tx.execute("UPDATE disputes SET status = 'needs_response', closed_at = NULL")
    await write(market, "dispute_opened", line("DSP", 7), line("XLS", -7))
    assert await differing(market) == {"dispute_differs": 7}


async def test_what_is_held_of_ended_credit_is_what_lots_had_left(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=20)
    await lesson.cancel()
    assert await differing(market) == {}
    now = market.clock.now()
    async with market.db.transaction() as tx:
        await tx.execute("UPDATE credit_lots SET remaining_cents = 0, expired_at = $1", now)
    assert await differing(market) == {"expired_differs": -10_000, "credit_differs": -10_000}


async def test_credit_that_nobody_lost_is_not_held_as_ended(market: Market) -> None:
    await write(market, "credit_expired", line("CRX", -9), line("XLS", 9))
    assert await differing(market) == {"expired_differs": 9}


async def test_a_refunded_booking_keeps_its_fee_less_what_of_it_went_back(market: Market) -> None:
    lesson = await taught(market)
    wish = RefundWish(amount_cents=4000, reason="a test")
    await market.money.refunds.refund(
        lesson.id, wish, refund_id=new_id(market.clock.now()), viewer=lesson.student
    )
    await market.settle()
    assert await differing(market) == {}
    now = market.clock.now()
    revenue = Journal(
        kind="application_fee",
        dedupe_key="once more",
        booking_id=BookingId(lesson.id),
        user_ids=(),
        effective_at=now,
        source="by hand",
        lines=(line("REV", 100), line("XLS", -100)),
    )
    async with market.db.transaction() as tx:
        await post(tx, [revenue], now=now)
    assert await differing(market) == {"revenue_differs": -100}


async def test_an_hourly_run_builds_on_what_is_proved(market: Market) -> None:
    lesson = await taught(market)
    reconciliation = market.money.reconciliation
    first = await reconciliation.run_when_due()
    assert first is not None
    assert (first.cause, first.differences) == ("daily", 0)
    for _ in range(4):
        await market.travel(market.clock.now() + HOUR)
        hourly = await reconciliation.run_when_due()
        assert hourly is not None
        assert (hourly.cause, hourly.differences, hourly.unseen_checks) == ("hourly", 0, [])
    proved = await proof(market.db.reads)
    assert proved is not None
    assert proved.at == market.clock.now() - PROOF_LAG
    sums = "SELECT ledger_cents, stripe_cents FROM reconciliation_accounts WHERE account = 'SP'"
    rows = await market.db.reads.fetch(sums)
    assert tuple(rows[0]) == (FLOAT + 1180, FLOAT + 1180)

    await write(market, "charge", line(f"CLR:{lesson.id}", 11), line("XLS", -11))
    await market.travel(market.clock.now() + HOUR)
    assert await reconciliation.run_when_due() is not None
    assert {check for check, _ in await found(market)} == {"transit_open"}
    for _ in range(5):
        # long proved, and told all the same until it is mended
        await market.travel(market.clock.now() + HOUR)
        assert await reconciliation.run_when_due() is not None
        assert {check for check, _ in await found(market)} == {"transit_open"}
    await write(market, "charge", line(f"CLR:{lesson.id}", -11), line("XLS", 11))
    await market.travel(market.clock.now() + HOUR)
    last = await reconciliation.run_when_due()
    assert last is not None
    assert (last.cause, await found(market)) == ("hourly", {})


async def test_what_was_tampered_with_after_its_proof_is_found_within_a_day(
    market: Market,
) -> None:
    lesson = await taught(market)
    reconciliation = market.money.reconciliation
    await reconciliation.run_when_due()
    for _ in range(4):
        await market.travel(market.clock.now() + HOUR)
        await reconciliation.run_when_due()
    async with market.db.transaction() as tx:
        await tx.execute(
            "UPDATE bookings SET platform_fee_cents = 1501, instructor_amount_cents = 8499,"
            " destination_cents = 8499, application_fee_cents = 1501 WHERE id = $1",
            lesson.id,
        )
    await market.travel(market.clock.now() + timedelta(hours=24))
    daily = await reconciliation.run_when_due()
    assert daily is not None
    assert daily.cause == "daily"
    assert {check for check, _ in await found(market)} == {"revenue_differs"}


async def test_runs_at_once_prove_once(market: Market) -> None:
    await taught(market)
    reconciliation = market.money.reconciliation
    await reconciliation.run(cause="daily")
    await market.travel(market.clock.now() + 5 * HOUR)
    since = await proof(market.db.reads)
    assert since is not None
    for _ in range(3):
        await reconciliation.run(cause="hourly", patience=PATIENCE, since=since)
    assert await differing(market) == {}
    assert (await reconciliation.run(cause="hourly", since=since)).differences == 0


async def test_a_fee_given_back_in_the_dashboard_is_booked(market: Market) -> None:
    lesson = await taught(market)
    fee = await of_payment(market, lesson.id, "application_fee_id")
    await by_hand(market, f"/v1/application_fees/{fee}/refunds", amount="300")
    assert (await lesson.totals())["REV"] == -1200
    assert await differing(market) == {}


async def test_a_transfer_taken_back_in_the_dashboard_is_booked_and_told(market: Market) -> None:
    lesson = await taught(market)
    transfer = await of_payment(market, lesson.id, "transfer_id")
    await by_hand(market, f"/v1/transfers/{transfer}/reversals", amount="500")
    assert (await lesson.totals())["SC"] == 8000
    assert await differing(market) == {"transit_open": -500}


async def test_a_top_up_taken_back_in_the_dashboard_is_owed_again(market: Market) -> None:
    lesson = await _topped_up(market)
    top_up = await of_payment(market, lesson.id, "top_up_id")
    await by_hand(market, f"/v1/transfers/{top_up}/reversals", amount="1500")
    assert (await lesson.totals())["PAY"] == -1500
    assert await differing(market) == {"top_up_differs": 1500}


async def test_what_lost_webhooks_told_of_is_looked_for_before_anybody_is_told(
    market: Market,
) -> None:
    lesson = await taught(market)
    fee = await of_payment(market, lesson.id, "application_fee_id")
    intent = await of_payment(market, lesson.id, "payment_intent_id")
    market.receiver.is_closed = True
    refund = {"amount": "2000", "reverse_transfer": "true", "refund_application_fee": "true"}
    for path, form in (
        ("/v1/refunds", {**refund, "payment_intent": intent}),
        (f"/v1/application_fees/{fee}/refunds", {"amount": "300"}),
    ):
        assert (await market.http.post(path, data=form)).status_code == 200
    assert await differing(market) == {}
    assert (await lesson.totals())["REV"] == -900
    assert (await market.booking(lesson.id)).payment_status == "partially_refunded"


async def test_the_bill_for_an_instant_payout_is_booked_when_nobody_else_does(
    market: Market,
) -> None:
    await run(market)
    now = market.clock.now()
    async with market.db.transaction() as tx:
        await keep_transactions(
            tx,
            account="SP",
            ids=["txn_bill"],
            kinds=["stripe_fee"],
            amounts_cents=[-83],
            fees_cents=[0],
            application_fees_cents=[0],
            nets_cents=[-83],
            legs_cents=[-83],
            are_reserves=[False],
            currencies=["usd"],
            sources=[None],
            descriptions=["Instant payout fee: po_1Late"],
            instants=[now],
            now=now,
        )
    await market.money.reconciliation.run(cause="test", patience=PATIENCE)
    assert "XIP" not in await balances(market), "the payout itself may still tell of it"
    await run(market)
    assert (await balances(market))["XIP"] == 83
    assert {check for check, _ in await found(market)} == {"balance_differs"}
