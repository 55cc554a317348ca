"""What two people ask of each other on a lesson's page: another time, and whether somebody came."""

import re
from datetime import datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from sandbox.client import Market, Offer, Person
from tests.web.kit import Visitors
from tests.web.test_lesson_pages import booked

pytestmark = [pytest.mark.browser, pytest.mark.world]

HOUR = timedelta(hours=1)


async def pick_another_time(page: Page) -> str:
    """Go to the page of times and choose one two days on; its instant."""
    await page.get_by_role("link", name="Move", exact=True).click()
    await expect(page.get_by_role("heading", name="Choose a time")).to_be_visible()
    await page.locator("[data-day-strip] button[data-free]").nth(5).click()
    slot = page.locator(".day[data-current] .slot").first
    start = await slot.get_attribute("data-start")
    await slot.click()
    return str(start)


async def start_now(student: Person, booking_id: str) -> datetime:
    found = await student.get(f"/api/bookings/{booking_id}")
    return datetime.fromisoformat(found["booking"]["start_at"])


async def test_a_student_moves_a_lesson_alone_while_there_is_time(
    visitors: Visitors, market: Market, offer: Offer, student: Person
) -> None:
    booking = await booked(market, offer, student, "pm_card_visa")
    screen = await visitors.open(student, width=390)
    await screen.go(f"/lessons/{booking['id']}")
    start = await pick_another_time(screen.page)
    await screen.page.get_by_role("button", name="Move the lesson").click()
    await expect(screen.page.get_by_text("Lesson moved").first).to_be_visible()
    assert await start_now(student, booking["id"]) == datetime.fromisoformat(start)
    assert await screen.overflow() == 0
    assert screen.complaints == []


async def test_an_instructor_asks_and_the_student_agrees(
    visitors: Visitors, market: Market, offer: Offer, student: Person
) -> None:
    booking = await booked(market, offer, student, "pm_card_visa")
    teaching = await visitors.open(offer.instructor)
    await teaching.go(f"/lessons/{booking['id']}")
    await teaching.page.get_by_role("link", name="Move", exact=True).click()
    await teaching.is_alive()
    slot = teaching.page.locator(".slot").nth(20)
    start = str(await slot.get_attribute("data-start"))
    await slot.click()
    await teaching.page.get_by_role("button", name="Ask for this time").click()
    await expect(teaching.page.get_by_text("Sam Okafor has been asked")).to_be_visible()
    asked = teaching.page.get_by_role("heading", name="You asked for another time")
    await expect(asked).to_be_visible()

    learner = await visitors.open(student, width=390)
    await learner.go(f"/lessons/{booking['id']}")
    await expect(learner.page.get_by_role("heading", name="asks for another time")).to_be_visible()
    await expect(learner.page.locator("aside .tiers li")).to_have_text(re.compile("Free"))
    await learner.page.get_by_role("button", name="Move the lesson").click()
    await expect(learner.page.get_by_text("Lesson moved").first).to_be_visible()
    assert await start_now(student, booking["id"]) == datetime.fromisoformat(start)
    await expect(learner.page.get_by_role("heading", name="asks for another time")).to_have_count(0)
    assert teaching.complaints + learner.complaints == []


async def test_who_is_said_to_have_been_absent_can_answer(
    visitors: Visitors, market: Market, offer: Offer, student: Person
) -> None:
    booking = await booked(market, offer, student, "pm_card_visa")
    await market.travel(datetime.fromisoformat(booking["start_at"]) + HOUR / 2, is_frozen=True)
    teaching = await visitors.open(offer.instructor, width=390)
    await teaching.go(f"/lessons/{booking['id']}")
    await teaching.page.get_by_role("button", name="Sam Okafor did not come").click()
    await expect(teaching.page.get_by_text("You said that Sam Okafor did not come")).to_be_visible()

    learner = await visitors.open(student)
    await learner.go(f"/lessons/{booking['id']}")
    await expect(learner.page.get_by_text("says that you did not come")).to_be_visible()
    await learner.page.get_by_role("button", name="I was there").click()
    await expect(learner.page.get_by_text("You two say different things")).to_be_visible()
    assert teaching.complaints + learner.complaints == []
