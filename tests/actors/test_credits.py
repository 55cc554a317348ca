"""Credit in the database: spent once whoever asks at once, ended once, given back to the cent."""

import asyncio
from datetime import datetime, timedelta

import pytest

from actors.credits import Grant
from actors.refunds import RefundWish
from domain.ids import UserId, new_id
from domain.people import Viewer
from gateways.clock import SharedClock
from sandbox.clock import ClockWriter
from storage.credits import lots_of_user, newest_lots
from tests.actors import calendar_world
from tests.actors.calendar_world import START
from tests.actors.calendar_world import Market as Shop
from tests.actors.money_kit import Lesson, Market

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def grant(lesson: Lesson, cents: int, *, expires_at: datetime | None = None) -> None:
    admin = Viewer(
        user_id=lesson.student.user_id,
        roles=frozenset({"admin"}),
        session_id=lesson.student.session_id,
        request_id="a grant",
    )
    wish = Grant(
        user_id=lesson.student.user_id, amount_cents=cents, expires_at=expires_at, reason="Thanks."
    )
    clock = lesson.market.clock
    await lesson.market.money.credits.grant(wish, lot_id=new_id(clock.now()), viewer=admin)


async def give(shop: Shop, student: UserId, *cents: int) -> None:
    """Lots written as they are: the calendar asks nobody where they came from."""
    async with shop.db.transaction() as tx:
        for days, each in enumerate(cents, 10):
            await tx.execute(
                "INSERT INTO credit_lots (id, user_id, source, granted_cents, remaining_cents,"
                " currency, created_at, expires_at)"
                " VALUES (uuidv7(), $1, 'goodwill', $2, $2, 'usd', $3, $4)",
                *(student, each, shop.clock.now(), START + days * DAY),
            )
        await tx.execute(
            "WITH e AS (INSERT INTO ledger_entries (id, kind, dedupe_key, effective_at, source)"
            " VALUES (uuidv7(), 'credit_granted', 'grant:' || $1::text, $3, 'test') RETURNING id)"
            " INSERT INTO ledger_lines (entry_id, line, account, amount_cents, currency)"
            " SELECT e.id, l.line, l.account, l.cents, 'usd'"
            " FROM e, (VALUES (1, 'XGW', $2::bigint), (2, 'CRA:' || $1::text, -$2::bigint))"
            " AS l (line, account, cents)",
            *(str(student), sum(cents), shop.clock.now()),
        )


async def spent_of(shop: Shop, student: UserId) -> dict[str, object]:
    (row,) = await shop.rows(
        "SELECT (SELECT sum(granted_cents - remaining_cents) FROM credit_lots WHERE user_id = $1),"
        " (SELECT sum(amount_cents) FROM credit_uses u JOIN credit_lots c ON c.id = u.lot_id"
        " WHERE c.user_id = $1),"
        " (SELECT sum(credit_applied_cents) FROM bookings WHERE student_id = $1),"
        " (SELECT -balance_cents FROM ledger_balances WHERE account = 'CRR:' || $1::text)",
        student,
    )
    return dict(zip(("lots", "uses", "bookings", "ledger"), row, strict=True))


async def test_twenty_bookings_at_twenty_instructors_spend_a_credit_once(
    shop: Shop, database_url: str, own_nats_url: str, clock_writer: ClockWriter
) -> None:
    clock = SharedClock(clock_writer.path)
    async with calendar_world.market(database_url, own_nats_url, clock) as duplicate:
        teachers = [await shop.teacher() for _ in range(20)]
        student = await shop.student()
        await give(shop, student, 7000, 7000, 7010)
        owners = (shop.calendars, duplicate.calendars)
        answers = await asyncio.gather(
            *(
                owners[number % 2].ask(
                    teacher.id,
                    teacher.hold(student, START + number * HOUR, spends_credit=True),
                )
                for number, teacher in enumerate(teachers)
            )
        )
        applied = [answer.booking.credit_applied_cents for answer in answers]
        assert sorted(applied)[-3:] == [1010, 10_000, 10_000]
        assert sum(applied) == 21_010
        wholly = [a.booking for a in answers if not a.booking.card_amount_cents]
        assert {(each.status, each.payment_status) for each in wholly} == {
            ("confirmed", "credit_only")
        }
        spent = await spent_of(shop, student)
    assert spent == dict.fromkeys(("lots", "uses", "bookings", "ledger"), 21_010)


async def test_a_hold_that_credit_pays_wholly_is_remembered_as_confirmed(shop: Shop) -> None:
    teacher = await shop.teacher()
    student = await shop.student()
    await give(shop, student, 10_000)
    held = await shop.calendars.ask(teacher.id, teacher.pending(student, spends_credit=True))
    assert (held.booking.status, held.booking.hold_expires_at) == ("confirmed", None)
    again = await shop.calendars.ask(
        teacher.id, teacher.pending(student, START + HOUR, spends_credit=True)
    )
    assert (again.booking.status, again.booking.payment_status) == ("pending", "card_setup")


async def test_whoever_loses_the_slot_keeps_the_credit(shop: Shop) -> None:
    teacher = await shop.teacher()
    students = await shop.students(5)
    for student in students:
        await give(shop, student, 10_000)
    answers = await asyncio.gather(
        *(shop.calendars.ask(teacher.id, teacher.hold(s, spends_credit=True)) for s in students),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Exception) for each in answers) == 4
    left = "SELECT sum(remaining_cents) FROM credit_lots WHERE user_id = ANY($1::uuid[])"
    assert await shop.value(left, students) == 40_000


async def test_a_lot_ends_once_however_often_it_is_asked_to(market: Market) -> None:
    lesson = await market.lesson()
    now = market.clock.now()
    await grant(lesson, 4000, expires_at=now + 40 * DAY)
    (lot,) = await lots_of_user(market.db.reads, user_id=lesson.student.user_id, now=now)
    await market.travel(now + 40 * DAY)
    await asyncio.gather(*(market.money.credits.expire(lot.id) for _ in range(5)))
    told = "SELECT count(*) FROM outbox WHERE topic = $1 AND subject_id = $2"
    assert await market.value(told, "credit.expiring", lot.id) == 2
    assert await market.value(told, "credit.expired", lot.id) == 1
    booked = "SELECT count(*) FROM ledger_entries WHERE kind = 'credit_expired' AND source = $1"
    assert await market.value(booked, str(lot.id)) == 1
    held = "SELECT balance_cents FROM ledger_balances WHERE account = $1"
    assert await market.value(held, f"CRA:{lesson.student.user_id}") == 0


async def test_only_what_is_left_of_a_lot_ends_and_what_comes_back_ends_later(
    market: Market,
) -> None:
    lesson = await market.lesson()
    ends_at = lesson.start_at - 2 * DAY
    await grant(lesson, 13_000, expires_at=ends_at)
    await lesson.book(card=None)
    await market.travel(ends_at)
    balance = "SELECT balance_cents FROM ledger_balances WHERE account = $1"
    student = lesson.student.user_id
    assert await market.value(balance, f"CRA:{student}") == 0
    assert await market.value(balance, f"CRR:{student}") == -10_000
    await lesson.cancel()
    now = market.clock.now()
    newest = await newest_lots(
        market.db.reads, user_id=student, before_id=new_id(now + DAY), limit=10
    )
    back, old = newest
    assert (back.remaining_cents, back.expires_at) == (10_000, now + 30 * DAY)
    assert (back.restored_from, old.expired_at) == (old.id, ends_at)
    assert await market.value(balance, f"CRR:{student}") == 0
    await market.travel(now + 30 * DAY)
    assert await market.value(balance, f"CRA:{student}") == 0
    # with thirty days to live it is told of once: seven days before its end
    told = "SELECT count(*) FROM outbox WHERE topic = 'credit.expiring' AND subject_id = $1"
    assert await market.value(told, back.id) == 1


async def spend_all(lesson: Lesson) -> None:
    """Empties the instructor's account at Stripe."""
    market = lesson.market
    await market.control("/_emulator/config", {"is_connect_reserves_on": False})
    await market.travel(lesson.end_at + 10 * DAY)
    find = "SELECT stripe_account_id FROM instructors WHERE id = $1"
    account = str(await market.value(find, lesson.instructor.user_id))
    made = await market.http.post(
        "/v1/payouts",
        data={"amount": "8500", "currency": "usd"},
        headers={"Stripe-Account": account},
    )
    assert made.status_code == 200, made.text


@pytest.mark.parametrize("is_spent", [False, True])
async def test_a_refund_gives_credit_back_even_when_the_instructor_kept_the_top_up(
    market: Market, is_spent: bool
) -> None:
    lesson = await market.lesson()
    await grant(lesson, 3000)
    await lesson.book()
    await lesson.after_end(hours=30)
    assert (await lesson.read()).payment_status == "settled"
    if is_spent:
        await spend_all(lesson)
    admin = Viewer(
        user_id=lesson.student.user_id,
        roles=frozenset({"admin"}),
        session_id=lesson.student.session_id,
        request_id="a refund",
    )
    wish = RefundWish(amount_cents=7000, reason="ill")
    await market.money.refunds.refund(
        lesson.id, wish, refund_id=new_id(market.clock.now()), viewer=admin
    )
    await market.settle()
    assert (await lesson.read()).payment_status == "refunded"
    lots = await lots_of_user(
        market.db.reads, user_id=lesson.student.user_id, now=market.clock.now()
    )
    assert [each.remaining_cents for each in lots] == [3000]
    totals = await lesson.totals()
    if is_spent:
        await market.control("/_emulator/config", {"is_connect_reserves_on": True})
        assert totals == {"SP": -1733, "SC": 1500, "WAL": -1500, "XPR": 233, "XGW": 1500}
    else:
        assert totals == {"SP": -233, "XPR": 233}
