"""Accounts at Stripe: an instructor's, from its making to its dashboard, and the float of our own.

Instructors' accounts are paid out by us alone (`settings[payouts][schedule][interval]=manual`), so
that money which is questioned can be kept from leaving.
"""

from uuid import UUID

import msgspec
import stripe
from stripe import StripeObject

from domain.money import CURRENCY


class PayoutsBody(msgspec.Struct, frozen=True):
    """What stays in a balance when it is paid out, by currency."""

    minimum_balance_by_currency: dict[str, int] | None = None


class PaymentsBody(msgspec.Struct, frozen=True):
    """The part of balance settings that is about payouts."""

    payouts: PayoutsBody


class BalanceSettingsBody(msgspec.Struct, frozen=True):
    """Balance settings, as far as the float needs them."""

    payments: PaymentsBody


class StripeAccounts:
    """The requests about accounts; they raise the SDK's errors."""

    def __init__(self, client: stripe.StripeClient) -> None:
        """`client` belongs to the running event loop."""
        self._api = client.v1

    async def create(self, *, instructor_id: UUID, email: str, public_url: str) -> str:
        """An instructor's account (Express, full agreement); the same one when asked again soon."""
        made = await self._api.accounts.create_async(
            {
                "country": "US",
                "email": email,
                "controller": {
                    "stripe_dashboard": {"type": "express"},
                    "fees": {"payer": "application"},
                    "losses": {"payments": "application"},
                    "requirement_collection": "stripe",
                },
                "capabilities": {"transfers": {"requested": True}},
                "business_type": "individual",
                "business_profile": {
                    "mcc": "8299",
                    "product_description": "Lessons booked through the marketplace",
                    "url": f"{public_url}/instructors/{instructor_id}",
                },
                "settings": {"payouts": {"schedule": {"interval": "manual"}}},
                "metadata": {"instructor_id": str(instructor_id)},
            },
            {"idempotency_key": f"acct:{instructor_id}"},
        )
        return made.id

    async def pay_by_hand(self, account_id: str) -> None:
        """Ends Stripe's own schedule of an account made before we paid out ourselves."""
        await self._api.accounts.update_async(
            account_id, {"settings": {"payouts": {"schedule": {"interval": "manual"}}}}
        )

    async def onboarding_link(self, account_id: str, *, return_url: str, refresh_url: str) -> str:
        """A single-use address where an instructor completes onboarding."""
        made = await self._api.account_links.create_async(
            {
                "account": account_id,
                "type": "account_onboarding",
                "return_url": return_url,
                "refresh_url": refresh_url,
                "collection_options": {"fields": "eventually_due"},
            }
        )
        return made.url

    async def dashboard_link(self, account_id: str) -> str:
        """A single-use address of the account's own dashboard."""
        return (await self._api.accounts.login_links.create_async(account_id)).url

    async def keep_minimum(self, cents: int, *, key: str) -> int:
        """Keeps so much in the platform's balance when it is paid out; what Stripe then keeps."""
        made: StripeObject = await self._api.balance_settings.update_async(
            {"payments": {"payouts": {"minimum_balance_by_currency": {CURRENCY: cents}}}},
            {"idempotency_key": key},
        )
        body = msgspec.convert(made.to_dict(), BalanceSettingsBody)
        return (body.payments.payouts.minimum_balance_by_currency or {}).get(CURRENCY, 0)
