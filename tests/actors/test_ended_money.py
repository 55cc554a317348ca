"""Money of lessons that ended: what the safety net finds, what a crash leaves, what shows late."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from actors.moves import MoveWish
from actors.payment_records import Why
from domain.bookings import system
from domain.ids import new_id
from domain.operations import IntentSeen
from tests.actors.money_kit import Lesson, Market

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
TURNED_INTO_CREDIT = {"SP": 9680, "CRA": -10000, "XPR": 320}
MINUTES = timedelta(minutes=2)


async def fault(market: Market, action: str, path: str, *, times: int = 1) -> None:
    """Makes the emulator misbehave."""
    rule = {"action": action, "match": {"method": "POST", "path": path}, "times": times}
    await market.control("/_emulator/faults", rule)


async def write(market: Market, statement: str, *arguments: object) -> None:
    """Changes a row behind the market's back, as a crash would have left it."""
    async with market.db.transaction() as tx:
        await tx.execute(statement, *arguments)


async def reserved(market: Market, *, hours: float) -> Lesson:
    """A lesson whose money is reserved, `hours` before its start."""
    lesson = await market.lesson()
    await lesson.book()
    await lesson.before(hours=hours)
    return lesson


async def moved(market: Market, lesson: Lesson, by: timedelta) -> None:
    """Moves a lesson so far that its reservation would not last."""
    await market.money.moves.reschedule(
        lesson.id,
        MoveWish(start_at=lesson.start_at + by),
        proposal_id=new_id(market.clock.now()),
        viewer=lesson.student,
    )
    lesson.start_at += by
    lesson.end_at += by
    await market.settle()


async def statuses(market: Market, lesson: Lesson) -> list[object]:
    return sorted(str(each["status"]) for each in await market.intents(lesson.id))


async def test_a_cancellation_while_the_release_is_unanswered_is_paid_once(market: Market) -> None:
    lesson = await reserved(market, hours=20)
    await fault(market, "500_before", "/cancel$", times=0)
    await moved(market, lesson, timedelta(days=10))
    assert (await lesson.read()).payment_status == "releasing"
    ended = await lesson.cancel()
    assert (ended.outcome, ended.payment_status) == ("credit", "releasing")
    await market.http.delete("/_emulator/faults")
    await market.money.payments.rescue()
    await market.settle()
    assert (await lesson.read()).payment_status == "credited"
    assert await lesson.totals() == TURNED_INTO_CREDIT
    assert await statuses(market, lesson) == ["canceled", "succeeded"]


@pytest.mark.parametrize(
    ("outcome", "status", "totals"),
    [("credit", "credited", TURNED_INTO_CREDIT), ("charged", "settled", PAID)],
)
async def test_a_crash_between_release_and_attempt_loses_neither(
    market: Market, outcome: str, status: str, totals: dict[str, int]
) -> None:
    lesson = await reserved(market, hours=20)
    await fault(market, "500_before", "/cancel$", times=0)
    await moved(market, lesson, timedelta(days=10))
    await lesson.cancel()
    await market.http.delete("/_emulator/faults")
    (intent,) = await market.intents(lesson.id)
    await market.http.post(f"/v1/payment_intents/{intent['id']}/cancel")
    await write(
        market,
        "UPDATE stripe_operations SET state = 'failed', finished_at = now()"
        " WHERE finished_at IS NULL",
    )
    await write(market, "UPDATE payments SET status = 'released' WHERE booking_id = $1", lesson.id)
    await write(market, "UPDATE bookings SET outcome = $2 WHERE id = $1", lesson.id, outcome)
    await market.travel(market.clock.now() + timedelta(minutes=6))
    assert (await lesson.read()).payment_status == status
    assert await lesson.totals() == totals
    assert await statuses(market, lesson) == ["canceled", "succeeded"]


async def test_a_card_that_fails_that_one_attempt_is_not_asked_again(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book(await market.script("ok", "insufficient_funds", "ok"))
    await lesson.before(hours=20)
    await fault(market, "500_before", "/cancel$", times=1)
    await moved(market, lesson, timedelta(days=10))
    await lesson.cancel()
    await market.money.payments.rescue()
    await market.travel(market.clock.now() + timedelta(hours=1))
    assert (await lesson.read()).payment_status == "released"
    assert await market.writes(lesson.id, "/confirm") == 2
    assert await statuses(market, lesson) == ["canceled", "canceled"]
    assert await lesson.totals() == {}
    await market.money.timings.sweep("capture_completed_bookings")
    assert await market.writes(lesson.id, "/confirm") == 2


async def test_a_release_without_an_answer_frees_the_slot_in_time(market: Market) -> None:
    lesson = await market.lesson()
    await lesson.book(await market.script(*["insufficient_funds"] * 9))
    await lesson.before(hours=23)
    await fault(market, "500_before", "/cancel$", times=0)
    await moved(market, lesson, timedelta(hours=30))
    assert (await lesson.read()).payment_status == "releasing"
    last = lesson.start_at - timedelta(hours=6)
    # nobody answers: the retries in between are left out
    await write(
        market,
        "UPDATE timings SET due_at = $1 WHERE kind = 'settle' AND state = 'scheduled'",
        last - timedelta(minutes=1),
    )
    await market.travel(last)
    ended = await lesson.read()
    assert (ended.status, ended.outcome) == ("cancelled", "payment_failed")
    await market.http.delete("/_emulator/faults")
    await market.money.payments.rescue()
    await market.travel(market.clock.now() + timedelta(hours=1))
    assert (await lesson.read()).payment_status == "released"
    assert await lesson.totals() == {}


async def test_a_reservation_that_lapsed_at_the_bank_is_asked_for_once_more(
    market: Market,
) -> None:
    lesson = await reserved(market, hours=20)
    await fault(market, "capture_expired", "/capture$")
    await lesson.after_end(hours=24)
    assert (await lesson.read()).payment_status == "settled"
    assert await lesson.totals() == PAID
    assert await market.writes(lesson.id, "/capture") == 2
    assert await market.writes(lesson.id, "/confirm") == 2


async def test_a_capture_refused_for_reasons_that_no_look_shows_waits_for_an_hour(
    market: Market,
) -> None:
    lesson = await reserved(market, hours=20)
    rule = {
        "action": "refuse",
        "match": {"method": "POST", "path": "/capture$"},
        "times": 0,
        "reason": "payment_intent_unexpected_state",
    }
    await market.control("/_emulator/faults", rule)
    await lesson.after_end(hours=24)
    assert (await lesson.read()).payment_status == "capturing"
    assert await market.writes(lesson.id, "/capture") == 2
    await market.http.delete("/_emulator/faults")
    await lesson.after_end(hours=25)
    assert (await lesson.read()).payment_status == "settled"
    assert await lesson.totals() == PAID


async def captured_early(market: Market) -> Lesson:
    lesson = await reserved(market, hours=20)
    (intent,) = await market.intents(lesson.id)
    await market.http.post(f"/v1/payment_intents/{intent['id']}/capture")
    await market.settle()
    assert (await lesson.read()).payment_status == "captured"
    return lesson


async def test_a_lesson_captured_in_the_dashboard_is_given_and_paid_out(market: Market) -> None:
    lesson = await captured_early(market)
    assert await lesson.after_end(hours=24) == ["start", "complete", "capture"]
    ended = await lesson.read()
    assert (ended.status, ended.payment_status) == ("completed", "settled")
    assert await lesson.totals() == PAID


@pytest.mark.parametrize("hours", [-10, 2, 23])
async def test_an_instructor_cancels_a_captured_lesson_and_all_goes_back(
    market: Market, hours: float
) -> None:
    lesson = await captured_early(market)
    await lesson.after_end(hours=hours)
    ended = await lesson.cancel(by=lesson.instructor)
    assert (ended.status, ended.outcome) == ("cancelled", "by_instructor")
    assert ended.payment_status == "refunded"
    assert await lesson.totals() == {"SP": -320, "XPR": 320}


@pytest.mark.parametrize(
    ("status", "confirms"),
    [
        ("card_required", 2),
        ("auth_retry", 2),
        ("action_required", 2),
        ("authorizing", 2),
        ("scheduled", 2),
        ("auth_lost", 2),
        ("authorized", 1),
        ("captured", None),
        ("payout_pending", None),
    ],
)
async def test_a_taught_lesson_without_a_timing_is_found_by_the_sweep(
    market: Market, status: str, confirms: int | None
) -> None:
    if confirms is None:
        lesson = await captured_early(market)
    else:
        lesson = await reserved(market, hours=20)
    await lesson.after_end(hours=1)
    await write(
        market,
        "UPDATE timings SET state = 'discarded', completed_at = $2"
        " WHERE booking_id = $1 AND state = 'scheduled'",
        lesson.id,
        market.clock.now(),
    )
    await write(market, "UPDATE payments SET status = $2 WHERE booking_id = $1", lesson.id, status)
    if confirms == 2:
        (intent,) = await market.intents(lesson.id)
        await market.http.post(f"/v1/payment_intents/{intent['id']}/cancel")
        await write(
            market,
            "UPDATE payments SET status = $2, payment_intent_id = NULL,"
            " cycle = 2 WHERE booking_id = $1",
            lesson.id,
            status,
        )
    await lesson.after_end(hours=24, minutes=5)
    await market.money.timings.sweep("capture_completed_bookings")
    assert (await lesson.read()).payment_status == "settled"
    assert await lesson.totals() == PAID


async def ended(market: Market, status: str, booking: str, outcome: str | None) -> Lesson:
    """A lesson in debt or missed whose timings were all given up."""
    lesson = await reserved(market, hours=20)
    await lesson.after_end(hours=1)
    await write(
        market,
        "UPDATE timings SET state = 'discarded', completed_at = $2"
        " WHERE booking_id = $1 AND state = 'scheduled'",
        lesson.id,
        market.clock.now(),
    )
    await write(
        market,
        "UPDATE payments SET status = $2, attempt = CASE WHEN $2 = 'collection'"
        " THEN 5 ELSE 0 END WHERE booking_id = $1",
        lesson.id,
        status,
    )
    await write(
        market,
        "UPDATE bookings SET status = $2, outcome = $3 WHERE id = $1",
        lesson.id,
        booking,
        outcome,
    )
    return lesson


async def test_a_debt_without_a_timing_is_given_up_in_its_time(market: Market) -> None:
    lesson = await ended(market, "collection", "completed", None)
    await market.travel(market.clock.now() + MINUTES)
    await market.money.timings.sweep("capture_completed_bookings")
    kinds = "SELECT kind FROM timings WHERE booking_id = $1 AND state = 'scheduled'"
    assert await market.value(kinds, lesson.id) == "write_off"
    await market.travel(lesson.end_at + timedelta(days=14))
    assert (await lesson.read()).payment_status == "written_off"
    assert await statuses(market, lesson) == ["canceled"]


@pytest.mark.parametrize(
    ("outcome", "status", "totals"),
    [("no_show_student", "settled", PAID), ("no_show_instructor", "released", {})],
)
async def test_a_missed_lesson_without_a_timing_is_found_by_the_sweep(
    market: Market, outcome: str, status: str, totals: dict[str, int]
) -> None:
    lesson = await ended(market, "authorized", "no_show", outcome)
    await lesson.after_end(hours=24, minutes=5)
    await market.money.timings.sweep("capture_completed_bookings")
    assert (await lesson.read()).payment_status == status
    assert await lesson.totals() == totals


async def test_a_release_after_a_move_without_a_timing_is_found_by_the_sweep(
    market: Market,
) -> None:
    lesson = await reserved(market, hours=20)
    await fault(market, "500_before", "/cancel$", times=0)
    await moved(market, lesson, timedelta(days=10))
    await market.http.delete("/_emulator/faults")
    await write(
        market,
        "UPDATE stripe_operations SET state = 'failed', finished_at = now()"
        " WHERE finished_at IS NULL",
    )
    await write(
        market,
        "UPDATE timings SET state = 'discarded', completed_at = $2"
        " WHERE booking_id = $1 AND state = 'scheduled'",
        lesson.id,
        market.clock.now(),
    )
    market.writer.freeze(market.clock.now() + MINUTES)
    await market.money.timings.sweep("retry_failed_authorizations")
    assert (await lesson.read()).payment_status == "scheduled"


def told(kind: str) -> float:
    return REGISTRY.get_sample_value("late_money_total", {"kind": kind}) or 0.0


async def earlier(market: Market) -> tuple[Lesson, str]:
    """A lesson in its second cycle while the intent of its first still holds money."""
    lesson = await reserved(market, hours=20)
    (intent,) = await market.intents(lesson.id)
    await write(
        market,
        "UPDATE payments SET cycle = 2, payment_intent_id = NULL,"
        " status = 'scheduled' WHERE booking_id = $1",
        lesson.id,
    )
    return lesson, str(intent["id"])


async def test_what_an_earlier_cycle_still_holds_is_let_go_and_told(market: Market) -> None:
    lesson, intent_id = await earlier(market)
    before = told("earlier_held")
    seen = await market.money.stripe.intent(intent_id)
    assert isinstance(seen, IntentSeen)
    why = Why(actor=system("test"), cause="test")
    await market.money.payments.observe_earlier(lesson.id, seen, why)
    held = (await market.http.get(f"/v1/payment_intents/{intent_id}")).json()
    assert held["status"] == "canceled"
    assert told("earlier_held") == before + 1
    await lesson.after_end(hours=24)
    assert await lesson.totals() == PAID


async def test_what_an_earlier_cycle_has_taken_is_told(market: Market) -> None:
    lesson, intent_id = await earlier(market)
    before = told("earlier_taken")
    await market.http.post(f"/v1/payment_intents/{intent_id}/capture")
    await market.settle()
    assert told("earlier_taken") > before
    assert (await lesson.read()).payment_status != "captured"


async def test_a_capture_that_wins_against_the_end_is_told_and_refunded(market: Market) -> None:
    lesson = await reserved(market, hours=30)
    await lesson.before(hours=23)
    await fault(market, "500_before", "/cancel$", times=0)
    before = told("ended")
    await lesson.cancel(by=lesson.instructor)
    (intent,) = await market.intents(lesson.id)
    await market.http.post(f"/v1/payment_intents/{intent['id']}/capture")
    await market.http.delete("/_emulator/faults")
    await market.money.payments.rescue()
    await market.settle()
    assert told("ended") == before + 1
    assert (await lesson.read()).payment_status == "refunded"
    assert await lesson.totals() == {"SP": -320, "XPR": 320}
