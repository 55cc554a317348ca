"""What handlers may use. Nothing in it writes but actors and the edge's own bookkeeping."""

from collections.abc import Awaitable, Callable

import msgspec

from actors.accounts import Accounts
from gateways.clock import Clock
from gateways.settings import Settings
from server.auth import Auth
from server.limits import Limits
from storage.database import Reads


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Wired once by `create_app`; handlers reach it as `request.parts`."""

    settings: Settings
    clock: Clock
    reads: Reads
    auth: Auth
    limits: Limits
    accounts: Accounts
    checks: dict[str, Callable[[], Awaitable[object]]]
    """Asks each dependency, by name, whether it is there."""
