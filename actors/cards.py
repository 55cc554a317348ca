"""Saved cards: which one a student means, saving, forgetting."""

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

import msgspec

from actors.gathering import Gathering
from actors.payers import Payers
from domain.errors import CardDeclined, Invalid, NotFound, PaymentUnavailable
from domain.ids import UserId
from domain.operations import AttachMethod, Declined, MethodSeen, Unknown, is_test_card
from domain.people import Viewer
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.payment_methods import (
    SavedMethod,
    accept_card,
    forget_method,
    keep_seen,
    latest_methods_of_users,
    method_of_user,
    methods_of_user,
)

POINTER = "/payment_method_id"


class Card(msgspec.Struct, frozen=True):
    """A card somebody wants to pay with; a test card is saved only when it is used."""

    id: str
    is_saved: bool


class Cards:
    """The owner of `payment_methods`."""

    def __init__(
        self, *, db: Database, stripe: StripeGateway, payers: Payers, clock: Clock
    ) -> None:
        """`payers` knows who is whom at Stripe."""
        self._db = db
        self._stripe = stripe
        self._payers = payers
        self._clock = clock
        self._latest = Gathering(self._latest_of)

    async def methods(self, viewer: Viewer) -> list[SavedMethod]:
        """The viewer's saved cards, newest first."""
        return await methods_of_user(self._db.reads, user_id=viewer.user_id)

    async def setup_intent(self, viewer: Viewer) -> str:
        """A client secret with which the viewer's browser saves a card. `PaymentUnavailable`."""
        customer = await self._payers.stripe_customer_of(viewer.user_id)
        key = f"seti:{viewer.user_id}:{uuid4()}"
        return await self._stripe.start_setup(customer=customer, user_id=viewer.user_id, key=key)

    async def detach_method(self, payment_method_id: str, viewer: Viewer) -> None:
        """Forgets a card of the viewer's; `NotFound` when it is not theirs."""
        reads = self._db.reads
        found = await method_of_user(
            reads, payment_method_id=payment_method_id, user_id=viewer.user_id
        )
        if found is None:
            raise NotFound
        await self._stripe.detach(payment_method_id)
        async with self._db.transaction() as tx:
            await forget_method(tx, payment_method_id=payment_method_id, now=self._clock.now())

    async def chosen(self, payment_method_id: str | None, viewer: Viewer) -> Card | None:
        """The card a booking is paid with: the named one, else the one saved last, if any."""
        if payment_method_id is not None:
            return await self.named(payment_method_id, viewer)
        latest = await self._latest.of(viewer.user_id)
        return Card(latest, is_saved=True) if latest else None

    async def _latest_of(self, user_ids: Sequence[UserId]) -> Mapping[UserId, str]:
        found = await latest_methods_of_users(self._db.reads, user_ids=list(user_ids))
        return {each.user_id: each.id for each in found}

    async def named(self, payment_method_id: str, viewer: Viewer) -> Card:
        """The card of this name: the viewer's own, or a test card with a test key. `Invalid`."""
        saved = await method_of_user(
            self._db.reads, payment_method_id=payment_method_id, user_id=viewer.user_id
        )
        if saved is not None:
            if saved.is_refused:
                await self._accept(saved.id)
            return Card(saved.id, is_saved=True)
        if is_test_card(payment_method_id) and not self._stripe.is_live:
            return Card(payment_method_id, is_saved=False)
        # the browser may have saved it a moment ago: its webhook is still on the way
        seen = await self._stripe.method(payment_method_id)
        if isinstance(seen, Unknown):
            raise PaymentUnavailable(retry_after=2)
        customer = await self._payers.known_stripe_customer_of(viewer.user_id)
        if not isinstance(seen, MethodSeen) or customer is None or seen.customer != customer:
            raise Invalid("this is none of your cards", pointer=POINTER)
        await self._keep(seen, viewer.user_id)
        return Card(seen.id, is_saved=True)

    async def _accept(self, payment_method_id: str) -> None:
        """Its owner wants it tried again, whatever the bank said last."""
        async with self._db.transaction() as tx:
            await accept_card(tx, payment_method_id=payment_method_id)

    async def save(self, card: Card, viewer: Viewer) -> Card:
        """Saves a test card for the viewer. `CardDeclined`, `PaymentUnavailable`."""
        customer = await self._payers.stripe_customer_of(viewer.user_id)
        answer = await self._stripe.perform(
            AttachMethod(payment_method_id=card.id, customer=customer), key=f"att:{uuid4()}"
        )
        if isinstance(answer, Declined):
            raise CardDeclined(answer.decline.message, decline_code=answer.decline.code)
        if isinstance(answer, Unknown):
            raise PaymentUnavailable(retry_after=2)
        if not isinstance(answer, MethodSeen):
            raise Invalid("this card cannot be used", pointer=POINTER)
        await self._keep(answer, viewer.user_id)
        return Card(answer.id, is_saved=True)

    async def _keep(self, seen: MethodSeen, user_id: UUID) -> None:
        async with self._db.transaction() as tx:
            await keep_seen(tx, seen, user_id=user_id, now=self._clock.now())
