"""Writes only a person may decide, a refused key, refusals that are not a card's, dead cards."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain.errors import NotFound, OperationDiffers, OperationPending
from domain.people import Viewer
from storage.audit import audit_rows
from storage.operations import open_operations
from tests.actors.books_kit import account_of
from tests.actors.money_kit import Lesson, Market
from tests.actors.test_chaos_credits import with_credit
from tests.actors.test_stale_reads import refund_of

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
STATES = "SELECT array_agg(state ORDER BY id) FROM stripe_operations WHERE kind = $1"
MAILED = "SELECT array_agg(topic ORDER BY id) FROM outbox WHERE subject_id = $1"


async def an_admin(market: Market) -> Viewer:
    """Somebody who may decide."""
    return await market._person("admin")


async def parked(market: Market, *, did_happen: bool) -> Lesson:
    """A lesson whose top-up's key Stripe knows with another request, done or not."""
    lesson = await with_credit(market, 10_000)
    await lesson.book()
    await lesson.after_end(hours=23)
    form = {
        "amount": str(8500 if did_happen else 1),
        "currency": "usd",
        "destination": await account_of(market, lesson.instructor.user_id),
        "description": "Somebody else's",
    }
    if did_happen:
        form |= {
            "transfer_group": f"booking:{lesson.id}",
            "metadata[booking_id]": str(lesson.id),
            "metadata[cause]": "top_up",
        }
    key = {"Idempotency-Key": f"top:{lesson.id}:1"}
    answer = await market.http.post("/v1/transfers", data=form, headers=key)
    assert answer.status_code == 200, answer.text
    await lesson.after_end(hours=24)
    assert await market.value(STATES, "create_transfer") == ["parked"]
    return lesson


async def top_ups(market: Market, lesson: Lesson) -> list[int]:
    """What was transferred to the instructor for a lesson."""
    group = {"transfer_group": f"booking:{lesson.id}"}
    listed = (await market.http.get("/v1/transfers", params=group)).json()["data"]
    return [each["amount"] for each in listed]


async def operation_id(market: Market) -> UUID:
    """The one that waits for a person."""
    found = await open_operations(
        market.db.reads, state="parked", before_at=None, before_id=None, most=10
    )
    (one,) = found
    assert one.error_code == "idempotency_error"
    return one.id


async def test_a_parked_write_waits_for_a_person_and_blocks_its_lesson(market: Market) -> None:
    lesson = await parked(market, did_happen=False)
    for _ in range(2):
        await market.money.payments.rescue(is_boot=True)
        await market.travel(market.clock.now() + timedelta(hours=30))
    assert await market.value(STATES, "create_transfer") == ["parked"]
    assert await top_ups(market, lesson) == []
    with pytest.raises(OperationPending):
        await refund_of(market, lesson)()

    admin, waiting = await an_admin(market), await operation_id(market)
    with pytest.raises(OperationDiffers):
        await market.money.payments.resolve(waiting, happened=True, viewer=admin)
    await market.money.payments.resolve(waiting, happened=False, viewer=admin)
    await market.travel(market.clock.now() + timedelta(hours=1))
    assert await market.value(STATES, "create_transfer") == ["failed", "succeeded"]
    assert await top_ups(market, lesson) == [8500]
    rows = await audit_rows(market.db.reads, actor_id=admin.user_id)
    assert {"operation.resolve"} == {each.event for each in rows if each.booking_id is None}


async def test_a_parked_write_that_happened_is_taken_in_and_not_made_again(market: Market) -> None:
    lesson = await parked(market, did_happen=True)
    admin, waiting = await an_admin(market), await operation_id(market)
    with pytest.raises(OperationDiffers, match="happened"):
        await market.money.payments.resolve(waiting, happened=False, viewer=admin)
    await market.money.payments.resolve(waiting, happened=True, viewer=admin)
    await market.settle()
    assert await market.value(STATES, "create_transfer") == ["succeeded"]
    assert await top_ups(market, lesson) == [8500]
    assert (await lesson.read()).payment_status == "settled"
    with pytest.raises(OperationDiffers):
        await market.money.payments.resolve(waiting, happened=True, viewer=admin)
    with pytest.raises(NotFound):
        await market.money.payments.resolve(uuid4(), happened=True, viewer=admin)


async def fault(market: Market, action: str, path: str, **more: object) -> None:
    """Lets every request to some paths go wrong."""
    rule = {"action": action, "match": {"path": path}, "times": 0, **more}
    await market.control("/_emulator/faults", rule)


async def heal(market: Market) -> None:
    """Let Stripe answer again, and the process notice it at once."""
    await market.http.delete("/_emulator/faults")
    market.money.stripe.gate.probe_seconds = 0.0
    await market.money.payments.rescue(is_boot=True)
    await market.travel(market.clock.now() + timedelta(minutes=5))


async def test_a_refused_key_loses_nothing_and_cancels_nobody(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=24, minutes=10)
    await fault(market, "401_key", "^/v1/")
    await lesson.before(hours=5)
    assert (await lesson.read()).status == "confirmed"
    assert market.money.stripe.gate.is_shut
    assert await market.value(STATES, "create_intent") == ["planned"]
    log = (await market.http.get("/_emulator/log", params={"limit": 1000})).json()["data"]
    refused = [each["path"] for each in log if each["status"] == 401]
    assert [each for each in refused if each != "/v1/balance"] == ["/v1/payment_intents"]

    await heal(market)
    booking = await lesson.read()
    assert (booking.status, booking.payment_status) == ("confirmed", "authorized")
    assert len(await market.intents(lesson.id)) == 1
    await lesson.after_end(hours=24)
    assert await lesson.totals() == PAID


async def test_a_key_refused_after_a_lost_answer_leaves_the_write_unknown(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.after_end(hours=23)
    await fault(market, "500_after_commit", "/capture$")
    market.receiver.is_closed = True
    await lesson.after_end(hours=24)
    assert await market.value(STATES, "capture_intent") == ["unknown"]
    await market.http.delete("/_emulator/faults")
    await fault(market, "401_key", "^/v1/")
    await market.money.payments.rescue(is_boot=True)
    assert await market.value(STATES, "capture_intent") == ["unknown"]
    market.receiver.is_closed = False
    await heal(market)
    assert await market.value(STATES, "capture_intent") == ["succeeded"]
    assert await lesson.totals() == PAID


BUGS = [
    ("/v1/payment_intents$", "amount_too_small", 400),
    ("/v1/payment_intents$", "parameter_unknown", 400),
    ("/v1/payment_intents$", "transfers_not_allowed", 400),
    ("/confirm$", "account_invalid", 403),
    ("/confirm$", "amount_too_large", 400),
]


@pytest.mark.parametrize(("path", "code", "status"), BUGS)
async def test_what_is_not_the_cards_doing_is_no_word_to_the_student_and_tried_hourly(
    market: Market, path: str, code: str, status: int
) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=24, minutes=10)
    await fault(market, "refuse", path, reason=code, status=status)
    await lesson.before(hours=4)
    booking = await lesson.read()
    assert (booking.status, booking.payment_status) == ("confirmed", "authorizing")
    kind = "confirm_intent" if "confirm" in path else "create_intent"
    tried = await market.value(STATES, kind)
    assert 19 <= len(tried) <= 21
    told = await market.value(MAILED, lesson.id)
    assert {each for each in told if each.startswith("payment.")} == set()
    await market.http.delete("/_emulator/faults")
    await lesson.before(hours=2)
    assert (await lesson.read()).payment_status == "authorized"
    assert await market.value("SELECT attempt FROM payments WHERE booking_id = $1", lesson.id) == 0
    await lesson.after_end(hours=24)
    assert await lesson.totals() == PAID


async def test_what_nobody_mends_until_the_lesson_begins_is_cancelled_free(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=24, minutes=10)
    await fault(market, "refuse", "/v1/payment_intents$", reason="parameter_missing")
    await lesson.after_end(hours=1)
    booking = await lesson.read()
    assert (booking.status, booking.outcome) == ("cancelled", "payment_failed")
    assert await lesson.totals() == {}


async def test_a_card_that_stripe_does_not_know_any_more_asks_for_another_one(
    market: Market,
) -> None:
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=24, minutes=10)
    more = {"reason": "resource_missing", "status": 404, "param": "payment_method"}
    await fault(market, "refuse", "/confirm$", **more)
    await lesson.before(hours=23)
    assert (await lesson.read()).payment_status == "card_required"
    assert await market.value(STATES, "confirm_intent") == ["failed"]


async def two_lessons(market: Market, *steps: str) -> tuple[Lesson, Lesson]:
    """Two lessons of one student on one card."""
    card = await market.script(*steps)
    one = await market.lesson()
    await one.book(card)
    other = await market.lesson(lead=timedelta(days=6))
    other.student = one.student
    await other.book(None)
    assert (await other.read()).status == "confirmed"
    return one, other


async def test_a_card_refused_for_good_is_not_tried_for_another_lesson(market: Market) -> None:
    one, other = await two_lessons(market, "lost_card", "ok")
    await one.before(hours=23)
    assert (await one.read()).payment_status == "card_required"
    await other.before(hours=23)
    assert (await other.read()).payment_status == "card_required"
    assert await market.writes(other.id, "/confirm") == 0
    third = await market.lesson()
    third.student = one.student
    answer = await third.book(None)
    assert answer.booking.payment_status == "card_setup", "a dead card is nobody's latest card"


@pytest.mark.parametrize("by", ["choice", "network"])
async def test_a_card_chosen_again_or_renewed_is_tried_again(market: Market, by: str) -> None:
    one, other = await two_lessons(market, "lost_card", "ok", "ok")
    await one.before(hours=23)
    card = str(await market.value("SELECT id FROM payment_methods WHERE refused_at IS NOT NULL"))
    if by == "choice":
        await market.money.bookings.update_method(
            one.id, payment_method_id=card, viewer=one.student
        )
        assert (await one.read()).payment_status == "authorized"
    else:
        answer = await market.http.post(f"/_emulator/payment_methods/{card}/update", json={})
        assert answer.status_code == 200, answer.text
        await market.settle()
    await other.before(hours=23)
    assert (await other.read()).payment_status == "authorized"
