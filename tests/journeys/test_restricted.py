"""An instructor who may receive nothing at the capture: kept for them and paid later (B17)."""

from datetime import timedelta

import pytest

from sandbox.client import JSON, Market, Refused, fresh_key
from tests.journeys.kit import Lesson
from tests.journeys.test_credits import ledger_of_student, transfers, with_credit

pytestmark = pytest.mark.world

KEPT = {"SP": 9680, "PAY": -8500, "REV": -1500, "XPR": 320}
PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
REFUNDED = {"SP": -320, "XPR": 320}


async def let_receive(lesson: Lesson, *, allowed: bool) -> str:
    """Restricts the instructor's account at Stripe, or frees it; its id."""
    (intent,) = await lesson.intents()
    account = intent["transfer_data"]["destination"]
    state = "active" if allowed else "inactive"
    await lesson.stripe_post(f"/_emulator/accounts/{account}", {"transfers": state})
    await lesson.travel(await lesson.market.now())
    return account


async def withheld(lesson: Lesson) -> str:
    """Taught, and captured while the instructor was restricted; the account."""
    await lesson.book()
    await lesson.after_end(hours=23)
    account = await let_receive(lesson, allowed=False)
    await lesson.after_end(hours=24, minutes=1)
    await lesson.read()
    assert lesson.booking["payment_status"] == "payout_pending"
    return account


async def refund(lesson: Lesson, cents: int, **more: bool) -> JSON:
    admin = await lesson.market.admin()
    path = f"/api/admin/bookings/{lesson.booking['id']}/refund"
    wish = {"amount_cents": cents, "reason": "They were ill.", **more}
    answer = await admin.post(path, wish, key=fresh_key())
    await lesson.travel(await lesson.market.now())
    await lesson.read()
    return answer


async def agreed(lesson: Lesson, account: str, *, connected: int) -> None:
    """Stripe's own books add up and agree with ours, and nobody has opened an incident."""
    books = await lesson.stripe("/_emulator/invariants")
    assert books["ok"] is True, books
    balance = await lesson.stripe_of(account, "/v1/balance")
    amounts = [*balance["available"], *balance["pending"]]
    assert sum(each["amount"] for each in amounts) == connected
    await lesson.market.travel(await lesson.market.now() + timedelta(hours=2), is_frozen=True)
    admin = await lesson.market.admin()
    run = await admin.post("/api/admin/reconciliation")
    incidents = await admin.get("/api/admin/reconciliation", state="open")
    told = [(each["check"], each["difference_cents"]) for each in incidents["items"]]
    assert (run["differences"], told) == (0, [])


async def test_a_restricted_instructors_share_is_kept_and_paid_when_they_may_have_it(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    account = await withheld(lesson)
    assert await lesson.totals() == KEPT
    (intent,) = await lesson.intents()
    assert intent["metadata"]["kept_as"] == "owed"
    assert await lesson.writes("/capture") == 2
    await agreed(lesson, account, connected=0)
    assert (await lesson.read())["payment_status"] == "payout_pending"

    await let_receive(lesson, allowed=True)
    assert (await lesson.read())["payment_status"] == "settled"
    assert await lesson.totals() == PAID
    assert [each["amount"] for each in await transfers(lesson)] == [8500]
    await agreed(lesson, account, connected=8500)


async def test_a_share_refused_while_restricted_is_tried_by_the_hour(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await withheld(lesson)
    fired = await lesson.after_end(hours=27, minutes=30)
    assert [each["kind"] for each in fired] == ["top_up"] * 3
    assert await lesson.totals() == KEPT


async def test_credit_and_a_withheld_share_are_paid_in_one_transfer(market: Market) -> None:
    lesson = await with_credit(market, 3000)
    account = await withheld(lesson)
    assert await ledger_of_student(lesson) == {
        "SP": 6767,
        "PAY": -8500,
        "REV": -1500,
        "XPR": 233,
        "XGW": 3000,
    }
    await let_receive(lesson, allowed=True)
    assert (await lesson.read())["payment_status"] == "settled"
    assert await ledger_of_student(lesson) == {
        "SP": -1733,
        "SC": 8500,
        "WAL": -8500,
        "REV": -1500,
        "XPR": 233,
        "XGW": 3000,
    }
    assert [each["amount"] for each in await transfers(lesson)] == [8500]
    await agreed(lesson, account, connected=8500)

    await refund(lesson, 7000)
    assert lesson.booking["payment_status"] == "refunded"
    assert await ledger_of_student(lesson) == {
        "SP": -233,
        "CRA": -3000,
        "XPR": 233,
        "XGW": 3000,
    }
    await agreed(lesson, account, connected=0)


async def test_a_full_refund_before_the_share_is_paid_owes_nothing_more(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    account = await withheld(lesson)
    await refund(lesson, 10_000)
    assert lesson.booking["payment_status"] == "refunded"
    assert await lesson.totals() == REFUNDED
    await let_receive(lesson, allowed=True)
    assert await lesson.totals() == REFUNDED
    assert await transfers(lesson) == []
    await agreed(lesson, account, connected=0)


async def test_a_refund_after_the_share_was_paid_takes_it_back_first(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    account = await withheld(lesson)
    await let_receive(lesson, allowed=True)
    await refund(lesson, 4000)
    assert lesson.booking["payment_status"] == "partially_refunded"
    assert await lesson.totals() == {
        "SP": 580,
        "SC": 5100,
        "WAL": -5100,
        "REV": -900,
        "XPR": 320,
    }
    with pytest.raises(Refused):
        await refund(lesson, 6001)
    await refund(lesson, 6000)
    assert lesson.booking["payment_status"] == "refunded"
    assert await lesson.totals() == REFUNDED
    await agreed(lesson, account, connected=0)


async def test_a_refund_that_the_platform_bore_takes_nothing_of_a_share_later(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    account = await withheld(lesson)
    await let_receive(lesson, allowed=True)
    await refund(lesson, 4000, reverse_transfer=False)
    await refund(lesson, 2000)
    assert await lesson.totals() == {
        "SP": -3120,
        "SC": 6800,
        "WAL": -6800,
        "REV": -1200,
        "XPR": 320,
        "XGW": 4000,
    }
    await agreed(lesson, account, connected=6800)


async def test_a_refund_of_a_part_before_the_share_is_paid_leaves_the_rest_owed(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    account = await withheld(lesson)
    await refund(lesson, 4000)
    assert await lesson.totals() == {"SP": 5680, "PAY": -5100, "REV": -900, "XPR": 320}
    await let_receive(lesson, allowed=True)
    assert lesson.booking["payment_status"] == "partially_refunded"
    assert await lesson.totals() == {
        "SP": 580,
        "SC": 5100,
        "WAL": -5100,
        "REV": -900,
        "XPR": 320,
    }
    await agreed(lesson, account, connected=5100)


@pytest.mark.leaves("the instructor has 8500, should have 0")
async def test_a_refund_made_at_stripe_after_the_share_was_paid_is_our_loss(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    account = await withheld(lesson)
    await let_receive(lesson, allowed=True)
    (intent,) = await lesson.intents()
    await lesson.stripe_form(
        "/v1/refunds",
        payment_intent=intent["id"],
        reverse_transfer="true",
        refund_application_fee="true",
    )
    await lesson.travel(await market.now())
    assert (await lesson.read())["payment_status"] == "refunded"
    assert await lesson.totals() == {
        "SP": -8820,
        "SC": 8500,
        "WAL": -8500,
        "XGW": 8500,
        "XPR": 320,
    }
    await agreed(lesson, account, connected=8500)


async def test_a_late_cancellation_of_a_restricted_instructor_is_kept_for_them_too(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=11)
    await let_receive(lesson, allowed=False)
    await lesson.cancel()
    assert lesson.booking["payment_status"] == "payout_pending"
    assert await lesson.totals() == KEPT
    await lesson.before(hours=10.5)
    await let_receive(lesson, allowed=True)
    assert (await lesson.read())["payment_status"] == "settled"
    assert await lesson.totals() == PAID


async def test_a_capture_that_is_refused_altogether_is_tried_by_the_hour(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.after_end(hours=23)
    account = await let_receive(lesson, allowed=False)
    rule = await lesson.stripe_post(
        "/_emulator/faults",
        {
            "action": "refuse",
            "status": 400,
            "reason": "transfers_not_allowed",
            "match": {"method": "POST", "path": "/capture$"},
            "times": 0,
        },
    )
    try:
        await lesson.after_end(hours=26, minutes=1)
        assert (await lesson.read())["payment_status"] == "capturing"
        assert await lesson.totals() == {}
    finally:
        await lesson.stripe_delete(f"/_emulator/faults/{rule['id']}")
    await lesson.after_end(hours=28)
    assert (await lesson.read())["payment_status"] == "payout_pending"
    assert await lesson.totals() == KEPT
    await agreed(lesson, account, connected=0)
