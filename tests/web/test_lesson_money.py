"""What a lesson's page tells of its money: the bank's question, credit, refunds."""

from datetime import datetime, timedelta

import pytest
from playwright.async_api import Locator, Page, expect

from sandbox.client import Market, Offer, Person
from tests.web.kit import Visitors
from tests.web.test_booking_pages import answer_the_bank
from tests.web.test_lesson_pages import booked

pytestmark = [pytest.mark.browser, pytest.mark.world]

ASKING_CARD = "pm_card_authenticationRequired"
HOUR = timedelta(hours=1)


def start_of(booking: dict[str, str]) -> datetime:
    return datetime.fromisoformat(booking["start_at"])


def line(page: Page, label: str) -> Locator:
    """An amount of the bill."""
    return page.locator(".lines > div").filter(has_text=label).locator("dd")


async def test_a_bank_that_asks_is_answered_on_the_page(
    visitors: Visitors, market: Market, offer: Offer, student: Person
) -> None:
    booking = await booked(market, offer, student, ASKING_CARD)
    await market.travel(start_of(booking) - 23 * HOUR)
    screen = await visitors.open(student, width=390)
    page = screen.page
    await screen.go("/lessons")
    await expect(page.get_by_text("Your bank asks you to confirm by")).to_be_visible()
    await page.get_by_role("link", name="Confirm with your bank").click()
    await screen.is_alive()
    await page.get_by_role("button", name="Confirm with your bank").click()
    await answer_the_bank(page, "fail")
    await expect(page.get_by_role("alert").filter(has_text="Nothing was charged")).to_be_visible()
    await page.get_by_role("button", name="Confirm with your bank").click()
    await answer_the_bank(page, "complete")
    await expect(page.get_by_text("Your bank has confirmed")).to_be_visible()
    await expect(page.get_by_text("Card authorised, charged on")).to_be_visible()
    await expect(page.get_by_role("button", name="Confirm with your bank")).to_have_count(0)
    assert await screen.overflow() == 0
    assert screen.complaints == []


async def test_credit_is_told_before_and_after_booking(
    visitors: Visitors, market: Market, offer: Offer, student: Person
) -> None:
    admin = await market.admin()
    wish = {"user_id": student.id, "amount_cents": 2000, "reason": "sorry"}
    await admin.post("/api/admin/credits", wish)
    booking = await booked(market, offer, student, "pm_card_visa")
    screen = await visitors.open(student)
    page = screen.page
    await screen.go(f"/lessons/{booking['id']}")
    await expect(line(page, "Credit used")).to_have_text("−$20.00")
    await expect(line(page, "On your card")).to_have_text("$40.00")
    await expect(page.locator("aside .tiers li").nth(1)).to_contain_text("$60.00 becomes credit")
    await page.get_by_role("button", name="Cancel the lesson").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("free, and your credit of $20.00 comes back")
    await page.keyboard.press("Escape")
    await market.travel(start_of(booking) + 26 * HOUR)
    await screen.go(f"/lessons/{booking['id']}")
    await expect(page.get_by_text("$40.00 charged, $20.00 of credit used")).to_be_visible()
    assert screen.complaints == []


async def test_a_refund_is_told_to_both(
    visitors: Visitors, market: Market, offer: Offer, student: Person
) -> None:
    booking = await booked(market, offer, student, "pm_card_visa")
    await market.travel(start_of(booking) + 26 * HOUR)
    wish = {"amount_cents": 1500, "reason": "came late", "reverse_transfer": True}
    admin = await market.admin()
    await admin.post(f"/api/admin/bookings/{booking['id']}/refund", wish)
    learner = await visitors.open(student)
    await learner.go(f"/lessons/{booking['id']}")
    await expect(
        learner.page.get_by_text("$15.00 of $60.00 went back to your card")
    ).to_be_visible()
    await expect(line(learner.page, "Refunded")).to_have_text("−$15.00")
    await expect(line(learner.page, "On your card")).to_have_text("$45.00")
    teaching = await visitors.open(offer.instructor)
    await teaching.go(f"/lessons/{booking['id']}")
    await expect(teaching.page.get_by_text("$15.00 went back to the student")).to_be_visible()
    assert learner.complaints + teaching.complaints == []
