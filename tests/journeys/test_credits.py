"""Platform credit to the cent: spent, given back, ended, and what instructors get for it."""

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from sandbox.client import JSON, Market, Refused, fresh_key
from sandbox.world import World
from tests.journeys.kit import PLAIN, Lesson

pytestmark = pytest.mark.world

YEAR = timedelta(days=365)


async def grant(lesson: Lesson, cents: int, *, expires_at: str | None = None) -> JSON:
    admin = await lesson.market.admin()
    wish = {"user_id": lesson.student.id, "amount_cents": cents, "reason": "Thank you."}
    more = {"expires_at": expires_at} if expires_at else {}
    return await admin.post("/api/admin/credits", {**wish, **more}, key=fresh_key())


async def balance(lesson: Lesson) -> JSON:
    return await lesson.student.get("/api/payments/credits/balance")


async def ledger_of_student(lesson: Lesson) -> dict[str, int]:
    """Everything that ever moved for this student, by account class."""
    admin = await lesson.market.admin()
    ledger = await admin.get("/api/admin/ledger", user_id=lesson.student.id, limit=100)
    sums: dict[str, int] = defaultdict(int)
    for entry in ledger["entries"]:
        for line in entry["lines"]:
            sums[line["account"].split(":")[0]] += line["amount_cents"]
    return {account: cents for account, cents in sums.items() if cents}


async def with_credit(market: Market, *cents: int, **more: timedelta) -> Lesson:
    lesson = await Lesson.arrange(market, **more)
    for each in cents:
        await grant(lesson, each)
    return lesson


async def another(lesson: Lesson, lead: timedelta) -> Lesson:
    """A later lesson of the same two people."""
    now = await lesson.market.now()
    start_at = (now + lead).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    later = Lesson(lesson.market, lesson.offer, lesson.student, start_at)
    later.world = lesson.world
    return later


async def transfers(lesson: Lesson) -> list[JSON]:
    """Transfers of this booking from the platform's own balance."""
    group = f"booking:{lesson.booking['id']}"
    listed = await lesson.stripe("/v1/transfers", transfer_group=group, limit=100)
    return [each for each in listed["data"] if each["metadata"].get("cause") == "top_up"]


async def test_m19_a_credit_pays_for_the_next_lesson_and_nobody_pays_twice(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=15)
    await lesson.cancel()
    assert (await balance(lesson))["balance_cents"] == 10_000
    later = await another(lesson, timedelta(days=5))
    answer = await later.book(card=None)
    assert answer["payment"] == {"action": "none", "client_secret": None}
    booked = answer["booking"]
    assert (booked["status"], booked["payment_status"]) == ("confirmed", "credit_only")
    assert (booked["credit_applied_cents"], booked["card_amount_cents"]) == (10_000, 0)
    assert (await balance(later))["balance_cents"] == 0
    await later.after_end(hours=23.9)
    assert await transfers(later) == []
    await later.after_end(hours=24.1)
    assert (await later.read())["payment_status"] == "settled"
    assert await later.intents() == []
    assert [each["amount"] for each in await transfers(later)] == [8500]
    assert await later.writes_total() == {"transfer": 1}
    assert await ledger_of_student(later) == {
        "SP": 1180,
        "SC": 8500,
        "WAL": -8500,
        "REV": -1500,
        "XPR": 320,
    }


@pytest.mark.parametrize(
    ("cents", "intent", "top_ups", "ledger"),
    [
        (
            1000,
            (9000, 500),
            [],
            {"SP": 209, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 291, "XGW": 1000},
        ),
        (
            1500,
            (8500, None),
            [],
            {"SP": -277, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 277, "XGW": 1500},
        ),
        (
            3000,
            (7000, None),
            [1500],
            {"SP": -1733, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 233, "XGW": 3000},
        ),
    ],
    ids=["M20", "edge", "M21"],
)
async def test_m20_m21_goodwill_pays_a_part(
    market: Market,
    cents: int,
    intent: tuple[int, int | None],
    top_ups: list[int],
    ledger: dict[str, int],
) -> None:
    lesson = await with_credit(market, cents)
    await lesson.book()
    await lesson.after_end(hours=30)
    assert (await lesson.read())["payment_status"] == "settled"
    (made,) = await lesson.intents()
    assert (made["amount"], made["application_fee_amount"]) == intent
    assert [each["amount"] for each in await transfers(lesson)] == top_ups
    assert await lesson.writes_total() == PLAIN | ({"transfer": 1} if top_ups else {})
    assert await ledger_of_student(lesson) == ledger


async def test_m23_what_ends_first_is_spent_first_and_the_rest_keeps_its_end(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    early = (lesson.start_at + timedelta(days=60)).isoformat()
    late = (lesson.start_at + timedelta(days=300)).isoformat()
    await grant(lesson, 8000, expires_at=late)
    await grant(lesson, 4000, expires_at=early)
    await lesson.book(card=None)
    (left,) = (await balance(lesson))["lots"]
    assert (left["remaining_cents"], left["source"]) == (2000, "goodwill")
    assert datetime.fromisoformat(left["expires_at"]) == datetime.fromisoformat(late)
    await lesson.after_end(hours=30)
    assert await lesson.writes_total() == {"transfer": 1}
    assert await ledger_of_student(lesson) == {
        "SP": -8500,
        "SC": 8500,
        "WAL": -8500,
        "REV": -1500,
        "CRA": -2000,
        "XGW": 12_000,
    }


async def test_credit_is_left_alone_when_the_student_says_so(market: Market) -> None:
    lesson = await with_credit(market, 3000)
    request = lesson.offer.request(
        lesson.start_at.isoformat(), payment_method_id="pm_card_visa", use_credits=False
    )
    answer = await lesson.student.post("/api/bookings", request, key=fresh_key())
    assert answer["booking"]["credit_applied_cents"] == 0
    assert (await balance(lesson))["balance_cents"] == 3000


async def test_m24_a_paid_credit_ends_once_even_if_the_timing_runs_twice(
    market: Market, world: World
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=15)
    await lesson.cancel()
    issued_at = await market.now()
    await market.travel(issued_at + YEAR - timedelta(seconds=1), is_frozen=True)
    assert (await balance(lesson))["balance_cents"] == 10_000
    await market.travel(issued_at + YEAR, is_frozen=True)
    assert (await balance(lesson))["balance_cents"] == 0
    expected = {"SP": 9680, "CRX": -10_000, "XPR": 320}
    assert await ledger_of_student(lesson) == expected
    await market.travel(issued_at + YEAR + timedelta(days=2), is_frozen=True)
    assert await ledger_of_student(lesson) == expected
    timing_id = await rearmed(world, lesson)
    fired = (await market.travel(await market.now() + timedelta(hours=1), is_frozen=True))["fired"]
    assert timing_id in [each["subject_id"] for each in fired if each["kind"] == "expire_credit"]
    assert await ledger_of_student(lesson) == expected
    assert await lesson.writes_total() == PLAIN


async def rearmed(world: World, lesson: Lesson) -> str:
    """Lets the timing that ended the student's credit run once more; whose credit it was."""
    again = """
        UPDATE timings SET state = 'scheduled', completed_at = NULL, beat_at = NULL
        WHERE kind = 'expire_credit' AND state = 'completed' AND subject_id IN (
            SELECT id FROM credit_lots WHERE user_id = $1
        ) RETURNING subject_id::text
    """
    connection = await asyncpg.connect(world.database_url)
    (row,) = await connection.fetch(again, UUID(lesson.student.id))
    await connection.close()
    return str(row[0])


async def test_reserved_credit_outlives_its_lot_and_what_is_left_ends(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    ends_at = lesson.start_at - timedelta(days=2)
    await grant(lesson, 4000, expires_at=ends_at.isoformat())
    await lesson.book()
    assert (await balance(lesson))["balance_cents"] == 0
    await lesson.before(days=1, hours=1)
    await lesson.cancel()
    (back,) = (await balance(lesson))["lots"]
    now = await market.now()
    assert back["remaining_cents"] == 4000
    assert datetime.fromisoformat(back["expires_at"]) == now + timedelta(days=30)
    await market.travel(now + timedelta(days=30), is_frozen=True)
    assert (await balance(lesson))["balance_cents"] == 0
    assert await ledger_of_student(lesson) == {}


async def test_m28_an_instructors_cancellation_gives_the_credit_back(market: Market) -> None:
    lesson = await with_credit(market, 3000)
    (before,) = (await balance(lesson))["lots"]
    await lesson.book()
    await lesson.before(hours=2)
    cancelled = await lesson.cancel(by=lesson.offer.instructor)
    assert (cancelled["outcome"], cancelled["payment_status"]) == ("by_instructor", "released")
    assert (await balance(lesson))["lots"] == [before]
    assert await lesson.writes_total() == {"attach": 1, "create": 1, "confirm": 1, "release": 1}
    assert await ledger_of_student(lesson) == {"CRA": -3000, "XGW": 3000}


async def test_the_credit_tier_gives_back_and_issues(market: Market) -> None:
    lesson = await with_credit(market, 3000)
    await lesson.book()
    await lesson.before(hours=15)
    cancelled = await lesson.cancel()
    assert (cancelled["outcome"], cancelled["payment_status"]) == ("credit", "credited")
    lots = (await balance(lesson))["lots"]
    assert sorted((each["source"], each["remaining_cents"]) for each in lots) == [
        ("cancellation", 7000),
        ("goodwill", 3000),
    ]
    ledger = await ledger_of_student(lesson)
    assert ledger == {"SP": 6767, "CRA": -10_000, "XPR": 233, "XGW": 3000}


async def test_the_full_tier_spends_the_credit(market: Market) -> None:
    lesson = await with_credit(market, 10_000)
    await lesson.book(card=None)
    await lesson.before(hours=5)
    cancelled = await lesson.cancel()
    assert (cancelled["outcome"], cancelled["payment_status"]) == ("charged", "settled")
    assert (await balance(lesson))["balance_cents"] == 0
    assert await ledger_of_student(lesson) == {
        "SP": -8500,
        "SC": 8500,
        "WAL": -8500,
        "REV": -1500,
        "XGW": 10_000,
    }


async def test_a_lesson_paid_by_credit_alone_is_free_to_cancel_in_time(market: Market) -> None:
    lesson = await with_credit(market, 10_000)
    await lesson.book(card=None)
    await lesson.before(hours=30)
    cancelled = await lesson.cancel()
    assert (cancelled["outcome"], cancelled["payment_status"]) == ("free", "released")
    assert (await balance(lesson))["balance_cents"] == 10_000


async def test_an_expired_hold_gives_its_credit_back(market: Market) -> None:
    lesson = await with_credit(market, 3000)
    await lesson.book(card=None)
    assert (lesson.booking["status"], (await balance(lesson))["balance_cents"]) == ("pending", 0)
    await market.travel(await market.now() + timedelta(minutes=6), is_frozen=True)
    assert (await lesson.read())["status"] == "expired"
    assert (await balance(lesson))["balance_cents"] == 3000


async def test_m40_a_top_up_waits_for_the_platforms_balance(market: Market) -> None:
    lesson = await with_credit(market, 3000)
    await lesson.book()
    await lesson.after_end(hours=23)
    was = (await lesson.stripe("/_emulator/config"))["platform_available_cents"]
    await lesson.stripe_post("/_emulator/config", {"platform_available_cents": 0})
    try:
        await lesson.after_end(hours=29)
        assert (await lesson.read())["payment_status"] == "payout_pending"
        assert await ledger_of_student(lesson) == {
            "SP": -233,
            "SC": 7000,
            "WAL": -7000,
            "PAY": -1500,
            "REV": -1500,
            "XPR": 233,
            "XGW": 3000,
        }
    finally:
        await lesson.stripe_post("/_emulator/config", {"platform_available_cents": was})
    fired = await lesson.after_end(hours=30)
    assert [each["kind"] for each in fired] == ["top_up"]
    assert (await lesson.read())["payment_status"] == "settled"
    assert [each["amount"] for each in await transfers(lesson)] == [1500]
    # refused at E+24 h to E+29 h, hour by hour
    assert await lesson.writes_total() == {**PLAIN, "transfer": 7}
    ledger = await ledger_of_student(lesson)
    assert ledger == {
        "SP": -1733,
        "SC": 8500,
        "WAL": -8500,
        "REV": -1500,
        "XPR": 233,
        "XGW": 3000,
    }


async def test_a_full_refund_takes_the_top_up_back_and_gives_the_credit_back(
    market: Market,
) -> None:
    lesson = await with_credit(market, 3000)
    await lesson.book()
    await lesson.after_end(hours=30)
    admin = await market.admin()
    path = f"/api/admin/bookings/{lesson.booking['id']}/refund"
    await admin.post(path, {"amount_cents": 7000, "reason": "They were ill."}, key=fresh_key())
    await market.travel(await market.now(), is_frozen=True)
    assert (await lesson.read())["payment_status"] == "refunded"
    assert (await balance(lesson))["balance_cents"] == 3000
    assert await ledger_of_student(lesson) == {
        "SP": -233,
        "XPR": 233,
        "CRA": -3000,
        "XGW": 3000,
    }


async def test_twenty_bookings_at_once_spend_a_credit_once(market: Market) -> None:
    lessons = [await Lesson.arrange(market) for _ in range(4)]
    student, first = lessons[0].student, lessons[0]
    for _ in range(3):
        await grant(first, 7000)

    async def one(number: int) -> JSON:
        offer = lessons[number % 4].offer
        start_at = first.start_at + timedelta(hours=2 * number)
        request = offer.request(start_at.isoformat(), payment_method_id="pm_card_visa")
        return (await student.post("/api/bookings", request, key=fresh_key()))["booking"]

    answers = await asyncio.gather(*(one(n) for n in range(20)), return_exceptions=True)
    booked = [each for each in answers if isinstance(each, dict)]
    assert all(each.code == "hold-limit" for each in answers if isinstance(each, Refused))
    assert sum(each["credit_applied_cents"] for each in booked) == 21_000
    assert (await balance(first))["balance_cents"] == 0
    ledger = await ledger_of_student(first)
    assert (ledger["CRR"], ledger.get("CRA", 0), ledger["XGW"]) == (-21_000, 0, 21_000)


async def test_a_student_hears_of_a_credit_before_it_ends(market: Market) -> None:
    lesson = await with_credit(market, 3000)
    now = await market.now()
    answer = await market.travel(now + YEAR - timedelta(days=30), is_frozen=True)
    assert [each["kind"] for each in answer["fired"]].count("remind_credit") >= 1
    assert (await balance(lesson))["balance_cents"] == 3000


async def test_admins_see_what_they_gave(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    given = await grant(lesson, 1234)
    admin = await market.admin()
    listed = await admin.get("/api/admin/credits", user_id=lesson.student.id)
    assert listed["items"] == [given]
    assert (given["source"], given["reason"]) == ("goodwill", "Thank you.")
    with pytest.raises(Refused) as refusal:
        await grant(lesson, 100, expires_at=(await market.now()).isoformat())
    assert (refusal.value.status, refusal.value.code) == (400, "invalid")
    with pytest.raises(Refused) as far:
        await grant(lesson, 100, expires_at="9999-12-31T23:59:59-14:00")
    assert (far.value.status, far.value.code) == (400, "invalid")
    with pytest.raises(Refused) as foreign:
        await lesson.student.get("/api/admin/credits")
    assert foreign.value.status == 403
