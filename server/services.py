"""Services: what instructors offer, and the skills they are filed under."""

from typing import Annotated, Literal

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from actors.instructors import Offer, OfferChange
from domain.bookings import Modality
from domain.ids import ServiceId
from domain.money import CURRENCY
from domain.texts import Label, Name, Text
from server.bodies import Body
from server.guards import instructor
from server.requests import Request
from storage.services import Service, Skill, services_of_instructor, skills

Slug = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
Rate = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Duration = Literal[30, 45, 60, 90, 120]
Durations = Annotated[list[Duration], msgspec.Meta(min_length=1, max_length=5)]
Modalities = Annotated[list[Modality], msgspec.Meta(min_length=1, max_length=2)]
Labels = Annotated[tuple[Label, ...], msgspec.Meta(max_length=20)]


class NewService(Body, frozen=True, kw_only=True):
    """A service. A lesson costs rate × minutes ÷ 60, half up, and at least 50 cents."""

    skill: Slug
    title: Name
    hourly_rate_cents: Rate
    durations_minutes: Durations
    modalities: Modalities
    description: Text = ""
    levels: Labels = ()
    age_groups: Labels = ()


class ChangeService(Body, frozen=True, kw_only=True):
    """What to change; what is left out stays."""

    skill: Slug | None = None
    title: Name | None = None
    hourly_rate_cents: Rate | None = None
    durations_minutes: Durations | None = None
    modalities: Modalities | None = None
    description: Text | None = None
    levels: Labels | None = None
    age_groups: Labels | None = None


class ServiceList(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an instructor offers."""

    items: list[Service]
    next_cursor: str | None = None


class SkillList(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be taught here."""

    items: list[Skill]
    next_cursor: str | None = None


class Services(Controller):
    """What instructors offer."""

    path = "/api"
    tags = ("Instructors",)

    @get("/skills")
    async def list_skills(self, request: Request) -> SkillList:
        """Everything that can be taught here, by category."""
        return SkillList(items=await skills(request.parts.reads))

    @get("/instructor/services", guards=[instructor])
    async def list_services(self, request: Request) -> ServiceList:
        """What the viewer offers."""
        items = await services_of_instructor(
            request.parts.reads, instructor_id=request.viewer.user_id, currency=CURRENCY
        )
        return ServiceList(items=items)

    @post("/instructor/services", guards=[instructor])
    async def add_service(self, request: Request, data: JSONBody[NewService]) -> Service:
        """Adds to what the viewer offers."""
        offer = msgspec.convert(data, Offer, from_attributes=True)
        return await request.parts.instructors.add_service(request.viewer, offer)

    @patch("/instructor/services/{service_id:uuid}", guards=[instructor])
    async def change_service(
        self, request: Request, service_id: FromPath[ServiceId], data: JSONBody[ChangeService]
    ) -> Service:
        """Changes one of the viewer's services; lessons booked before keep their price."""
        change = msgspec.convert(data, OfferChange, from_attributes=True)
        return await request.parts.instructors.change_service(request.viewer, service_id, change)

    @delete("/instructor/services/{service_id:uuid}", guards=[instructor])
    async def archive_service(self, request: Request, service_id: FromPath[ServiceId]) -> None:
        """Takes one of the viewer's services out of the offer; lessons booked before stay."""
        await request.parts.instructors.archive_service(request.viewer, service_id)
