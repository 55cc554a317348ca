"""Stripe in our words: one client a process, closed families of answers, no secret kept.

Writes go through `perform`, which takes a stored `Call` and its idempotency key and never raises
for what Stripe says; `read_back` tells whether a write took effect when its answer was lost.
"""

import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Self, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import stripe
import structlog
from prometheus_client import Counter

from domain.errors import NotFound, PaymentUnavailable
from domain.movements import (
    CreatePayout,
    CreateRefund,
    CreateTransfer,
    DisputeSeen,
    FeeSeen,
    FraudWarningSeen,
    InstantQuote,
    MovementsSeen,
    Opened,
    PayoutSeen,
    ReverseTopUp,
    ReverseTransfer,
    TopUpBackSeen,
)
from domain.operations import (
    AccountSeen,
    Answer,
    AttachMethod,
    Call,
    CancelIntent,
    CancelSetup,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    CreateSetup,
    IntentSeen,
    MethodSeen,
    Refused,
    SetupSeen,
    Stale,
    Unknown,
)
from domain.reconciliation import BalanceSeen, BalanceTransactionPage, SourceSeen
from gateways.settings import LIVE_PREFIXES, STRIPE_API_BASE, SettingsInvalidError
from gateways.stripe_accounts import StripeAccounts
from gateways.stripe_books import StripeBooks
from gateways.stripe_calls import StripeCalls
from gateways.stripe_disputes import StripeDisputes
from gateways.stripe_http import Pace, StripeHttp
from gateways.stripe_objects import CustomerBody, IntentBody, SetupBody, account_seen
from gateways.stripe_outcomes import IsStale, IsStoredFailure, log_failure, outcome_of
from gateways.stripe_patience import looked, patiently, reading

T = TypeVar("T")

log = structlog.get_logger()

NETWORK_RETRIES = 2

ANSWERS = Counter("stripe_answers_total", "Answers of Stripe to our writes.", ("call", "answer"))

stripe.enable_telemetry = False
os.environ.setdefault("STRIPE_SUPPRESS_NOTICES", "true")


class StripeGateway:
    """One connection to Stripe; belongs to the event loop it was made in."""

    def __init__(self, client: stripe.StripeClient, http: StripeHttp, key: str) -> None:
        """Made by `connect`."""
        self._api = client.v1
        self._calls = StripeCalls(client)
        self._accounts = StripeAccounts(client)
        self._disputes = StripeDisputes(client)
        self._books = StripeBooks(client)
        self._http = http
        self.gate = http.gate
        self.is_live = key.startswith(LIVE_PREFIXES)
        self.api_version = stripe.api_version

    @classmethod
    def connect(
        cls,
        *,
        secret_key: str,
        api_base: str = STRIPE_API_BASE,
        calls_per_second: int | None = None,
    ) -> Self:
        """Opens the client; `SettingsInvalidError` when a live key would go to a stand-in.

        `calls_per_second` is the pace of this process at each endpoint.
        """
        is_stripe = urlsplit(api_base).hostname == urlsplit(STRIPE_API_BASE).hostname
        if secret_key.startswith(LIVE_PREFIXES) and not is_stripe:
            raise SettingsInvalidError(
                "a live Stripe key goes to Stripe alone: see STRIPE_API_BASE"
            )
        http = StripeHttp(Pace(calls_per_second))
        client = stripe.StripeClient(
            secret_key,
            base_addresses=None
            if is_stripe
            else {
                "api": api_base,
                "connect": api_base,
                "files": api_base,
                "meter_events": api_base,
            },
            max_network_retries=NETWORK_RETRIES,
            http_client=http,
        )
        return cls(client, http, secret_key)

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.close_async()

    async def has_good_key(self) -> bool:
        """Whether Stripe takes our key, as it told lately or tells now by a cheap read."""
        if not self.gate.is_fresh:
            await looked(self._books.balance)
        return not self.gate.is_shut

    async def may_send(self) -> bool:
        """The same without asking while nothing speaks against the key."""
        return not self.gate.is_shut or await self.has_good_key()

    async def perform(self, call: Call, *, key: str) -> Answer:
        """Sends one write. The same call with the same key is safe to repeat."""
        answer = await self._answered(call, lambda: self._calls.send(call, key))
        ANSWERS.labels(call=type(call).__name__, answer=type(answer).__name__).inc()
        return answer

    async def read_back(self, call: Call) -> Answer:
        """Says what a write has done when its answer was lost; never writes."""
        return await self._answered(call, lambda: self._calls.find(call))

    async def intent(self, intent_id: str) -> IntentSeen | Refused | Unknown:
        """A payment intent as it is now."""
        return await looked(lambda: self._calls.intent(intent_id))

    async def setup_intent(self, setup_intent_id: str) -> SetupSeen | Refused | Unknown:
        """A setup intent as it is now."""
        return await looked(lambda: self._calls.setup(setup_intent_id))

    async def method(self, payment_method_id: str) -> MethodSeen | Refused | Unknown:
        """A card as it is now."""
        return await looked(lambda: self._calls.method(payment_method_id))

    async def movements(
        self, payment_intent_id: str, *, transfer_id: str | None, application_fee_id: str | None
    ) -> MovementsSeen | Refused | Unknown:
        """All that has moved since the capture of an intent."""
        return await looked(
            lambda: self._calls.movements.movements(
                payment_intent_id,
                transfer_id=transfer_id,
                application_fee_id=application_fee_id,
            )
        )

    async def top_up_back(self, transfer_id: str) -> TopUpBackSeen | Refused | Unknown:
        """What has been taken back of a transfer from the platform's balance."""
        return await looked(lambda: self._calls.movements.top_up_back(transfer_id))

    async def fee(self, fee_id: str) -> FeeSeen | Refused | Unknown:
        """A fee of the platform's as it is now."""
        return await looked(lambda: self._books.fee(fee_id))

    async def source(self, transaction_id: str) -> SourceSeen | Refused | Unknown | None:
        """What a movement of the platform's is of; `None` when it is of nothing."""
        return await looked(lambda: self._books.source(transaction_id))

    async def dispute(self, dispute_id: str) -> DisputeSeen | Refused | Unknown:
        """A dispute as it is now."""
        return await looked(lambda: self._disputes.dispute(dispute_id))

    async def fraud_warning(self, warning_id: str) -> FraudWarningSeen | Refused | Unknown:
        """An early fraud warning as it is now."""
        return await looked(lambda: self._disputes.fraud_warning(warning_id))

    async def opened(self, since: datetime, until: datetime) -> list[Opened] | Refused | Unknown:
        """The disputes and early fraud warnings that were opened from `since` to `until`."""
        return await looked(lambda: self._disputes.opened(since, until))

    async def answer_dispute(self, dispute_id: str, *, text: str, key: str) -> DisputeSeen:
        """Submits evidence. `PaymentUnavailable`, `NotFound` when it can no longer be answered."""
        return await self._interactive(
            lambda: self._disputes.answer(dispute_id, text=text, key=key)
        )

    async def payout(self, payout_id: str, *, account: str) -> PayoutSeen | Refused | Unknown:
        """A payout of a connected account as it is now."""
        return await looked(lambda: self._calls.movements.payout(payout_id, account=account))

    async def instant_quotes(self, account: str) -> tuple[InstantQuote, ...]:
        """What a connected account can have at once. `PaymentUnavailable`."""
        return await self._interactive(lambda: self._calls.movements.instant_quotes(account))

    async def account(self, account_id: str) -> AccountSeen | Refused | Unknown:
        """A connected account as it is now."""
        try:
            found = await patiently(lambda: self._api.accounts.retrieve_async(account_id))
        except stripe.StripeError as error:
            return reading(error)
        return account_seen(found)

    async def balance_transactions(
        self, stripe_account_id: str | None, *, since: datetime | None, after: str | None = None
    ) -> BalanceTransactionPage | Refused | Unknown:
        """What moved on an account (`None`: the platform's), newest first, a page at a time."""
        return await looked(
            lambda: self._books.balance_transactions(stripe_account_id, since=since, after=after)
        )

    async def balance(self, account: str | None = None) -> BalanceSeen | Refused | Unknown:
        """The balance of a connected account (`None`: the platform's) as it is now."""
        return await looked(lambda: self._books.balance(account))

    async def webhook_versions(self, url: str) -> list[str | None] | Refused | Unknown:
        """The API versions that the enabled webhook endpoints of an address speak."""
        try:
            found = await patiently(lambda: self._api.webhook_endpoints.list_async({"limit": 100}))
        except stripe.StripeError as error:
            return reading(error)
        return [
            each.api_version for each in found.data if each.url == url and each.status == "enabled"
        ]

    async def intent_secret(self, intent_id: str) -> str | None:
        """What the browser needs for a payment intent; `None` when Stripe does not tell now."""
        try:
            found = await patiently(lambda: self._api.payment_intents.retrieve_async(intent_id))
        except stripe.StripeError:
            return None
        return msgspec.convert(found.to_dict(), IntentBody).client_secret

    async def setup_secret(self, setup_intent_id: str) -> str | None:
        """What the browser needs for a setup intent; `None` when Stripe does not tell now."""
        try:
            found = await patiently(lambda: self._api.setup_intents.retrieve_async(setup_intent_id))
        except stripe.StripeError:
            return None
        return msgspec.convert(found.to_dict(), SetupBody).client_secret

    async def create_customer(self, *, user_id: UUID, email: str, name: str, key: str) -> str:
        """The customer of a user: the same one when asked again soon. `PaymentUnavailable`."""
        made = await self._interactive(
            lambda: self._api.customers.create_async(
                {"email": email, "name": name, "metadata": {"user_id": str(user_id)}},
                {"idempotency_key": key},
            )
        )
        return made.id

    async def is_customer_gone(self, stripe_customer_id: str) -> bool:
        """Whether a customer is deleted, as Stripe shows it now. `PaymentUnavailable`."""
        try:
            found = await self._interactive(
                lambda: self._api.customers.retrieve_async(stripe_customer_id)
            )
        except NotFound:
            return True
        return msgspec.convert(found.to_dict(), CustomerBody).deleted

    async def start_setup(self, *, customer: str, user_id: UUID, key: str) -> str:
        """A client secret with which the browser saves a card. `PaymentUnavailable`."""
        made = await self._interactive(
            lambda: self._api.setup_intents.create_async(
                {
                    "customer": customer,
                    "usage": "off_session",
                    "allowed_payment_method_types": ["card"],
                    "metadata": {"user_id": str(user_id)},
                },
                {"idempotency_key": key},
            )
        )
        return msgspec.convert(made.to_dict(), SetupBody).client_secret or ""

    async def detach(self, payment_method_id: str) -> None:
        """Forgets a card for good; fine when it is forgotten already. `PaymentUnavailable`."""
        try:
            await self._interactive(
                lambda: self._api.payment_methods.detach_async(payment_method_id)
            )
        except NotFound:
            return

    async def create_account(self, *, instructor_id: UUID, email: str, public_url: str) -> str:
        """The instructor's connected account (Express, full agreement). `PaymentUnavailable`."""
        return await self._interactive(
            lambda: self._accounts.create(
                instructor_id=instructor_id, email=email, public_url=public_url
            )
        )

    async def account_link(self, account_id: str, *, return_url: str, refresh_url: str) -> str:
        """A single-use address where an instructor completes onboarding. `PaymentUnavailable`."""
        return await self._interactive(
            lambda: self._accounts.onboarding_link(
                account_id, return_url=return_url, refresh_url=refresh_url
            )
        )

    async def dashboard_link(self, account_id: str) -> str:
        """A single-use address of an instructor's own dashboard at Stripe.

        `PaymentUnavailable`; `NotFound` before onboarding is complete.
        """
        return await self._interactive(lambda: self._accounts.dashboard_link(account_id))

    async def pay_by_hand(self, account_id: str) -> None:
        """Makes sure that Stripe pays an account out only when we ask. `PaymentUnavailable`."""
        await self._interactive(lambda: self._accounts.pay_by_hand(account_id))

    async def keep_minimum(self, cents: int, *, key: str) -> int:
        """Keeps so much in the platform's balance; what Stripe then keeps. `PaymentUnavailable`."""
        return await self._interactive(lambda: self._accounts.keep_minimum(cents, key=key))

    async def _answered(self, call: Call, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer, with errors turned into answers; looks again where only a look can tell."""
        try:
            return await patiently(ask)
        except stripe.StripeError as error:
            return await self._meant(call, error)
        except msgspec.ValidationError as error:
            log.exception("stripe.answer_unreadable", call=type(call).__name__)
            return Unknown(reason=str(error))

    async def _meant(self, call: Call, error: stripe.StripeError) -> Answer:
        try:
            return outcome_of(error)
        except IsStale as stale:
            seen = await self._object_of(call)
            return seen if isinstance(seen, Unknown) else Stale(code=stale.code, now_seen=seen)
        except IsStoredFailure:
            return await self.read_back(call)

    async def _object_of(
        self, call: Call
    ) -> IntentSeen | SetupSeen | MovementsSeen | Unknown | None:
        """The object a call is about, as it is now."""
        match call:
            case ConfirmIntent() | CaptureIntent() | CancelIntent():
                seen = await self.intent(call.payment_intent_id)
            case CancelSetup():
                seen = await self.setup_intent(call.setup_intent_id)
            case CreateSetup() | AttachMethod() | CreateIntent():
                return None
            case CreateRefund():
                seen = await self.movements(
                    call.payment_intent_id,
                    transfer_id=call.transfer_id,
                    application_fee_id=call.application_fee_id,
                )
            case CreateTransfer() | ReverseTransfer() | ReverseTopUp() | CreatePayout():
                # what is refused as already done shows itself in the movements
                return None
        return None if isinstance(seen, Refused) else seen

    async def _interactive(self, ask: Callable[[], Awaitable[T]]) -> T:
        """For a person who waits and can try again: what fails is unavailable or not there."""
        try:
            return await patiently(ask)
        except stripe.StripeError as error:
            log_failure(error)
            if error.http_status in {400, 404}:
                raise NotFound from error
            raise PaymentUnavailable(retry_after=5) from error
