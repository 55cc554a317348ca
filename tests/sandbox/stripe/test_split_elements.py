"""The script beyond the one card form: split fields, the payment element, what it refuses."""

import asyncio
from typing import Any

import pytest
import stripe
from playwright.async_api import Page

from tests.sandbox.stripe.conftest import Process
from tests.sandbox.stripe.test_browser_script import (
    LAST_CHANGE,
    answer,
    payment,
    setup_secret,
    type_card,
)

pytestmark = pytest.mark.browser

SPLIT = """
() => {
  const box = document.querySelector("#card");
  box.replaceChildren(...["number", "expiry", "cvc"].map((id) => {
    const part = document.createElement("div");
    part.id = id;
    return part;
  }));
  window.client = window.Stripe("pk_test_emulator");
  window.elements = window.client.elements();
  window.changes = [];
  const style = {base: {color: "#1a1f36", fontSize: "18px"}};
  const made = ["cardNumber", "cardExpiry", "cardCvc"].map((type) => {
    const element = window.elements.create(type, {style, placeholder: type});
    element.on("change", (change) => window.changes.push(change));
    return element;
  });
  window.parts = made;
  return Promise.all(made.map((element, position) => new Promise((resolve) => {
    element.on("ready", () => resolve(true));
    element.mount(box.children[position]);
  })));
}
"""
PAY = """(secret) => window.client.confirmCardPayment(secret,
  {payment_method: {card: window.elements.getElement("cardNumber")}})"""
PAYMENT_ELEMENT = """
(options) => new Promise((resolve) => {
  window.client = window.Stripe("pk_test_emulator");
  window.elements = window.client.elements(options);
  const element = window.elements.create("payment");
  window.changes = [];
  element.on("change", (change) => window.changes.push(change));
  element.on("ready", () => resolve("ready"));
  element.on("loaderror", (event) => resolve(event.error));
  element.mount("#card");
})
"""
LOAD_ERROR = """
(options) => new Promise((resolve) => {
  const element = window.client.elements(options).create("payment");
  element.on("loaderror", (event) => resolve(event.error));
  element.mount("#card");
})
"""
REFUSED = """
async ([call, ...given]) => {
  const client = window.Stripe("pk_test_emulator");
  try { await new Function("client", "given", "return " + call)(client, given); return null; }
  catch (error) { return error.name; }
}
"""


async def fill(page: Page, part: str, text: str) -> None:
    """Type into one of the split fields."""
    frame = page.frame_locator(f"[data-test=stripe-card-{part}-frame]")
    await frame.locator(f"[data-test=card-{part}]").press_sequentially(text)


async def test_three_frames_make_one_card(
    bare_page: Page, api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    await bare_page.evaluate(SPLIT)
    intent = payment(api, customer, instructor)
    await fill(bare_page, "number", "378282246310005")
    await fill(bare_page, "expiry", "1230")
    await fill(bare_page, "cvc", "123")
    result = await bare_page.evaluate(PAY, intent.client_secret)
    assert result["error"]["code"] == "incomplete_cvc"  # American Express has four digits
    await fill(bare_page, "cvc", "4")
    change = await bare_page.evaluate(LAST_CHANGE, "complete")
    assert change["elementType"] == "cardCvc"
    assert "brand" not in change
    brands: list[str] = await bare_page.evaluate(
        "() => window.changes.filter(({brand}) => brand).map(({brand}) => brand)"
    )
    assert brands[-1] == "amex"
    result = await bare_page.evaluate(PAY, intent.client_secret)
    assert result["paymentIntent"]["status"] == "requires_capture"
    held = api.v1.payment_intents.retrieve(intent.id, {"expand": ["payment_method"]})
    assert held.payment_method.card.last4 == "0005"


async def test_split_fields_are_as_high_as_their_text_and_answer_a_challenge(
    bare_page: Page, api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    await bare_page.evaluate(SPLIT)
    box = await bare_page.locator("[data-test=stripe-card-number-frame]").bounding_box()
    assert box is not None
    assert 20 <= box["height"] <= 30
    intent = payment(api, customer, instructor)
    await fill(bare_page, "number", "4000002760003184")
    await fill(bare_page, "expiry", "1230")
    await fill(bare_page, "cvc", "123")
    paying = asyncio.ensure_future(bare_page.evaluate(PAY, intent.client_secret))
    await answer(bare_page, "complete")
    assert (await paying)["paymentIntent"]["status"] == "requires_capture"


async def test_the_shops_page_cannot_read_a_frame(bare_page: Page) -> None:
    await bare_page.evaluate(SPLIT)
    name = await bare_page.evaluate(
        """() => { try { return String(window.frames[0].emulatorCard); }
        catch (error) { return error.name; } }"""
    )
    assert name == "SecurityError"


async def test_a_server_confirmed_intent_is_finished_by_handle_next_action(
    bare_page: Page, api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    intent = payment(api, customer, instructor)
    card = api.v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer})
    api.v1.payment_intents.confirm(
        intent.id, {"payment_method": card.id, "return_url": "http://shop.test/back"}
    )
    handle = (
        """(clientSecret) => window.Stripe("pk_test_emulator").handleNextAction({clientSecret})"""
    )
    handling = asyncio.ensure_future(bare_page.evaluate(handle, intent.client_secret))
    await answer(bare_page, "complete")
    assert (await handling)["paymentIntent"]["status"] == "requires_capture"
    again = await bare_page.evaluate(handle, intent.client_secret)
    assert again["paymentIntent"]["status"] == "requires_capture"


async def test_a_deferred_payment_element_is_submitted_before_it_confirms(
    bare_page: Page, api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    options: dict[str, Any] = {
        "mode": "payment",
        "amount": 5_000,
        "currency": "usd",
        "allowedPaymentMethodTypes": ["card"],
    }
    assert await bare_page.evaluate(PAYMENT_ELEMENT, options) == "ready"
    await type_card(bare_page, "4242424242424242")
    intent = payment(api, customer, instructor)
    confirm = """async ([clientSecret, submits]) => {
      const {client, elements} = window;
      if (submits) await elements.submit();
      try { return await client.confirmPayment({elements, clientSecret, redirect: "if_required"}); }
      catch (error) { return error.message; }
    }"""
    early = await bare_page.evaluate(confirm, [intent.client_secret, False])
    assert early.startswith("elements.submit() must be called")
    paid = await bare_page.evaluate(confirm, [intent.client_secret, True])
    assert paid["paymentIntent"]["status"] == "requires_capture"


async def test_a_payment_element_says_when_its_intent_is_over_or_unknown(
    bare_page: Page, api: stripe.StripeClient, customer: str
) -> None:
    secret = setup_secret(api, customer)
    assert await bare_page.evaluate(PAYMENT_ELEMENT, {"clientSecret": secret}) == "ready"
    assert await bare_page.evaluate("() => window.elements.fetchUpdates()") == {}
    intent_id = secret.partition("_secret_")[0]
    api.v1.setup_intents.cancel(intent_id)
    over = await bare_page.evaluate(LOAD_ERROR, {"clientSecret": secret})
    assert over["code"] == "setup_intent_unexpected_state"
    unknown = await bare_page.evaluate(LOAD_ERROR, {"clientSecret": f"{intent_id}_secret_wrong"})
    assert unknown["type"] == "invalid_request_error"
    assert "client_secret" in unknown["message"]


@pytest.mark.parametrize(
    "call",
    [
        "window.Stripe('sk_test_x')",
        "client.elements({mode: 'payment', currency: 'usd'})",
        "client.elements({mode: 'payment', amount: 5.5, currency: 'usd'})",
        "client.elements({mode: 'gift', currency: 'usd'})",
        "client.elements({clientSecret: 'nonsense'})",
        "client.elements({paymentMethodTypes: ['card']})",
        "client.elements().update({paymentMethodTypes: ['card']})",
        "client.elements({allowedPaymentMethodTypes: ['us_bank_account']})",
        "client.elements({allowedPaymentMethodTypes: []})",
        "client.elements({allowedPaymentMethodTypes: 'card'})",
        "client.elements().update({allowedPaymentMethodTypes: ['link']})",
        "client.retrieveSetupIntent('nonsense')",
        "client.retrievePaymentIntent('seti_1_secret_1')",
        "client.retrieveSetupIntent('pi_1_secret_1')",
        "client.elements().create('payment')",
        "client.elements().create('iban')",
        "client.elements().create('card').mount('#nowhere')",
        "(() => { const e = client.elements(); e.create('card'); e.create('cardNumber'); })()",
        "client.confirmCardPayment('seti_1_secret_1')",
        "client.confirmPayment({clientSecret: 'pi_1_secret_1'})",
        "client.handleNextAction({})",
        "client.createPaymentMethod({type: 'sepa_debit'})",
    ],
)
async def test_a_wrong_call_is_an_integration_error(bare_page: Page, call: str) -> None:
    assert await bare_page.evaluate(REFUSED, [call]) == "IntegrationError"


async def test_a_removed_form_ends_what_it_was_asked(bare_page: Page, emulator: Process) -> None:
    await bare_page.evaluate(SPLIT)
    for part, text in (("number", "4242424242424242"), ("expiry", "1230"), ("cvc", "123")):
        await fill(bare_page, part, text)
    emulator.control("faults", {"action": "latency", "seconds": 3})
    made = await bare_page.evaluate(
        """async () => {
          const making = window.client.createPaymentMethod({type: "card", card: window.parts[0]});
          window.parts[0].unmount();
          return making;
        }"""
    )
    assert made["error"]["type"] == "api_connection_error"


@pytest.mark.parametrize("action", ["drop_before", "html_502", "garbage"])
async def test_a_broken_connection_is_an_error_the_page_can_show(
    bare_page: Page, emulator: Process, api: stripe.StripeClient, customer: str, action: str
) -> None:
    secret = setup_secret(api, customer)
    # for ever: Chromium itself repeats a POST whose kept-alive connection was cut
    emulator.control("faults", {"action": action, "times": 0, "match": {"path": "confirm$"}})
    confirm = """(secret) => window.Stripe("pk_test_emulator").confirmCardSetup(
      secret, {payment_method: "pm_card_visa"})"""
    result = await bare_page.evaluate(confirm, secret)
    assert result["error"]["type"] == "api_connection_error"
    assert result["error"]["message"].startswith("An unexpected error occurred")
