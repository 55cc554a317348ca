"""The emulator accepts no parameter that the SDK does not know: a typo fails here as at Stripe."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import stripe.params

from sandbox.stripe.app import MODULES
from sandbox.stripe.routing import Route

BROWSER_ALONE = {"client_secret", "guid", "key", "muid", "payment_user_agent", "referrer", "sid"}
NAMES = {
    "POST /v1/customers": "CustomerCreateParams",
    "POST /v1/customers/{id}": "CustomerUpdateParams",
    "GET /v1/customers": "CustomerListParams",
    "POST /v1/payment_methods": "PaymentMethodCreateParams",
    "POST /v1/payment_methods/{id}/attach": "PaymentMethodAttachParams",
    "GET /v1/payment_methods": "PaymentMethodListParams",
    "POST /v1/setup_intents": "SetupIntentCreateParams",
    "POST /v1/setup_intents/{id}": "SetupIntentUpdateParams",
    "POST /v1/setup_intents/{id}/confirm": "SetupIntentConfirmParams",
    "POST /v1/setup_intents/{id}/cancel": "SetupIntentCancelParams",
    "POST /v1/payment_intents": "PaymentIntentCreateParams",
    "POST /v1/payment_intents/{id}": "PaymentIntentUpdateParams",
    "POST /v1/payment_intents/{id}/confirm": "PaymentIntentConfirmParams",
    "POST /v1/payment_intents/{id}/capture": "PaymentIntentCaptureParams",
    "POST /v1/payment_intents/{id}/cancel": "PaymentIntentCancelParams",
    "GET /v1/payment_intents": "PaymentIntentListParams",
    "GET /v1/charges": "ChargeListParams",
    "POST /v1/charges/{id}": "ChargeUpdateParams",
    "POST /v1/refunds": "RefundCreateParams",
    "GET /v1/refunds": "RefundListParams",
    "POST /v1/transfers": "TransferCreateParams",
    "GET /v1/transfers": "TransferListParams",
    "POST /v1/transfers/{id}/reversals": "TransferCreateReversalParams",
    "GET /v1/application_fees": "ApplicationFeeListParams",
    "POST /v1/application_fees/{id}/refunds": "ApplicationFeeCreateRefundParams",
    "POST /v1/refunds/{id}": "RefundUpdateParams",
    "POST /v1/transfers/{id}/reversals/{reversal}": "TransferModifyReversalParams",
    "POST /v1/application_fees/{id}/refunds/{refund}": "ApplicationFeeModifyRefundParams",
    "POST /v1/charges": "ChargeCreateParams",
    "GET /v1/disputes": "DisputeListParams",
    "POST /v1/disputes/{id}": "DisputeUpdateParams",
    "POST /v1/topups": "TopupCreateParams",
    "GET /v1/topups": "TopupListParams",
    "POST /v1/balance_settings": "BalanceSettingsUpdateParams",
    "POST /v1/payouts/{id}/reverse": "PayoutReverseParams",
    "POST /v1/accounts/{id}/reject": "AccountRejectParams",
    "GET /v1/payment_intents/search": "PaymentIntentSearchParams",
    "POST /v1/accounts": "AccountCreateParams",
    "POST /v1/account_links": "AccountLinkCreateParams",
    "GET /v1/balance_transactions": "BalanceTransactionListParams",
    "POST /v1/payouts": "PayoutCreateParams",
    "GET /v1/payouts": "PayoutListParams",
    "GET /v1/events": "EventListParams",
    "POST /v1/webhook_endpoints": "WebhookEndpointCreateParams",
    "POST /v1/webhook_endpoints/{id}": "WebhookEndpointUpdateParams",
    "POST /v1/payment_methods/{id}": "PaymentMethodUpdateParams",
    "POST /v1/payment_methods/{id}/detach": "PaymentMethodDetachParams",
    "POST /v1/accounts/{id}": "AccountUpdateParams",
    "POST /v1/accounts/{id}/capabilities/{capability}": "AccountCapabilityUpdateParams",
    "POST /v1/accounts/{id}/external_accounts": "AccountExternalAccountCreateParams",
    "POST /v1/accounts/{id}/external_accounts/{bank}": "AccountExternalAccountUpdateParams",
    "GET /v1/accounts/{id}/external_accounts": "AccountExternalAccountListParams",
    "POST /v1/accounts/{id}/login_links": "AccountLoginLinkCreateParams",
    "GET /v1/accounts": "AccountListParams",
    "POST /v1/transfers/{id}": "TransferUpdateParams",
    "POST /v1/payouts/{id}": "PayoutUpdateParams",
    "POST /v1/payouts/{id}/cancel": "PayoutCancelParams",
    "POST /v1/topups/{id}": "TopupUpdateParams",
    "POST /v1/topups/{id}/cancel": "TopupCancelParams",
    "POST /v1/refunds/{id}/cancel": "RefundCancelParams",
    "POST /v1/disputes/{id}/close": "DisputeCloseParams",
    "POST /v1/reviews/{id}/approve": "ReviewApproveParams",
    "GET /v1/charges/search": "ChargeSearchParams",
    "GET /v1/customers/search": "CustomerSearchParams",
    "GET /v1/customers/{id}/payment_methods": "CustomerPaymentMethodListParams",
    "GET /v1/setup_intents": "SetupIntentListParams",
    "GET /v1/setup_attempts": "SetupAttemptListParams",
    "GET /v1/radar/early_fraud_warnings": "EarlyFraudWarningListParams",
    "GET /v1/reviews": "ReviewListParams",
    "GET /v1/webhook_endpoints": "WebhookEndpointListParams",
    "GET /v1/transfers/{id}/reversals": "TransferReversalListParams",
    "GET /v1/application_fees/{id}/refunds": "ApplicationFeeRefundListParams",
    "GET /v1/payment_intents/{id}": "PaymentIntentRetrieveParams",
    "GET /v1/setup_intents/{id}": "SetupIntentRetrieveParams",
}
BROWSER_INSIDE = {"[payment_method_data][card]"}
"""What the browser's script alone may send: a server that does would see card numbers."""
OLD_SPELLING = {"GET /v1/balance/history": "BalanceTransactionListParams"}
"""An address older than the SDK, with the parameters of today's."""


def routes() -> dict[str, Route]:
    """Every endpoint by method and pattern."""
    return {f"{r.method} {r.pattern}": r for module in MODULES for r in module.ROUTES}


def accepted_by_sdk(name: str) -> dict[str, Any]:
    """The SDK's parameters of a class: name to annotation."""
    place = stripe.params.radar if name.startswith("EarlyFraudWarning") else stripe.params
    return getattr(place, name).__annotations__


def strange(path: str, spec: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is accepted here and is not the SDK's, on every level."""
    for name, kind in spec.items():
        where = f"{path}[{name}]"
        if name not in known:
            if where not in BROWSER_INSIDE:
                yield where
            continue
        inner = kind[0] if isinstance(kind, list) else kind
        if isinstance(inner, Mapping):
            classes = re.findall(r"[A-Z]\w+Params[A-Z]\w*", str(known[name]))
            assert classes, f"the SDK's {where} has no members"
            below = {n: a for each in classes for n, a in accepted_by_sdk(each).items()}
            yield from strange(where, inner, below)


@pytest.mark.parametrize("name", sorted(NAMES | OLD_SPELLING))
def test_accepted_parameters_are_the_sdks_on_every_level(name: str) -> None:
    spec = {each: kind for each, kind in routes()[name].spec.items() if each not in BROWSER_ALONE}
    assert list(strange("", spec, accepted_by_sdk((NAMES | OLD_SPELLING)[name]))) == []


def test_every_endpoint_with_parameters_is_compared() -> None:
    some = {name for name, route in routes().items() if set(route.spec) > {"expand"}}
    assert some - NAMES.keys() - OLD_SPELLING.keys() == set()


def test_no_endpoint_is_written_twice() -> None:
    assert len(routes()) == sum(len(module.ROUTES) for module in MODULES)
