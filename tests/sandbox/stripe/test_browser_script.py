"""The browser script in Chromium, on a page of another origin under the marketplace's own CSP."""

import asyncio

import pytest
import pytest_asyncio
import stripe
from playwright.async_api import FrameLocator, Page, expect

pytestmark = pytest.mark.browser

MOUNT = """
() => {
  window.client = window.Stripe("pk_test_emulator");
  window.card = window.client.elements().create("card");
  window.changes = [];
  window.card.on("change", (change) => window.changes.push(change));
  return new Promise((resolve) => {
    window.card.on("ready", () => resolve(true));
    window.card.mount("#card");
  });
}
"""
LAST_CHANGE = """
(field) => new Promise((resolve) => {
  const look = () => {
    const last = window.changes.at(-1);
    if (last?.[field]) resolve(last);
    else requestAnimationFrame(look);
  };
  look();
})
"""
SETUP = "(secret) => window.client.confirmCardSetup(secret, {payment_method: {card: window.card}})"
PAY = "(secret) => window.client.confirmCardPayment(secret, {payment_method: {card: window.card}})"


@pytest_asyncio.fixture
async def page(bare_page: Page) -> Page:
    """Return the shop's page with the card form ready."""
    await bare_page.evaluate(MOUNT)
    return bare_page


def frame(page: Page) -> FrameLocator:
    """The card form."""
    return page.frame_locator("[data-test=stripe-card-frame]")


async def type_card(page: Page, number: str) -> None:
    """Fill in the card form as a person does."""
    form = frame(page)
    await form.get_by_label("Card number").press_sequentially(number)
    await form.get_by_label("Expires").press_sequentially("1230")
    await form.get_by_label("Security code").press_sequentially("123")


async def answer(page: Page, what: str) -> None:
    """Play the cardholder in the modal."""
    modal = page.frame_locator("[data-test=stripe-challenge-frame]")
    await modal.locator(f"[data-test=challenge-{what}]").click()


def setup_secret(api: stripe.StripeClient, customer: str) -> str:
    """A setup intent's client secret."""
    intent = api.v1.setup_intents.create(
        {"customer": customer, "usage": "off_session", "allowed_payment_method_types": ["card"]}
    )
    return intent.client_secret or ""


def payment(api: stripe.StripeClient, customer: str, instructor: str) -> stripe.PaymentIntent:
    """A same-day intent."""
    return api.v1.payment_intents.create(
        {
            "amount": 5_000,
            "currency": "usd",
            "customer": customer,
            "capture_method": "manual",
            "allowed_payment_method_types": ["card"],
            "transfer_data": {"destination": instructor},
            "application_fee_amount": 750,
            "setup_future_usage": "off_session",
        }
    )


async def test_a_typed_card_is_saved(page: Page, api: stripe.StripeClient, customer: str) -> None:
    secret = setup_secret(api, customer)
    await type_card(page, "4242424242424242")
    change = await page.evaluate(LAST_CHANGE, "complete")
    assert change["brand"] == "visa"
    result = await page.evaluate(SETUP, secret)
    assert result["setupIntent"]["status"] == "succeeded"
    assert "metadata" not in result["setupIntent"]
    saved = api.v1.customers.payment_methods.list(customer).data
    assert [method.id for method in saved] == [result["setupIntent"]["payment_method"]]


async def test_the_form_fits_a_phone(page: Page) -> None:
    box = await page.locator("[data-test=stripe-card-frame]").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    inner = await frame(page).locator("[data-test=card-form]").bounding_box()
    assert inner is not None
    assert abs(inner["height"] - box["height"]) < 2
    await page.evaluate("() => window.card.unmount()")
    await expect(page.locator("[data-test=stripe-card-frame]")).to_have_count(0)


async def test_an_incomplete_card_is_told_in_the_form_and_in_the_answer(
    page: Page, api: stripe.StripeClient, customer: str
) -> None:
    await frame(page).get_by_label("Card number").fill("4242")
    result = await page.evaluate(SETUP, setup_secret(api, customer))
    assert result["error"]["code"] == "incomplete_number"
    change = await page.evaluate(LAST_CHANGE, "error")
    assert change["error"]["message"] == "Your card number is incomplete."


async def test_a_declined_card_comes_back_as_an_error(
    page: Page, api: stripe.StripeClient, customer: str
) -> None:
    await type_card(page, "4000000000000002")
    result = await page.evaluate(SETUP, setup_secret(api, customer))
    assert result["error"]["code"] == "card_declined"
    assert result["error"]["decline_code"] == "generic_decline"


async def test_a_completed_challenge_authorizes_for_seven_days(
    page: Page, api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    intent = payment(api, customer, instructor)
    await type_card(page, "4000002760003184")
    paying = asyncio.ensure_future(page.evaluate(PAY, intent.client_secret))
    await answer(page, "complete")
    result = await paying
    assert result["paymentIntent"]["status"] == "requires_capture"
    held = api.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    card = held.latest_charge.payment_method_details.card
    assert card.capture_before == held.latest_charge.created + 7 * 86_400
    assert card.three_d_secure.result == "authenticated"
    await expect(page.locator("[data-test=stripe-challenge]")).to_have_count(0)


async def test_a_failed_challenge_leaves_the_intent_open_for_another_card(
    page: Page, api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    intent = payment(api, customer, instructor)
    await type_card(page, "4000002760003184")
    paying = asyncio.ensure_future(page.evaluate(PAY, intent.client_secret))
    await answer(page, "fail")
    result = await paying
    assert result["error"]["code"] == "payment_intent_authentication_failure"
    assert result["error"]["payment_intent"]["status"] == "requires_payment_method"


async def test_a_challenge_the_server_began_is_answered_without_a_card(
    page: Page, api: stripe.StripeClient, customer: str, instructor: str
) -> None:
    intent = payment(api, customer, instructor)
    card = api.v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer})
    begun = api.v1.payment_intents.confirm(
        intent.id, {"payment_method": card.id, "use_stripe_sdk": True}
    )
    assert begun.status == "requires_action"
    assert begun.next_action.type == "use_stripe_sdk"
    pay = "(secret) => window.client.confirmCardPayment(secret)"
    paying = asyncio.ensure_future(page.evaluate(pay, intent.client_secret))
    await answer(page, "complete")
    assert (await paying)["paymentIntent"]["status"] == "requires_capture"


async def test_a_payment_element_confirms_without_leaving_the_page(
    page: Page, api: stripe.StripeClient, customer: str
) -> None:
    secret = setup_secret(api, customer)
    await page.evaluate("() => window.card.destroy()")
    await page.evaluate(
        """(clientSecret) => new Promise((resolve) => {
          window.elements = window.client.elements({clientSecret});
          const element = window.elements.create("payment");
          element.on("ready", () => resolve(true));
          element.mount("#card");
        })""",
        secret,
    )
    await type_card(page, "5555555555554444")
    result = await page.evaluate(
        """async () => {
          const checked = await window.elements.submit();
          if (checked.error) return checked;
          return window.client.confirmSetup({elements: window.elements, redirect: "if_required"});
        }"""
    )
    assert result["setupIntent"]["status"] == "succeeded"


async def test_the_removed_option_throws(page: Page) -> None:
    message = await page.evaluate(
        """() => {
          try { window.client.elements({paymentMethodTypes: ["card"]}); }
          catch (error) { return error.name + ": " + error.message; }
        }"""
    )
    assert message.startswith("IntegrationError")
