"""Instructors: their page, what they offer, and their account at Stripe.

Whatever a calendar rests on raises its version in the same transaction, so a calendar actor whose
memory is older loses its compare-and-set and reads anew; `Reload` afterwards only makes it quick.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec
import structlog

from actors.calendar_commands import ChangeAvailability, Changed, Reload
from actors.calendars import Calendars
from domain.availability import Rules
from domain.bookings import Actor, Modality
from domain.errors import Conflict, DomainError, Invalid, NotFound
from domain.ids import ServiceId, UserId, new_id
from domain.money import CARD_MINIMUM_CENTS, CURRENCY
from domain.people import Viewer
from domain.pricing import price_of
from gateways.clock import Clock
from gateways.stripe import StripeGateway
from storage.calendars import bump_version
from storage.database import Database
from storage.instructors import (
    Home,
    Payee,
    Profile,
    change_profile,
    keep_stripe_account,
    payee_for_update,
    profile_by_instructor,
    stripe_facts_by_instructor,
)
from storage.query import Tx
from storage.services import (
    Service,
    archive_service,
    change_service,
    insert_service,
    service_for_update,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class ProfileChange(msgspec.Struct, frozen=True, kw_only=True):
    """What to write of a page; `UNSET` leaves as it is."""

    headline: str | msgspec.UnsetType = msgspec.UNSET
    bio: str | msgspec.UnsetType = msgspec.UNSET
    languages: list[str] | msgspec.UnsetType = msgspec.UNSET
    modalities: list[Modality] | msgspec.UnsetType = msgspec.UNSET
    home: Home | msgspec.UnsetType | None = msgspec.UNSET
    travel_radius_km: int | msgspec.UnsetType | None = msgspec.UNSET
    published: bool | msgspec.UnsetType = msgspec.UNSET


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A service as its instructor wants it, whole."""

    skill: str
    title: str
    description: str
    hourly_rate_cents: int
    durations_minutes: list[int]
    modalities: list[Modality]
    levels: list[str]
    age_groups: list[str]


class OfferChange(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a service; `None` leaves as it is."""

    skill: str | None = None
    title: str | None = None
    description: str | None = None
    hourly_rate_cents: int | None = None
    durations_minutes: list[int] | None = None
    modalities: list[Modality] | None = None
    levels: list[str] | None = None
    age_groups: list[str] | None = None


class Instructors:
    """Changes what instructors say of themselves and offer."""

    def __init__(
        self,
        *,
        db: Database,
        calendars: Calendars,
        stripe: StripeGateway,
        clock: Clock,
        public_url: str,
    ) -> None:
        """`public_url` is where Stripe sends people back to."""
        self._db = db
        self._calendars = calendars
        self._stripe = stripe
        self._clock = clock
        self._public_url = public_url

    async def change_profile(self, viewer: Viewer, change: ProfileChange) -> Profile:
        """Writes the viewer's page; what the change leaves out stays."""
        wanted = {
            name: value
            for name, value in msgspec.structs.asdict(change).items()
            if value is not msgspec.UNSET
        }
        async with self._calendar_change(viewer.user_id) as tx:
            stored = await profile_by_instructor(tx, instructor_id=viewer.user_id)
            if stored is None:
                raise NotFound
            changed = msgspec.structs.replace(stored, **wanted)
            profile = msgspec.structs.replace(changed, modalities=_unique(changed.modalities))
            await change_profile(
                tx,
                instructor_id=viewer.user_id,
                headline=profile.headline,
                bio=profile.bio,
                languages=profile.languages,
                modalities=profile.modalities,
                home_lat=profile.home.lat if profile.home else None,
                home_lon=profile.home.lon if profile.home else None,
                travel_radius_km=profile.travel_radius_km,
                is_published=profile.published,
            )
        return profile

    async def add_service(self, viewer: Viewer, offer: Offer) -> Service:
        """Adds to what the viewer offers; `Invalid` for a price below what a card can pay."""
        offer, now = checked(offer), self._clock.now()
        service_id = ServiceId(new_id(now))
        async with self._calendar_change(viewer.user_id) as tx:
            await insert_service(
                tx,
                service_id=service_id,
                instructor_id=viewer.user_id,
                **msgspec.structs.asdict(offer),
                now=now,
            )
        return _service(service_id, offer)

    async def change_service(
        self, viewer: Viewer, service_id: ServiceId, change: OfferChange
    ) -> Service:
        """Changes one of the viewer's services; lessons booked before keep their price."""
        wanted = {
            name: value
            for name, value in msgspec.structs.asdict(change).items()
            if value is not None
        }
        async with self._calendar_change(viewer.user_id) as tx:
            service = await service_for_update(
                tx, service_id=service_id, instructor_id=viewer.user_id, currency=CURRENCY
            )
            if service is None:
                raise NotFound
            offer = checked(msgspec.structs.replace(_offer(service), **wanted))
            await change_service(
                tx,
                service_id=service_id,
                instructor_id=viewer.user_id,
                **msgspec.structs.asdict(offer),
            )
        return _service(service_id, offer)

    async def archive_service(self, viewer: Viewer, service_id: ServiceId) -> None:
        """Takes a service out of the offer; lessons booked before stay. Repeating is `NotFound`."""
        async with self._calendar_change(viewer.user_id) as tx:
            archived = await archive_service(
                tx, service_id=service_id, instructor_id=viewer.user_id, now=self._clock.now()
            )
            if archived is None:
                raise NotFound

    async def change_availability(
        self, viewer: Viewer, rules: Rules, *, if_version: int | None
    ) -> Changed:
        """Replaces rules, exceptions and policy; `CalendarChanged` when somebody else was first."""
        return await self._calendars.ask(
            viewer.user_id,
            ChangeAvailability(
                actor=Actor(kind="instructor", id=viewer.user_id, request_id=viewer.request_id),
                availability=rules,
                if_version=if_version,
            ),
        )

    async def onboarding_link(self, viewer: Viewer) -> str:
        """Where the viewer completes their Stripe account, made now if there is none.

        Making it twice is harmless: Stripe answers the same account for the same instructor.
        Raises `Conflict` for one whose account has left the platform: a person must help.
        """
        facts = await stripe_facts_by_instructor(self._db.reads, instructor_id=viewer.user_id)
        if facts is not None and facts.deauthorized_at is not None:
            raise Conflict("your account at Stripe has left us: please write to us")
        async with self._db.transaction() as tx:
            payee = await _payee(tx, viewer.user_id)
        account_id = payee.stripe_account_id
        if account_id is None:
            made = await self._stripe.create_account(
                instructor_id=payee.id, email=payee.email, public_url=self._public_url
            )
            async with self._calendar_change(viewer.user_id) as tx:
                account_id = await keep_stripe_account(
                    tx, instructor_id=payee.id, stripe_account_id=made
                )
        page = f"{self._public_url}/teach"
        return await self._stripe.account_link(account_id, return_url=page, refresh_url=page)

    async def dashboard_link(self, viewer: Viewer) -> str:
        """Where the viewer looks at their own account at Stripe, for a single visit.

        Raises `NotFound` before onboarding is complete, `PaymentUnavailable`.
        """
        facts = await stripe_facts_by_instructor(self._db.reads, instructor_id=viewer.user_id)
        if facts is None or facts.stripe_account_id is None or not facts.has_submitted_details:
            raise NotFound
        return await self._stripe.dashboard_link(facts.stripe_account_id)

    @asynccontextmanager
    async def _calendar_change(self, instructor_id: UserId) -> AsyncGenerator[Tx]:
        """A transaction that changes what a calendar rests on."""
        async with self._db.transaction() as tx:
            if await bump_version(tx, instructor_id=instructor_id) is None:
                raise NotFound
            yield tx
        await reload_calendar(self._calendars, instructor_id)


async def reload_calendar(calendars: Calendars, instructor_id: UserId) -> None:
    """Makes the calendar read anew; when it cannot be reached it finds out by its version."""
    try:
        await calendars.ask(instructor_id, Reload())
    except DomainError as error:
        log.warning("calendar.reload_failed", instructor=str(instructor_id), code=error.code)


def checked(offer: Offer) -> Offer:
    """The offer in order; `Invalid` when one of its lessons costs less than a card can pay."""
    durations = sorted(set(offer.durations_minutes))
    cheapest = price_of(offer.hourly_rate_cents, durations[0])
    if cheapest < CARD_MINIMUM_CENTS:
        raise Invalid("a lesson costs at least 50 cents", pointer="/hourly_rate_cents")
    return msgspec.structs.replace(
        offer, durations_minutes=durations, modalities=_unique(offer.modalities)
    )


def _unique(modalities: list[Modality]) -> list[Modality]:
    return list(dict.fromkeys(modalities))


def _service(service_id: ServiceId, offer: Offer) -> Service:
    return Service(id=service_id, currency=CURRENCY, **msgspec.structs.asdict(offer))


def _offer(service: Service) -> Offer:
    return msgspec.convert(service, Offer, from_attributes=True)


async def _payee(tx: Tx, instructor_id: UserId) -> Payee:
    payee = await payee_for_update(tx, instructor_id=instructor_id)
    if payee is None:
        raise NotFound
    return payee
