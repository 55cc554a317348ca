"""The gateway against the Stripe emulator: closed answers, read amounts, lost answers found."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from domain.operations import (
    AccountSeen,
    AttachMethod,
    CancelIntent,
    CancelSetup,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    CreateSetup,
    Declined,
    IntentSeen,
    MethodSeen,
    NotHappened,
    Refused,
    SetupSeen,
    Stale,
)
from gateways.settings import SettingsInvalidError
from gateways.stripe import StripeGateway
from sandbox.emulator import Emulator


class Payer:
    """A customer, an instructor's account, and calls between them."""

    def __init__(self, stripe: StripeGateway, account: str, customer: str) -> None:
        self.stripe = stripe
        self.account = account
        self.customer = customer
        self.booking_id = uuid4()

    async def intent(self, *, is_on_session: bool = False, key: str | None = None) -> IntentSeen:
        """A fresh intent over 100 dollars."""
        call = CreateIntent(
            amount_cents=10_000,
            currency="usd",
            customer=self.customer,
            destination_account=self.account,
            application_fee_cents=1500,
            transfer_group=f"booking:{self.booking_id}",
            is_on_session=is_on_session,
            metadata={"booking_id": str(self.booking_id), "cycle": "1"},
        )
        made = await self.stripe.perform(call, key=key or uuid4().hex)
        assert isinstance(made, IntentSeen)
        return made

    async def card(self, name: str = "pm_card_visa") -> str:
        """A saved card."""
        call = AttachMethod(payment_method_id=name, customer=self.customer)
        saved = await self.stripe.perform(call, key=uuid4().hex)
        assert isinstance(saved, MethodSeen)
        return saved.id

    async def authorized(self) -> IntentSeen:
        """An intent with the money reserved."""
        intent, card = await self.intent(), await self.card()
        call = ConfirmIntent(
            payment_intent_id=intent.id, payment_method_id=card, is_on_session=False
        )
        seen = await self.stripe.perform(call, key=uuid4().hex)
        assert isinstance(seen, IntentSeen)
        return seen


@pytest_asyncio.fixture
async def payer(stripe_emulator: Emulator) -> AsyncIterator[Payer]:
    """A payer with the gateway of this test."""
    stripe = StripeGateway.connect(
        secret_key=stripe_emulator.secret_key, api_base=stripe_emulator.url
    )
    account = await stripe.create_account(
        instructor_id=uuid4(), email="i@example.com", public_url="http://localhost"
    )
    url = await stripe.account_link(
        account, return_url="http://localhost/a", refresh_url="http://localhost/b"
    )
    async with httpx.AsyncClient(trust_env=False) as browser:
        assert (await browser.post(url)).status_code < 400
    user_id = uuid4()
    customer = await stripe.create_customer(
        user_id=user_id, email="s@example.com", name="Sol", key=f"cust:{user_id}"
    )
    yield Payer(stripe, account, customer)
    await stripe.close()


@pytest_asyncio.fixture
async def faults(stripe_emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    """The emulator's own addresses."""
    async with httpx.AsyncClient(base_url=stripe_emulator.url, trust_env=False) as client:
        yield client


async def test_an_onboarded_account_can_be_paid(payer: Payer) -> None:
    seen = await payer.stripe.account(payer.account)
    assert isinstance(seen, AccountSeen)
    assert seen.has_transfers
    assert seen.has_payouts
    assert isinstance(await payer.stripe.account("acct_unknown"), Refused)


async def test_a_capture_is_read_not_computed(payer: Payer) -> None:
    reserved = await payer.authorized()
    assert (reserved.status, reserved.capturable_cents) == ("requires_capture", 10_000)
    charge = reserved.charge
    assert charge is not None
    assert charge.capture_before is not None
    assert charge.capture_before - charge.authorized_at == timedelta(days=4, hours=18)
    assert not charge.is_booked

    taken = await payer.stripe.perform(CaptureIntent(payment_intent_id=reserved.id), key="cap")
    assert isinstance(taken, IntentSeen)
    assert (taken.status, taken.received_cents) == ("succeeded", 10_000)
    charge = taken.charge
    assert charge is not None
    assert charge.is_booked
    assert (charge.captured_cents, charge.stripe_fee_cents) == (10_000, 320)
    assert (charge.transfer_cents, charge.application_fee_cents) == (10_000, 1500)
    parts = (
        charge.balance_transaction_id,
        charge.transfer_transaction_id,
        charge.destination_transaction_id,
        charge.application_fee_transaction_id,
    )
    assert len(set(parts)) == 4
    assert None not in parts
    assert taken.booking_id == payer.booking_id


async def test_a_capture_may_keep_everything_as_the_fee(payer: Payer) -> None:
    reserved = await payer.authorized()
    call = CaptureIntent(payment_intent_id=reserved.id, as_fee_cents=10_000)
    taken = await payer.stripe.perform(call, key=uuid4().hex)
    assert isinstance(taken, IntentSeen)
    assert taken.charge is not None
    assert taken.charge.application_fee_cents == 10_000


async def test_a_second_capture_sees_what_is_there(payer: Payer) -> None:
    reserved = await payer.authorized()
    call = CaptureIntent(payment_intent_id=reserved.id)
    await payer.stripe.perform(call, key=uuid4().hex)
    again = await payer.stripe.perform(call, key=uuid4().hex)
    assert isinstance(again, Stale)
    assert isinstance(again.now_seen, IntentSeen)
    assert again.now_seen.status == "succeeded"


async def test_a_release_ends_the_authorization(payer: Payer) -> None:
    reserved = await payer.authorized()
    released = await payer.stripe.perform(
        CancelIntent(payment_intent_id=reserved.id), key=uuid4().hex
    )
    assert isinstance(released, IntentSeen)
    assert released.status == "canceled"
    assert released.charge is not None
    assert released.charge.is_good


@pytest.mark.parametrize(
    ("card", "is_on_session", "kind", "code"),
    [
        ("pm_card_chargeCustomerFail", False, "soft", "generic_decline"),
        ("pm_card_authenticationRequired", False, "authentication", "authentication_required"),
    ],
)
async def test_a_refused_card_is_told_by_its_kind(
    payer: Payer, card: str, is_on_session: bool, kind: str, code: str
) -> None:
    intent, saved = await payer.intent(), await payer.card(card)
    call = ConfirmIntent(
        payment_intent_id=intent.id, payment_method_id=saved, is_on_session=is_on_session
    )
    answer = await payer.stripe.perform(call, key=uuid4().hex)
    assert isinstance(answer, Declined)
    assert (answer.decline.kind, answer.decline.code) == (kind, code)
    found = await payer.stripe.read_back(call)
    assert isinstance(found, Declined)


async def test_a_challenge_is_an_observation_with_a_secret_read_anew(payer: Payer) -> None:
    intent = await payer.intent(is_on_session=True)
    saved = await payer.card("pm_card_authenticationRequired")
    call = ConfirmIntent(payment_intent_id=intent.id, payment_method_id=saved, is_on_session=True)
    answer = await payer.stripe.perform(call, key=uuid4().hex)
    assert isinstance(answer, IntentSeen)
    assert answer.status == "requires_action"
    secret = await payer.stripe.intent_secret(intent.id)
    assert secret is not None
    assert secret.startswith(f"{intent.id}_secret_")


async def test_a_card_that_declines_everything_cannot_be_saved(payer: Payer) -> None:
    call = AttachMethod(payment_method_id="pm_card_visa_chargeDeclined", customer=payer.customer)
    assert isinstance(await payer.stripe.perform(call, key=uuid4().hex), Declined)
    unknown = AttachMethod(payment_method_id="pm_unheard_of", customer=payer.customer)
    assert isinstance(await payer.stripe.perform(unknown, key=uuid4().hex), Refused)


async def test_a_setup_is_made_and_given_up(payer: Payer) -> None:
    made = await payer.stripe.perform(
        CreateSetup(customer=payer.customer, metadata={"booking_id": "1"}), key=uuid4().hex
    )
    assert isinstance(made, SetupSeen)
    assert await payer.stripe.setup_secret(made.id)
    ended = await payer.stripe.perform(CancelSetup(setup_intent_id=made.id), key=uuid4().hex)
    assert isinstance(ended, SetupSeen)
    assert ended.status == "canceled"
    again = await payer.stripe.perform(CancelSetup(setup_intent_id=made.id), key=uuid4().hex)
    assert isinstance(again, Stale)


async def test_the_same_key_gives_the_same_object(payer: Payer) -> None:
    first = await payer.intent(key="same")
    assert (await payer.intent(key="same")).id == first.id


async def test_read_backs_tell_what_happened(payer: Payer) -> None:
    intent = await payer.intent()
    card = await payer.card()
    confirm = ConfirmIntent(
        payment_intent_id=intent.id, payment_method_id=card, is_on_session=False
    )
    assert isinstance(await payer.stripe.read_back(confirm), NotHappened)
    await payer.stripe.perform(confirm, key=uuid4().hex)
    assert isinstance(await payer.stripe.read_back(confirm), IntentSeen)
    capture = CaptureIntent(payment_intent_id=intent.id)
    assert isinstance(await payer.stripe.read_back(capture), NotHappened)
    await payer.stripe.perform(capture, key=uuid4().hex)
    assert isinstance(await payer.stripe.read_back(capture), IntentSeen)


async def test_a_lost_answer_is_found_again_by_the_same_key(
    payer: Payer, faults: httpx.AsyncClient
) -> None:
    reserved = await payer.authorized()
    rule = {
        "match": {"method": "POST", "path": f"/v1/payment_intents/{reserved.id}/capture"},
        "action": "drop_after_commit",
    }
    assert (await faults.post("/_emulator/faults", json=rule)).status_code == 200
    taken = await payer.stripe.perform(
        CaptureIntent(payment_intent_id=reserved.id), key=uuid4().hex
    )
    assert isinstance(taken, IntentSeen)
    assert taken.status == "succeeded"


def test_a_live_key_never_goes_to_a_stand_in() -> None:
    with pytest.raises(SettingsInvalidError):
        StripeGateway.connect(secret_key="sk_live_x", api_base="http://127.0.0.1:1")
