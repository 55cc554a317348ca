"""Who a user is at Stripe."""

from domain.ids import UserId
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.payments import keep_stripe_customer, payer_by_user


class Payers:
    """The owner of `users.stripe_customer_id`."""

    def __init__(self, db: Database, stripe: StripeGateway) -> None:
        """Made at Stripe by `stripe`, remembered in `db`."""
        self._db = db
        self._stripe = stripe

    async def stripe_customer_of(self, user_id: UserId) -> str:
        """The user's customer at Stripe, made when there is none. `PaymentUnavailable`."""
        payer = await payer_by_user(self._db.reads, user_id=user_id)
        if payer.stripe_customer_id is not None:
            return payer.stripe_customer_id
        made = await self._stripe.create_customer(
            user_id=user_id, email=payer.email, name=payer.display_name
        )
        async with self._db.transaction() as tx:
            return await keep_stripe_customer(tx, user_id=user_id, stripe_customer_id=made)

    async def known_stripe_customer_of(self, user_id: UserId) -> str | None:
        """The user's customer at Stripe, if there is one."""
        return (await payer_by_user(self._db.reads, user_id=user_id)).stripe_customer_id
