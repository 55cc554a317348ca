"""The pump: moves live copies of calendars on and sends what changed, one thing at a time.

Copies are changed here alone, so the messages of a subscription stay in order. Loading happens
beside it; a slow database delays only the calendars that must be read. A frame is encoded once for
all who watch the same thing.
"""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from uuid import UUID

import msgspec
import structlog

from actors.calendar_changes import CalendarChanged, decode_changed
from actors.live_frames import Outlet, delta_of, snapshot_of
from actors.live_sockets import Socket
from actors.live_versions import Newest
from actors.live_views import NEVER, Listener, LiveCalendar, Step, View
from domain.errors import DomainError, NotFound
from domain.ids import UserId
from domain.settings import Policy
from gateways.clock import Clock
from storage.calendars import Calendar, calendar_by_instructor
from storage.database import Database

log = structlog.get_logger()

POLL_SECONDS = 0.25
"""How often the marketplace's clock is looked at: it may jump."""
CHECK_SECONDS = 2.0
"""How often versions are compared, in case a hint was lost."""
RETRY_SECONDS = 0.25
TRIES_MAX = 20
AT_ONCE = 512
"""How many sockets are written to before others get a turn."""
SLICE_SECONDS = 0.005
IDLE_SECONDS = 600.0
"""How long a rolling view that nobody watches remembers its steps for those who come back."""
IDLE_FIXED_SECONDS = 30.0
IDLE_VIEWS_MAX = 16
"""Of one calendar: each costs as much at a change as one that is watched."""
UNUSED_SECONDS = 60.0
INTERNAL_ERROR = 1011
HINTS_MAX = 256
"""Hints kept while a calendar is loading; with more it is loaded once again instead."""


class Watched:
    """One watched calendar: its copy once loaded, and what waits to be worked in."""

    def __init__(self, instructor_id: UUID) -> None:
        """Begins without a copy."""
        self.instructor_id = instructor_id
        self.copy: LiveCalendar | None = None
        self.fresh: Calendar | None = None
        self.is_loading = False
        self.wanted_version = 0
        self.hints: list[CalendarChanged] = []
        self.waiters: list[asyncio.Future[LiveCalendar]] = []
        self.turns_at = NEVER
        self.due_at = NEVER
        self.used_at = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether a newer version is known of than the copy has."""
        return self.copy is None or self.copy.version < self.wanted_version

    def answer(self) -> None:
        """Hands the copy to those who wait for it."""
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if self.copy is not None and not waiter.done():
                waiter.set_result(self.copy)

    def fail(self, error: Exception) -> None:
        """Tells those who wait that there is no copy."""
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(error)


class Pump:
    """Keeps the copies of this process."""

    def __init__(self, *, db: Database, clock: Clock, rolling: timedelta, policy: Policy) -> None:
        """`rolling` is how long the window without ends is."""
        self._reads = db.reads
        self._newest = Newest(db.reads)
        self._clock = clock
        self._rolling = rolling
        self._policy = policy
        self._watched: dict[UUID, Watched] = {}
        self._dirty: set[Watched] = set()
        self._owed: set[Socket] = set()
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begins to work."""
        self._run(self._newest.work())
        for work in (self._pump(), self._follow_time(), self._compare_versions()):
            self._run(work)

    async def close(self) -> None:
        """Stops working."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def heard(self, _subject: str, payload: bytes) -> None:
        """Takes a hint from the bus."""
        try:
            changed = decode_changed(payload)
        except msgspec.MsgspecError:
            log.warning("live.hint_unreadable")
            return
        watched = self._watched.get(changed.instructor_id)
        if watched is None:
            return
        watched.hints.append(changed)
        if len(watched.hints) > HINTS_MAX:
            newest = max(hint.version for hint in watched.hints)
            watched.wanted_version = max(watched.wanted_version, newest)
            watched.hints.clear()
        self._mark(watched)

    async def copy_of(self, instructor_id: UUID, after_version: int) -> LiveCalendar:
        """The copy of a calendar: loaded, up to now, and with all that was committed before this.

        Raises `NotFound` without a calendar and `Unavailable` when it cannot be read.
        """
        known = self._watched.get(instructor_id)
        if known is not None and known.copy is not None:
            self._want(instructor_id, await self._newest.of(instructor_id))
        watched = self._watched.get(instructor_id)
        if watched is None:
            watched = self._watched[instructor_id] = Watched(instructor_id)
        watched.used_at = self._clock.monotonic()
        copy = watched.copy
        is_late = watched.is_loading or watched.is_behind or watched.due_at <= self._clock.now()
        if copy is not None and after_version > copy.version:
            self._load(watched)
        elif copy is not None and not is_late:
            return copy
        waiter: asyncio.Future[LiveCalendar] = asyncio.get_running_loop().create_future()
        watched.waiters.append(waiter)
        self._mark(watched)
        return await waiter

    def add(self, view: View) -> None:
        """Follows a new view through time."""
        view.left_at = self._clock.monotonic()
        view.copy.views[view.shape] = view
        watched = self._watched.get(view.shape.instructor_id)
        if watched is not None:
            watched.due_at = min(watched.due_at, view.next_at)

    def holds(self, view: View) -> bool:
        """Whether a view is one that this pump moves on."""
        watched = self._watched.get(view.shape.instructor_id)
        is_known = watched is not None and watched.copy is view.copy
        return is_known and view.copy.views.get(view.shape) is view

    def owe(self, socket: Socket) -> None:
        """A socket reads again: what it is owed can be sent."""
        self._owed.add(socket)
        self._wake.set()

    def forget(self, socket: Socket) -> None:
        """Owes nothing any more to a socket that is gone."""
        self._owed.discard(socket)

    def _mark(self, watched: Watched) -> None:
        self._dirty.add(watched)
        self._wake.set()

    def _run(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pump(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._dirty or self._owed:
                if self._dirty:
                    await self._settle_safely(self._dirty.pop())
                while self._owed:
                    _recover(self._owed.pop())

    async def _settle_safely(self, watched: Watched) -> None:
        try:
            await self._settle(watched)
        except Exception as bug:
            log.exception("live.settle_failed", instructor=str(watched.instructor_id))
            self._give_up(watched, bug)

    def _give_up(self, watched: Watched, bug: Exception) -> None:
        """Forgets a calendar; who watched it is cut off, comes back and gets it anew."""
        watched.fail(bug)
        self._watched.pop(watched.instructor_id, None)
        views = list(watched.copy.views.values()) if watched.copy else []
        for view in views:
            for listener in list(view.listeners):
                listener.outlet.end(INTERNAL_ERROR, "try again")

    async def _settle(self, watched: Watched) -> None:
        """Brings a copy up to what is known and to the time, and tells who watches."""
        now = self._clock.now()
        is_changed = _take_in(watched, self._policy, self._rolling)
        if watched.is_behind:
            self._load(watched)
        copy = watched.copy
        if copy is None:
            return
        is_turn = is_changed or watched.turns_at <= now
        begun = self._clock.monotonic()
        _drop_idle(copy, begun)
        for view in sorted(copy.views.values(), key=lambda each: -len(each.listeners)):
            step = None
            if is_turn:
                step = view.refresh(now)
            elif view.next_at <= now:
                step = view.tick(now)
            if step is not None:
                await _send(view, step)
            if self._clock.monotonic() - begun > SLICE_SECONDS:
                await asyncio.sleep(0)
                begun = self._clock.monotonic()
        if is_turn:
            watched.turns_at = copy.turns_at(now)
        soonest = (view.next_at for view in copy.views.values())
        watched.due_at = min(watched.turns_at, min(soonest, default=NEVER))
        if not watched.is_loading:
            watched.answer()

    def _load(self, watched: Watched) -> None:
        if not watched.is_loading:
            watched.is_loading = True
            self._run(self._loading(watched))

    async def _loading(self, watched: Watched) -> None:
        """Reads a calendar until it is as new as it should be; gives those who wait an answer."""
        instructor_id = UserId(watched.instructor_id)
        for _ in range(TRIES_MAX):
            try:
                calendar = await calendar_by_instructor(
                    self._reads, instructor_id=instructor_id, now=self._clock.now()
                )
            except DomainError as error:
                log.warning("live.load_failed", instructor=str(instructor_id), code=error.code)
                watched.fail(error)
            except Exception as bug:
                log.exception("live.load_failed", instructor=str(instructor_id))
                watched.fail(bug)
            else:
                if calendar is None:
                    watched.fail(NotFound())
                    break
                watched.fresh = calendar
                if calendar.version >= watched.wanted_version:
                    break
            if watched.copy is None and watched.fresh is None:
                break
            await asyncio.sleep(RETRY_SECONDS)
        else:
            watched.wanted_version = 0  # the next comparison of versions finds what is missing
        watched.is_loading = False
        self._mark(watched)
        if watched.copy is None and watched.fresh is None:
            self._watched.pop(watched.instructor_id, None)
            self._dirty.discard(watched)

    async def _follow_time(self) -> None:
        """Settles what time alone changes, at its instant, also when the clock jumps."""
        while True:
            now = self._clock.now()
            soonest = now + timedelta(seconds=POLL_SECONDS)
            for watched in self._watched.values():
                if watched.due_at <= now:
                    watched.due_at = NEVER
                    self._mark(watched)
                elif watched.due_at < soonest:
                    soonest = watched.due_at
            await asyncio.sleep(max(0.005, (soonest - now).total_seconds()))

    async def _compare_versions(self) -> None:
        """Finds copies that missed a hint, and drops those that nobody has watched for long."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            self._tidy()
            known = [id_ for id_, each in self._watched.items() if each.copy is not None]
            if known:
                for instructor_id, version in (await self._newest.read(known)).items():
                    self._want(instructor_id, version)

    def _want(self, instructor_id: UUID, version: int) -> None:
        """Sees to it that a copy is as new as this version."""
        watched = self._watched.get(instructor_id)
        if watched is None:
            return
        watched.wanted_version = max(watched.wanted_version, version)
        if watched.is_behind:
            self._mark(watched)

    def _tidy(self) -> None:
        now = self._clock.monotonic()
        for instructor_id, watched in list(self._watched.items()):
            if watched.copy is None or watched.is_loading:
                continue
            _drop_idle(watched.copy, now)
            if not watched.copy.views and watched.used_at < now - UNUSED_SECONDS:
                del self._watched[instructor_id]


def first_frame(view: View, missed: Step | None, outlet: Outlet) -> bytes:
    """What a subscription begins with: what was missed, or everything."""
    if missed is not None:
        return outlet.wrap(_encoded(view, missed))
    if view.snapshot is None:
        view.snapshot = outlet.wrap(snapshot_of(view.shape, view.version, view.listed))
    return view.snapshot


def _drop_idle(copy: LiveCalendar, now: float) -> None:
    """Drops views that nobody has watched for long, and of too many those left longest ago."""
    idle = sorted(
        (view for view in copy.views.values() if not view.listeners),
        key=lambda view: view.left_at,
    )
    surplus = len(idle) - IDLE_VIEWS_MAX
    for position, view in enumerate(idle):
        life = IDLE_SECONDS if view.is_rolling else IDLE_FIXED_SECONDS
        if position < surplus or view.left_at < now - life:
            del copy.views[view.shape]


def _take_in(watched: Watched, policy: Policy, rolling: timedelta) -> bool:
    """Works in what was loaded and heard; whether the copy changed."""
    fresh, watched.fresh = watched.fresh, None
    is_changed = False
    if fresh is not None and watched.copy is None:
        watched.copy = LiveCalendar(fresh, policy, rolling)
        is_changed = True
    elif fresh is not None and watched.copy is not None and fresh.version >= watched.copy.version:
        watched.copy.adopt(fresh)
        is_changed = True
    hints, watched.hints = sorted(watched.hints, key=lambda hint: hint.version), []
    for hint in hints:
        copy = watched.copy
        if copy is None or (hint.version > copy.version and not copy.fits(hint)):
            watched.wanted_version = max(watched.wanted_version, hint.version)
        elif hint.version > copy.version:
            copy.apply(hint)
            is_changed = True
    return is_changed


async def _send(view: View, step: Step) -> None:
    """Sends a step to all who follow the view; who is full is left out and owed a resync."""
    following = [each for each in view.listeners if each.is_live]
    if not following:
        return
    frame = following[0].outlet.wrap(_encoded(view, step))
    for begins in range(0, len(following), AT_ONCE):
        if begins:
            await asyncio.sleep(0)
        _send_to(following[begins : begins + AT_ONCE], frame)


def _send_to(following: list[Listener], frame: bytes) -> None:
    for each in following:
        # one that ended or fell behind meanwhile is not live any more
        if each.is_live and not each.outlet.write(frame):
            each.lose()


def _recover(socket: Socket) -> None:
    """Pays a socket what it is owed, as far as it takes it."""
    socket.catch_up()
    for each in list(socket.subscriptions.values()):
        if each.is_owed != "nothing" and not each.recover(
            first_frame(each.view, None, socket.outlet)
        ):
            return


def _encoded(view: View, step: Step) -> bytes:
    return delta_of(view.shape, (step.previous, step.version), step.added, step.removed)
