"""The whole main job in the browser: publish, book with a card, teach, be paid."""

import secrets
from datetime import datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from sandbox.client import PASSWORD, Market
from tests.web.kit import Screen, Visitors

pytestmark = [pytest.mark.browser, pytest.mark.world]

CARD = "4242424242424242"


async def join(screen: Screen, name: str, role: str) -> None:
    """Create an account on the page that is open."""
    page = screen.page
    await page.get_by_role("radio", name="Teach" if role == "instructor" else "Learn").check()
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("E-mail").fill(f"{secrets.token_hex(6)}@example.com")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Create account").click()


async def write_profile(screen: Screen) -> None:
    """First step of the checklist."""
    page = screen.page
    await page.get_by_role("link", name="Write profile").click()
    await screen.is_alive()
    await page.get_by_label("Headline").fill("Guitar for people with little time")
    await page.get_by_label("About you").fill("Songs first, theory when it helps.")
    await page.get_by_label("Languages").fill("English")
    await page.get_by_role("button", name="Save profile").click()
    await page.wait_for_url("**/teach")


async def add_service(screen: Screen) -> None:
    """Second step."""
    page = screen.page
    await page.get_by_role("link", name="Add a service").click()
    await screen.is_alive()
    await page.get_by_role("button", name="Add a service").click()
    await page.get_by_label("Skill").select_option("guitar")
    await page.get_by_label("Price for an hour").fill("100")
    await page.get_by_label("Title").fill("Guitar")
    await expect(page.locator("[data-price-preview]")).to_contain_text("$100.00")
    await page.get_by_role("button", name="Save service").click()
    await expect(page.get_by_role("heading", name="Guitar")).to_be_visible()


async def open_week(screen: Screen) -> None:
    """Third step: Monday's hours, copied to the working days."""
    page = screen.page
    await screen.go("/teach/availability")
    await page.get_by_role("checkbox", name="Monday").check()
    await page.get_by_label("Monday until").fill("18")
    await page.get_by_label("Monday until").blur()
    await expect(page.get_by_label("Monday until")).to_have_value("18:00")
    await page.get_by_role("button", name="Copy Monday to other days").click()
    await page.get_by_role("button", name="Copy", exact=True).click()
    await expect(page.locator("[data-week-total]")).to_have_text("45 h a week")
    await page.get_by_role("button", name="Save availability").click()
    await expect(page.get_by_text("Availability saved")).to_be_visible()


async def set_up_payouts(screen: Screen) -> None:
    """Fourth step: Stripe's own page, then back to a calendar that students can book."""
    page = screen.page
    await screen.go("/teach")
    await page.get_by_role("button", name="Set up payouts").click()
    await page.locator('[data-test="onboarding-submit"]').click()
    await page.wait_for_url("**/teach**")
    await expect(page.get_by_role("heading", name="Your week")).to_be_visible()


async def fill_card(page: Page, number: str = CARD) -> None:
    """Type a card into the form that Stripe's script has put into the page."""
    frame = page.frame_locator("[data-card-box] iframe")
    await frame.locator('[data-test="card-number"]').fill(number)
    await frame.locator('[data-test="card-expiry"]').fill("12 / 40")
    await frame.locator('[data-test="card-cvc"]').fill("123")


async def is_paid(screen: Screen, market: Market, cents: int) -> None:
    """What Stripe has put on the account of the instructor behind this window."""
    answer = await screen.page.request.get(f"{screen.url}/api/instructor/stripe/status")
    account = (await answer.json())["account_id"]
    balance = await market.stripe("/v1/balance", account=account)
    assert sum(each["amount"] for each in balance["pending"] + balance["available"]) == cents


async def sees_the_bill(screen: Screen, path: str, lines: dict[str, str]) -> None:
    """The page of the first lesson in a list tells these amounts."""
    await screen.go(path)
    await screen.page.locator(".lesson h3 a").first.click()
    await screen.page.wait_for_url("**/lessons/*")
    for label, amount in lines.items():
        line = screen.page.locator(".lines > div").filter(has_text=label)
        await expect(line.locator("dd")).to_have_text(amount)


async def book(learner: Screen, public: str) -> datetime:
    """Find the instructor, choose a time, join on the way, book with a card. Answers the start."""
    page = learner.page
    await learner.go("/?skill=guitar")
    await page.get_by_role("link", name="Marcus Reed").click()
    await page.wait_for_url(f"**{public}**")
    await learner.is_alive()
    await page.locator("[data-day-strip] button[data-free]").nth(2).click()
    slot = page.locator(".day[data-current] .slot").first
    start = datetime.fromisoformat(str(await slot.get_attribute("data-start")))
    await slot.click()
    await page.get_by_role("link", name="Sign in to book").click()
    await page.get_by_role("link", name="Create an account").click()
    await learner.is_alive()
    await join(learner, "Sam Okafor", "student")
    await page.wait_for_url(f"**{public}**")
    await learner.is_alive()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Add a card")).to_be_visible()
    await fill_card(page)
    await page.get_by_role("button", name="Save card and book").click()
    await expect(page.get_by_role("heading", name="Your lesson is booked")).to_be_visible()
    await page.get_by_role("link", name="See my lessons").click()
    await expect(page.get_by_role("heading", name="Guitar with Marcus Reed")).to_be_visible()
    await expect(page.get_by_text("Card saved, authorised on")).to_be_visible()
    return start


async def test_an_instructor_publishes_a_student_books_and_the_instructor_is_paid(
    visitors: Visitors, market: Market
) -> None:
    teaching = await visitors.open()
    page = teaching.page
    await teaching.go("/register?role=instructor")
    await join(teaching, "Marcus Reed", "instructor")
    await page.wait_for_url("**/teach")
    await teaching.is_alive()
    await write_profile(teaching)
    await add_service(teaching)
    await open_week(teaching)
    await set_up_payouts(teaching)
    public = await page.get_by_role("link", name="See your page").get_attribute("href")

    learner = await visitors.open(width=390)
    start = await book(learner, str(public))

    await teaching.go("/teach/bookings")
    await expect(page.get_by_role("heading", name="Guitar with Sam Okafor")).to_be_visible()
    await expect(page.get_by_text("$85.00 comes to you on")).to_be_visible()
    await is_paid(teaching, market, 0)
    await market.travel(start + timedelta(hours=1) + timedelta(hours=24, seconds=1))
    await teaching.go("/teach/bookings")
    await expect(page.get_by_text("$85.00 paid to you")).to_be_visible()
    await teaching.go("/teach")
    earned = page.locator(".stat-row > *").filter(has_text="paid to you so far")
    await expect(earned.locator("b")).to_have_text("$85.00")
    await is_paid(teaching, market, 8500)
    await sees_the_bill(teaching, "/teach/bookings", {"Price": "$100.00", "Our fee": "−$15.00"})
    await expect(page.locator(".lines .total")).to_contain_text("$85.00")
    await sees_the_bill(learner, "/lessons", {"On your card": "$100.00"})
    await expect(learner.page.locator(".story")).to_contain_text("$100.00 charged")
    assert teaching.complaints + learner.complaints == []
