"""Lessons whose money goes back or is questioned: what people, banks and Stripe's dashboard do."""

from typing import Any

from actors.credits import Grant
from actors.refunds import RefundWish
from domain.ids import new_id
from domain.people import Viewer
from domain.refunds import Refund
from storage.credits import lots_of_user
from tests.actors.money_kit import Lesson, Market

REFUNDED = {"SP": -320, "XPR": 320}


async def paid(market: Market, card: str = "pm_card_visa", *, credit: int = 0) -> Lesson:
    """A lesson that was given and paid for."""
    lesson = await market.lesson()
    if credit:
        wish = Grant(
            user_id=lesson.student.user_id, amount_cents=credit, expires_at=None, reason="a test"
        )
        await market.money.credits.grant(
            wish, lot_id=new_id(market.clock.now()), viewer=lesson.instructor
        )
    await lesson.book(card)
    await lesson.after_end(hours=30)
    return lesson


async def credited(market: Market, card: str = "pm_card_visa") -> Lesson:
    """A lesson that was turned into credit."""
    lesson = await market.lesson()
    await lesson.book(card)
    await lesson.before(hours=20)
    await lesson.cancel()
    return lesson


def admin(lesson: Lesson) -> Viewer:
    return Viewer(
        user_id=lesson.student.user_id,
        roles=frozenset({"admin"}),
        session_id=lesson.student.session_id,
        request_id="a refund",
    )


async def refund(lesson: Lesson, cents: int, *, reverses: bool = True) -> Refund:
    market = lesson.market
    wish = RefundWish(amount_cents=cents, reason="ill", reverses_transfer=reverses)
    made = await market.money.refunds.refund(
        lesson.id, wish, refund_id=new_id(market.clock.now()), viewer=admin(lesson)
    )
    await market.settle()
    return made


async def charge_of(lesson: Lesson) -> str:
    (intent,) = await lesson.market.intents(lesson.id)
    return str(intent["latest_charge"])


async def question(lesson: Lesson, *, settles: bool = True, **how: object) -> str:
    """The bank asks about the charge; the dispute's id."""
    path = f"/_emulator/charges/{await charge_of(lesson)}/dispute"
    made = await lesson.market.control(path, how)
    if settles:
        await lesson.market.settle()
    return str(made["id"])


async def decide(lesson: Lesson, dispute_id: str, how: str) -> None:
    await lesson.market.control(f"/_emulator/disputes/{dispute_id}/{how}", {})
    await lesson.market.settle()


async def refund_at_stripe(lesson: Lesson, **fields: str) -> dict[str, Any]:
    """What somebody does in Stripe's dashboard."""
    form = {"charge": await charge_of(lesson), **fields}
    answer = await lesson.market.http.post("/v1/refunds", data=form)
    assert answer.status_code == 200, answer.text
    await lesson.market.settle()
    return answer.json()


BOTH = {"reverse_transfer": "true", "refund_application_fee": "true"}


async def status(lesson: Lesson) -> str:
    return (await lesson.read()).payment_status


async def spendable(lesson: Lesson) -> list[int]:
    market = lesson.market
    lots = await lots_of_user(
        market.db.reads, user_id=lesson.student.user_id, now=market.clock.now()
    )
    return [each.remaining_cents for each in lots]


async def topics(lesson: Lesson) -> list[str]:
    rows = await lesson.market.db.reads.fetch(
        "SELECT topic FROM outbox WHERE subject_id = $1 AND topic LIKE 'payment.%' ORDER BY id",
        lesson.id,
    )
    return [row[0] for row in rows]


async def warn(lesson: Lesson) -> None:
    path = f"/_emulator/charges/{await charge_of(lesson)}/fraud_warning"
    await lesson.market.control(path, {})
    await lesson.market.settle()
