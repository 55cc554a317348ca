"""Free times on an instructor's page stay true while somebody looks at them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import expect

from sandbox.client import PASSWORD, Offer, Person
from tests.web.kit import Screen, Visitors

pytestmark = [pytest.mark.browser, pytest.mark.world]

REMEMBER_SOCKETS = """
const Native = WebSocket;
window.sockets = [];
window.WebSocket = class extends Native {
  constructor(...args) { super(...args); window.sockets.push(this); }
};
"""


async def looked_at(visitors: Visitors, offer: Offer, person: Person | None = None) -> Screen:
    """A window on the page of the instructor, live."""
    screen = await visitors.open(person)
    await screen.go(f"/instructors/{offer.instructor.id}")
    await expect(screen.page.locator("[data-live-state]")).to_have_text("Live")
    return screen


async def test_a_time_vanishes_without_reload_when_somebody_else_books_it(
    visitors: Visitors, offer: Offer, student: Person
) -> None:
    screen = await looked_at(visitors, offer)
    slot = screen.page.locator(".day[data-free] .slot").nth(3)
    start = await slot.get_attribute("data-start")
    await screen.page.evaluate("window.wasHereBefore = true")
    same = screen.page.locator(f'[data-start="{start}"]')
    below = screen.page.locator(".day[data-free] .slot").nth(4)
    place = await below.bounding_box()

    booked = await student.post("/api/bookings", offer.request(str(start)))
    await expect(same).to_have_text("Just taken")
    await expect(same).to_be_hidden()
    assert await below.bounding_box() == place, "other times stay where they are"

    await student.post(f"/api/bookings/{booked['booking']['id']}/cancel")
    await expect(same).to_be_visible()
    await expect(same).not_to_have_text("Just taken")
    assert await screen.page.evaluate("window.wasHereBefore") is True
    assert screen.complaints == []


async def test_who_chose_a_time_is_told_when_it_is_taken(
    visitors: Visitors, offer: Offer, student: Person
) -> None:
    screen = await looked_at(visitors, offer)
    slot = screen.page.locator(".day[data-free] .slot").nth(2)
    start = await slot.get_attribute("data-start")
    await slot.click()
    await expect(screen.page.locator("[data-summary-when]")).not_to_have_text("Choose a time")
    await student.post("/api/bookings", offer.request(str(start)))
    await expect(screen.page.locator("[data-time-problem]")).to_contain_text("was just taken")
    await expect(screen.page.locator("[data-summary-when]")).to_have_text("Choose a time")


async def test_the_keyboard_alone_picks_a_time(visitors: Visitors, offer: Offer) -> None:
    screen = await looked_at(visitors, offer)
    await screen.page.locator('.slot[tabindex="0"]').focus()
    await screen.page.keyboard.press("ArrowRight")
    await screen.page.keyboard.press("ArrowDown")
    chosen = await screen.page.evaluate("document.activeElement.dataset.start")
    await screen.page.keyboard.press("Enter")
    await expect(screen.page.locator(f'[data-start="{chosen}"]')).to_have_attribute(
        "aria-pressed", "true"
    )
    await expect(screen.page.locator("[data-summary-when]")).not_to_have_text("Choose a time")
    assert "start=" in screen.page.url


async def test_a_chosen_time_survives_signing_in(
    visitors: Visitors, offer: Offer, student: Person
) -> None:
    screen = await looked_at(visitors, offer)
    await screen.page.locator(".day[data-free] .slot").nth(1).click()
    chosen = await screen.page.locator("[data-summary-when]").text_content()
    await screen.page.get_by_role("link", name="Sign in to book").click()
    await screen.page.get_by_label("E-mail").fill(student.email)
    await screen.page.get_by_label("Password", exact=True).fill(PASSWORD)
    await screen.is_alive()
    await screen.page.get_by_role("button", name="Sign in").click()
    await screen.page.wait_for_url("**/instructors/**")
    await expect(screen.page.locator("[data-summary-when]")).to_have_text(str(chosen))
    await expect(screen.page.get_by_role("button", name="Continue")).to_be_enabled()


async def test_a_broken_line_heals_and_brings_what_was_missed(
    visitors: Visitors, offer: Offer, student: Person
) -> None:
    screen = await visitors.open()
    await screen.page.add_init_script(REMEMBER_SOCKETS)
    await screen.go(f"/instructors/{offer.instructor.id}")
    await expect(screen.page.locator("[data-live-state]")).to_have_text("Live")
    start = await screen.page.locator(".day[data-free] .slot").nth(3).get_attribute("data-start")
    await screen.page.evaluate("window.sockets.at(-1).close()")
    await student.post("/api/bookings", offer.request(str(start)))
    await expect(screen.page.locator(f'[data-start="{start}"]')).to_be_hidden()
    await expect(screen.page.locator("[data-live-state]")).to_have_text("Live")
    assert await screen.page.evaluate("window.sockets.length") > 1


async def test_another_zone_moves_every_time_and_is_remembered(
    visitors: Visitors, offer: Offer
) -> None:
    screen = await looked_at(visitors, offer)
    slot = screen.page.locator(".day[data-free] .slot").nth(3)
    start = await slot.get_attribute("data-start")
    same = screen.page.locator(f'[data-start="{start}"]')
    await screen.page.locator("[data-zone-select]").focus()
    await screen.page.locator("[data-zone-select]").select_option("Asia/Kolkata")
    there = datetime.fromisoformat(str(start)).astimezone(ZoneInfo("Asia/Kolkata"))
    await expect(same).to_have_text(f"{there:%H:%M}")
    await screen.page.reload()
    await expect(same).to_have_text(f"{there:%H:%M}")
