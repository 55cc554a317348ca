"""Every mutation of a booking, asked by people whose booking it is not: it is not there.

The addresses are the application's own, so one that is added is asked as well.
"""

import re
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from litestar import Litestar

from gateways.clock import SystemClock
from server.openapi import operations_of
from tests.server.conftest import Person, Teacher, client_of, in_days, registered, teaching

MUTATING = {"POST", "PUT", "PATCH", "DELETE"}
BODIES: dict[str, dict[str, object]] = {
    "confirm_booking": {"payment_method_id": "pm_card_visa"},
    "reschedule_lesson": {"start_at": in_days(20).isoformat()},
    "report_no_show": {"who": "student"},
}
"""What an operation has to be asked with to get past the reading of its body."""
CARD = "/api/payments/update-method"
TRIES = 10
TRIES_MAX = 100
FACTOR = 3


class Cast:
    """A booking with an open proposal, its two people, and three who have no part in it."""

    student: Person
    teacher: Teacher
    outsiders: dict[str, Person]
    booking: dict[str, object]
    booking_id: str
    proposal_id: str


@pytest_asyncio.fixture(scope="module")
async def people(app: Litestar) -> Cast:
    """Everybody who plays in these tests."""
    cast = Cast()
    async with client_of(app) as http:
        cast.student, cast.teacher = await registered(http), await teaching(app, http)
        stranger, other = await registered(http), await registered(http)
        other_teacher = await teaching(app, http)
        # not a newcomer: with a booking of their own, at the same instructor's
        for student, days in ((cast.student, 9), (other, 10)):
            wish = cast.teacher.lesson(in_days(days), payment_method_id="pm_card_visa")
            made = await http.post("/api/bookings", json=wish, headers=student.auth)
            assert made.status_code == 201, made.text
            if student is cast.student:
                cast.booking_id = made.json()["booking"]["id"]
        moved = await http.post(
            f"/api/bookings/{cast.booking_id}/reschedule",
            json={"start_at": in_days(11).isoformat()},
            headers=cast.teacher.person.auth,
        )
        assert moved.status_code == 202, moved.text
        cast.proposal_id = moved.json()["proposal"]["id"]
        shown = await http.get(f"/api/bookings/{cast.booking_id}", headers=cast.student.auth)
        cast.booking = shown.json()["booking"]
        cast.outsiders = {
            "stranger": stranger,
            "other student": other,
            "other instructor": other_teacher.person,
        }
    return cast


class Deed:
    """One way to change a booking."""

    def __init__(self, name: str, method: str, path: str) -> None:
        """As the application offers it."""
        self.name = name
        self.method = method
        self.path = path

    async def ask(
        self, http: httpx.AsyncClient, person: Person, booking_id: str, proposal_id: str
    ) -> httpx.Response:
        """Asks as somebody, about a booking."""
        path = self.path.replace("{booking_id}", booking_id)
        filled = path.replace("{proposal_id}", proposal_id)
        assert "{" not in filled, filled
        body = BODIES.get(self.name, {})
        body = {"booking_id": booking_id, "payment_method_id": "pm_x"} if path == CARD else body
        return await http.request(self.method, filled, json=body, headers=person.auth)


def deeds_of(app: Litestar) -> Iterator[Deed]:
    """Every mutation of a booking by its people."""
    for path, method, handler in operations_of(app):
        plain = re.sub(r"\{(\w+):\w+\}", r"{\1}", path)
        is_of_people = "{booking_id}" in plain and not plain.startswith("/api/admin/")
        if method in MUTATING and (is_of_people or plain == CARD):
            yield Deed(str(handler.handler_name), method, plain)


async def test_every_mutation_of_a_foreign_booking_says_what_a_missing_one_says(
    app: Litestar, http: httpx.AsyncClient, people: Cast
) -> None:
    deeds = list(deeds_of(app))
    assert {"cancel_booking", "confirm_booking", "reschedule_lesson", "update_method"} <= {
        each.name for each in deeds
    }
    assert len(deeds) >= 8
    for deed in deeds:
        for who, person in people.outsiders.items():
            told = f"{deed.method} {deed.path} by {who}"
            foreign = await deed.ask(http, person, people.booking_id, people.proposal_id)
            absent = await deed.ask(http, person, str(uuid4()), str(uuid4()))
            assert foreign.status_code == absent.status_code == 404, f"{told}: {foreign.text}"
            assert foreign.content == absent.content, told
            assert _shape(foreign) == _shape(absent), told


def _shape(answer: httpx.Response) -> set[str]:
    return set(answer.headers)


async def test_nothing_became_of_what_outsiders_asked(
    http: httpx.AsyncClient, people: Cast
) -> None:
    own = f"/api/bookings/{people.booking_id}"
    shown = (await http.get(own, headers=people.student.auth)).json()["booking"]
    assert shown == people.booking
    listed = await http.get(f"{own}/proposals", headers=people.student.auth)
    (proposal,) = listed.json()["items"]
    assert (proposal["id"], proposal["state"]) == (people.proposal_id, "open")


async def test_a_proposal_of_another_booking_is_not_there(
    http: httpx.AsyncClient, people: Cast
) -> None:
    other = people.outsiders["other student"]
    mine = (await http.get("/api/bookings", headers=other.auth)).json()["items"][0]["id"]
    for word in ("accept", "decline"):
        path = f"/api/bookings/{mine}/proposals"
        foreign = await http.post(f"{path}/{people.proposal_id}/{word}", headers=other.auth)
        absent = await http.post(f"{path}/{uuid4()}/{word}", headers=other.auth)
        assert foreign.status_code == absent.status_code == 404
        assert foreign.content == absent.content


@pytest.mark.parametrize("who", ["stranger", "other student", "other instructor"])
async def test_a_foreign_booking_takes_as_long_as_a_missing_one(
    app: Litestar, http: httpx.AsyncClient, people: Cast, who: str
) -> None:
    person, clock = people.outsiders[who], SystemClock()

    async def seconds(deed: Deed, booking_id: str, proposal_id: str) -> float:
        began = clock.monotonic()
        await deed.ask(http, person, booking_id, proposal_id)
        return clock.monotonic() - began

    for deed in deeds_of(app):
        foreign: list[float] = []
        absent: list[float] = []
        # in turns: what slows the machine down slows both down
        is_alike, both = False, (0.0, 0.0)
        while len(foreign) < TRIES or (not is_alike and len(foreign) < TRIES_MAX):
            foreign.append(await seconds(deed, people.booking_id, people.proposal_id))
            absent.append(await seconds(deed, str(uuid4()), str(uuid4())))
            # the best of each is the work alone; a busy machine takes longer to show it
            both = min(foreign), min(absent)
            is_alike = max(both) <= FACTOR * min(both)
        assert is_alike, f"{deed.method} {deed.path}: {both}"
