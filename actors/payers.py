"""Who a user is at Stripe."""

from datetime import datetime

import structlog

from domain.ids import UserId
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.payment_methods import forget_methods
from storage.payments import keep_stripe_customer, lose_stripe_customer, payer_by_user

log = structlog.get_logger()


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
            user_id=user_id,
            email=payer.email,
            name=payer.display_name,
            key=payer_key(user_id, payer.stripe_customers_lost),
        )
        async with self._db.transaction() as tx:
            return await keep_stripe_customer(tx, user_id=user_id, stripe_customer_id=made)

    async def forget(self, stripe_customer_id: str, *, now: datetime) -> None:
        """Lets a customer go that was deleted at Stripe, with its cards; again changes nothing."""
        async with self._db.transaction() as tx:
            user_id = await lose_stripe_customer(tx, stripe_customer_id=stripe_customer_id)
            if user_id is None:
                return
            await forget_methods(tx, user_id=user_id, now=now)
        log.warning("customer.deleted", user=str(user_id), stripe_customer=stripe_customer_id)

    async def known_stripe_customer_of(self, user_id: UserId) -> str | None:
        """The user's customer at Stripe, if there is one."""
        return (await payer_by_user(self._db.reads, user_id=user_id)).stripe_customer_id


def payer_key(user_id: UserId, lost: int) -> str:
    """The idempotency key of a user's customer: Stripe replays a deleted one's for a day."""
    return f"cust:{user_id}:{lost}" if lost else f"cust:{user_id}"
