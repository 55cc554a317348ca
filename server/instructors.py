"""Instructors: the public page, one's own page, and the account at Stripe."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from actors.instructors import ProfileChange
from domain.bookings import Modality
from domain.errors import NotFound
from domain.ids import UserId
from domain.money import CURRENCY
from domain.restrictions import AccountState
from domain.texts import Label, Line, LongText
from server.bodies import Body
from server.guards import instructor, known
from server.requests import Request
from storage.instructors import (
    InstructorPage,
    Profile,
    StripeFacts,
    page_by_instructor,
    profile_by_instructor,
    stripe_facts_by_instructor,
)

Languages = Annotated[tuple[Label, ...], msgspec.Meta(max_length=20)]
Modalities = Annotated[tuple[Modality, ...], msgspec.Meta(min_length=1, max_length=2)]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
Kilometres = Annotated[int, msgspec.Meta(ge=0, le=500)]


class Place(Body, frozen=True, kw_only=True):
    """A point on earth, in degrees."""

    lat: Latitude
    lon: Longitude


class PutProfile(Body, frozen=True, kw_only=True):
    """One's own page; what is left out stays. Only a published page can be booked."""

    headline: Line | UnsetType = UNSET
    bio: LongText | UnsetType = UNSET
    languages: Languages | UnsetType = UNSET
    modalities: Modalities | UnsetType = UNSET
    home: Place | UnsetType | None = UNSET
    travel_radius_km: Kilometres | UnsetType | None = UNSET
    published: bool | UnsetType = UNSET


class Onboarding(msgspec.Struct, frozen=True, kw_only=True):
    """Where to complete the Stripe account; works once and for a few minutes."""

    url: str


class StripeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Whether lessons can be paid out, and what is missing until somebody can book."""

    account_id: str | None
    transfers_active: bool
    payouts_enabled: bool
    bookable: bool
    blockers: list[str]
    requirements_due: list[str]
    state: AccountState
    deadline_at: datetime | None
    """Until when nothing changes though Stripe asks for more."""


class Instructors(Controller):
    """What everybody sees of an instructor, and what instructors say of themselves."""

    path = "/api"
    tags = ("Instructors",)

    @get("/instructors/{instructor_id:uuid}", guards=[known])
    async def show_instructor(
        self, request: Request, instructor_id: FromPath[UserId]
    ) -> InstructorPage:
        """An instructor with services; one who is not published sees the own page alone."""
        page = await page_by_instructor(
            request.parts.reads,
            instructor_id=instructor_id,
            viewer_id=request.visitor.user_id if request.visitor else None,
            currency=CURRENCY,
        )
        if page is None:
            raise NotFound
        return page

    @get("/instructor/profile", guards=[instructor])
    async def show_profile(self, request: Request) -> Profile:
        """The viewer's own page."""
        profile = await profile_by_instructor(
            request.parts.reads, instructor_id=request.viewer.user_id
        )
        if profile is None:
            raise NotFound
        return profile

    @put("/instructor/profile", guards=[instructor])
    async def put_profile(self, request: Request, data: JSONBody[PutProfile]) -> Profile:
        """Writes the viewer's own page; what is left out stays, and null clears."""
        change = msgspec.convert(msgspec.to_builtins(data), ProfileChange)
        return await request.parts.instructors.change_profile(request.viewer, change)

    @post("/instructor/stripe/onboarding", guards=[instructor], status_code=200)
    async def start_onboarding(self, request: Request) -> Onboarding:
        """Where the viewer completes their Stripe account, so that lessons can be paid out."""
        url = await request.parts.instructors.onboarding_link(request.viewer)
        return Onboarding(url=url)

    @post("/instructor/stripe/dashboard-link", guards=[instructor], status_code=200)
    async def open_dashboard(self, request: Request) -> Onboarding:
        """Where the viewer sees payouts and bank account at Stripe; good for one visit, now."""
        url = await request.parts.instructors.dashboard_link(request.viewer)
        return Onboarding(url=url)

    @get("/instructor/stripe/status", guards=[instructor])
    async def show_stripe_status(self, request: Request) -> StripeStatus:
        """What Stripe last said of the viewer's account, and what still blocks bookings."""
        facts = await stripe_facts_by_instructor(
            request.parts.reads, instructor_id=request.viewer.user_id
        )
        if facts is None:
            raise NotFound
        return status_of(facts)


def status_of(facts: StripeFacts) -> StripeStatus:
    """The facts as an answer, with the blockers in the order people clear them."""
    conditions = {
        "profile-not-published": facts.is_published,
        "no-service": facts.has_service,
        "no-stripe-account": facts.stripe_account_id is not None,
        "transfers-inactive": facts.has_transfers,
        "payouts-disabled": facts.has_payouts,
        "account-disabled": facts.disabled_reason is None or facts.stripe_account_id is None,
    }
    blockers = [name for name, is_met in conditions.items() if not is_met]
    return StripeStatus(
        account_id=facts.stripe_account_id,
        transfers_active=facts.has_transfers,
        payouts_enabled=facts.has_payouts,
        bookable=not blockers,
        blockers=blockers,
        requirements_due=facts.requirements_due,
        state=facts.state,
        deadline_at=facts.deadline_at,
    )
