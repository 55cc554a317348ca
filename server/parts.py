"""What handlers may use. Nothing in it writes but actors and the edge's own bookkeeping."""

from collections.abc import Awaitable, Callable

import msgspec

from actors.accounts import Accounts
from actors.bookings import Bookings
from actors.cards import Cards
from actors.credits import Credits
from actors.disputes import Disputes
from actors.instructors import Instructors
from actors.live import Hub
from actors.moves import Moves
from actors.no_shows import NoShows
from actors.payments import Payments
from actors.payouts import Payouts
from actors.reconciliation import Reconciliation
from actors.refunds import Refunds
from actors.stripe_events import StripeEvents
from actors.timings import Timings
from gateways.clock import Clock
from gateways.settings import Settings
from server.auth import Auth
from server.idempotency import Idempotency
from server.limits import Limits
from storage.database import Reads


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Wired once by `create_app`; handlers reach it as `request.parts`."""

    settings: Settings
    clock: Clock
    reads: Reads
    auth: Auth
    limits: Limits
    idempotency: Idempotency
    accounts: Accounts
    instructors: Instructors
    bookings: Bookings
    moves: Moves
    no_shows: NoShows
    cards: Cards
    credits: Credits
    refunds: Refunds
    payouts: Payouts
    payments: Payments
    disputes: Disputes
    stripe_events: StripeEvents
    reconciliation: Reconciliation
    timings: Timings
    hub: Hub
    has_good_key: Callable[[], Awaitable[bool]]
    """Whether Stripe takes our key."""
    checks: dict[str, Callable[[], Awaitable[object]]]
    """Asks each dependency, by name, whether it is there."""
