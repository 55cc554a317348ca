"""The emulator accepts no parameter that the SDK does not know: a typo fails here as at Stripe."""

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
}


def routes() -> dict[str, Route]:
    """Every endpoint by method and pattern."""
    return {f"{r.method} {r.pattern}": r for module in MODULES for r in module.ROUTES}


def test_accepted_parameters_are_the_sdks() -> None:
    known = routes()
    strange = {
        name: sorted(set(known[name].spec) - set(accepted) - BROWSER_ALONE)
        for name, kind in NAMES.items()
        if (accepted := getattr(stripe.params, kind).__annotations__)
    }
    assert {name: extra for name, extra in strange.items() if extra} == {}


def test_no_endpoint_is_written_twice() -> None:
    assert len(routes()) == sum(len(module.ROUTES) for module in MODULES)
