"""Values at the far edges of what can be written: each is refused, none breaks anything."""

import base64
import json
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from domain.errors import Invalid
from domain.times import to_utc
from server.bodies import decode_body
from server.instructors import PutProfile
from tests.server.conftest import in_days, registered, registration, teaching
from tests.server.test_problems import assert_problem

FAR = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59",
]
NO_INSTANTS = ["", "1767225600", "-1", "now", "2027-01-01", "2027-01-01T00:00:00", "1e400"]


@pytest.mark.parametrize("text", [*FAR, *NO_INSTANTS])
@pytest.mark.parametrize("name", ["from", "to"])
async def test_a_window_is_made_of_instants_that_can_be(
    http: httpx.AsyncClient, name: str, text: str
) -> None:
    for path in (f"/api/instructors/{uuid4()}/slots", "/api/search"):
        answer = await http.get(path, params={name: text})
        body = assert_problem(answer, 400, "invalid")
        assert [error["pointer"] for error in body["errors"]] == [f"?{name}"], text


async def test_a_plus_that_an_address_turned_into_a_space_is_explained(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.get("/api/search?from=2027-01-01T00:00:00+01:00")
    assert "%2B" in str(assert_problem(answer, 400, "invalid")["detail"])
    encoded = await http.get("/api/search?from=2027-01-01T00:00:00%2B01:00")
    assert encoded.json()["interpreted"]["from"] == "2026-12-31T23:00:00Z"


@pytest.mark.parametrize("text", FAR)
async def test_a_lesson_of_another_age_is_refused(
    app: Litestar, http: httpx.AsyncClient, text: str
) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    wish = {**teacher.lesson(in_days(4)), "start_at": text}
    answer = await http.post("/api/bookings", json=wish, headers=student.auth)
    body = assert_problem(answer, 400, "invalid")
    assert body["errors"][0]["pointer"] == "/start_at"


@pytest.mark.parametrize("date", ["0001-01-01", "1969-12-31", "3000-01-01", "9999-12-31"])
async def test_an_exception_of_another_age_leaves_the_calendar_whole(
    http: httpx.AsyncClient, date: str
) -> None:
    person = await registered(http, "instructor")
    path, body = "/api/instructor/availability", {"time_zone": "UTC"}
    wanted = {**body, "exceptions": [{"date": "2027-12-24"}, {"date": date}]}
    refused = await http.put(path, json=wanted, headers=person.auth)
    problem = assert_problem(refused, 400, "invalid")
    assert problem["errors"][0]["pointer"] == "/exceptions/1/date"
    assert (await http.get(path, headers=person.auth)).json()["exceptions"] == []


def cursor(value: object) -> str:
    """Return a cursor as ours look, with anything inside."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        "x",
        {"id": 1},
        {"rank": 10**30, "service_id": str(uuid4())},
        {"rank": 2**31, "service_id": str(uuid4())},
        {"rank": -(2**31), "service_id": str(uuid4())},
        {"rank": 1, "service_id": "x"},
    ],
)
async def test_a_cursor_that_somebody_made_up_is_refused(
    http: httpx.AsyncClient, value: object
) -> None:
    person = await registered(http)
    for path in ("/api/search", "/api/bookings"):
        answer = await http.get(path, params={"cursor": cursor(value)}, headers=person.auth)
        assert_problem(answer, 400, "invalid")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "", "x", "9" * 30])
async def test_a_list_is_as_long_as_lists_can_be(http: httpx.AsyncClient, limit: str) -> None:
    person = await registered(http)
    answer = await http.get("/api/bookings", params={"limit": limit}, headers=person.auth)
    body = assert_problem(answer, 400, "invalid")
    assert body["errors"][0]["pointer"] == "?limit"


async def test_an_address_below_the_document_that_is_not_there(http: httpx.AsyncClient) -> None:
    assert_problem(await http.get("/schema/nothing"), 404, "not-found")
    assert (await http.get("/schema")).status_code == 200


async def test_head_is_get_without_a_body(http: httpx.AsyncClient) -> None:
    for path in ("/", "/api/skills", "/health/ready", "/schema/openapi.json"):
        asked, whole = await http.head(path), await http.get(path)
        assert asked.status_code == whole.status_code == 200
        assert asked.content == b""
        assert asked.headers["Content-Type"] == whole.headers["Content-Type"]
    assert (await http.head("/api/me")).status_code == 401
    assert (await http.head("/api/auth/login")).status_code == 405


def test_a_backslash_before_zeros_is_text_and_an_escaped_nul_is_none() -> None:
    profile = decode_body(rb'{"bio": "C:\\u0000"}', PutProfile)
    assert isinstance(profile, PutProfile)
    assert profile.bio == r"C:\u0000"
    for raw in (rb'{"bio": "\u0000"}', rb'{"bio": "\\\u0000"}'):
        with pytest.raises(Invalid):
            decode_body(raw, PutProfile)


def test_a_card_number_in_a_list_is_refused() -> None:
    with pytest.raises(Invalid, match="card number"):
        decode_body(b'{"languages": ["en", "4242 4242 4242 4242"]}', PutProfile)


def test_an_instant_without_a_zone_is_none() -> None:
    with pytest.raises(Invalid):
        to_utc(in_days(1).replace(tzinfo=None))


@pytest.mark.parametrize(
    "email",
    [
        '"ada"@example.org',
        "<ada@example.org>",
        "ada@[127.0.0.1]",
        ".ada@example.org",
        "ada@example..org",
        "ada@-example.org",
        "ada@example.org, bob@example.org",
        "ada@example.org\r\nBcc: bob@example.org",
        "\u202eada@example.org",
        "ada@exämple.org",
    ],
)
async def test_an_address_that_a_mail_header_could_misread_is_none(
    http: httpx.AsyncClient, email: str
) -> None:
    answer = await http.post("/api/auth/register", json=registration(email=email))
    body = assert_problem(answer, 400, "invalid")
    assert [error["pointer"] for error in body["errors"]] == ["/email"]


@pytest.mark.parametrize("name", [" ", "\n", "Ada\nLong", "Ada\u0007", "\u202eadA", "\u2028"])
async def test_a_name_is_one_line_that_can_be_read(http: httpx.AsyncClient, name: str) -> None:
    answer = await http.post("/api/auth/register", json=registration(display_name=name))
    body = assert_problem(answer, 400, "invalid")
    assert [error["pointer"] for error in body["errors"]] == ["/display_name"]


def test_a_long_text_has_lines_and_a_headline_has_none() -> None:
    assert decode_body(b'{"bio": "First.\\n\\tSecond."}', PutProfile)
    for raw in (b'{"headline": "First.\\nSecond."}', b'{"bio": "\\u0007"}'):
        with pytest.raises(Invalid, match="cannot be shown"):
            decode_body(raw, PutProfile)


async def test_nobody_lives_in_a_zone_without_a_place(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/auth/register", json=registration(time_zone="Factory"))
    assert_problem(answer, 400, "invalid")


async def test_a_time_is_five_characters(http: httpx.AsyncClient) -> None:
    person = await registered(http, "instructor")
    weekly = [{"weekday": 0, "opens": "09:00\n", "closes": "10:00"}]
    body = {"time_zone": "UTC", "weekly": weekly}
    answer = await http.put("/api/instructor/availability", json=body, headers=person.auth)
    assert_problem(answer, 400, "invalid")
