"""The emulator's time: the world's shared clock, or its own that control requests move."""

from datetime import UTC, datetime, timedelta

from gateways.clock import Clock, clock_from
from sandbox.stripe.errors import invalid
from sandbox.stripe.store import Store

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY_SECONDS = 86_400
SATURDAY = 5


def micros(instant: datetime) -> int:
    """Microseconds since 1970."""
    return (instant - EPOCH) // MICROSECOND


def instant(micros_: int) -> datetime:
    """The other way round."""
    return EPOCH + timedelta(microseconds=micros_)


def rfc3339(micros_: int | None) -> str | None:
    """An instant as people and JSON write it."""
    if micros_ is None:
        return None
    return instant(micros_).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_instant(text: object) -> int:
    """RFC 3339, or whole seconds since 1970, in microseconds."""
    if isinstance(text, int):
        return text * 1_000_000
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise invalid(f"Invalid instant: {text}", param="set") from None
    if moment.tzinfo is None:
        raise invalid(f"The instant needs a zone: {text}", param="set")
    return micros(moment)


def after_business_days(now: int, days: int) -> int:
    """Midnight UTC (seconds) of the `days`-th business day after now: when funds become free."""
    day = now - now % DAY_SECONDS
    left = days
    while left:
        day += DAY_SECONDS
        if instant(day * 1_000_000).weekday() < SATURDAY:
            left -= 1
    return day


class EmulatorClock:
    """Virtual microseconds; without a shared file it carries an offset of its own."""

    def __init__(self, path: str | None, store: Store) -> None:
        """Read the shared file at `path`; else go on with the offset kept in the store."""
        self.is_shared = bool(path)
        self.clock: Clock = clock_from(path)
        self.store = store

    def now_us(self) -> int:
        """Virtual time."""
        frozen = None if self.is_shared else self.store.meta("clock_frozen")
        if frozen:
            return int(frozen)
        offset = 0 if self.is_shared else int(self.store.meta("clock_offset") or 0)
        return micros(self.clock.now()) + offset

    def wall_us(self) -> int:
        """Real time: signatures and, if asked for, retries."""
        return micros(self.clock.wall_now())

    def monotonic(self) -> float:
        """Seconds for measuring."""
        return self.clock.monotonic()

    def move(self, target_us: int, *, frozen: bool) -> None:
        """Set the own clock forward; a shared one is moved by its owner alone."""
        if self.is_shared:
            raise invalid("This clock is shared: its owner moves it, not the emulator.")
        if target_us < self.now_us():
            raise invalid("The clock goes forward only.", param="set")
        self.store.set_meta("clock_frozen", str(target_us) if frozen else "")
        self.store.set_meta("clock_offset", str(target_us - micros(self.clock.now())))
