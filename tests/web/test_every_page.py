"""Every page at every size: nothing sticks out, nothing complains, anybody can use it."""

from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.client import Market, Offer, Person
from tests.web.kit import Screen, Visitors

pytestmark = [pytest.mark.browser, pytest.mark.world]

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (390, 768, 1440)
PUBLIC = (
    "/",
    "/?skill=piano",
    "/?skill=nothing+at+all",
    "/login",
    "/register",
    "/instructors/{id}",
)
STUDENT = ("/lessons", "/lessons/{booking}", "/instructors/{id}")
TEACHER = (
    "/teach",
    "/teach/availability",
    "/teach/services",
    "/teach/bookings",
    "/teach/profile",
    "/lessons/{booking}",
)
BARRIERS = """async () => {
  const found = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] });
  const where = (v) => v.nodes.map((n) => n.target.join(" ")).join(", ");
  return found.violations.map((v) => `${v.id}: ${where(v)}`);
}"""


@pytest_asyncio.fixture
async def lesson(market: Market, offer: Offer, student: Person) -> Offer:
    """Return an offer with one lesson booked and one time held, so that pages have something."""
    starts = (await market.slots(offer.instructor.id, offer.service_id, 60))["slots"]
    card = {"payment_method_id": "pm_card_visa"}
    await student.post("/api/bookings", offer.request(starts[40]["start_at"], **card))
    return offer


async def checked(screen: Screen, path: str) -> list[str]:
    """What is wrong with one page."""
    await screen.go(path)
    wrong = [f"{path}: console: {text}" for text in screen.complaints]
    screen.complaints.clear()
    if (overflow := await screen.overflow()) > 0:
        wrong.append(f"{path}: {overflow} px too wide")
    await screen.page.evaluate(AXE.read_text("utf-8"))
    wrong += [f"{path}: {barrier}" for barrier in await screen.page.evaluate(BARRIERS)]
    return wrong


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
async def test_every_page_fits_and_has_no_barriers(
    visitors: Visitors, lesson: Offer, student: Person, width: int, *, is_dark: bool
) -> None:
    wrong: list[str] = []
    booking = (await student.get("/api/bookings"))["items"][0]
    for person, paths in ((None, PUBLIC), (student, STUDENT), (lesson.instructor, TEACHER)):
        screen = await visitors.open(person, width=width, is_dark=is_dark)
        for path in paths:
            named = path.format(id=lesson.instructor.id, booking=booking["id"])
            wrong += await checked(screen, named)
    assert wrong == []


async def test_pages_are_complete_without_any_script(visitors: Visitors, lesson: Offer) -> None:
    context = await visitors.browser.new_context(java_script_enabled=False)
    visitors.contexts.append(context)
    page = await context.new_page()
    await page.goto(f"{visitors.url}/instructors/{lesson.instructor.id}")
    assert await page.locator(".slot").count() > 10
    await page.locator(".slot").nth(12).click()
    assert "start=" in page.url
    assert await page.locator('.slot[aria-pressed="true"]').count() == 1
