"""Lessons that move, to the cent, through HTTP and the virtual clock."""

import asyncio
from datetime import datetime, timedelta

import pytest

from sandbox.client import JSON, Market, Person, Refused, fresh_key
from tests.journeys.kit import Lesson

pytestmark = pytest.mark.world

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
TURNED_INTO_CREDIT = {"SP": 9680, "CRA": -10000, "XPR": 320}


async def move(lesson: Lesson, start_at: datetime, *, by: Person | None = None) -> JSON:
    """Asks for another start; a lesson that moved is followed by the kit from then on."""
    path = f"/api/bookings/{lesson.booking['id']}/reschedule"
    wish = {"start_at": start_at.isoformat()}
    answer = await (by or lesson.student).post(path, wish, key=fresh_key())
    if "booking" in answer:
        follow(lesson, answer["booking"])
    await lesson.travel(await lesson.market.now())
    await lesson.read()
    return answer


def follow(lesson: Lesson, booking: JSON) -> None:
    lesson.booking = booking
    lesson.start_at = datetime.fromisoformat(booking["start_at"])
    lesson.end_at = datetime.fromisoformat(booking["end_at"])


async def answer(lesson: Lesson, proposal: JSON, word: str, *, by: Person) -> JSON:
    path = f"/api/bookings/{lesson.booking['id']}/proposals/{proposal['id']}/{word}"
    said = await by.post(path, {})
    follow(lesson, said["booking"])
    await lesson.travel(await lesson.market.now())
    await lesson.read()
    return said


async def is_free(lesson: Lesson, start_at: datetime) -> bool:
    end_at = start_at + timedelta(minutes=60)
    window = {"from": start_at.isoformat(), "to": end_at.isoformat()}
    offer = lesson.offer
    listed = await lesson.market.slots(offer.instructor.id, offer.service_id, 60, **window)
    return start_at in [datetime.fromisoformat(slot["start_at"]) for slot in listed["slots"]]


async def test_a_move_keeps_the_booking_and_swaps_its_times(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    old, new = lesson.start_at, lesson.start_at + timedelta(days=1)
    first = lesson.booking
    await move(lesson, new)
    assert lesson.booking["id"] == first["id"]
    assert lesson.booking["version"] == first["version"] + 1
    assert (lesson.booking["status"], lesson.booking["payment_status"]) == (
        "confirmed",
        "scheduled",
    )
    assert await is_free(lesson, old)
    assert not await is_free(lesson, new)
    fired = await lesson.after_end(hours=24)
    assert [each["kind"] for each in fired] == ["authorize", "start", "complete", "capture"]
    await lesson.read()
    assert await lesson.totals() == PAID
    assert len(await lesson.intents()) == 1


async def test_a_lesson_is_not_in_its_own_way(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    offer = lesson.offer
    policy = {"minimum_notice_minutes": 0, "grid_minutes": 30}
    shown = await offer.instructor.get("/api/instructor/availability")
    week = [{"weekday": day, "opens": "00:00", "closes": "24:00"} for day in range(7)]
    wish = {"time_zone": shown["time_zone"], "weekly": week, "exceptions": [], "policy": policy}
    await offer.instructor.put("/api/instructor/availability", wish)
    await lesson.book()
    await move(lesson, lesson.start_at + timedelta(minutes=30))
    assert lesson.booking["status"] == "confirmed"
    again = lesson.booking["start_at"]
    await move(lesson, datetime.fromisoformat(again))
    assert lesson.booking["start_at"] == again


async def test_a_taken_time_is_refused_and_nothing_changes(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    other = await market.register("o." + fresh_key()[:8] + "@example.com", "Oda", "student", "UTC")
    taken = lesson.start_at + timedelta(hours=5)
    wish = lesson.offer.request(taken.isoformat(), payment_method_id="pm_card_visa")
    await other.post("/api/bookings", wish, key=fresh_key())
    before = lesson.booking
    with pytest.raises(Refused) as refusal:
        await move(lesson, taken)
    assert refusal.value.code == "slot-taken"
    assert await lesson.read() == before


async def test_of_two_who_move_to_one_time_one_wins(market: Market) -> None:
    first = await Lesson.arrange(market)
    await first.book()
    second = Lesson(market, first.offer, first.student, first.start_at + timedelta(hours=3))
    second.student = await market.register(
        "t." + fresh_key()[:8] + "@example.com", "Tom", "student", "UTC"
    )
    second.world = first.world
    await second.book()
    goal = (first.start_at + timedelta(hours=8)).isoformat()

    async def ask(lesson: Lesson) -> str:
        path = f"/api/bookings/{lesson.booking['id']}/reschedule"
        try:
            await lesson.student.post(path, {"start_at": goal}, key=fresh_key())
        except Refused as refusal:
            return refusal.code
        return "moved"

    assert sorted(await asyncio.gather(ask(first), ask(second))) == ["moved", "slot-taken"]


async def test_two_moves_are_free_and_the_third_asks_the_instructor(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    for _ in range(2):
        assert "booking" in await move(lesson, lesson.start_at + timedelta(hours=2))
    goal = lesson.start_at + timedelta(hours=2)
    proposal = (await move(lesson, goal))["proposal"]
    assert (proposal["proposed_by"], proposal["state"]) == ("student", "open")
    assert datetime.fromisoformat(lesson.booking["start_at"]) == lesson.start_at
    with pytest.raises(Refused) as refusal:
        await answer(lesson, proposal, "accept", by=lesson.student)
    assert refusal.value.code == "forbidden"
    await answer(lesson, proposal, "accept", by=lesson.offer.instructor)
    assert lesson.start_at == goal


async def test_a_lesson_moves_at_most_thirty_days_from_its_first_time(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    first = lesson.start_at
    with pytest.raises(Refused) as refusal:
        await move(lesson, first + timedelta(days=30, hours=1))
    assert refusal.value.code == "slot-not-offered"
    await move(lesson, first + timedelta(days=30))
    with pytest.raises(Refused) as refusal:
        await move(lesson, first + timedelta(days=30, hours=1))
    assert refusal.value.code == "slot-not-offered"


async def test_a_late_move_keeps_its_tier_and_the_authorization(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=20)
    await move(lesson, lesson.start_at + timedelta(days=1))
    assert lesson.booking["payment_status"] == "authorized"
    quote = await lesson.student.get(f"/api/bookings/{lesson.booking['id']}/cancellation-quote")
    assert quote["tier"] == "credit"
    await lesson.cancel()
    assert lesson.booking["outcome"] == "credit"
    assert await lesson.totals() == TURNED_INTO_CREDIT
    assert len(await lesson.intents()) == 1


async def test_a_student_moves_late_alone_once(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=20)
    assert "booking" in await move(lesson, lesson.start_at + timedelta(hours=1))
    assert "proposal" in await move(lesson, lesson.start_at + timedelta(hours=1))


async def test_money_that_would_not_last_is_let_go_and_reserved_anew(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=20)
    await move(lesson, lesson.start_at + timedelta(days=10))
    assert lesson.booking["payment_status"] == "scheduled"
    assert [each["status"] for each in await lesson.intents()] == ["canceled"]
    fired = await lesson.after_end(hours=24)
    assert [each["kind"] for each in fired] == ["authorize", "start", "complete", "capture"]
    await lesson.read()
    assert await lesson.totals() == PAID
    assert sorted(each["status"] for each in await lesson.intents()) == ["canceled", "succeeded"]


async def test_a_sticky_tier_asks_the_card_at_once_when_cancelled_far_ahead(
    market: Market,
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=20)
    await move(lesson, lesson.start_at + timedelta(days=10))
    await lesson.cancel()
    assert (lesson.booking["outcome"], lesson.booking["payment_status"]) == ("credit", "credited")
    assert await lesson.totals() == TURNED_INTO_CREDIT


async def test_close_to_the_lesson_the_instructor_must_agree(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=11)
    goal = lesson.start_at + timedelta(hours=4)
    proposal = (await move(lesson, goal))["proposal"]
    assert datetime.fromisoformat(proposal["expires_at"]) == lesson.start_at
    await answer(lesson, proposal, "decline", by=lesson.offer.instructor)
    assert lesson.start_at != goal
    assert len(await lesson.mails("it stays when it is")) == 1
    proposal = (await move(lesson, goal))["proposal"]
    await answer(lesson, proposal, "accept", by=lesson.offer.instructor)
    assert lesson.start_at == goal
    assert len(await lesson.mails("moved")) == 1
    await lesson.cancel()
    assert lesson.booking["outcome"] == "charged"
    assert await lesson.totals() == PAID


async def test_an_instructor_proposes_three_times_and_frees_the_student(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=11)
    instructor = lesson.offer.instructor
    for step in (3, 4, 5):
        goal = lesson.start_at + timedelta(hours=step)
        proposal = (await move(lesson, goal, by=instructor))["proposal"]
    with pytest.raises(Refused) as refusal:
        await move(lesson, lesson.start_at + timedelta(hours=6), by=instructor)
    assert refusal.value.code == "booking-state"
    listed = await lesson.student.get(f"/api/bookings/{lesson.booking['id']}/proposals")
    assert [each["state"] for each in listed["items"]] == ["open", "withdrawn", "withdrawn"]
    await answer(lesson, proposal, "decline", by=lesson.student)
    quote = await lesson.student.get(f"/api/bookings/{lesson.booking['id']}/cancellation-quote")
    assert quote["tier"] == "free"
    await lesson.cancel()
    assert (lesson.booking["outcome"], lesson.booking["payment_status"]) == ("free", "released")
    assert await lesson.totals() == {}


async def test_a_proposal_that_nobody_answers_ends(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    goal = lesson.start_at + timedelta(hours=3)
    proposal = (await move(lesson, goal, by=lesson.offer.instructor))["proposal"]
    fired = await lesson.travel(datetime.fromisoformat(proposal["expires_at"]))
    assert [each["kind"] for each in fired] == ["expire_proposal"]
    with pytest.raises(Refused) as refusal:
        await answer(lesson, proposal, "accept", by=lesson.student)
    assert refusal.value.code == "booking-state"


async def test_a_failing_card_starts_anew_where_the_lesson_moves_far(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book(await lesson.script("insufficient_funds", "ok"))
    await lesson.before(hours=23)
    assert (await lesson.read())["payment_status"] == "auth_retry"
    await move(lesson, lesson.start_at + timedelta(days=5))
    assert lesson.booking["payment_status"] == "scheduled"
    await lesson.after_end(hours=24)
    await lesson.read()
    assert await lesson.totals() == PAID


@pytest.mark.parametrize("hours", [30, 20])
async def test_nobody_pays_twice_for_a_move_while_webhooks_are_late(
    market: Market, hours: int
) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    await lesson.before(hours=hours)
    rule = {"action": "delay", "seconds": 600, "times": 0, "match": {"event": "payment_intent.*"}}
    fault = await lesson.stripe_post("/_emulator/faults", rule)
    assert await authorizations(lesson) == (hours < 24)
    await move(lesson, lesson.start_at + timedelta(days=9))
    assert await authorizations(lesson) <= 1
    for stop in (200, 30, 24, 23, 1):
        await lesson.before(hours=stop)
        assert await authorizations(lesson) == (stop <= 24)
    for stop in (0, 12, 23.9):
        await lesson.after_end(hours=stop)
        assert await authorizations(lesson) == 1
    await lesson.after_end(hours=26)
    await lesson.stripe_delete(f"/_emulator/faults/{fault['id']}")
    await lesson.read()
    assert await authorizations(lesson) == 0
    assert await lesson.totals() == PAID
    assert await lesson.writes("/capture") == 1


async def authorizations(lesson: Lesson) -> int:
    """How many live reservations of the student's money there are for this lesson."""
    return sum(each["status"] == "requires_capture" for each in await lesson.intents())


async def test_both_times_of_a_move_are_told_live(market: Market) -> None:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    assert not await lesson.is_listed()
    old = lesson.start_at
    await move(lesson, old + timedelta(hours=1))
    assert await is_free(lesson, old)
    assert not await is_free(lesson, old + timedelta(hours=1))
