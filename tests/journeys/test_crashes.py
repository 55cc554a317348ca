"""kill -9 of any one process at any moment of the story ends in the same final ledger."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from sandbox.client import JSON, Market, Person, Refused, open_for_lessons
from sandbox.ports import free_port
from sandbox.story import Story, quietly
from sandbox.world import World
from tests.journeys.kit import Lesson
from tests.model.invariants import violations

pytestmark = pytest.mark.world

PAID = {"SP": 1180, "SC": 8500, "WAL": -8500, "REV": -1500, "XPR": 320}
PROCESSES = ("web", "worker", "clock", "stripe", "nats", "postgres")
SEED = 20_260_309
AWAY_SECONDS = 3.0


@pytest.mark.parametrize("victim", PROCESSES)
async def test_a_killed_process_changes_nothing_in_the_end(victim: str, tmp_path: Path) -> None:
    dice = random.Random(f"{SEED} {victim}")
    whole = World(tmp_path / "world", free_port(), demo=False)
    await whole.start()
    try:
        async with Market(whole.url, is_patient=True) as market:
            story = Story(market, tell=quietly, racers=8)
            for _, deed in story.steps:
                await _with_a_crash(whole, victim, deed, after_seconds=dice.random() * 0.4)
            assert await story.totals() == PAID
            assert await story.connected_balance() == 8500
            assert (await (await market.admin()).get("/api/admin/ledger/balances"))[
                "total_cents"
            ] == 0
            await market.send("POST", "/sandbox/clock", body={"advance_seconds": 60})
            assert await violations(whole.database_url, whole.stripe_url) == []
    finally:
        await whole.stop()


async def _with_a_crash(
    whole: World, victim: str, deed: Callable[[], Awaitable[None]], *, after_seconds: float
) -> None:
    """Plays one step while the victim dies and comes back somewhere in the middle."""
    playing = asyncio.ensure_future(deed())
    await asyncio.sleep(after_seconds)
    await whole.kill(victim)
    await whole.start_process(victim)
    await playing


async def test_a_booking_whose_answer_was_lost_is_found_again_by_its_key(world: World) -> None:
    async with Market(world.url, is_patient=True) as market:
        tutor = await market.register("lost.tutor@example.com", "Lou", "instructor", "UTC")
        offer = await open_for_lessons(
            tutor, skill="piano", title="Piano", hourly_rate_cents=4000, policy={"grid_minutes": 60}
        )
        emails = [f"lost.{number}@example.com" for number in range(4)]
        students = [await market.register(each, "Lea", "student", "UTC") for each in emails]
        slot = (await market.slots(tutor.id, offer.service_id, 60))["slots"][20]
        wish = offer.request(slot["start_at"], payment_method_id="pm_card_visa")
        racing = asyncio.ensure_future(
            asyncio.gather(*(_booked_by(student, wish) for student in students))
        )
        booking_id, student_id = await _first_booking(world, tutor)
        # committed; the card, the payment and the answer are still to come
        await world.kill("web")
        await world.start_process("web")
        answers = dict(zip((student.id for student in students), await racing, strict=True))
        found = answers.pop(student_id)
        assert found["id"] == booking_id
        assert list(answers.values()) == [{"refused": "slot-taken"}] * 3
        winner = next(student for student in students if student.id == student_id)
        assert await _booked_by(winner, wish) == found


async def _booked_by(student: Person, wish: JSON) -> JSON:
    """The booking a student gets with the one key they use, or why there is none."""
    try:
        answer = await student.post("/api/bookings", wish, key="the one key")
    except Refused as refusal:
        return {"refused": refusal.code}
    return answer["booking"]


async def _first_booking(world: World, tutor: Person) -> tuple[str, str]:
    """Booking and student, as soon as the database has them."""
    connection = await asyncpg.connect(world.database_url)
    made = "SELECT id::text, student_id::text FROM bookings WHERE instructor_id = $1"
    row = None
    async with asyncio.timeout(30):
        while row is None:
            row = await connection.fetchrow(made, UUID(tutor.id))
    await connection.close()
    return row["id"], row["student_id"]


async def test_what_is_due_fires_at_its_instant_although_stripe_is_away(world: World) -> None:
    async with Market(world.url) as market:
        lesson = await Lesson.arrange(market)
        await lesson.book()
        await lesson.travel(await market.now())
        await world.kill("stripe")
        travelling = asyncio.ensure_future(lesson.before(hours=24))
        await asyncio.sleep(AWAY_SECONDS)
        assert not travelling.done()
        await world.start_process("stripe")
        assert [fired["kind"] for fired in await travelling] == ["authorize"]
        assert (await lesson.read())["payment_status"] == "authorized"
        await market.send("POST", "/sandbox/clock", body={"frozen": False})
