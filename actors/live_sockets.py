"""One socket as the hub sees it: what it subscribed to, and what it is owed when it was too slow.

There is no queue per message. A frame goes straight into the connection's own bounded buffer; once
that is full, what would follow is left out, and when it has drained the socket gets a resync and
the present state.
"""

from typing import Literal
from uuid import UUID

from actors.live_frames import RESYNC_ME, Outlet, Shape, resync_of
from actors.live_views import View
from domain.errors import SubscriptionLimit

SUBSCRIPTIONS_MAX = 50


class Subscription:
    """One view followed by one socket."""

    __slots__ = ("is_live", "is_owed", "outlet", "view")

    def __init__(self, outlet: Outlet, view: View) -> None:
        """Not live before its first state is sent."""
        self.outlet = outlet
        self.view = view
        self.is_live = False
        """Whether the next delta follows on what the socket has."""
        self.is_owed: Literal["nothing", "snapshot", "resync"] = "nothing"

    def start(self, frame: bytes) -> None:
        """Sends the first message, or owes a snapshot to a socket that is full."""
        if self.outlet.write(frame):
            self.is_live = True
        else:
            self.is_owed = "snapshot"

    def lose(self) -> None:
        """The socket is full: it misses this message and gets a resync later."""
        self.is_live = False
        self.is_owed = "resync"

    def recover(self, snapshot: bytes) -> bool:
        """Pays what is owed; False when the socket is full again."""
        outlet = self.outlet
        if self.is_owed == "nothing":
            return True
        if self.is_owed == "resync":
            if not outlet.write(outlet.wrap(resync_of(self.view.shape))):
                return False
            self.is_owed = "snapshot"
        if not outlet.write(snapshot):
            return False
        self.is_owed = "nothing"
        self.is_live = True
        return True


class Socket:
    """One connection, asked for one thing at a time. An anonymous one has no user, no session."""

    __slots__ = (
        "follows_me",
        "misses_events",
        "outlet",
        "session_id",
        "subscriptions",
        "user_id",
    )

    def __init__(
        self, outlet: Outlet, *, user_id: UUID | None = None, session_id: UUID | None = None
    ) -> None:
        """Starts without any subscription."""
        self.outlet = outlet
        self.user_id = user_id
        self.session_id = session_id
        self.subscriptions: dict[Shape, Subscription] = {}
        self.follows_me = False
        self.misses_events = False

    def say(self, text: bytes) -> None:
        """Answers this socket alone; left out when it does not read."""
        self.outlet.write(self.outlet.wrap(text))

    def tell(self, frame: bytes) -> None:
        """Passes an event on, or remembers that one was left out."""
        if self.misses_events or not self.outlet.write(frame):
            self.misses_events = True

    def catch_up(self) -> None:
        """Tells a socket that reads again that events were left out."""
        if self.misses_events and self.outlet.write(self.outlet.wrap(RESYNC_ME)):
            self.misses_events = False

    def refuse_more(self, shape: Shape | None) -> None:
        """Raises `SubscriptionLimit` when this one more would be too many; None is what is mine."""
        known = self.subscriptions
        if shape not in known and len(known) + self.follows_me >= SUBSCRIPTIONS_MAX:
            raise SubscriptionLimit
