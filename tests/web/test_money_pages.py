"""The pages of money: what an instructor has and gets at once, a student's cards and credit."""

from datetime import datetime, timedelta

import pytest
from playwright.async_api import expect

from sandbox.client import Market, Offer, Person
from tests.web.kit import Visitors
from tests.web.test_lesson_pages import booked

pytestmark = [pytest.mark.browser, pytest.mark.world]

HOUR = timedelta(hours=1)


async def test_an_instructor_sees_the_fee_first_and_is_paid_at_once(
    visitors: Visitors, market: Market, offer: Offer, student: Person
) -> None:
    screen = await visitors.open(offer.instructor, width=390)
    page = screen.page
    await screen.go("/teach/earnings")
    await expect(page.get_by_text("Nothing can be paid out at once now")).to_be_visible()
    await expect(page.get_by_role("heading", name="No payouts yet")).to_be_visible()
    booking = await booked(market, offer, student, "pm_card_visa")
    await market.travel(datetime.fromisoformat(booking["start_at"]) + 26 * HOUR)
    await screen.go("/teach/earnings")
    await expect(page.locator(".stat-row > *").first).to_contain_text("$51.00")
    told = page.locator("[data-payout-quote] dd")
    await expect(told).to_have_text(["$51.00", "$1.02", "$49.98"])
    await page.get_by_role("button", name="Pay me out now").click()
    await expect(page.get_by_text("$49.98 is on its way to your bank")).to_be_visible()
    await expect(page.locator(".money-list li").first).to_contain_text("At once")
    await expect(page.locator(".stat-row > *").first).to_contain_text("$0.00")
    assert await screen.overflow() == 0
    assert screen.complaints == []


async def test_a_student_sees_cards_credit_and_payments(
    visitors: Visitors, market: Market, offer: Offer, student: Person
) -> None:
    screen = await visitors.open(student, width=390)
    page = screen.page
    await screen.go("/billing")
    await expect(page.get_by_role("heading", name="Nothing was charged yet")).to_be_visible()
    booking = await booked(market, offer, student, "pm_card_visa")
    await market.travel(datetime.fromisoformat(booking["start_at"]) - 20 * HOUR)
    await student.post(f"/api/bookings/{booking['id']}/cancel")
    await screen.go("/billing")
    credit = page.get_by_role("region", name="Credit")
    await expect(credit).to_contain_text("$60.00")
    await expect(credit).to_contain_text("From a cancelled lesson")
    payments = page.get_by_role("region", name="Payments")
    await expect(payments).to_contain_text("Charged to your card")
    lesson = payments.get_by_role("link").first
    await expect(lesson).to_have_text("Piano for beginners with Ana Belén Castellanos-Whitfield")
    await expect(payments).to_contain_text("−$60.00")
    await expect(payments).to_contain_text("+$60.00 credit")
    await page.get_by_role("button", name="Remove Visa ending in 4242").click()
    await expect(page.get_by_text("Card removed")).to_be_visible()
    await expect(page.get_by_role("button", name="Remove")).to_have_count(0)
    assert await screen.overflow() == 0
    assert screen.complaints == []


async def test_strangers_sign_in_first_and_students_do_not_teach(
    visitors: Visitors, student: Person
) -> None:
    screen = await visitors.open()
    await screen.page.goto(f"{screen.url}/billing")
    await expect(screen.page.get_by_role("button", name="Sign in")).to_be_visible()
    learner = await visitors.open(student)
    answer = await learner.page.goto(f"{learner.url}/teach/earnings")
    assert answer is not None
    assert answer.status == 403
