"""Puts the parts of one process together, from plain arguments; used by every process."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import msgspec

from actors.bookings import Bookings
from actors.calendars import Calendars
from actors.cards import Cards
from actors.credits import Credits
from actors.instructors import record_stripe_status
from actors.notifications import Notifications
from actors.payments import Payments
from actors.stripe_events import StripeEvents
from actors.timings import Timings
from domain.settings import POLICY, Policy
from gateways.clock import Clock
from gateways.mail import MailGateway
from gateways.settings import Settings
from gateways.stripe import StripeGateway
from storage.database import Database


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that moves money or follows from it."""

    stripe: StripeGateway
    payments: Payments
    cards: Cards
    bookings: Bookings
    credits: Credits
    timings: Timings
    notifications: Notifications
    stripe_events: StripeEvents


@asynccontextmanager
async def open_money(
    settings: Settings,
    *,
    db: Database,
    calendars: Calendars,
    clock: Clock,
    policy: Policy = POLICY,
) -> AsyncGenerator[Money]:
    """Opens the money side of a process and, at the end, waits for the calls under way."""
    async with AsyncExitStack() as stack:
        stripe = StripeGateway.connect(
            secret_key=settings.stripe_secret_key, api_base=settings.stripe_api_base
        )
        stack.push_async_callback(stripe.close)
        payments = Payments(db=db, stripe=stripe, calendars=calendars, clock=clock, policy=policy)
        stack.push_async_callback(payments.close)
        cards = Cards(db=db, stripe=stripe, payments=payments, clock=clock)
        credits_ = Credits(db, clock)
        yield Money(
            stripe=stripe,
            payments=payments,
            cards=cards,
            bookings=Bookings(
                db=db,
                calendars=calendars,
                payments=payments,
                cards=cards,
                stripe=stripe,
                clock=clock,
                policy=policy,
            ),
            credits=credits_,
            timings=Timings(
                db=db,
                calendars=calendars,
                payments=payments,
                credits=credits_,
                clock=clock,
                policy=policy,
            ),
            notifications=Notifications(
                db=db,
                mail=MailGateway(settings.smtp_url),
                clock=clock,
                public_url=settings.public_url,
                policy=policy,
            ),
            stripe_events=StripeEvents(
                db=db,
                stripe=stripe,
                payments=payments,
                record_account=partial(
                    record_stripe_status, db=db, calendars=calendars, clock=clock
                ),
                clock=clock,
                secrets=settings.stripe_webhook_secrets,
            ),
        )
