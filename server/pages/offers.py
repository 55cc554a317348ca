"""Services with their prices for each length, as pages show them."""

import msgspec

from domain.bookings import Modality
from domain.ids import ServiceId
from domain.pricing import price_of
from storage.services import Service


class Length(msgspec.Struct, frozen=True, kw_only=True):
    """One length a lesson may have, and what it costs."""

    minutes: int
    price_cents: int
    currency: str


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A service and the price of each of its lengths."""

    id: ServiceId
    skill: str
    title: str
    description: str
    hourly_rate_cents: int
    currency: str
    durations_minutes: list[int]
    durations: list[Length]
    modalities: list[Modality]


def offer_of(service: Service) -> Offer:
    """The service, priced."""
    return Offer(
        id=service.id,
        skill=service.skill,
        title=service.title,
        description=service.description,
        hourly_rate_cents=service.hourly_rate_cents,
        currency=service.currency,
        durations_minutes=service.durations_minutes,
        durations=[
            Length(
                minutes=minutes,
                price_cents=price_of(service.hourly_rate_cents, minutes),
                currency=service.currency,
            )
            for minutes in service.durations_minutes
        ],
        modalities=service.modalities,
    )
