"""What becomes of payouts, of who owes after one, and of the float: whole ledgers, to the cent."""

from datetime import timedelta
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from domain.errors import PaymentUnavailable, PayoutUnavailable
from storage.debts import oldest_debt_at
from tests.actors.books_kit import account_of, balances
from tests.actors.money_kit import Lesson, Market
from tests.actors.payouts_kit import (
    PAID,
    PAID_OUT,
    agree,
    dispute,
    due,
    instant,
    later,
    listed_at_stripe,
    payouts_at_stripe,
    states,
    taught,
    told,
    use_bank,
)

AT_ONCE = {"SP": 1267, "REV": -1500, "XPR": 320, "IPF": -170, "XIP": 83}
"""Paid out at once: $83.30 at the bank, $1.70 for us, $0.83 for Stripe."""
FEE_KEPT = {**AT_ONCE, "SC": 8330, "WAL": -8330}
FEE_BACK = {"SP": 1097, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320, "XIP": 83}
M36_OPEN = {
    "SP": -10_233, "DSP": 10_000, "XDF": 1500, "REV": -1500, "XPR": 320, "IPF": -170, "XIP": 83,
}  # fmt: skip
M36_LOST = {
    "SP": -1733, "SC": -8500, "WAL": 8500, "XDF": 1500, "XPR": 320, "IPF": -170, "XIP": 83,
}  # fmt: skip
M36_COLLECTED = {
    "SP": -10_233, "XLS": 8500, "XDF": 1500, "XPR": 320, "IPF": -170, "XIP": 83,
}  # fmt: skip
REFUNDED = {"SP": -233, "SC": -8500, "WAL": 8500, "XPR": 320, "IPF": -170, "XIP": 83}
REFUNDED_COLLECTED = {"SP": -8733, "XLS": 8500, "XPR": 320, "IPF": -170, "XIP": 83}
MINIMUM = "minimum_balance_by_currency"


async def ledger(market: Market) -> dict[str, int]:
    """The whole ledger by account class, less what the platform had at Stripe to begin with."""
    found = await balances(market)
    if "BNK" in found:
        found["SP"] += found.pop("BNK")
    return found


async def at_once(market: Market) -> Lesson:
    """Teach a lesson and pay it out at once."""
    lesson = await taught(market)
    await instant(market, lesson.instructor)
    assert await ledger(market) == AT_ONCE
    return lesson


async def fail_the_only_payout(market: Market, lesson: Lesson) -> str:
    """Let the bank send it back."""
    (payout,) = await listed_at_stripe(market, lesson.instructor)
    await market.control(f"/_emulator/payouts/{payout['id']}/fail", {})
    await market.settle()
    return str(payout["id"])


def fees_kept() -> float:
    return REGISTRY.get_sample_value("payout_fees_kept_total") or 0.0


async def test_x5_the_fee_of_an_instant_payout_that_failed_stays_and_is_flagged(
    market: Market,
) -> None:
    before = fees_kept()
    lesson = await at_once(market)
    payout_id = await fail_the_only_payout(market, lesson)
    assert await ledger(market) == FEE_KEPT
    assert fees_kept() == before + 1
    account = await account_of(market, lesson.instructor.user_id)
    for _ in range(3):
        await market.money.payouts.observe(payout_id, account)
    assert (fees_kept(), await told(market, "payout.failed")) == (before + 1, 1)
    await agree(market)
    await use_bank(market, lesson.instructor)
    await instant(market, lesson.instructor)
    await agree(market)
    assert "WAL" not in await ledger(market)


async def test_x5_a_fee_that_is_given_back_is_the_instructors_again(market: Market) -> None:
    await market.control("/_emulator/config", {"is_instant_fee_returned": True})
    before = fees_kept()
    lesson = await at_once(market)
    await fail_the_only_payout(market, lesson)
    assert await ledger(market) == FEE_BACK
    assert fees_kept() == before
    await agree(market)


async def test_a_fee_given_back_later_is_seen_although_no_event_tells_of_it(
    market: Market,
) -> None:
    lesson = await at_once(market)
    await fail_the_only_payout(market, lesson)
    assert await ledger(market) == FEE_KEPT
    (payout,) = await listed_at_stripe(market, lesson.instructor)
    path = f"/v1/application_fees/{payout['application_fee']}/refunds"
    assert (await market.http.post(path, data={})).status_code == 200
    await market.settle()
    await market.money.payouts.revisit()
    assert await ledger(market) == FEE_BACK
    await agree(market)


async def test_a_payout_is_told_when_it_changes_and_not_at_every_look(market: Market) -> None:
    lesson = await at_once(market)
    await later(market, days=1)
    (payout,) = await listed_at_stripe(market, lesson.instructor)
    assert await states(market) == ["paid"]
    account = await account_of(market, lesson.instructor.user_id)
    for _ in range(3):
        await market.money.payouts.observe(str(payout["id"]), account)
    assert await told(market, "payout.paid") == 1


async def test_a_payout_whose_webhooks_are_lost_is_looked_at_again(market: Market) -> None:
    lesson = await taught(market)
    await market.money.payouts.pay_out(None, payout_id=uuid4(), viewer=lesson.instructor)
    await market.control("/_emulator/clock", {})
    market.receiver.is_closed = True
    market.writer.freeze(market.clock.now() + timedelta(days=5))
    await market.control("/_emulator/clock", {})
    assert await states(market) == ["in_transit"]
    await market.money.payouts.revisit()
    assert await states(market) == ["paid"]
    market.receiver.is_closed = False


@pytest.mark.parametrize("payout_rhythm", ["weekly"])
async def test_a_payout_that_is_canceled_is_the_instructors_again(market: Market) -> None:
    lesson = await taught(market)
    await market.travel(await due(market, lesson.instructor))
    assert await ledger(market) == PAID_OUT
    (payout,) = await listed_at_stripe(market, lesson.instructor)
    headers = {"Stripe-Account": await account_of(market, lesson.instructor.user_id)}
    path = f"/v1/payouts/{payout['id']}/cancel"
    assert (await market.http.post(path, headers=headers)).status_code == 200
    await market.settle()
    assert await states(market) == ["canceled"]
    assert await ledger(market) == PAID
    assert (await told(market, "payout.paid"), await told(market, "payout.failed")) == (0, 0)
    await agree(market)
    await later(market, days=10)
    assert await states(market) == ["canceled", "paid"]
    assert await ledger(market) == PAID_OUT


async def test_m36_a_chargeback_after_an_instant_payout_is_owed_told_and_collected(
    market: Market,
) -> None:
    lesson = await at_once(market)
    questioned = await dispute(market, lesson)
    assert await ledger(market) == M36_OPEN
    await market.control(f"/_emulator/disputes/{questioned}/lose", {})
    await market.settle()
    assert await ledger(market) == M36_LOST
    owed_since = market.clock.now()
    assert await oldest_debt_at(market.db.reads) == owed_since
    assert await told(market, "instructor.owes") == 1
    await agree(market)
    await later(market, days=150)
    assert await told(market, "instructor.owes") == 1 + 150 // 7
    assert await oldest_debt_at(market.db.reads) == owed_since
    await later(market, days=31)
    await market.money.reconciliation.run(cause="test")
    assert await ledger(market) == M36_COLLECTED
    assert await oldest_debt_at(market.db.reads) is None
    await agree(market)
    so_far = await told(market, "instructor.owes")
    await later(market, days=30)
    assert await told(market, "instructor.owes") == so_far == 1 + 180 // 7


async def test_a_refund_after_an_instant_payout_is_owed_and_collected(market: Market) -> None:
    lesson = await at_once(market)
    await market.http.post("/v1/refunds", data=await refund_of(market, lesson))
    await market.settle()
    assert await ledger(market) == REFUNDED
    await later(market, days=181)
    await market.money.reconciliation.run(cause="test")
    assert await ledger(market) == REFUNDED_COLLECTED
    await agree(market)


async def refund_of(market: Market, lesson: Lesson) -> dict[str, str]:
    """A full refund, as somebody in Stripe's dashboard makes it."""
    (intent,) = await market.intents(lesson.id)
    both = {"reverse_transfer": "true", "refund_application_fee": "true"}
    return {"payment_intent": str(intent["id"]), **both}


@pytest.mark.parametrize("payout_rhythm", ["weekly"])
async def test_who_owes_is_told_so_and_paid_when_the_debt_is_earned_back(market: Market) -> None:
    first = await at_once(market)
    await market.http.post("/v1/refunds", data=await refund_of(market, first))
    await market.settle()
    with pytest.raises(PayoutUnavailable) as refusal:
        await instant(market, first.instructor)
    assert "-$85.00" in str(refusal.value.detail)
    offer = await market.money.payouts.offer(first.instructor)
    assert (offer.quotes, offer.reason) == ((), refusal.value.detail)
    await taught(market, after=first)
    await later(market, days=12)
    assert len(await payouts_at_stripe(market, first.instructor)) == 1
    assert "WAL" not in await ledger(market)
    reminders = await told(market, "instructor.owes")
    await taught(market, after=first)
    await later(market, days=12)
    assert await told(market, "instructor.owes") == reminders
    cents = [cents for cents, _ in await payouts_at_stripe(market, first.instructor)]
    assert cents == [8330, 8500]
    await agree(market)


async def kept(market: Market) -> int | None:
    """What Stripe keeps in the platform's balance."""
    settings = (await market.http.get("/v1/balance_settings")).json()
    found = settings["payments"]["payouts"][MINIMUM]
    return None if found is None else int(found["usd"])


async def writes(market: Market) -> int:
    log = (await market.http.get("/_emulator/log", params={"limit": 1000})).json()["data"]
    return sum(r["method"] == "POST" and r["path"] == "/v1/balance_settings" for r in log)


async def test_the_float_follows_the_credit_that_students_own_once_a_day(market: Market) -> None:
    await market.money.timings.sweep("keep_float")
    assert (await kept(market), await writes(market)) == (None, 0)
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=13)
    await lesson.cancel()
    for _ in range(3):
        await market.money.timings.sweep("keep_float")
    assert (await kept(market), await writes(market)) == (10_000, 1)
    await later(market, days=1)
    await market.money.timings.sweep("keep_float")
    assert await writes(market) == 1
    await later(market, days=400)
    await market.money.timings.sweep("keep_float")
    assert (await ledger(market))["CRX"] == -10_000
    assert (await kept(market), await writes(market)) == (10_000, 1)


async def test_a_float_whose_answer_was_lost_is_set_by_the_same_request(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=13)
    await lesson.cancel()
    match = {"method": "POST", "path": "/v1/balance_settings$"}
    rule = {"action": "500_after_commit", "match": match, "times": 9}
    await market.control("/_emulator/faults", rule)
    with pytest.raises(PaymentUnavailable):
        await market.money.timings.sweep("keep_float")
    await market.http.delete("/_emulator/faults")
    await market.money.timings.sweep("keep_float")
    assert await kept(market) == 10_000


async def test_money_apart_from_lessons_is_told_by_mail(market: Market) -> None:
    lesson = await at_once(market)
    await fail_the_only_payout(market, lesson)
    await market.http.post("/v1/refunds", data=await refund_of(market, lesson))
    async with market.db.transaction() as tx:
        rows = await tx.fetch(
            "UPDATE outbox SET published_at = NULL"
            " WHERE topic IN ('payout.failed', 'instructor.owes') RETURNING id"
        )
    for row in rows:
        await market.money.notifications.deliver(row["id"])
    (mail,) = market.mails.to(lesson.instructor.user_id)
    assert mail.startswith("Your bank returned a payout of $83.30")
    (message,) = market.mails.messages
    text = message.get_body(("plain",))
    assert text is not None
    assert "/teach\r\n" in text.get_content()
