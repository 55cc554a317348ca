"""Each write and each read-back at Stripe, as one request; they raise the SDK's errors."""

from typing import Final

import msgspec
import stripe

from domain.movements import (
    CreatePayout,
    CreateRefund,
    CreateTransfer,
    ReverseTopUp,
    ReverseTransfer,
)
from domain.operations import (
    Answer,
    AttachMethod,
    Call,
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
    Seen,
    SetupSeen,
)
from gateways.stripe_movements import StripeMovements
from gateways.stripe_objects import (
    INTENT_EXPAND,
    IntentBody,
    intent_seen,
    method_seen,
    setup_seen,
)

LIST_MAX: Final = 100


class StripeCalls:
    """The requests of the payment flow."""

    def __init__(self, client: stripe.StripeClient) -> None:
        """`client` belongs to the running event loop."""
        self._api = client.v1
        self.movements = StripeMovements(client)

    async def send(self, call: Call, key: str) -> Seen:
        """Sends a write with its idempotency key."""
        options: stripe.RequestOptions = {"idempotency_key": key}
        seen: Seen
        match call:
            case CreateIntent():
                seen = await self._create_intent(call, options)
            case ConfirmIntent():
                seen = await self._confirm_intent(call, options)
            case CaptureIntent():
                seen = await self._capture_intent(call, options)
            case CancelIntent():
                seen = await self._cancel_intent(call, options)
            case CreateSetup():
                seen = await self._create_setup(call, options)
            case CancelSetup():
                setups = self._api.setup_intents
                seen = setup_seen(await setups.cancel_async(call.setup_intent_id, {}, options))
            case AttachMethod():
                seen = await self._attach(call, options)
            case (
                CreateTransfer()
                | ReverseTransfer()
                | ReverseTopUp()
                | CreateRefund()
                | CreatePayout()
            ):
                seen = await self.movements.send(call, options)
        return seen

    async def find(self, call: Call) -> Answer:
        """What a write has left behind (`docs/money.md`, read-backs); never writes."""
        answer: Answer
        match call:
            case CreateIntent():
                answer = await self._created_intent(call)
            case ConfirmIntent():
                answer = _if_confirmed(await self.intent(call.payment_intent_id))
            case CaptureIntent():
                seen = await self.intent(call.payment_intent_id)
                is_waiting = seen.status == "requires_capture"
                answer = NotHappened(code=seen.status) if is_waiting else seen
            case CancelIntent():
                seen = await self.intent(call.payment_intent_id)
                is_done = seen.status in {"canceled", "succeeded"}
                answer = seen if is_done else NotHappened(code=seen.status)
            case CreateSetup():
                # a forgotten setup intent moves nothing: another one takes its place
                answer = NotHappened(code="not_looked_for")
            case CancelSetup():
                answer = await self.setup(call.setup_intent_id)
            case AttachMethod():
                method = await self.method(call.payment_method_id)
                is_done = method.customer == call.customer
                answer = method if is_done else NotHappened(code="not_attached")
            case (
                CreateTransfer()
                | ReverseTransfer()
                | ReverseTopUp()
                | CreateRefund()
                | CreatePayout()
            ):
                moved = await self.movements.find(call)
                answer = NotHappened(code="not_found") if moved is None else moved
        return answer

    async def _create_intent(
        self, call: CreateIntent, options: stripe.RequestOptions
    ) -> IntentSeen:
        params: stripe.params.PaymentIntentCreateParams = {
            "amount": call.amount_cents,
            "currency": call.currency,
            "customer": call.customer,
            "capture_method": "manual",
            "allowed_payment_method_types": ["card"],
            "transfer_data": {"destination": call.destination_account},
            "transfer_group": call.transfer_group,
            "metadata": call.metadata,
            "expand": INTENT_EXPAND,
        }
        if call.application_fee_cents:
            params["application_fee_amount"] = call.application_fee_cents
        if call.statement_suffix is not None:
            params["statement_descriptor_suffix"] = call.statement_suffix
        if call.is_on_session:
            params["setup_future_usage"] = "off_session"
        return intent_seen(await self._api.payment_intents.create_async(params, options))

    async def _confirm_intent(
        self, call: ConfirmIntent, options: stripe.RequestOptions
    ) -> IntentSeen:
        params: stripe.params.PaymentIntentConfirmParams = {
            "payment_method": call.payment_method_id,
            "expand": INTENT_EXPAND,
        }
        if call.is_on_session:
            params["use_stripe_sdk"] = True
        else:
            params["off_session"] = True
        intents = self._api.payment_intents
        return intent_seen(await intents.confirm_async(call.payment_intent_id, params, options))

    async def _create_setup(self, call: CreateSetup, options: stripe.RequestOptions) -> SetupSeen:
        made = await self._api.setup_intents.create_async(
            {
                "customer": call.customer,
                "usage": "off_session",
                "allowed_payment_method_types": ["card"],
                "metadata": call.metadata,
            },
            options,
        )
        return setup_seen(made)

    async def _capture_intent(
        self, call: CaptureIntent, options: stripe.RequestOptions
    ) -> IntentSeen:
        params: stripe.params.PaymentIntentCaptureParams = {"expand": INTENT_EXPAND}
        if call.as_fee_cents is not None:
            params["application_fee_amount"] = call.as_fee_cents
        if call.kept_as is not None:
            params["metadata"] = {"kept_as": call.kept_as}
        intents = self._api.payment_intents
        return intent_seen(await intents.capture_async(call.payment_intent_id, params, options))

    async def _cancel_intent(
        self, call: CancelIntent, options: stripe.RequestOptions
    ) -> IntentSeen:
        params: stripe.params.PaymentIntentCancelParams = {"expand": INTENT_EXPAND}
        intents = self._api.payment_intents
        return intent_seen(await intents.cancel_async(call.payment_intent_id, params, options))

    async def _attach(self, call: AttachMethod, options: stripe.RequestOptions) -> MethodSeen:
        params: stripe.params.PaymentMethodAttachParams = {"customer": call.customer}
        methods = self._api.payment_methods
        return method_seen(await methods.attach_async(call.payment_method_id, params, options))

    async def _created_intent(self, call: CreateIntent) -> Answer:
        listed = await self._api.payment_intents.list_async(
            {"customer": call.customer, "limit": LIST_MAX}
        )
        for each in listed.data:
            if msgspec.convert(each.to_dict(), IntentBody).metadata == call.metadata:
                return await self.intent(each.id)
        return NotHappened(code="no_such_intent")

    async def intent(self, intent_id: str) -> IntentSeen:
        """A payment intent with all that it moved."""
        intents = self._api.payment_intents
        return intent_seen(await intents.retrieve_async(intent_id, {"expand": INTENT_EXPAND}))

    async def setup(self, setup_intent_id: str) -> SetupSeen:
        """A setup intent."""
        return setup_seen(await self._api.setup_intents.retrieve_async(setup_intent_id))

    async def method(self, payment_method_id: str) -> MethodSeen:
        """A card."""
        return method_seen(await self._api.payment_methods.retrieve_async(payment_method_id))


def _if_confirmed(seen: IntentSeen) -> Answer:
    match seen.status:
        case "requires_payment_method" if seen.decline is not None:
            return Declined(decline=seen.decline)
        case "requires_payment_method" | "requires_confirmation":
            return NotHappened(code=seen.status)
        case _:
            return seen
