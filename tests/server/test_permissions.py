"""Who may do what: each address, asked by everybody, with things that belong to others."""

import re
from uuid import uuid4

import httpx
import pytest_asyncio
from litestar import Litestar

from actors.accounts import ensure_admin
from server.guards import SIGNING_IN
from server.openapi import guards_of, operations_of
from storage.database import Database
from tests.server.conftest import (
    PASSWORD,
    Person,
    Teacher,
    client_of,
    in_days,
    registered,
    teaching,
)

PUBLIC = {
    "check_alive",
    "check_live",
    "check_ready",
    "register",
    "login",
    "refresh",
    "show_instructor",
    "list_skills",
    "list_slots",
    "search_services",
    "receive_stripe_event",
}


class Cast:
    """Two students, two instructors, an admin, and a booking of the first student's."""

    student: Person
    stranger: Person
    teacher: Teacher
    other_teacher: Teacher
    admin: Person
    booking_id: str


@pytest_asyncio.fixture(scope="module")
async def people(app: Litestar, database_url: str) -> Cast:
    """Everybody who plays in these tests."""
    cast = Cast()
    async with client_of(app) as http:
        cast.student, cast.stranger = await registered(http), await registered(http)
        cast.teacher, cast.other_teacher = await teaching(app, http), await teaching(app, http)
        wish = cast.teacher.lesson(in_days(9), payment_method_id="pm_card_visa")
        made = await http.post("/api/bookings", json=wish, headers=cast.student.auth)
        assert made.status_code == 201, made.text
        cast.booking_id = made.json()["booking"]["id"]
        cast.admin = await _admin(http, app, database_url)
    return cast


async def _admin(http: httpx.AsyncClient, app: Litestar, database_url: str) -> Person:
    email = f"{uuid4().hex}@example.org"
    db = await Database.connect(database_url, size=1, reads_size=1)
    now = app.state["parts"].clock.now()
    user_id = await ensure_admin(db, email=email, password=PASSWORD, display_name="Admin", now=now)
    await db.close()
    answer = await http.post("/api/auth/login", json={"email": email, "password": PASSWORD})
    body = answer.json()
    return Person(
        id=str(user_id),
        email=email,
        access_token=body["access_token"],
        refresh_token=body["refresh_token"],
    )


async def test_every_address_that_is_not_public_asks_who_is_there(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    for path, method, handler in operations_of(app):
        if handler.handler_name in PUBLIC:
            continue
        assert guards_of(handler) & SIGNING_IN, f"{method} {path}"
        filled = re.sub(r"\{\w+\}", str(uuid4()), path)
        answer = await http.request(method, filled)
        assert answer.status_code == 401, f"{method} {path}"


async def test_a_booking_of_others_is_not_there(http: httpx.AsyncClient, people: Cast) -> None:
    own = f"/api/bookings/{people.booking_id}"
    nowhere = f"/api/bookings/{uuid4()}"
    outsiders = (people.stranger, people.other_teacher.person, people.admin)
    for person in outsiders:
        for method, suffix in (
            ("GET", ""),
            ("GET", "/events"),
            ("GET", "/cancellation-quote"),
            ("GET", "/proposals"),
            ("POST", "/confirm"),
            ("POST", "/cancel"),
        ):
            foreign = await http.request(method, own + suffix, headers=person.auth)
            missing = await http.request(method, nowhere + suffix, headers=person.auth)
            assert foreign.status_code == missing.status_code == 404, f"{method} {suffix}"
            assert foreign.content == missing.content
        card = {"booking_id": people.booking_id, "payment_method_id": "pm_card_visa"}
        update = await http.post("/api/payments/update-method", json=card, headers=person.auth)
        assert update.status_code == 404
    shown = await http.get(own, headers=people.student.auth)
    assert shown.json()["booking"]["status"] == "confirmed"


async def test_the_instructor_sees_the_booking_but_not_what_its_payment_needs(
    http: httpx.AsyncClient, people: Cast
) -> None:
    own = f"/api/bookings/{people.booking_id}"
    as_teacher = await http.get(own, headers=people.teacher.person.auth)
    assert as_teacher.status_code == 200
    assert as_teacher.json()["payment"] is None
    confirm = await http.post(f"{own}/confirm", headers=people.teacher.person.auth)
    assert confirm.status_code == 404


async def test_a_service_of_others_is_not_there(http: httpx.AsyncClient, people: Cast) -> None:
    path = f"/api/instructor/services/{people.teacher.service_id}"
    other = people.other_teacher.person.auth
    changed = await http.patch(path, json={"title": "Mine now"}, headers=other)
    gone = await http.delete(path, headers=other)
    missing = await http.delete(f"/api/instructor/services/{uuid4()}", headers=other)
    assert changed.status_code == gone.status_code == missing.status_code == 404
    assert changed.content == missing.content


async def test_roles_open_only_their_own_side(http: httpx.AsyncClient, people: Cast) -> None:
    by_instructors = (
        "/api/instructor/profile",
        "/api/instructor/services",
        "/api/instructor/availability",
        "/api/instructor/bookings",
        "/api/instructor/stripe/status",
    )
    by_admins = ("/api/admin/ledger", "/api/admin/ledger/balances")
    for path in by_instructors:
        assert (await http.get(path, headers=people.student.auth)).status_code == 403
        assert (await http.get(path, headers=people.admin.auth)).status_code == 403
        assert (await http.get(path, headers=people.teacher.person.auth)).status_code == 200
    for path in by_admins:
        assert (await http.get(path, headers=people.student.auth)).status_code == 403
        assert (await http.get(path, headers=people.teacher.person.auth)).status_code == 403
        assert (await http.get(path, headers=people.admin.auth)).status_code == 200
    wish = people.teacher.lesson(in_days(10))
    booked = await http.post("/api/bookings", json=wish, headers=people.other_teacher.person.auth)
    assert booked.status_code == 403


async def test_nobody_books_for_a_learner_of_somebody_else(
    http: httpx.AsyncClient, people: Cast
) -> None:
    wish = people.teacher.lesson(in_days(11), learner_id=people.student.id)
    answer = await http.post("/api/bookings", json=wish, headers=people.stranger.auth)
    assert answer.status_code == 404


async def test_nobody_uses_or_forgets_a_card_of_somebody_else(
    http: httpx.AsyncClient, people: Cast
) -> None:
    cards = (await http.get("/api/payments/methods", headers=people.student.auth)).json()
    card = cards["items"][0]
    assert set(card) == {"id", "brand", "last4", "exp_month", "exp_year", "created_at"}
    path = f"/api/payments/methods/{card['id']}"
    assert (await http.delete(path, headers=people.stranger.auth)).status_code == 404
    wish = people.teacher.lesson(in_days(12), payment_method_id=card["id"])
    answer = await http.post("/api/bookings", json=wish, headers=people.stranger.auth)
    assert answer.status_code == 400
    assert (await http.delete(path, headers=people.student.auth)).status_code == 204


async def test_what_people_write_is_theirs_alone_to_set(
    http: httpx.AsyncClient, people: Cast
) -> None:
    for field in ("roles", "email_verified", "id", "stripe_customer_id"):
        body = {"display_name": "x", field: "x"}
        answer = await http.patch("/api/me", json=body, headers=people.student.auth)
        assert answer.status_code == 400


async def test_the_public_page_tells_nothing_private(http: httpx.AsyncClient, people: Cast) -> None:
    answer = await http.get(f"/api/instructors/{people.teacher.person.id}")
    assert set(answer.json()) == {
        "id",
        "display_name",
        "headline",
        "bio",
        "languages",
        "modalities",
        "home",
        "travel_radius_km",
        "time_zone",
        "published",
        "bookable",
        "services",
    }
    assert people.teacher.person.email not in answer.text
    hidden = await http.get(f"/api/instructors/{people.student.id}")
    assert hidden.status_code == 404
