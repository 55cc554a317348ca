"""Refusals: every one a problem with a stable code, and nothing said that should not be."""

from uuid import uuid4

import httpx
import pytest
from litestar import Litestar, get

from gateways.settings import Settings
from server.app import create_app
from tests.server.conftest import client_of, in_days, living, registered, registration, teaching

PROBLEM = "application/problem+json"
REGISTER = "/api/auth/register"


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    """Check the standard members and return the body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith(PROBLEM)
    body = answer.json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["title"]
    assert body["detail"]
    assert body["type"].endswith(code)
    return body


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"email": 5}, "/email"),
        ({"email": "nobody"}, "/email"),
        ({"email": "a" * 300 + "@example.org"}, "/email"),
        ({"password": "short"}, "/password"),
        ({"password": "password123456"}, "/password"),
        ({"display_name": ""}, "/display_name"),
        ({"display_name": "x" * 101}, "/display_name"),
        ({"role": "admin"}, "/role"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"is_admin": True}, "/is_admin"),
        ({"display_name": "4242 4242 4242 4242"}, "/display_name"),
    ],
)
async def test_a_field_that_does_not_fit_is_named(
    http: httpx.AsyncClient, change: dict[str, object], pointer: str
) -> None:
    answer = await http.post(REGISTER, json=registration(**change))
    body = assert_problem(answer, 400, "invalid")
    assert [error["pointer"] for error in body["errors"]] == [pointer]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"nonsense",
        b"[1,2]",
        b'"text"',
        b"null",
        b"\xff\xfe",
        b"[" * 10_000,
        b'{"a":NaN}',
    ],
)
async def test_what_is_not_the_json_asked_for_is_refused(
    http: httpx.AsyncClient, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    assert_problem(await http.post(REGISTER, content=body, headers=headers), 400, "invalid")


async def test_a_nul_character_goes_nowhere(http: httpx.AsyncClient) -> None:
    answer = await http.post(REGISTER, json=registration(display_name="A\x00B"))
    assert_problem(answer, 400, "invalid")
    assert_problem(await http.get("/api/search?q=%00"), 400, "invalid")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_a_body_that_is_not_sent_as_json_is_refused(
    http: httpx.AsyncClient, kind: str
) -> None:
    answer = await http.post(REGISTER, content=b"{}", headers={"Content-Type": kind})
    assert_problem(answer, 415, "unsupported-media-type")


async def test_a_body_that_is_too_large_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post(REGISTER, json=registration(display_name="x" * 70_000))
    assert_problem(answer, 413, "body-too-large")


async def test_an_address_that_is_not_there_and_a_method_that_is_not_known(
    http: httpx.AsyncClient,
) -> None:
    assert_problem(await http.get("/api/nothing"), 404, "not-found")
    assert_problem(await http.get("/api/bookings/not-an-id"), 404, "not-found")
    answer = await http.delete("/api/me")
    assert_problem(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["Allow"]


async def test_strangers_are_told_to_sign_in(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/me")
    assert_problem(answer, 401, "not-signed-in")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_an_instant_without_a_zone_is_refused(app: Litestar, http: httpx.AsyncClient) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    naive = in_days(4).replace(tzinfo=None).isoformat()
    wish = {**teacher.lesson(in_days(4)), "start_at": naive}
    answer = await http.post("/api/bookings", json=wish, headers=student.auth)
    body = assert_problem(answer, 400, "invalid")
    assert body["errors"][0]["pointer"] == "/start_at"
    slots = await http.get(f"/api/instructors/{teacher.person.id}/slots", params={"from": naive})
    assert_problem(slots, 400, "invalid")


@pytest.mark.parametrize(
    "change",
    [
        {"price_cents": 1},
        {"status": "confirmed"},
        {"duration_minutes": "60"},
        {"duration_minutes": 0},
        {"modality": "by_phone"},
        {"service_id": "x"},
        {"note": "x" * 2001},
        {"note": "my card is 4242-4242-4242-4242"},
    ],
)
async def test_a_booking_takes_nothing_but_what_it_asks_for(
    http: httpx.AsyncClient, change: dict[str, object]
) -> None:
    student = await registered(http)
    wish = {
        "instructor_id": str(uuid4()),
        "service_id": str(uuid4()),
        "start_at": in_days(3).isoformat(),
        "duration_minutes": 60,
        "modality": "online",
    }
    answer = await http.post("/api/bookings", json={**wish, **change}, headers=student.auth)
    body = assert_problem(answer, 400, "invalid")
    assert body["errors"][0]["pointer"] == f"/{next(iter(change))}"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"time_zone": "Nowhere"}, "/time_zone"),
        ({"weekly": [{"weekday": 7, "opens": "09:00", "closes": "10:00"}]}, "/weekly/0/weekday"),
        ({"weekly": [{"weekday": 0, "opens": "24:00", "closes": "10:00"}]}, "/weekly/0/opens"),
        ({"weekly": [{"weekday": 0, "opens": "9:00", "closes": "10:00"}]}, "/weekly/0/opens"),
        ({"exceptions": [{"date": "2027-02-30"}]}, "/exceptions/0/date"),
        ({"policy": {"grid_minutes": 7}}, "/policy/grid_minutes"),
        ({"policy": {"buffer_before_minutes": 7}}, "/policy/buffer_before_minutes"),
        ({"policy": {"horizon_days": 1, "minimum_notice_minutes": 2000}}, "/policy/horizon_days"),
    ],
)
async def test_an_availability_that_cannot_be_is_refused(
    http: httpx.AsyncClient, change: dict[str, object], pointer: str
) -> None:
    person = await registered(http, "instructor")
    body = {"time_zone": "UTC", **change}
    answer = await http.put("/api/instructor/availability", json=body, headers=person.auth)
    problem = assert_problem(answer, 400, "invalid")
    assert problem["errors"][0]["pointer"] == pointer


async def test_a_lesson_costs_at_least_what_a_card_can_pay(http: httpx.AsyncClient) -> None:
    person = await registered(http, "instructor")
    service = {
        "skill": "piano",
        "title": "Piano",
        "hourly_rate_cents": 99,
        "durations_minutes": [30],
        "modalities": ["online"],
    }
    path = "/api/instructor/services"
    cheap = await http.post(path, json={**service, "hourly_rate_cents": 98}, headers=person.auth)
    assert_problem(cheap, 400, "invalid")
    enough = await http.post(path, json=service, headers=person.auth)
    assert enough.status_code == 201
    unknown = await http.post(path, json={**service, "skill": "flying"}, headers=person.auth)
    body = assert_problem(unknown, 400, "invalid")
    assert body["errors"][0]["pointer"] == "/skill"


async def test_a_bug_says_nothing_of_itself(settings: Settings) -> None:
    @get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret detail")

    made = create_app(settings, extra_handlers=[broken])
    async with living(made) as app, client_of(app) as http:
        answer = await http.get("/broken")
    assert_problem(answer, 500, "internal-error")
    assert "secret detail" not in answer.text
    assert answer.headers["X-Request-Id"]


async def test_people_who_follow_an_old_link_get_a_page(http: httpx.AsyncClient) -> None:
    html = {"Accept": "text/html,application/xhtml+xml"}
    for path in ("/nothing", f"/instructors/{uuid4()}", "/instructors/nobody"):
        answer = await http.get(path, headers=html)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/html")
    assert_problem(await http.get("/api/nothing", headers=html), 404, "not-found")
