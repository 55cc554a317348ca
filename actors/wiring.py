"""Puts the parts of one process together, from plain arguments; used by every process."""

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import structlog
import uvloop

from actors.bookings import Bookings
from actors.broker import Queue, QueueInvalidError
from actors.calendars import Calendars, reach_calendars
from actors.cards import Cards
from actors.credits import Credits
from actors.debts import Debts
from actors.disputes import Disputes
from actors.floats import Floats
from actors.movements import Movements, Movers
from actors.moves import Moves
from actors.no_shows import NoShows
from actors.notifications import Notifications
from actors.payers import Payers
from actors.payments import Payments
from actors.payouts import Payouts
from actors.reconciliation import Reconciliation
from actors.refunds import Refunds
from actors.restrictions import Restrictions
from actors.standard_payouts import StandardPayouts
from actors.stripe_events import StripeEvents
from actors.stripe_people import StripePeople
from actors.timings import Owed, Timings
from domain.errors import Unavailable
from domain.settings import POLICY, Policy
from domain.standard_payouts import PayoutRhythm
from gateways.bus import Bus
from gateways.clock import Clock, ClockFileInvalidError, clock_from
from gateways.logs import configure_logs
from gateways.mail import MailGateway
from gateways.settings import Settings, SettingsInvalidError, settings_from
from gateways.stripe import StripeGateway
from storage.database import Database
from storage.migrate import check as check_schema

log = structlog.get_logger()

REFUSALS = (SettingsInvalidError, ClockFileInvalidError, QueueInvalidError, Unavailable)


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that moves money or follows from it."""

    stripe: StripeGateway
    payments: Payments
    cards: Cards
    bookings: Bookings
    moves: Moves
    no_shows: NoShows
    credits: Credits
    refunds: Refunds
    payouts: Payouts
    disputes: Disputes
    timings: Timings
    notifications: Notifications
    people: StripePeople
    stripe_events: StripeEvents
    reconciliation: Reconciliation


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
    stripe = StripeGateway.connect(
        secret_key=settings.stripe_secret_key,
        api_base=settings.stripe_api_base,
        calls_per_second=settings.stripe_calls_per_second or None,
    )
    is_income = settings.credit_breakage == "income"
    rhythm = msgspec.convert(settings.payout_schedule, PayoutRhythm)
    policy = msgspec.structs.replace(
        policy,
        is_breakage_income=is_income,
        is_credit_reversed=settings.credit_rule == "reversal",
        payout_rhythm=rhythm,
    )
    payers = Payers(db, stripe)
    payments = Payments(
        db=db, stripe=stripe, payers=payers, calendars=calendars, clock=clock, policy=policy
    )
    # what this process left open when it died is finished before anybody has to ask again
    rescue = asyncio.create_task(payments.rescue(is_boot=True))
    try:
        yield _money(settings, payers, payments, _Common(stripe, db, calendars, clock, policy))
    finally:
        await asyncio.gather(rescue, return_exceptions=True)
        await payments.close()
        await stripe.close()


class _Common(msgspec.Struct, frozen=True):
    """What nearly every part needs."""

    stripe: StripeGateway
    db: Database
    calendars: Calendars
    clock: Clock
    policy: Policy


def _money(settings: Settings, payers: Payers, payments: Payments, common: _Common) -> Money:
    stripe, db, clock = common.stripe, common.db, common.clock
    calendars, policy = common.calendars, common.policy
    cards = Cards(db=db, stripe=stripe, payers=payers, clock=clock)
    credits_ = Credits(db, clock, policy)
    refunds = Refunds(db=db, stripe=stripe, payments=payments, clock=clock, policy=policy)
    payouts = Payouts(db=db, stripe=stripe, payments=payments, clock=clock)
    disputes = Disputes(
        db=db, stripe=stripe, payments=payments, refunds=refunds, clock=clock, policy=policy
    )
    movers = (refunds, payouts, disputes)
    movements = _movements(common, payments, movers)
    people = _people(common, payments)
    moves = Moves(db=db, calendars=calendars, payments=payments, clock=clock, policy=policy)
    no_shows = NoShows(db=db, calendars=calendars, payments=payments, clock=clock, policy=policy)
    return Money(
        stripe=stripe,
        moves=moves,
        no_shows=no_shows,
        payments=payments,
        cards=cards,
        bookings=_bookings(payments, cards, common),
        credits=credits_,
        refunds=refunds,
        payouts=payouts,
        disputes=disputes,
        timings=Timings(
            db=db,
            calendars=calendars,
            payments=payments,
            credits=credits_,
            moves=moves,
            no_shows=no_shows,
            owed=_owed(payments, common),
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
        people=people,
        stripe_events=_events(settings, common, payments, movers, movements, people),
        reconciliation=Reconciliation(db=db, stripe=stripe, movements=movements, clock=clock),
    )


def _movements(common: _Common, payments: Payments, movers: Movers) -> Movements:
    return Movements(
        db=common.db,
        stripe=common.stripe,
        payments=payments,
        movers=movers,
        clock=common.clock,
        policy=common.policy,
    )


def _owed(payments: Payments, common: _Common) -> Owed:
    stripe, db, clock, policy = common.stripe, common.db, common.clock, common.policy
    return Owed(
        standard_payouts=StandardPayouts(
            db=db, stripe=stripe, payments=payments, clock=clock, policy=policy
        ),
        debts=Debts(db=db, clock=clock, policy=policy),
        floats=Floats(db=db, stripe=stripe, clock=clock),
    )


def _bookings(payments: Payments, cards: Cards, common: _Common) -> Bookings:
    return Bookings(
        db=common.db,
        calendars=common.calendars,
        payments=payments,
        cards=cards,
        stripe=common.stripe,
        clock=common.clock,
        policy=common.policy,
    )


def _events(
    settings: Settings,
    common: _Common,
    payments: Payments,
    movers: Movers,
    movements: Movements,
    people: StripePeople,
) -> StripeEvents:
    refunds, payouts, disputes = movers
    db, clock = common.db, common.clock
    return StripeEvents(
        db=db,
        stripe=common.stripe,
        payments=payments,
        refunds=refunds,
        payouts=payouts,
        disputes=disputes,
        movements=movements,
        people=people,
        clock=clock,
        secrets=settings.stripe_webhook_secrets,
    )


def _people(common: _Common, payments: Payments) -> StripePeople:
    db, clock = common.db, common.clock
    restrictions = Restrictions(
        db=db,
        calendars=common.calendars,
        payments=payments,
        clock=clock,
        rhythm=common.policy.payout_rhythm,
    )
    return StripePeople(
        db=db,
        stripe=common.stripe,
        restrictions=restrictions,
        payers=Payers(db, common.stripe),
        clock=clock,
    )


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """What a process beside the web one has."""

    clock: Clock
    db: Database
    bus: Bus
    queue: Queue
    money: Money


@asynccontextmanager
async def open_process(settings: Settings, *, name: str) -> AsyncGenerator[Process]:
    """Connects a worker or a clock: it hosts no calendar and reaches them through the bus.

    Raises one sentence for what cannot be reached or does not fit.
    """
    clock = clock_from(settings.clock_file)
    await check_schema(settings.database_url)
    async with AsyncExitStack() as stack:
        db = await Database.connect(settings.database_url, application_name=name)
        stack.push_async_callback(db.close)
        bus = await Bus.connect(settings.nats_url, name=name)
        stack.push_async_callback(bus.close)
        queue = Queue(settings.nats_url)
        await queue.startup()
        stack.push_async_callback(queue.shutdown)
        money = await stack.enter_async_context(
            open_money(settings, db=db, calendars=reach_calendars(bus), clock=clock)
        )
        yield Process(clock=clock, db=db, bus=bus, queue=queue, money=money)


def serve(work: Callable[[Process, asyncio.Event], Awaitable[None]], *, name: str) -> int:
    """Runs one process until it is told to stop; the exit code. Refuses with one sentence and 1."""
    try:
        settings = settings_from()
        configure_logs(settings.log_level)
        uvloop.run(_served(settings, work, name))
    except REFUSALS as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201 - the sentence for whoever started it
        return 1
    return 0


async def _served(
    settings: Settings, work: Callable[[Process, asyncio.Event], Awaitable[None]], name: str
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(wanted, stopped.set)
    async with open_process(settings, name=name) as process:
        log.info("process.ready", name=name)
        await work(process, stopped)
    log.info("process.stopped", name=name)
