"""The emulator's own pages: complete at both widths, and their forms do what they say."""

import pytest
import stripe
from playwright.async_api import Browser, Page, expect

from tests.sandbox.stripe.conftest import Process, Receiver, settled
from tests.sandbox.stripe.test_a_lesson_to_the_cent import hold
from tests.sandbox.stripe.test_webhooks import listen

pytestmark = pytest.mark.browser

SECTIONS = (
    "",
    "payments",
    "accounts",
    "events",
    "deliveries",
    "faults",
    "clock",
    "log",
    "books",
)


async def opened(
    browser: Browser, width: int, address: str, complaints: list[str] | None = None
) -> Page:
    """A page of this width; its script errors go to `complaints`."""
    context = await browser.new_context(viewport={"width": width, "height": 900})
    page = await context.new_page()
    if complaints is not None:
        page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(address)
    return page


@pytest.mark.parametrize("width", [390, 1440])
async def test_every_page_fits_its_window(
    browser: Browser,
    api: stripe.StripeClient,
    emulator: Process,
    receiver: Receiver,
    customer: str,
    instructor: str,
    width: int,
) -> None:
    listen(api, receiver)
    held = hold(api, customer, instructor)
    api.v1.payment_intents.capture(held.id)
    emulator.control("faults", {"action": "429_rate", "match": {"path": "x" * 60}})
    await settled(emulator)
    complaints: list[str] = []
    page = await opened(browser, width, emulator.url, complaints)
    pages = [*SECTIONS, f"objects/{held.id}", f"objects/{held.latest_charge.id}"]
    for name in pages:
        await page.goto(f"{emulator.url}/dashboard/{name}")
        await expect(page.locator("h1")).to_have_count(1)
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, name
    link = api.v1.accounts.login_links.create(instructor).url
    await page.goto(link)
    await expect(page.get_by_text("Movements")).to_be_visible()
    assert complaints == []
    await page.context.close()


async def test_forms_do_what_they_say(
    browser: Browser,
    api: stripe.StripeClient,
    emulator: Process,
    receiver: Receiver,
    instructor: str,
) -> None:
    listen(api, receiver)
    page = await opened(browser, 1440, f"{emulator.url}/dashboard/faults")
    await page.get_by_role("combobox").select_option("429_lock")
    await page.get_by_role("textbox", name="Path").fill("customers$")
    await page.get_by_role("textbox", name="Times").fill("3")
    await page.get_by_role("button", name="Add fault").click()
    await expect(page.get_by_role("status")).to_have_text("Done.")
    (rule,) = emulator.look("faults")["data"]
    assert (rule["action"], rule["match"]["path"], rule["times"]) == ("429_lock", "customers$", 3)
    await page.get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("Nothing yet.")).to_be_visible()
    assert emulator.look("faults")["data"] == []
    await page.get_by_role("textbox", name="Chance").fill("often")
    await page.get_by_role("button", name="Add fault").click()
    await expect(page.get_by_role("status")).to_contain_text("Not a fault rule")

    await page.get_by_role("link", name="Clock").click()
    await page.get_by_role("button", name="1 day").click()
    await expect(page.get_by_text("Tue 02 Mar 2027 12:00:00").first).to_be_visible()
    assert emulator.look("due")["now"] == "2027-03-02T12:00:00.000000Z"
    await page.get_by_role("button", name="Keep").click()
    await expect(page.get_by_role("button", name="Bring back")).to_be_visible()

    await page.get_by_role("link", name="Accounts").click()
    await page.get_by_role("button", name="Restrict").click()
    await expect(page.get_by_role("button", name="Free")).to_be_visible()
    assert api.v1.accounts.retrieve(instructor).capabilities.transfers == "inactive"

    api.v1.customers.create()
    await settled(emulator)
    before = len(receiver.got)
    await page.get_by_role("link", name="Events").click()
    await page.get_by_role("row", name="customer.created").get_by_role("button").click()
    await expect(page.get_by_role("status")).to_have_text("Done.")
    await settled(emulator)
    assert len(receiver.got) == before + 1
    await page.context.close()


def test_what_came_from_outside_is_shown_as_text(
    api: stripe.StripeClient, emulator: Process
) -> None:
    nasty = "<script>alert(1)</script>"
    made = api.v1.customers.create({"name": nasty})
    emulator.form("/v1/customers", {"name": nasty}, headers={"Idempotency-Key": nasty})
    for path in (f"dashboard/objects/{made.id}", "dashboard/log", f"dashboard/?said={nasty}"):
        text = emulator.http.get(f"/{path}").text
        assert nasty not in text
        assert "&lt;script&gt;" in text
    assert emulator.http.get("/dashboard/none").status_code == 404
    assert emulator.http.get("/dashboard/objects/none").status_code == 404
