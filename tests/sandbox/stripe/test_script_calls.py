"""Single calls of the browser script: reading intents, changing an element, waiting, listening."""

from typing import Any

import pytest
import stripe
from playwright.async_api import Page, Route

from tests.sandbox.stripe.conftest import IMPATIENT, Process
from tests.sandbox.stripe.test_browser_script import (
    MOUNT,
    SETUP,
    frame,
    payment,
    setup_secret,
    type_card,
)

pytestmark = pytest.mark.browser

READ = """
([call, secret]) => window.Stripe("pk_test_emulator")[call](secret)
"""
SAY = """
([origin, type, value]) => {
  const source = document.querySelector("[data-test=stripe-card-frame]").contentWindow;
  const data = {source: "stripe-emulator", type, value};
  window.dispatchEvent(new MessageEvent("message", {origin, source, data}));
  return window.changes.map((change) => change.brand);
}
"""
COMMAND = """
([origin, type]) => {
  const data = {source: "stripe-emulator", type};
  window.dispatchEvent(new MessageEvent("message", {origin, source: window.parent, data}));
  return document.getElementById("number").value;
}
"""
WAIT = """
() => new Promise((resolve) => {
  const card = window.Stripe("pk_test_emulator").elements().create("card");
  const heard = [];
  card.on("loaderror", (event) => { heard.push(event); });
  card.on("ready", () => { heard.push("ready"); });
  card.mount("#card");
  setTimeout(() => resolve(heard), 1500);
})
"""


async def read(page: Page, call: str, secret: str | None) -> dict[str, Any]:
    """Call the script with a client secret."""
    return await page.evaluate(READ, [call, secret])


async def test_intents_are_read_with_their_secrets(
    bare_page: Page, api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    setup = setup_secret(api, customer)
    found = await read(bare_page, "retrieveSetupIntent", setup)
    assert found["setupIntent"]["status"] == "requires_payment_method"
    assert found["setupIntent"]["client_secret"] == setup
    intent = payment(api, customer, instructor)
    found = await read(bare_page, "retrievePaymentIntent", intent.client_secret)
    assert (found["paymentIntent"]["id"], found["paymentIntent"]["amount"]) == (intent.id, 5_000)
    assert "metadata" not in found["paymentIntent"]
    assert "transfer_data" not in found["paymentIntent"]


async def test_a_wrong_secret_reads_nothing(
    bare_page: Page, api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    wrong = {
        "retrieveSetupIntent": setup_secret(api, customer),
        "retrievePaymentIntent": payment(api, customer, instructor).client_secret or "",
    }
    for call, secret in wrong.items():
        intent_id = secret.partition("_secret_")[0]
        found = await read(bare_page, call, f"{intent_id}_secret_wrong")
        assert list(found) == ["error"]
        assert found["error"]["type"] == "invalid_request_error"


async def test_an_element_is_changed_while_it_is_mounted(bare_page: Page) -> None:
    await bare_page.evaluate(MOUNT)
    number = frame(bare_page).get_by_label("Card number")
    await number.fill("4242")
    await bare_page.evaluate("() => window.card.update({disabled: true})")
    await frame(bare_page).locator("#number[disabled]").wait_for()
    await bare_page.evaluate("() => window.card.update({disabled: false})")
    await frame(bare_page).locator("#number:not([disabled])").wait_for()
    assert (await number.input_value()).startswith("4242")


async def test_what_was_changed_before_mounting_counts_from_the_start(bare_page: Page) -> None:
    await bare_page.evaluate(
        """() => new Promise((resolve) => {
          const card = window.Stripe("pk_test_emulator").elements().create("card");
          card.update({disabled: true});
          card.on("ready", () => resolve(true));
          card.mount("#card");
        })"""
    )
    await frame(bare_page).locator("#number[disabled]").wait_for()


async def test_a_form_that_does_not_load_in_time_is_a_load_error(
    bare_page: Page, shop: str
) -> None:
    async def break_off(route: Route) -> None:
        await route.abort()

    await bare_page.route("**/js/card.html*", break_off)
    await bare_page.goto(shop.rstrip("/") + IMPATIENT)
    (failed,) = await bare_page.evaluate(WAIT)
    assert failed["elementType"] == "card"
    assert failed["error"]["message"] == "The card form could not be loaded."
    await bare_page.unroute("**/js/card.html*")
    assert await bare_page.evaluate(WAIT) == ["ready"]


async def test_a_form_has_ten_seconds_when_nothing_else_is_said(
    bare_page: Page, emulator: Process
) -> None:
    script = emulator.http.get("/js/stripe.js").text
    assert "dataset.loadMs ?? 10_000" in script
    assert await bare_page.evaluate("() => Object.keys(window).includes('LOAD_MS')") is False


async def test_a_message_of_a_foreign_origin_is_dropped(bare_page: Page, emulator: Process) -> None:
    await bare_page.evaluate(MOUNT)
    change = {"complete": True, "brand": "forged"}
    foreign = ["http://evil.test", "change", change]
    assert "forged" not in await bare_page.evaluate(SAY, foreign)
    own = [emulator.url, "change", change]
    assert "forged" in await bare_page.evaluate(SAY, own)


async def test_the_card_form_obeys_the_page_it_was_made_for_alone(
    bare_page: Page, shop: str
) -> None:
    await bare_page.evaluate(MOUNT)
    await frame(bare_page).get_by_label("Card number").fill("4242")
    (inside,) = [each for each in bare_page.frames if "/js/card.html" in each.url]
    assert (await inside.evaluate(COMMAND, ["http://evil.test", "clear"])).startswith("4242")
    assert await inside.evaluate(COMMAND, [shop.rstrip("/"), "clear"]) == ""


async def test_the_whole_address_of_the_payer_is_kept(
    bare_page: Page, api: stripe.StripeClient, customer: str
) -> None:
    await bare_page.evaluate(MOUNT)
    await type_card(bare_page, "4242424242424242")
    details = "{name: 'Ada', address: {city: 'London', postal_code: 'E1'}}"
    card = f"{{card: window.card, billing_details: {details}}}"
    result = await bare_page.evaluate(
        SETUP.replace("{card: window.card}", card), setup_secret(api, customer)
    )
    saved = api.v1.payment_methods.retrieve(result["setupIntent"]["payment_method"])
    kept = saved.billing_details
    assert (kept.name, kept.address.city, kept.address.postal_code) == ("Ada", "London", "E1")


def test_every_file_of_the_script_is_served(emulator: Process) -> None:
    script = emulator.http.get("/js/stripe.js").text
    for name in ("class Frame", "class Element ", "class Elements", "class Client"):
        assert script.count(f"{name.rstrip()} {{") == 1
    assert emulator.http.get("/js/frames.js").status_code == 404
