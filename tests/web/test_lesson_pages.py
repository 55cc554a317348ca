"""A lesson's own page: for its two people and nobody else; another card; the reader's zone."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.async_api import expect

from sandbox.client import JSON, PASSWORD, Market, Offer, Person
from tests.web.kit import ZONE, Visitors
from tests.web.test_lesson_journey import fill_card

pytestmark = [pytest.mark.browser, pytest.mark.world]


async def booked(
    market: Market, offer: Offer, student: Person, card: str, *, days: int = 3
) -> JSON:
    """A lesson some days ahead, on a card."""
    distant = await market.now() + timedelta(days=days)
    window = {"from": distant.isoformat(), "to": (distant + timedelta(days=2)).isoformat()}
    slots = await market.slots(offer.instructor.id, offer.service_id, 60, **window)
    wish = offer.request(slots["slots"][0]["start_at"], payment_method_id=card)
    return (await student.post("/api/bookings", wish))["booking"]


async def declining_card(market: Market) -> str:
    """A test card that is refused at its first authorisation."""
    world = await market.send("GET", "/sandbox")
    async with httpx.AsyncClient(auth=(world["stripe_secret_key"], "")) as stripe:
        steps = {"steps": ["insufficient_funds"]}
        answer = await stripe.post(f"{world['stripe_url']}/_emulator/scripts", json=steps)
    return str(answer.json()["payment_method"])


async def test_a_lessons_page_is_for_its_two_people(
    visitors: Visitors, market: Market, offer: Offer, student: Person
) -> None:
    path = f"/lessons/{(await booked(market, offer, student, 'pm_card_visa'))['id']}"
    learner = await visitors.open(student)
    await learner.go("/lessons")
    await learner.page.locator(".lesson h3 a").first.click()
    await expect(learner.page.locator(".lines .total")).to_contain_text("$60.00")
    await expect(learner.page.locator(".story li").last).to_contain_text("Lesson booked")
    await expect(learner.page.locator(".tiers li")).to_have_count(3)

    teaching = await visitors.open(offer.instructor)
    await teaching.go(path)
    await expect(teaching.page.locator(".lines .total")).to_contain_text("$51.00")

    stranger = await visitors.open(await market.register("zoe@example.com", "Zoe", "student", ZONE))
    answer = await stranger.page.goto(f"{stranger.url}{path}")
    assert answer is not None
    assert answer.status == 404
    assert learner.complaints + teaching.complaints == []


async def test_a_declined_card_is_replaced_before_the_lesson_is_lost(
    visitors: Visitors, market: Market, offer: Offer, student: Person
) -> None:
    booking = await booked(market, offer, student, await declining_card(market))
    await market.travel(datetime.fromisoformat(booking["start_at"]) - timedelta(hours=23))
    screen = await visitors.open(student, width=390)
    await screen.go("/lessons")
    await expect(screen.page.get_by_text("Your card was declined")).to_be_visible()
    await screen.page.get_by_role("link", name="Use another card").click()
    await screen.is_alive()
    await fill_card(screen.page)
    await screen.page.get_by_role("button", name="Save card and keep the lesson").click()
    await expect(screen.page.get_by_text("Your lesson is on the new card")).to_be_visible()
    await expect(screen.page.get_by_text("Card authorised, charged on")).to_be_visible()
    await expect(screen.page.get_by_role("heading", name="Use another card")).to_have_count(0)
    assert screen.complaints == []


async def test_every_time_on_my_lessons_follows_the_zone_that_is_chosen(
    visitors: Visitors, market: Market, offer: Offer, student: Person
) -> None:
    booking = await booked(market, offer, student, "pm_card_visa")
    day_before = datetime.fromisoformat(booking["start_at"]) - timedelta(hours=24)
    screen = await visitors.open(student)
    await screen.go("/lessons")
    await screen.page.locator("[data-zone-select]").focus()
    await screen.page.locator("[data-zone-select]").select_option("Asia/Kolkata")
    there = f"{day_before.astimezone(ZoneInfo('Asia/Kolkata')):%H:%M}"
    await expect(screen.page.locator(".pay-dot")).to_contain_text(there)
    await expect(screen.page.locator(".when")).to_contain_text("in New York")


async def test_a_student_on_the_teaching_pages_learns_how_to_begin(
    visitors: Visitors, student: Person
) -> None:
    screen = await visitors.open(student)
    answer = await screen.page.goto(f"{screen.url}/teach/bookings")
    assert answer is not None
    assert answer.status == 403
    await screen.is_alive()
    await screen.page.get_by_role("button", name="Start teaching").first.click()
    await expect(screen.page.get_by_role("heading", name="Get ready to teach")).to_be_visible()


async def test_strangers_get_pages_and_files_compressed_and_who_is_signed_in_gets_pages_as_they_are(
    visitors: Visitors, student: Person
) -> None:
    headers = {"accept-encoding": "br;q=0, gzip"}
    async with httpx.AsyncClient(base_url=visitors.url, headers=headers) as browser:
        page = await browser.get("/")
        assert page.headers["content-encoding"] == "gzip"
        assert "<h1>" in page.text
        style = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
        assert (await browser.get(style)).headers["content-encoding"] == "gzip"
        body = {"email": student.email, "password": PASSWORD}
        await browser.post("/api/auth/login", json={**body, "session": "cookie"})
        assert "content-encoding" not in (await browser.get("/lessons")).headers
