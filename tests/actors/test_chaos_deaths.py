"""Death at every effect of the other stories: what ends, moves, is missed, owed, lost and returned.

A process is killed at its first, second, … write; a new one does what new ones do, and who asked
asks again. Afterwards the ledger is the same as if nobody had died, and so are Stripe's books.
"""

import os
from datetime import timedelta

import pytest

from actors.credits import Grant
from actors.moves import MoveWish
from actors.payment_records import Why
from actors.refunds import RefundWish
from domain.bookings import Actor
from domain.ids import BookingId, new_id
from storage.disputes import disputes_of_booking
from tests.actors.chaos_kit import Act, everywhere, ledger, lesson_of_today, paid_lesson
from tests.actors.money_kit import Lesson, Market
from tests.model.reference import (
    HOUR,
    credit_back,
    given_back,
    paid,
    paid_out,
    questioned,
    shares,
    spent,
    won,
)

PART = shares(10_000)
HELPED = shares(10_000, 3000)
EVERY = int(os.environ.get("EVERY", "41"))
"""Every which effect is tried; `make chaos` tries all."""


@pytest.mark.parametrize(("by", "outcome"), [("student", "free"), ("instructor", "by_instructor")])
async def test_death_at_any_effect_of_a_free_end_lets_everything_go(
    market: Market, by: str, outcome: str
) -> None:
    async def prepare() -> Lesson:
        lesson = await market.lesson(lead=timedelta(hours=23))
        await lesson.book()
        return lesson

    def act(lesson: Lesson) -> Act:
        return lambda: lesson.cancel(by=lesson.instructor if by == "instructor" else lesson.student)

    async for lesson in everywhere(market, prepare, act, every=EVERY, name=outcome):
        booking = await lesson.read()
        assert (booking.outcome, booking.payment_status) == (outcome, "released")
        assert await lesson.totals() == {}


async def test_death_at_any_effect_of_a_full_refund_gives_card_and_credit_back_once(
    market: Market,
) -> None:
    def act(lesson: Lesson) -> Act:
        refund_id = new_id(market.clock.now())
        wish = RefundWish(amount_cents=7000, reason="They were ill.")
        return lambda: market.money.refunds.refund(
            lesson.id, wish, refund_id=refund_id, viewer=lesson.student
        )

    async for lesson in everywhere(
        market, lambda: paid_lesson(market, credit=3000), act, every=EVERY, name="a full refund"
    ):
        back = given_back(HELPED, 7000, reverses=True)
        assert await lesson.totals() == ledger(
            paid(HELPED), spent(HELPED), back, credit_back(HELPED)
        )
        assert (await lesson.read()).payment_status == "refunded"


@pytest.mark.parametrize("absent", ["instructor", "student"])
async def test_death_at_any_effect_of_a_missed_lesson_charges_or_frees_once(
    market: Market, absent: str
) -> None:
    async def prepare() -> Lesson:
        lesson = await lesson_of_today(market)
        await lesson.after_end(hours=1)
        return lesson

    def act(lesson: Lesson) -> Act:
        booking_id = BookingId(lesson.id)

        async def missed() -> None:
            no_shows = market.money.no_shows
            if absent == "instructor":
                await no_shows.report(booking_id, "instructor", viewer=lesson.student)
            else:
                await no_shows.report(booking_id, "student", viewer=lesson.instructor)
            await market.money.no_shows.resolve(booking_id, is_upheld=True, viewer=lesson.student)
            await lesson.after_end(hours=24)

        return missed

    expected = ledger(paid(PART)) if absent == "student" else {}
    async for lesson in everywhere(market, prepare, act, every=EVERY, name=f"a missing {absent}"):
        await _upheld(market, lesson)
        assert (await lesson.read()).outcome == f"no_show_{absent}"
        assert await lesson.totals() == expected


async def _upheld(market: Market, lesson: Lesson) -> None:
    """The admin who was interrupted says it again; the day after the lesson comes."""
    if (await lesson.read()).status != "no_show":
        await market.money.no_shows.resolve(
            BookingId(lesson.id), is_upheld=True, viewer=lesson.student
        )
    await market.travel(max(market.clock.now(), lesson.end_at + 25 * HOUR))


async def test_death_at_any_effect_of_a_move_reserves_anew_once(market: Market) -> None:
    async def prepare() -> Lesson:
        lesson = await market.lesson()
        await lesson.book()
        await lesson.before(hours=20)
        return lesson

    def act(lesson: Lesson) -> Act:
        wish = MoveWish(start_at=lesson.start_at + 9 * 24 * HOUR)
        proposal_id = new_id(market.clock.now())
        return lambda: market.money.moves.reschedule(
            BookingId(lesson.id), wish, proposal_id=proposal_id, viewer=lesson.student
        )

    async for lesson in everywhere(market, prepare, act, every=EVERY, name="a move"):
        booking = await lesson.read()
        assert booking.start_at == lesson.start_at + 9 * 24 * HOUR
        assert booking.payment_status == "scheduled"
        await market.travel(booking.end_at + 25 * HOUR)
        states = sorted(str(each["status"]) for each in await market.intents(lesson.id))
        assert states == ["canceled", "succeeded"]
        assert await lesson.totals() == ledger(paid(PART))


async def test_death_at_any_effect_of_a_paid_debt_takes_it_once(market: Market) -> None:
    async def prepare() -> Lesson:
        lesson = await market.lesson()
        await lesson.book("pm_card_chargeCustomerFail")
        await lesson.before(hours=10)
        await lesson.cancel()
        assert (await lesson.read()).payment_status == "collection"
        return lesson

    def act(lesson: Lesson) -> Act:
        return lambda: market.money.bookings.update_method(
            lesson.id, payment_method_id="pm_card_visa", viewer=lesson.student
        )

    async for lesson in everywhere(market, prepare, act, every=EVERY, name="a debt"):
        assert (await lesson.read()).payment_status == "settled"
        assert await lesson.totals() == ledger(paid(PART))


async def test_death_at_any_effect_of_money_that_was_lost_asks_for_it_again_once(
    market: Market,
) -> None:
    async def prepare() -> Lesson:
        lesson = await market.lesson()
        await lesson.book()
        await lesson.before(hours=20)
        return lesson

    def act(lesson: Lesson) -> Act:
        async def lose() -> None:
            found = [
                each
                for each in await market.intents(lesson.id)
                if each["status"] == "requires_capture"
            ]
            for each in found[:1] if len(await market.intents(lesson.id)) == 1 else []:
                path = f"/v1/payment_intents/{each['id']}/cancel"
                (await market.http.post(path)).raise_for_status()

        return lose

    async for lesson in everywhere(market, prepare, act, every=EVERY, name="lost money"):
        assert (await lesson.read()).payment_status == "authorized"
        await lesson.after_end(hours=25)
        assert await lesson.totals() == ledger(paid(PART))


async def test_death_at_any_effect_of_a_dispute_that_opens_takes_it_in_once(
    market: Market,
) -> None:
    async def prepare() -> Lesson:
        return await lesson_of_today(market, "pm_card_createDispute")

    async for lesson in everywhere(
        market, prepare, lambda lesson: lesson.cancel, every=EVERY, name="an opened dispute"
    ):
        assert await lesson.totals() == ledger(paid(PART), questioned(PART))
        assert (await lesson.read()).payment_status == "disputed"


async def test_death_at_any_effect_of_a_won_dispute_brings_it_back_once(market: Market) -> None:
    def act(lesson: Lesson) -> Act:
        actor = Actor(kind="admin", id=lesson.student.user_id, request_id="r")

        async def answer() -> None:
            async with market.db.transaction() as tx:
                (dispute,) = await disputes_of_booking(tx, booking_id=lesson.id)
            await market.money.disputes.answer(
                dispute.id,
                text="winning_evidence",
                key=f"dsp:{dispute.id}",
                why=Why(actor=actor, cause="evidence"),
            )
            await market.travel(market.clock.now() + timedelta(minutes=5))

        return answer

    async def prepare() -> Lesson:
        return await paid_lesson(market, "pm_card_createDispute")

    async for lesson in everywhere(market, prepare, act, every=EVERY, name="a won dispute"):
        assert await lesson.totals() == ledger(paid(PART), questioned(PART), won(PART))
        assert (await lesson.read()).payment_status == "settled"


async def test_death_at_any_effect_of_a_returned_payout_owes_it_again_once(
    market: Market,
) -> None:
    async def prepare() -> Lesson:
        lesson = await paid_lesson(market)
        payout_id = new_id(market.clock.now())
        await market.money.payouts.pay_out(None, payout_id=payout_id, viewer=lesson.instructor)
        return lesson

    def act(lesson: Lesson) -> Act:
        async def fail() -> None:
            payout = await market.value(
                "SELECT stripe_payout_id FROM payouts WHERE instructor_id = $1"
                " AND state IN ('in_transit', 'paid')",
                lesson.instructor.user_id,
            )
            await market.http.post(f"/_emulator/payouts/{payout}/fail", json={})

        return fail

    net = PART.instructor + paid_out(PART.instructor)["IPF"]
    async for lesson in everywhere(market, prepare, act, every=EVERY, name="a returned payout"):
        owed = await market.value(
            "SELECT -sum(amount_cents)::int FROM ledger_lines WHERE account = $1",
            f"WAL:{lesson.instructor.user_id}",
        )
        assert owed in {net, PART.instructor}
        state = "SELECT state FROM payouts WHERE instructor_id = $1"
        assert await market.value(state, lesson.instructor.user_id) == "failed"


async def test_death_at_any_effect_of_credit_that_ends_ends_it_once(market: Market) -> None:
    async def prepare() -> Lesson:
        lesson = await market.lesson()
        now = market.clock.now()
        grant = Grant(
            user_id=lesson.student.user_id,
            amount_cents=3000,
            expires_at=now + HOUR,
            reason="Sorry.",
        )
        await market.money.credits.grant(grant, lot_id=new_id(now), viewer=lesson.student)
        return lesson

    def act(lesson: Lesson) -> Act:
        del lesson
        ends_at = market.clock.now() + HOUR
        return lambda: market.travel(max(ends_at, market.clock.now()))

    async for lesson in everywhere(market, prepare, act, every=min(EVERY, 5), name="an end"):
        await market.travel(market.clock.now() + HOUR)
        moved = await market.db.reads.fetch(
            "SELECT sum(amount_cents)::int, count(*)::int FROM ledger_lines WHERE account = $1",
            f"CRA:{lesson.student.user_id}",
        )
        assert tuple(moved[0]) == (0, 2)


async def test_death_at_any_effect_of_a_look_at_stripes_books_takes_them_in_once(
    market: Market,
) -> None:
    first = await paid_lesson(market)

    async def prepare() -> Lesson:
        """Something new of the same people: a look has more effects the more accounts there are."""
        start_at = market.clock.now().replace(minute=0, second=0, microsecond=0) + 3 * HOUR
        lesson = Lesson(market, first.instructor, first.student, first.service_id, start_at)
        await lesson.book()
        await market.travel(market.clock.now() + timedelta(minutes=6))
        await lesson.cancel()
        return lesson

    def act(lesson: Lesson) -> Act:
        return lambda: market.money.reconciliation.run_for(lesson.student)

    async for _ in everywhere(market, prepare, act, every=EVERY, name="reconciliation"):
        kept = "SELECT count(*) - count(DISTINCT id) FROM balance_transactions"
        assert await market.value(kept) == 0
        run = await market.money.reconciliation.run(cause="admin")
        assert run.id
        opened = "SELECT count(*)::int FROM reconciliation_incidents WHERE closed_at IS NULL"
        assert await market.value(opened) == 0
