"""Who did not come, and who pays for it: to the cent, through HTTP and the virtual clock."""

from datetime import timedelta

import pytest

from sandbox.client import Market, Person, Refused, fresh_key
from tests.journeys.kit import Lesson

pytestmark = pytest.mark.world

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
REFUNDED = {"SP": -320, "XPR": 320}


async def booked(market: Market) -> Lesson:
    lesson = await Lesson.arrange(market)
    await lesson.book()
    return lesson


async def say(lesson: Lesson, who: str, *, by: Person) -> None:
    path = f"/api/bookings/{lesson.booking['id']}/no-show"
    await by.post(path, {"who": who}, key=fresh_key())


async def contest(lesson: Lesson, *, by: Person) -> None:
    await by.post(f"/api/bookings/{lesson.booking['id']}/no-show/contest", {})


async def resolve(lesson: Lesson, *, is_upheld: bool) -> None:
    admin = await lesson.market.admin()
    path = f"/api/admin/bookings/{lesson.booking['id']}/no-show/resolve"
    await admin.post(path, {"upheld": is_upheld}, key=fresh_key())
    await lesson.travel(await lesson.market.now())
    await lesson.read()


async def test_m29_an_absent_instructor_is_never_paid(market: Market) -> None:
    lesson = await booked(market)
    await lesson.after_end(hours=1)
    await say(lesson, "instructor", by=lesson.student)
    fired = await lesson.after_end(hours=26)
    assert {each["kind"] for each in fired} == {"uphold_no_show", "settle"}
    await lesson.read()
    assert (lesson.booking["status"], lesson.booking["outcome"]) == (
        "no_show",
        "no_show_instructor",
    )
    assert lesson.booking["payment_status"] == "released"
    assert await lesson.totals() == {}
    assert await lesson.writes_total() == {"attach": 1, "create": 1, "confirm": 1, "release": 1}
    told = await lesson.student.get(f"/api/bookings/{lesson.booking['id']}/events")
    events = [each["event"] for each in told["items"]]
    assert {"no_show.reported", "no_show.upheld", "booking.no_show"} <= set(events)


async def test_an_absent_student_pays_a_day_after_the_lesson(market: Market) -> None:
    lesson = await booked(market)
    await lesson.after_end(hours=-0.5)
    await say(lesson, "student", by=lesson.offer.instructor)
    await lesson.after_end(hours=23.9)
    await lesson.read()
    assert (lesson.booking["status"], lesson.booking["payment_status"]) == (
        "no_show",
        "authorized",
    )
    assert await lesson.totals() == {}
    fired = await lesson.after_end(hours=24)
    assert [each["kind"] for each in fired] == ["settle"]
    await lesson.read()
    assert (lesson.booking["outcome"], lesson.booking["payment_status"]) == (
        "no_show_student",
        "settled",
    )
    assert await lesson.totals() == PAID


async def test_a_report_upheld_later_is_charged_when_it_is_upheld(market: Market) -> None:
    lesson = await booked(market)
    await lesson.after_end(hours=10)
    await say(lesson, "student", by=lesson.offer.instructor)
    await lesson.after_end(hours=33.9)
    assert (await lesson.read())["payment_status"] == "authorized"
    await lesson.after_end(hours=34)
    assert (await lesson.read())["payment_status"] == "settled"
    assert await lesson.totals() == PAID


async def test_reports_have_their_hours_and_their_people(market: Market) -> None:
    lesson = await booked(market)
    instructor, student = lesson.offer.instructor, lesson.student
    stranger = await market.register(
        "x." + fresh_key()[:8] + "@example.com", "Xen", "student", "UTC"
    )

    async def refused(who: str, by: Person) -> str:
        with pytest.raises(Refused) as refusal:
            await say(lesson, who, by=by)
        return refusal.value.code

    await lesson.travel(lesson.start_at + timedelta(minutes=9, seconds=59))
    assert await refused("instructor", student) == "booking-state"
    await lesson.travel(lesson.start_at + timedelta(minutes=14, seconds=59))
    assert await refused("student", instructor) == "booking-state"
    assert await refused("student", student) == "forbidden"
    assert await refused("student", stranger) == "not-found"
    await lesson.after_end(hours=24)
    assert await refused("instructor", student) == "booking-state"


async def test_a_contested_report_waits_for_a_person(market: Market) -> None:
    lesson = await booked(market)
    await lesson.after_end(hours=1)
    await say(lesson, "instructor", by=lesson.student)
    with pytest.raises(Refused) as refusal:
        await contest(lesson, by=lesson.student)
    assert refusal.value.code == "forbidden"
    await contest(lesson, by=lesson.offer.instructor)
    await lesson.after_end(hours=48)
    await lesson.read()
    assert (lesson.booking["status"], lesson.booking["payment_status"]) == (
        "completed",
        "authorized",
    )
    await resolve(lesson, is_upheld=False)
    assert lesson.booking["payment_status"] == "settled"
    assert await lesson.totals() == PAID


async def test_an_answer_in_kind_contests(market: Market) -> None:
    lesson = await booked(market)
    await lesson.after_end(hours=1)
    await say(lesson, "instructor", by=lesson.student)
    await say(lesson, "student", by=lesson.offer.instructor)
    await lesson.after_end(hours=40)
    assert (await lesson.read())["payment_status"] == "authorized"
    await resolve(lesson, is_upheld=True)
    assert lesson.booking["outcome"] == "no_show_instructor"
    assert await lesson.totals() == {}


async def test_money_about_to_be_lost_is_taken_and_given_back(market: Market) -> None:
    lesson = await booked(market)
    await lesson.after_end(hours=1)
    await say(lesson, "instructor", by=lesson.student)
    await contest(lesson, by=lesson.offer.instructor)
    fired = await lesson.after_end(hours=100)
    assert [each["kind"] for each in fired] == ["guard_authorization", "capture"]
    assert (await lesson.read())["payment_status"] == "settled"
    await resolve(lesson, is_upheld=True)
    assert (lesson.booking["outcome"], lesson.booking["payment_status"]) == (
        "no_show_instructor",
        "refunded",
    )
    assert await lesson.totals() == REFUNDED
