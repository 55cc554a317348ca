"""Holding, paying, giving up and cancelling, as a student sees them."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from sandbox.client import Market, Offer, Person
from tests.web.kit import Screen, Visitors
from tests.web.test_lesson_journey import fill_card

pytestmark = [pytest.mark.browser, pytest.mark.world]


async def held(visitors: Visitors, offer: Offer, student: Person, *, nth: int = 20) -> Screen:
    """A student at the pay step, a time held."""
    screen = await visitors.open(student)
    await screen.go(f"/instructors/{offer.instructor.id}")
    await screen.page.locator(".slot").nth(nth).click()
    await screen.page.get_by_role("button", name="Continue").click()
    await expect(screen.page.get_by_role("heading", name="Add a card")).to_be_visible()
    return screen


async def test_a_hold_survives_a_reload_and_is_finished_from_the_header(
    visitors: Visitors, offer: Offer, student: Person
) -> None:
    screen = await held(visitors, offer, student)
    await screen.go("/")
    await expect(screen.page.locator(".hold-bar .countdown")).to_have_text(
        re.compile(r"^[0-5]:\d\d$")
    )
    await screen.page.get_by_role("link", name="Finish booking").click()
    await screen.is_alive()
    await expect(screen.page.get_by_role("heading", name="Add a card")).to_be_visible()
    await fill_card(screen.page)
    await screen.page.get_by_role("button", name="Save card and book").click()
    await expect(screen.page.get_by_role("heading", name="Your lesson is booked")).to_be_visible()
    await expect(screen.page.locator(".hold-bar")).to_be_hidden()
    assert screen.complaints == []


async def test_a_given_up_time_is_free_again(
    visitors: Visitors, offer: Offer, student: Person
) -> None:
    screen = await held(visitors, offer, student)
    await screen.page.get_by_role("button", name="Choose another time").click()
    await expect(screen.page.get_by_text("The time is free again")).to_be_visible()
    await expect(screen.page.locator("[data-summary-when]")).to_have_text("Choose a time")
    bookings = await student.get("/api/bookings")
    assert [each["status"] for each in bookings["items"]] == ["cancelled"]


async def test_a_declined_card_keeps_the_time_and_another_one_books_it(
    visitors: Visitors, offer: Offer, student: Person
) -> None:
    screen = await held(visitors, offer, student)
    await fill_card(screen.page, "4000000000000002")
    await screen.page.get_by_role("button", name="Save card and book").click()
    await expect(screen.page.locator("[data-pay-problem]")).to_contain_text("Nothing was charged")
    await fill_card(screen.page)
    await screen.page.get_by_role("button", name="Save card and book").click()
    await expect(screen.page.get_by_role("heading", name="Your lesson is booked")).to_be_visible()


async def test_with_a_saved_card_two_clicks_book(
    visitors: Visitors, market: Market, offer: Offer, student: Person
) -> None:
    starts = await market.slots(offer.instructor.id, offer.service_id, 60)
    first = starts["slots"][30]["start_at"]
    await student.post("/api/bookings", offer.request(first, payment_method_id="pm_card_visa"))
    screen = await visitors.open(student)
    await screen.go(f"/instructors/{offer.instructor.id}")
    await screen.page.locator(".slot").nth(25).click()
    await screen.page.get_by_role("button", name="Book · $60.00").click()
    await expect(screen.page.get_by_role("heading", name="Your lesson is booked")).to_be_visible()


async def test_cancelling_tells_its_price_first(
    visitors: Visitors, market: Market, offer: Offer, student: Person
) -> None:
    distant = await market.now() + timedelta(days=3)
    window = {"from": distant.isoformat(), "to": (distant + timedelta(days=2)).isoformat()}
    slots = await market.slots(offer.instructor.id, offer.service_id, 60, **window)
    start = slots["slots"][0]["start_at"]
    await student.post("/api/bookings", offer.request(start, payment_method_id="pm_card_visa"))
    screen = await visitors.open(student)
    await screen.go("/lessons")
    await screen.page.get_by_role("button", name="Cancel Piano for beginners").click()
    await expect(screen.page.locator("[data-cancel-consequence]")).to_contain_text("free")
    stages = screen.page.locator("[data-cancel-tiers] li")
    await expect(stages).to_have_text([re.compile("Free"), re.compile("credit"), re.compile("due")])
    await screen.page.get_by_role("button", name="Cancel the lesson").click()
    await expect(screen.page.get_by_text("Lesson cancelled")).to_be_visible()
    await expect(screen.page.get_by_text("Nothing was charged")).to_be_visible()
    assert screen.complaints == []


async def answer_the_bank(page: Page, answer: str) -> None:
    """Say yes (`complete`) or no (`fail`) in the bank's window."""
    bank = page.frame_locator('iframe[data-test="stripe-challenge-frame"]')
    await bank.locator(f'[data-test="challenge-{answer}"]').click()


@pytest.mark.parametrize(("answer", "is_booked"), [("complete", True), ("fail", False)])
async def test_a_lesson_today_is_paid_after_the_banks_question(
    visitors: Visitors, offer: Offer, student: Person, answer: str, *, is_booked: bool
) -> None:
    screen = await held(visitors, offer, student, nth=0)
    await fill_card(screen.page, "4000002760003184")
    await screen.page.get_by_role("button", name="Pay and book").click()
    await answer_the_bank(screen.page, answer)
    if is_booked:
        booked = screen.page.get_by_role("heading", name="Your lesson is booked")
        await expect(booked).to_be_visible()
    else:
        problem = screen.page.locator("[data-pay-problem]")
        await expect(problem).to_contain_text("Nothing was charged")
