"""The application: the only place where things are wired."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from uuid import UUID

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from actors.accounts import Accounts
from actors.calendars import Calendars, host_calendars
from actors.instructors import Instructors
from actors.passwords import Passwords
from actors.wiring import Money, open_money
from domain.errors import PaymentUnavailable
from gateways.bus import Bus
from gateways.clock import Clock, clock_from
from gateways.settings import Settings
from gateways.stripe import StripeGateway
from server import (
    accounts,
    audit,
    availability,
    bookings,
    cancellation,
    disputes,
    flags,
    health,
    instructors,
    ledger,
    live,
    metrics,
    moves,
    no_shows,
    operations,
    payments,
    payouts,
    reconciliation,
    refunds,
    search,
    services,
    statements,
    stripe_events,
    stripe_webhook,
    timings,
)
from server.auth import SESSION_ENDED, Auth
from server.credits import Credits
from server.edge import Edge
from server.idempotency import Idempotency
from server.limits import Limits
from server.openapi import openapi_config
from server.pages import refused
from server.pages.templates import page_handlers, template_config
from server.parts import Parts
from server.requests import Request
from server.serving import reach
from server.tokens import Tokens
from storage.database import Database

BODY_BYTES_MAX = 64 * 1024
POOL = 16

CONTROLLERS: tuple[ControllerRouterHandler, ...] = (
    health.Health,
    metrics.metrics,
    accounts.Accounts,
    instructors.Instructors,
    services.Services,
    availability.AvailabilityController,
    bookings.Bookings,
    cancellation.Cancellation,
    cancellation.AdminCancellation,
    moves.Moves,
    no_shows.NoShows,
    no_shows.NoShowDecisions,
    payments.Payments,
    ledger.Ledger,
    Credits,
    refunds.Refunds,
    payouts.Payouts,
    disputes.Disputes,
    statements.Transactions,
    statements.Earnings,
    statements.Postings,
    reconciliation.Reconciliation,
    audit.Audit,
    stripe_events.StripeEvents,
    operations.Operations,
    payments.EveryPayment,
    timings.Timings,
    flags.Flags,
    search.Search,
    stripe_webhook.StripeWebhook,
    live.live,
)


def create_app(
    settings: Settings,
    *,
    extra_handlers: Sequence[ControllerRouterHandler] = (),
    clock: Clock | None = None,
) -> Litestar:
    """The web application; services are reached when its lifespan starts, not before."""
    time = clock or clock_from(settings.clock_file)

    @asynccontextmanager
    async def living(app: Litestar) -> AsyncGenerator[None]:
        async with wired(settings, time) as parts:
            app.state["parts"] = parts
            yield

    app = Litestar(
        route_handlers=[*CONTROLLERS, *page_handlers, *extra_handlers],
        template_config=template_config(),
        openapi_config=openapi_config(),
        request_class=Request,
        request_max_body_size=BODY_BYTES_MAX,
        exception_handlers={Exception: refused.answer},
        lifespan=[living],
        logging_config=None,
        debug=False,
    )
    app.asgi_handler = Edge(app.asgi_handler, settings=settings, clock=time)
    return app


@asynccontextmanager
async def wired(settings: Settings, clock: Clock) -> AsyncGenerator[Parts]:
    """Everything that lives as long as the application, started and stopped in order."""
    async with AsyncExitStack() as stack:
        db = await Database.connect(settings.database_url, size=POOL, reads_size=POOL)
        stack.push_async_callback(db.close)
        bus = await Bus.connect(settings.nats_url)
        stack.push_async_callback(bus.close)
        calendars = await stack.enter_async_context(host_calendars(db=db, bus=bus, clock=clock))
        money = await stack.enter_async_context(
            open_money(settings, db=db, calendars=calendars, clock=clock)
        )
        auth = Auth(
            settings=settings, clock=clock, reads=db.reads, tokens=Tokens(settings.token_secret)
        )
        await stack.enter_async_context(auth.watching(bus.subscribe))
        hub = await stack.enter_async_context(live.open_live(db=db, bus=bus, clock=clock))
        idempotency = Idempotency(db, clock)
        await stack.enter_async_context(idempotency.renewing())
        limits = Limits(db, clock, settings)
        await stack.enter_async_context(limits.tidying())
        yield Parts(
            settings=settings,
            clock=clock,
            reads=db.reads,
            auth=auth,
            limits=limits,
            idempotency=idempotency,
            accounts=_accounts(stack, settings, db=db, clock=clock, auth=auth, bus=bus),
            instructors=_instructors(settings, calendars, money, db=db, clock=clock),
            bookings=money.bookings,
            moves=money.moves,
            no_shows=money.no_shows,
            cards=money.cards,
            credits=money.credits,
            refunds=money.refunds,
            payouts=money.payouts,
            payments=money.payments,
            disputes=money.disputes,
            stripe_events=money.stripe_events,
            reconciliation=money.reconciliation,
            timings=money.timings,
            hub=hub,
            has_good_key=money.stripe.has_good_key,
            checks={
                "postgres": db.ping,
                "nats": bus.ping,
                "stripe": partial(_ask_stripe, settings, money.stripe),
            },
        )


async def _ask_stripe(settings: Settings, stripe: StripeGateway) -> None:
    """Raises unless Stripe is there and takes our key."""
    await reach("STRIPE_API_BASE", settings.stripe_api_base)
    if not await stripe.has_good_key():
        raise PaymentUnavailable


def _instructors(
    settings: Settings, calendars: Calendars, money: Money, *, db: Database, clock: Clock
) -> Instructors:
    return Instructors(
        db=db,
        calendars=calendars,
        stripe=money.stripe,
        clock=clock,
        public_url=settings.public_url,
    )


def _accounts(
    stack: AsyncExitStack,
    settings: Settings,
    *,
    db: Database,
    clock: Clock,
    auth: Auth,
    bus: Bus,
) -> Accounts:
    """The accounts, with threads for passwords and a voice for sessions that end."""
    passwords = Passwords()
    stack.callback(passwords.close)

    async def announce(session_id: UUID) -> None:
        auth.end(session_id)
        await bus.publish(SESSION_ENDED, str(session_id).encode())

    return Accounts(
        db=db,
        clock=clock,
        passwords=passwords,
        announce=announce,
        counts_as_verified=settings.is_relaxed,
    )
