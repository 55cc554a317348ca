"""Death at every effect of what follows a capture: refunds, lost disputes, instant payouts.

A process is killed at its first, second, … write; a new one does what new ones do, and who asked
asks again. Afterwards the ledger is the same as if nobody had died, and so are Stripe's books.
"""

import os
from datetime import timedelta

import httpx

from actors.payment_records import Why
from actors.refunds import RefundWish
from domain.bookings import Actor
from domain.ids import new_id
from storage.disputes import disputes_of_booking
from tests.actors.chaos_kit import Act, everywhere, ledger, paid_lesson
from tests.actors.money_kit import Lesson, Market
from tests.model.reference import given_back, lost, paid, paid_out, questioned, shares

PART = shares(10_000)
EVERY = int(os.environ.get("EVERY", "19"))
"""Every which effect is tried; `make chaos` tries all."""


async def test_death_at_any_effect_of_a_refund_gives_back_once(market: Market) -> None:
    def act(lesson: Lesson) -> Act:
        refund_id = new_id(market.clock.now())
        wish = RefundWish(amount_cents=4000, reason="They were ill.")
        return lambda: market.money.refunds.refund(
            lesson.id, wish, refund_id=refund_id, viewer=lesson.student
        )

    async for lesson in everywhere(
        market, lambda: paid_lesson(market), act, every=EVERY, name="a refund"
    ):
        assert await lesson.totals() == ledger(paid(PART), given_back(PART, 4000, reverses=True))
        assert (await lesson.read()).payment_status == "partially_refunded"


async def test_death_at_any_effect_of_a_lost_dispute_takes_the_share_back_once(
    market: Market,
) -> None:
    async def prepare() -> Lesson:
        return await paid_lesson(market, "pm_card_createDispute")

    def act(lesson: Lesson) -> Act:
        actor = Actor(kind="admin", id=lesson.student.user_id, request_id="r")

        async def answer() -> None:
            async with market.db.transaction() as tx:
                (dispute,) = await disputes_of_booking(tx, booking_id=lesson.id)
            await market.money.disputes.answer(
                dispute.id,
                text="losing_evidence",
                key=f"dsp:{dispute.id}",
                why=Why(actor=actor, cause="evidence"),
            )
            await market.travel(market.clock.now() + timedelta(minutes=5))

        return answer

    async for lesson in everywhere(market, prepare, act, every=EVERY, name="a lost dispute"):
        await market.travel(market.clock.now() + timedelta(minutes=5))
        assert await lesson.totals() == ledger(paid(PART), questioned(PART), lost(PART))
        assert (await lesson.read()).payment_status == "dispute_lost"


async def test_death_at_any_effect_of_an_instant_payout_pays_out_once(market: Market) -> None:
    def act(lesson: Lesson) -> Act:
        payout_id = new_id(market.clock.now())
        return lambda: market.money.payouts.pay_out(
            None, payout_id=payout_id, viewer=lesson.instructor
        )

    async for lesson in everywhere(
        market, lambda: paid_lesson(market), act, every=EVERY, name="an instant payout"
    ):
        made = await market.db.reads.fetch(
            "SELECT net_cents, fee_cents, state FROM payouts WHERE instructor_id = $1 AND is_asked",
            lesson.instructor.user_id,
        )
        fee = -paid_out(PART.instructor)["IPF"]
        assert [(each[0], each[1]) for each in made] == [(PART.instructor - fee, fee)]
        owed = await market.value(
            "SELECT sum(amount_cents)::bigint FROM ledger_lines WHERE account = $1",
            f"WAL:{lesson.instructor.user_id}",
        )
        assert owed == 0


async def test_a_dispute_whose_last_word_was_lost_is_asked_about_again(market: Market) -> None:
    lesson = await paid_lesson(market, "pm_card_createDispute")
    async with market.db.transaction() as tx:
        (dispute,) = await disputes_of_booking(tx, booking_id=lesson.id)
    drop = {"action": "drop", "times": 20, "match": {}}
    async with httpx.AsyncClient(base_url=market.emulator.url) as emulator:
        (await emulator.post("/_emulator/faults", json=drop)).raise_for_status()
        path = f"/_emulator/disputes/{dispute.id}/win"
        (await emulator.post(path, json={})).raise_for_status()
        await market.settle()
        assert (await lesson.read()).payment_status == "disputed"
        (await emulator.delete("/_emulator/faults")).raise_for_status()
    assert await market.money.disputes.revisit() == 1
    assert (await lesson.read()).payment_status == "settled"
    assert await market.money.disputes.revisit() == 0
