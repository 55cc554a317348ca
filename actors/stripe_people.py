"""What webhook events tell of somebody and of no booking: accounts, customers, cards."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from prometheus_client import Counter

from actors.payers import Payers
from actors.restrictions import Restrictions
from domain.errors import PaymentUnavailable
from domain.operations import AccountSeen, IntentSeen, MethodSeen, Refused, SetupSeen, Unknown
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.instructors import waiting_accounts
from storage.payment_methods import forget_method, keep_seen, user_of_stripe_customer
from storage.stripe_events import instructor_of_account

log = structlog.get_logger()

REVISITED_MAX = 100

UNTOLD = Counter("accounts_untold_total", "Changes of accounts that no webhook told of.")

T = TypeVar("T", IntentSeen, SetupSeen, MethodSeen, AccountSeen)


class NotKnownYet(Exception):
    """The event is about something nobody here knows: it may be early, or not ours."""


class IsForeign(Exception):
    """The event is genuine and from an account that is not ours."""


class StripePeople:
    """Looks at people's objects and takes in what they show."""

    def __init__(
        self,
        *,
        db: Database,
        stripe: StripeGateway,
        restrictions: Restrictions,
        payers: Payers,
        clock: Clock,
    ) -> None:
        """`restrictions` keeps what instructors' accounts may do, `payers` who is whom."""
        self._db = db
        self._stripe = stripe
        self._restrictions = restrictions
        self._payers = payers
        self._clock = clock
        self._revisited = ""

    async def account(self, account_id: str, *, is_leaving: bool) -> None:
        """What an account may do; one that says it leaves and is not shown any more has left.

        What comes of it later (changes on their way, replays) is no news then.
        """
        if await instructor_of_account(self._db.reads, account=account_id) is None:
            raise IsForeign("an account that is not ours")
        seen = await self._stripe.account(account_id)
        is_gone = isinstance(seen, Refused) and (
            is_leaving or await self._restrictions.is_disconnected(account_id)
        )
        if is_gone:
            await self._restrictions.disconnect(account_id)
            return
        await self._restrictions.record(there(seen))

    async def revisit(self) -> int:
        """Looks again at accounts that wait for Stripe, for its word may be lost for good.

        How many were further than we knew. Where there are too many for once, the next time goes on
        from there.
        """
        found = await waiting_accounts(self._db.reads, after=self._revisited, most=REVISITED_MAX)
        self._revisited = found[-1] if len(found) == REVISITED_MAX else ""
        changed = 0
        for account_id in found:
            seen = await self._stripe.account(account_id)
            if not isinstance(seen, AccountSeen):
                log.warning("account.revisit_failed", account=account_id, answer=repr(seen))
            elif await self._restrictions.record(seen):
                log.warning("account.untold", account=account_id)
                changed += 1
        UNTOLD.inc(changed)
        return changed

    async def unless_gone(
        self, account_id: str, observe: Callable[[str, str], Awaitable[None]], object_id: str
    ) -> None:
        """Looks at an object of an account, unless the account shows nothing any more."""
        if not await self._restrictions.is_disconnected(account_id):
            await observe(object_id, account_id)

    async def payer(self, stripe_customer_id: str) -> None:
        """A customer deleted at Stripe is nobody's any more, and takes its cards along."""
        if await self._stripe.is_customer_gone(stripe_customer_id):
            await self._payers.forget(stripe_customer_id, now=self._clock.now())

    async def method(self, payment_method_id: str) -> MethodSeen:
        """Keeps a card that a user of ours has, forgets one that was taken away."""
        seen = there(await self._stripe.method(payment_method_id))
        now = self._clock.now()
        async with self._db.transaction() as tx:
            if seen.customer is None:
                await forget_method(tx, payment_method_id=seen.id, now=now)
                return seen
            user_id = await user_of_stripe_customer(tx, stripe_customer_id=seen.customer)
            if user_id is not None:
                await keep_seen(tx, seen, user_id=user_id, now=now)
        return seen


def there(seen: T | Refused | Unknown) -> T:
    """What was found. `PaymentUnavailable`: nobody answers; `NotKnownYet`: nothing is there."""
    if isinstance(seen, Unknown):
        raise PaymentUnavailable(seen.reason)
    if isinstance(seen, Refused):
        raise NotKnownYet(seen.code)
    return seen
