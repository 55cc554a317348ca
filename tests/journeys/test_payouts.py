"""Instant payouts to the cent: the fee is told first, in both ways Stripe may round it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.client import JSON, Market, Refused, fresh_key
from tests.journeys.kit import PLAIN, Lesson

pytestmark = pytest.mark.world

PAID_OUT = {"SP": 1267, "REV": -1500, "XPR": 320, "IPF": -170, "XIP": 83}
M36_LOST = {
    "SP": -1733, "SC": -8500, "WAL": 8500, "XDF": 1500, "XPR": 320, "IPF": -170, "XIP": 83,
}  # fmt: skip
PATH = "/api/payments/instant-payout"


async def paid(market: Market) -> Lesson:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.after_end(hours=25)
    return lesson


async def totals(lesson: Lesson) -> dict[str, int]:
    """The ledger of everything the instructor and the student had part in."""
    admin = await lesson.market.admin()
    sums: dict[str, int] = {}
    seen: set[str] = set()
    for user_id in (lesson.offer.instructor.id, lesson.student.id):
        page = await admin.get("/api/admin/ledger", user_id=user_id, limit=100)
        for entry in page["entries"]:
            if entry["id"] in seen:
                continue
            seen.add(entry["id"])
            for line in entry["lines"]:
                account = line["account"].split(":")[0]
                sums[account] = sums.get(account, 0) + line["amount_cents"]
    return {account: cents for account, cents in sums.items() if cents}


async def ask(lesson: Lesson, body: JSON | None = None, *, key: str | None = None) -> JSON:
    return await lesson.offer.instructor.post(PATH, body or {}, key=key or fresh_key())


@pytest_asyncio.fixture
async def net_based(market: Market) -> AsyncIterator[None]:
    """The platform's price is meant of what arrives."""
    lesson = await Lesson.arrange(market)
    await lesson.stripe_post("/_emulator/config", {"instant_fee_base": "payout"})
    yield
    await lesson.stripe_post("/_emulator/config", {"instant_fee_base": "gross"})


async def test_m32_an_instant_payout_costs_two_percent_told_first(market: Market) -> None:
    lesson = await paid(market)
    quoted = await lesson.offer.instructor.get(PATH)
    (quote,) = quoted["quotes"]
    assert (quote["amount_cents"], quote["fee_cents"], quote["net_cents"]) == (8500, 170, 8330)
    made = await ask(lesson)
    assert (made["amount_cents"], made["fee_cents"], made["net_cents"]) == (8500, 170, 8330)
    await lesson.travel(await market.now())
    assert await totals(lesson) == PAID_OUT
    assert await lesson.writes_total() == PLAIN
    status = await lesson.offer.instructor.get("/api/instructor/stripe/status")
    (payout,) = (await lesson.stripe_of(status["account_id"], "/v1/payouts"))["data"]
    assert (payout["amount"], payout["method"]) == (8330, "instant")
    assert payout["application_fee_amount"] == 170
    log = await lesson.stripe("/_emulator/log", account=status["account_id"], method="POST")
    assert [each["path"] for each in log["data"] if each["decision"] != "replayed"].count(
        "/v1/payouts"
    ) == 1
    history = await lesson.offer.instructor.get("/api/instructor/analytics/payouts")
    assert [each["id"] for each in history["items"]] == [made["payout_id"]]
    earned = await lesson.offer.instructor.get("/api/instructor/analytics/earnings")
    (month,) = earned["items"]
    assert (month["lessons"], month["earned_cents"], month["paid_out_cents"]) == (1, 8500, 8500)


async def test_a_payout_asked_for_twice_with_one_key_is_made_once(market: Market) -> None:
    lesson = await paid(market)
    first = await ask(lesson, {"amount_cents": 5000}, key="once")
    again = await ask(lesson, {"amount_cents": 5000}, key="once")
    assert first == again
    assert (first["amount_cents"], first["fee_cents"], first["net_cents"]) == (5000, 100, 4900)


@pytest.mark.usefixtures("net_based")
async def test_the_other_way_of_rounding_never_takes_more_than_asked(market: Market) -> None:
    lesson = await paid(market)
    (quote,) = (await lesson.offer.instructor.get(PATH))["quotes"]
    assert (quote["fee_cents"], quote["net_cents"]) == (167, 8333)
    made = await ask(lesson, {"amount_cents": 5000})
    assert made["amount_cents"] == made["fee_cents"] + made["net_cents"]
    assert 4998 <= made["amount_cents"] <= 5000
    await ask(lesson)
    await lesson.travel(await market.now())
    assert "WAL" not in await totals(lesson)


@pytest.mark.parametrize("cents", [8501, 49])
async def test_too_much_and_too_little_are_refused(market: Market, cents: int) -> None:
    lesson = await paid(market)
    with pytest.raises(Refused) as refusal:
        await ask(lesson, {"amount_cents": cents})
    assert (refusal.value.status, refusal.value.code) == (400, "invalid")


async def test_an_empty_account_has_nothing_to_pay_out(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    assert (await lesson.offer.instructor.get(PATH))["quotes"] == []
    with pytest.raises(Refused) as refusal:
        await ask(lesson)
    assert (refusal.value.status, refusal.value.code) == (409, "payout-unavailable")


async def test_a_student_is_not_paid_out(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    with pytest.raises(Refused) as refusal:
        await lesson.student.get(PATH)
    assert refusal.value.status == 403


async def test_x5_a_payout_that_the_bank_returns_is_the_instructors_again(market: Market) -> None:
    lesson = await paid(market)
    made = await ask(lesson)
    status = await lesson.offer.instructor.get("/api/instructor/stripe/status")
    listed = await lesson.stripe_of(status["account_id"], "/v1/payouts")
    (payout,) = listed["data"]
    await lesson.stripe_post(f"/_emulator/payouts/{payout['id']}/fail", {})
    await lesson.travel(await market.now())
    history = await lesson.offer.instructor.get("/api/instructor/analytics/payouts")
    assert [(each["id"], each["state"]) for each in history["items"]] == [
        (made["payout_id"], "failed")
    ]
    assert await totals(lesson) == {**PAID_OUT, "SC": 8330, "WAL": -8330}


async def test_m36_a_chargeback_after_an_instant_payout_is_owed_by_the_instructor(
    market: Market,
) -> None:
    lesson = await paid(market)
    await ask(lesson)
    (intent,) = await lesson.intents()
    path = f"/_emulator/charges/{intent['latest_charge']}/dispute"
    dispute = await lesson.stripe_post(path, {})
    await lesson.travel(await market.now())
    await lesson.stripe_post(f"/_emulator/disputes/{dispute['id']}/lose", {})
    await lesson.travel(await market.now())
    assert await totals(lesson) == M36_LOST
    quoted = await lesson.offer.instructor.get(PATH)
    assert quoted["quotes"] == []
    assert "-$85.00" in quoted["reason"]
    with pytest.raises(Refused) as refusal:
        await ask(lesson)
    assert (refusal.value.status, refusal.value.code) == (409, "payout-unavailable")
    to = {"to": lesson.offer.instructor.email}
    caught = await market.send("GET", "/sandbox/mail", params=to)
    mails = caught["items"] if isinstance(caught, dict) else caught
    assert [mail for mail in mails if "$85.00 is owed" in mail["subject"]]
