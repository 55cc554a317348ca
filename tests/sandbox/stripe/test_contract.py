"""One suite, two sides: what the product relies on, held by the emulator and by Stripe itself.

Without a key only the emulator is asked. `STRIPE_CONTRACT_KEY=sk_test_…` runs the same tests with a
real sandbox too; `STRIPE_CONTRACT_ACCOUNT=acct_…` (transfers active) adds destination charges.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import stripe

from tests.sandbox.stripe.conftest import Process, onboarded
from tests.sandbox.stripe.test_shapes import is_optional

KEY = os.environ.get("STRIPE_CONTRACT_KEY", "")
ACCOUNT = os.environ.get("STRIPE_CONTRACT_ACCOUNT", "")
CARD_ONLY = {"allowed_payment_method_types": ["card"]}
DAY = 86_400


class Side(msgspec.Struct, kw_only=True):
    """Who is asked, and an account that may receive transfers."""

    api: stripe.StripeClient
    account: Callable[[], str]


def _real_account() -> str:
    if not ACCOUNT:
        pytest.skip("STRIPE_CONTRACT_ACCOUNT is not set: no account to send money to")
    return ACCOUNT


@pytest.fixture(params=["emulator", "stripe"])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    """Return the emulator, then Stripe itself if there is a key."""
    if request.param == "emulator":
        emulator: Process = request.getfixturevalue("emulator")
        api = emulator.sdk()
        yield Side(api=api, account=lambda: onboarded(api, emulator))
        return
    if not KEY:
        pytest.skip("STRIPE_CONTRACT_KEY is not set: Stripe itself is not asked")
    if not KEY.startswith("sk_test_"):
        pytest.fail("STRIPE_CONTRACT_KEY must be a test key: these tests move money")
    http = stripe.HTTPXClient(timeout=30, allow_sync_methods=True)
    yield Side(
        api=stripe.StripeClient(KEY, http_client=http, max_network_retries=2),
        account=_real_account,
    )
    http.close()


@pytest.fixture
def api(side: Side) -> stripe.StripeClient:
    """Return the SDK on this side."""
    return side.api


@pytest.fixture
def student(api: stripe.StripeClient) -> Iterator[str]:
    """Return a customer of this test alone."""
    made = api.v1.customers.create({"email": f"{uuid.uuid4().hex}@example.com", "name": "Sam"})
    yield made.id
    api.v1.customers.delete(made.id)


def intent(api: stripe.StripeClient, customer: str, **more: object) -> stripe.PaymentIntent:
    """An unconfirmed intent as the product makes it."""
    fixed = {"amount": 10_000, "currency": "usd", "customer": customer, "capture_method": "manual"}
    params: Any = {**fixed, **CARD_ONLY, **more}
    return api.v1.payment_intents.create(params)


def saved(api: stripe.StripeClient, customer: str, card: str = "pm_card_visa") -> str:
    """A card saved for off-session use."""
    done = api.v1.setup_intents.create(
        {
            "customer": customer,
            "usage": "off_session",
            "payment_method": card,
            "confirm": True,
            "allowed_payment_method_types": ["card"],
        }
    )
    assert done.status == "succeeded"
    return str(done.payment_method)


def held(api: stripe.StripeClient, customer: str, **more: object) -> stripe.PaymentIntent:
    """An authorized intent, its charge beside it."""
    made = intent(api, customer, **more)
    return api.v1.payment_intents.confirm(
        made.id,
        {"payment_method": saved(api, customer), "off_session": True, "expand": ["latest_charge"]},
    )


def refusal(call: Callable[[], object]) -> stripe.StripeError:
    """What a call that must fail is told."""
    with pytest.raises(stripe.StripeError) as caught:
        call()
    assert caught.value.request_id
    return caught.value


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"payment_method_types": ["card"]}, 400, "payment_method_types_no_longer_supported"),
        ({"colour": "red"}, 400, "parameter_unknown"),
        ({"amount": "ten"}, 400, "parameter_invalid_integer"),
        ({"customer": "cus_nobody"}, 400, "resource_missing"),
        ({"amount": 10}, 400, "amount_too_small"),
    ],
)
def test_wrong_parameters_are_refused(
    api: stripe.StripeClient, params: dict[str, Any], status: int, code: str
) -> None:
    whole: Any = {"amount": 500, "currency": "usd", **params}
    error = refusal(lambda: api.v1.payment_intents.create(whole))
    assert (error.http_status, error.code) == (status, code)


def test_what_is_not_there_is_404_and_a_missing_parameter_is_named(
    api: stripe.StripeClient,
) -> None:
    error = refusal(lambda: api.v1.payment_intents.retrieve("pi_none"))
    assert (error.http_status, error.code) == (404, "resource_missing")
    lacking: Any = {"amount": 500}
    error = refusal(lambda: api.v1.payment_intents.create(lacking))
    assert (error.code, error.error.param) == ("parameter_missing", "currency")


def test_a_key_replays_its_first_answer_and_refuses_another_request(
    api: stripe.StripeClient,
) -> None:
    key = {"idempotency_key": uuid.uuid4().hex}
    first = api.v1.customers.create({"name": "Sam"}, key)
    again = api.v1.customers.create({"name": "Sam"}, key)
    assert again.id == first.id
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert again.last_response.headers["stripe-version"] == stripe.api_version
    error = refusal(lambda: api.v1.customers.create({"name": "Kim"}, key))
    assert isinstance(error, stripe.IdempotencyError)
    assert error.http_status == 400
    api.v1.customers.delete(first.id)


def test_a_saved_card_belongs_to_its_customer(api: stripe.StripeClient, student: str) -> None:
    card = saved(api, student)
    listed = api.v1.customers.payment_methods.list(student).data
    assert [each.id for each in listed] == [card]
    assert listed[0].card.last4 == "4242"


def test_a_refused_card_is_not_saved(api: stripe.StripeClient, student: str) -> None:
    attach = api.v1.payment_methods.attach
    error = refusal(lambda: attach("pm_card_visa_chargeDeclined", {"customer": student}))
    assert (error.http_status, error.code) == (402, "card_declined")
    assert error.error.decline_code == "generic_decline"


def test_a_decline_frees_the_intent_for_another_card(
    api: stripe.StripeClient, student: str
) -> None:
    card = api.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": student}).id
    made = intent(api, student)
    confirm = {"payment_method": card, "off_session": True}
    error = refusal(lambda: api.v1.payment_intents.confirm(made.id, confirm))
    assert isinstance(error, stripe.CardError)
    assert (error.http_status, error.code) == (402, "card_declined")
    assert error.error.payment_intent.id == made.id
    now = api.v1.payment_intents.retrieve(made.id)
    assert (now.status, now.payment_method) == ("requires_payment_method", None)
    assert now.latest_charge
    assert now.last_payment_error.code == "card_declined"
    paid = api.v1.payment_intents.confirm(
        made.id, {**confirm, "payment_method": saved(api, student)}
    )
    assert paid.status == "requires_capture"
    api.v1.payment_intents.cancel(made.id)


def test_a_card_that_asks_is_refused_without_its_holder(
    api: stripe.StripeClient, student: str
) -> None:
    token = "pm_card_authenticationRequired"
    card = api.v1.payment_methods.attach(token, {"customer": student}).id
    made = intent(api, student)
    confirm = {"payment_method": card, "off_session": True}
    error = refusal(lambda: api.v1.payment_intents.confirm(made.id, confirm))
    assert (error.http_status, error.code) == (402, "authentication_required")
    assert api.v1.payment_intents.retrieve(made.id).status == "requires_payment_method"
    api.v1.payment_intents.cancel(made.id)


def test_money_is_held_then_taken_once(api: stripe.StripeClient, student: str) -> None:
    reserved = held(api, student)
    assert (reserved.status, reserved.amount_capturable) == ("requires_capture", 10_000)
    charge = reserved.latest_charge
    window = charge.payment_method_details.card.capture_before - charge.created
    assert 4 * DAY < window <= 7 * DAY
    taken = api.v1.payment_intents.capture(
        reserved.id, {"expand": ["latest_charge.balance_transaction"]}
    )
    assert (taken.status, taken.amount_received) == ("succeeded", 10_000)
    moved = taken.latest_charge.balance_transaction
    assert moved.net == moved.amount - moved.fee
    error = refusal(lambda: api.v1.payment_intents.capture(reserved.id))
    assert (error.http_status, error.code) == (400, "payment_intent_unexpected_state")
    assert error.error.payment_intent.status == "succeeded"


def test_a_part_is_taken_and_the_rest_released(api: stripe.StripeClient, student: str) -> None:
    reserved = held(api, student)
    taken = api.v1.payment_intents.capture(
        reserved.id, {"amount_to_capture": 4_000, "expand": ["latest_charge"]}
    )
    assert (taken.amount_received, taken.amount_capturable) == (4_000, 0)
    assert taken.latest_charge.amount_captured == 4_000


def test_a_released_hold_is_over(api: stripe.StripeClient, student: str) -> None:
    reserved = held(api, student)
    gone = api.v1.payment_intents.cancel(reserved.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    for call in (api.v1.payment_intents.capture, api.v1.payment_intents.cancel):
        error = refusal(lambda call=call: call(reserved.id))
        assert error.code == "payment_intent_unexpected_state"
    charge = api.v1.charges.retrieve(str(gone.latest_charge))
    assert (charge.captured, charge.refunded) == (False, True)


def test_refunds_end_at_what_was_paid(api: stripe.StripeClient, student: str) -> None:
    reserved = held(api, student)
    api.v1.payment_intents.capture(reserved.id)
    refund = api.v1.refunds.create
    part = refund({"payment_intent": reserved.id, "amount": 4_000})
    assert part.amount == 4_000
    assert part.status in ("succeeded", "pending")  # Stripe waits while the balance is short
    assert refusal(lambda: refund({"payment_intent": reserved.id, "amount": 7_000}))
    assert refund({"payment_intent": reserved.id}).amount == 6_000
    error = refusal(lambda: refund({"payment_intent": reserved.id}))
    assert error.code == "charge_already_refunded"


def test_lists_come_newest_first_in_pages(api: stripe.StripeClient) -> None:
    email = f"{uuid.uuid4().hex}@example.com"
    made = [api.v1.customers.create({"email": email}).id for _ in range(3)]
    page = api.v1.customers.list({"email": email, "limit": 2})
    assert (len(page.data), page.has_more) == (2, True)
    assert {each.id for each in page.auto_paging_iter()} == set(made)
    for each in made:
        api.v1.customers.delete(each)


def test_only_what_is_expandable_is_expanded(api: stripe.StripeClient, student: str) -> None:
    made = intent(api, student)
    seen = api.v1.payment_intents.retrieve(made.id, {"expand": ["customer"]})
    assert seen.customer.id == student
    expand: Any = {"expand": ["amount"]}
    assert refusal(lambda: api.v1.payment_intents.retrieve(made.id, expand)).http_status == 400
    api.v1.payment_intents.cancel(made.id)


def test_an_event_tells_of_the_capture(api: stripe.StripeClient, student: str) -> None:
    reserved = held(api, student)
    api.v1.payment_intents.capture(reserved.id)
    for _ in range(40):
        found = api.v1.events.list({"type": "payment_intent.succeeded", "limit": 20}).data
        if event := next((e for e in found if e.data.object.id == reserved.id), None):
            assert event.api_version
            assert event.data.object.status == "succeeded"
            return
        time.sleep(0.5)
    pytest.fail("no event told of the capture")


def test_a_destination_charge_splits_and_comes_back_whole(side: Side, student: str) -> None:
    api, account = side.api, side.account()
    reserved = held(
        api,
        student,
        transfer_data={"destination": account},
        application_fee_amount=1_500,
        transfer_group=f"booking:{uuid.uuid4().hex}",
    )
    taken = api.v1.payment_intents.capture(reserved.id, {"expand": ["latest_charge.transfer"]})
    transfer = taken.latest_charge.transfer
    assert (transfer.amount, transfer.destination) == (10_000, account)
    fee = api.v1.application_fees.retrieve(str(taken.latest_charge.application_fee))
    assert (fee.amount, fee.account) == (1_500, account)
    alone: Any = {"payment_intent": reserved.id, "refund_application_fee": True}
    assert refusal(lambda: api.v1.refunds.create(alone)).http_status == 400
    back = api.v1.refunds.create({**alone, "reverse_transfer": True, "amount": 4_000})
    reversal = api.v1.transfers.retrieve(transfer.id).reversals.data[0]
    assert (reversal.id, reversal.amount) == (back.transfer_reversal, 4_000)
    assert api.v1.application_fees.retrieve(fee.id).amount_refunded == 600


def test_objects_have_every_field_the_sdk_counts_on(api: stripe.StripeClient, student: str) -> None:
    reserved = held(api, student)
    taken = api.v1.payment_intents.capture(reserved.id)
    refund = api.v1.refunds.create({"payment_intent": taken.id})
    found: list[tuple[Any, Any]] = [
        (stripe.Customer, api.v1.customers.retrieve(student)),
        (stripe.PaymentIntent, taken),
        (stripe.Charge, api.v1.charges.retrieve(str(taken.latest_charge))),
        (stripe.Refund, refund),
        (stripe.PaymentMethod, api.v1.payment_methods.retrieve(str(taken.payment_method))),
        (stripe.BalanceTransaction, api.v1.balance_transactions.list({"limit": 1}).data[0]),
        (stripe.Balance, api.v1.balance.retrieve()),
    ]
    for kind, doc in found:
        wanted = {
            name
            for name, annotation in kind.__annotations__.items()
            if not name.startswith("_")
            and not is_optional(annotation)
            and "ClassVar" not in str(annotation)
        }
        assert wanted - doc.to_dict().keys() == set(), kind.__name__
