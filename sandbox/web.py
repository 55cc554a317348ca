"""The web process of a sandbox: the product's app with the `/sandbox` routes added.

`python -m sandbox.web`; the product never imports this.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from jinja2 import Environment, FileSystemLoader
from litestar import Litestar, MediaType, get, post
from litestar.types import ControllerRouterHandler

from domain.errors import Invalid
from domain.times import Instant, to_utc
from gateways.clock import ClockFileInvalidError
from gateways.settings import Settings, SettingsInvalidError, is_loopback, settings_from
from sandbox.foundation import MAIL_FILE
from sandbox.logins import Logins, logins_in
from sandbox.mail import Mail, MailStore
from sandbox.quiet import Observer
from sandbox.travel import Travelled, Traveller
from server.app import create_app
from server.bodies import Body
from server.serving import serve

PAGES = Path(__file__).with_name("pages")
TAGS = ["Sandbox"]
ADVANCE_SECONDS_MAX = 10 * 366 * 86_400
Seconds = Annotated[int, msgspec.Meta(ge=-ADVANCE_SECONDS_MAX, le=ADVANCE_SECONDS_MAX)]


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """Where the parts of this world are."""

    database_url: str
    nats_url: str
    stripe_url: str
    stripe_secret_key: str
    stripe_publishable_key: str
    mail_url: str
    demo: Logins


class ClockShown(msgspec.Struct, frozen=True, kw_only=True):
    """The marketplace's time, and whether it stands still."""

    now: datetime
    frozen: bool


class Travel(Body, frozen=True, kw_only=True):
    """A wish to move time: one of `advance_seconds` and `at`, or only `frozen`."""

    advance_seconds: Seconds | None = None
    at: Instant | None = None
    frozen: bool | None = None


def sandbox_handlers(
    settings: Settings, traveller: Traveller, mails: MailStore
) -> list[ControllerRouterHandler]:
    """Return the routes under `/sandbox`."""

    @get("/sandbox", tags=TAGS, sync_to_thread=False)
    def show_sandbox() -> Sandbox:
        """Where database, bus, Stripe and mail of this world are, and who can sign in."""
        return Sandbox(
            database_url=settings.database_url,
            nats_url=settings.nats_url,
            stripe_url=settings.stripe_api_base,
            stripe_secret_key=settings.stripe_secret_key,
            stripe_publishable_key=settings.stripe_publishable_key,
            mail_url=f"{settings.public_url}/sandbox/mail",
            demo=logins_in(Path(settings.data_dir)),
        )

    @get("/sandbox/clock", tags=TAGS, sync_to_thread=False)
    def show_clock() -> ClockShown:
        """The marketplace's time."""
        return ClockShown(now=traveller.now(), frozen=traveller.is_frozen())

    @post("/sandbox/clock", tags=TAGS, status_code=200)
    async def travel(data: Travel) -> Travelled:
        """Move the whole world forward through everything that falls due on the way."""
        return await _travel(traveller, data)

    @get("/sandbox/mail", tags=TAGS, sync_to_thread=True)
    def list_mails(to: str | None = None) -> list[Mail]:
        """The mails the marketplace has sent, newest first, for one recipient or for all."""
        return mails.newest_first(to)

    return [show_sandbox, show_clock, travel, list_mails, *_inbox_handlers(mails)]


def _inbox_handlers(mails: MailStore) -> list[ControllerRouterHandler]:
    """Return the page of the mails sent and its styles."""
    pages = Environment(loader=FileSystemLoader(PAGES), autoescape=True)

    @get(
        "/sandbox/mail/inbox",
        media_type=MediaType.HTML,
        include_in_schema=False,
        sync_to_thread=True,
    )
    def show_inbox(to: str | None = None) -> str:
        """The same mails as a page to read."""
        return pages.get_template("inbox.html").render(mails=mails.newest_first(to), to=to or "")

    @get(
        "/sandbox/mail/inbox.css",
        media_type=MediaType.CSS,
        include_in_schema=False,
        sync_to_thread=False,
    )
    def show_inbox_styles() -> str:
        """The page's styles."""
        return (PAGES / "inbox.css").read_text(encoding="utf-8")

    return [show_inbox, show_inbox_styles]


async def _travel(traveller: Traveller, wish: Travel) -> Travelled:
    """Do what a wish says; raises `Invalid` when it says nothing or two things."""
    if wish.advance_seconds is not None and wish.at is not None:
        raise Invalid("Give advance_seconds or at, not both.", pointer="/at")
    if wish.at is not None:
        target = to_utc(wish.at, pointer="/at")
        return await traveller.travel(_near(target, traveller, "/at"), stay=bool(wish.frozen))
    if wish.advance_seconds is not None:
        target = to_utc(traveller.now() + timedelta(seconds=wish.advance_seconds))
        near = _near(target, traveller, "/advance_seconds")
        return await traveller.travel(near, stay=bool(wish.frozen))
    if wish.frozen is None:
        raise Invalid("Give advance_seconds, at or frozen.")
    await (traveller.freeze() if wish.frozen else traveller.release())
    return Travelled(now=traveller.now(), fired=[])


def _near(target: datetime, traveller: Traveller, pointer: str) -> datetime:
    """The target, unless it is a slip of the pen: there is no way back from a far year."""
    if (target - traveller.now()).total_seconds() > ADVANCE_SECONDS_MAX:
        raise Invalid("Travel at most ten years at a time.", pointer=pointer)
    return target


def create_sandbox(settings: Settings) -> Litestar:
    """Return the product's app with the sandbox's routes; the settings must name a clock file."""
    if settings.clock_file is None:
        raise SettingsInvalidError("CLOCK_FILE is missing: a sandbox shares its clock in one")
    emulator_url = settings.stripe_api_base if is_loopback(settings.stripe_api_base) else None
    observer = Observer(settings.database_url, emulator_url)
    traveller = Traveller(Path(settings.clock_file), observer)
    mails = MailStore(Path(settings.data_dir) / MAIL_FILE)
    app = create_app(settings, extra_handlers=sandbox_handlers(settings, traveller, mails))
    app.on_shutdown.append(traveller.close)
    app.on_shutdown.append(mails.close)
    return app


def main() -> int:
    """Serve the marketplace with its sandbox; 1 with one sentence when it cannot."""
    try:
        settings = settings_from()
        app = create_sandbox(settings)
    except (SettingsInvalidError, ClockFileInvalidError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return serve(app, settings)


if __name__ == "__main__":
    sys.exit(main())
