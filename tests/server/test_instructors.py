"""The instructor's side over HTTP: page, services, hours, account, and being found."""

import httpx
from litestar import Litestar

from tests.server.conftest import (
    OPEN_ALWAYS,
    PIANO,
    Person,
    in_days,
    onboarded,
    registered,
    teaching,
)


async def blockers(http: httpx.AsyncClient, person: Person) -> list[str]:
    """Return what still keeps students from booking."""
    status = await http.get("/api/instructor/stripe/status", headers=person.auth)
    body = status.json()
    assert body["bookable"] == (not body["blockers"])
    return body["blockers"]


async def test_what_blocks_a_booking_goes_away_step_by_step(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    person = await registered(http, "instructor")
    page = f"/api/instructors/{person.id}"
    assert await blockers(http, person) == [
        "profile-not-published",
        "no-service",
        "no-stripe-account",
        "transfers-inactive",
        "payouts-disabled",
    ]
    assert (await http.get(page)).status_code == 404
    await http.put("/api/instructor/profile", json={"published": True}, headers=person.auth)
    await http.put("/api/instructor/availability", json=OPEN_ALWAYS, headers=person.auth)
    await http.post("/api/instructor/services", json=PIANO, headers=person.auth)
    assert (await http.get(page)).json()["bookable"] is False
    assert (await http.get(f"{page}/slots")).json()["slots"] == []
    await onboarded(app, http, person)
    assert await blockers(http, person) == []
    assert (await http.get(page)).json()["bookable"] is True
    assert (await http.get(f"{page}/slots")).json()["slots"]


async def test_a_page_is_written_whole_and_its_place_is_rounded_for_others(
    http: httpx.AsyncClient,
) -> None:
    person = await registered(http, "instructor")
    wanted = {
        "headline": "Patient lessons",
        "bio": "Twenty years.",
        "languages": ["en", "de"],
        "modalities": ["online", "in_person"],
        "home": {"lat": 48.20849, "lon": 16.37208},
        "travel_radius_km": 10,
        "published": True,
    }
    put = await http.put("/api/instructor/profile", json=wanted, headers=person.auth)
    own = (await http.get("/api/instructor/profile", headers=person.auth)).json()
    assert put.json() == own == {**wanted, "id": person.id, "display_name": "Ada Long"}
    shown = (await http.get(f"/api/instructors/{person.id}")).json()
    assert shown["home"] == {"lat": 48.21, "lon": 16.37}
    await http.put("/api/instructor/profile", json={"published": False}, headers=person.auth)
    assert (await http.get(f"/api/instructors/{person.id}")).status_code == 404


async def test_a_service_is_added_changed_and_taken_out(http: httpx.AsyncClient) -> None:
    person = await registered(http, "instructor")
    path = "/api/instructor/services"
    added = await http.post(path, json=PIANO, headers=person.auth)
    assert added.status_code == 201
    service = added.json()
    assert service["currency"] == "usd"
    assert service["durations_minutes"] == [30, 60]
    change = {"title": "Piano, advanced", "durations_minutes": [90, 60, 60]}
    changed = await http.patch(f"{path}/{service['id']}", json=change, headers=person.auth)
    assert changed.json() == {
        **service,
        "title": "Piano, advanced",
        "durations_minutes": [60, 90],
    }
    listed = (await http.get(path, headers=person.auth)).json()["items"]
    assert listed == [changed.json()]
    assert (await http.delete(f"{path}/{service['id']}", headers=person.auth)).status_code == 204
    assert (await http.get(path, headers=person.auth)).json()["items"] == []
    gone = await http.delete(f"{path}/{service['id']}", headers=person.auth)
    assert gone.status_code == 404


async def test_an_availability_comes_back_as_it_was_written(http: httpx.AsyncClient) -> None:
    person = await registered(http, "instructor")
    first = (await http.get("/api/instructor/availability", headers=person.auth)).json()
    assert first["time_zone"] == "Europe/Vienna"
    assert first["policy"]["minimum_notice_minutes"] == 120
    wanted = {
        "time_zone": "America/New_York",
        "weekly": [
            {"weekday": 0, "opens": "09:00", "closes": "12:30"},
            {"weekday": 0, "opens": "22:00", "closes": "02:00"},
            {"weekday": 6, "opens": "00:00", "closes": "24:00"},
        ],
        "exceptions": [
            {"date": "2027-12-24", "windows": []},
            {"date": "2027-12-31", "windows": [{"opens": "10:00", "closes": "11:00"}]},
        ],
        "policy": {
            **first["policy"],
            "grid_minutes": 30,
            "buffer_after_minutes": 10,
            "lessons_per_day_max": 4,
            "tight": True,
        },
    }
    path = "/api/instructor/availability"
    put = await http.put(path, json={**wanted, "if_version": first["version"]}, headers=person.auth)
    assert put.status_code == 200, put.text
    assert put.json() == {**wanted, "version": first["version"] + 1}
    assert (await http.get(path, headers=person.auth)).json() == put.json()
    stale = await http.put(
        path, json={**wanted, "if_version": first["version"]}, headers=person.auth
    )
    assert stale.status_code == 409
    assert stale.json()["code"] == "calendar-changed"


async def test_a_change_of_hours_counts_for_the_next_booking(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    start = in_days(5)
    closed = {**OPEN_ALWAYS, "exceptions": [{"date": start.date().isoformat()}]}
    await http.put("/api/instructor/availability", json=closed, headers=teacher.person.auth)
    wish = teacher.lesson(start, payment_method_id="pm_card_visa")
    refused = await http.post("/api/bookings", json=wish, headers=student.auth)
    assert refused.json()["code"] == "slot-not-offered"
    await http.put("/api/instructor/availability", json=OPEN_ALWAYS, headers=teacher.person.auth)
    assert (await http.post("/api/bookings", json=wish, headers=student.auth)).status_code == 201


async def test_a_service_taken_out_is_not_bookable_any_more(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    path = f"/api/instructor/services/{teacher.service_id}"
    await http.delete(path, headers=teacher.person.auth)
    wish = teacher.lesson(in_days(5), payment_method_id="pm_card_visa")
    refused = await http.post("/api/bookings", json=wish, headers=student.auth)
    assert refused.status_code == 409
    assert refused.json()["code"] == "instructor-not-bookable"


async def test_slots_are_asked_for_in_a_bounded_window(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    teacher = await teaching(app, http)
    path = f"/api/instructors/{teacher.person.id}/slots"
    start = in_days(2)
    for params in (
        {"from": start.isoformat(), "to": in_days(70).isoformat()},
        {"from": start.isoformat(), "to": start.isoformat()},
        {"duration_minutes": "0"},
        {"from": "yesterday"},
    ):
        answer = await http.get(path, params=params)
        assert answer.status_code == 400, params
        assert answer.json()["errors"][0]["pointer"].startswith("?")
    shown = (await http.get(path)).json()
    assert shown["time_zone"] == "UTC"
    assert shown["instructor_id"] == teacher.person.id


async def test_search_finds_who_can_be_booked_in_the_asked_time(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    teacher = await teaching(app, http)
    await http.patch(
        f"/api/instructor/services/{teacher.service_id}",
        json={"title": "Zither by the lake", "skill": "cello"},
        headers=teacher.person.auth,
    )
    for params in ({"q": "zither"}, {"skill": "cello"}, {"q": "cello", "modality": "online"}):
        found = (await http.get("/api/search", params=params)).json()
        ids = [item["instructor"]["id"] for item in found["items"]]
        assert teacher.person.id in ids, params
    item = next(i for i in found["items"] if i["instructor"]["id"] == teacher.person.id)
    assert len(item["next_slots"]) == 3
    for params in ({"q": "100%"}, {"skill": "cello", "max_hourly_rate_cents": "5999"}):
        assert (await http.get("/api/search", params=params)).json()["items"] == [], params
    far = {"skill": "cello", "from": in_days(100).isoformat()}
    assert (await http.get("/api/search", params=far)).json()["items"] == []


async def test_search_goes_on_where_it_stopped(app: Litestar, http: httpx.AsyncClient) -> None:
    teachers = [await teaching(app, http) for _ in range(3)]
    for teacher in teachers:
        await http.patch(
            f"/api/instructor/services/{teacher.service_id}",
            json={"skill": "ukulele"},
            headers=teacher.person.auth,
        )
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        params = {"skill": "ukulele", "limit": "1", **({"cursor": cursor} if cursor else {})}
        page = (await http.get("/api/search", params=params)).json()
        seen += [item["instructor"]["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert sorted(seen) == sorted(teacher.person.id for teacher in teachers)


async def test_what_a_page_leaves_out_stays_and_null_clears(http: httpx.AsyncClient) -> None:
    person = await registered(http, "instructor")
    path = "/api/instructor/profile"
    whole = {
        "headline": "Patient lessons",
        "languages": ["en"],
        "modalities": ["in_person", "online"],
        "home": {"lat": 48.2, "lon": 16.4},
        "travel_radius_km": 10,
        "published": True,
    }
    before = (await http.put(path, json=whole, headers=person.auth)).json()
    changed = await http.put(path, json={"bio": "Twenty years."}, headers=person.auth)
    assert changed.json() == {**before, "bio": "Twenty years."}
    away = {"home": None, "travel_radius_km": None, "headline": ""}
    cleared = await http.put(path, json=away, headers=person.auth)
    assert cleared.json() == {**changed.json(), **away}
    assert (await http.get(path, headers=person.auth)).json() == cleared.json()


async def test_an_unpublished_page_is_seen_by_its_instructor_alone(http: httpx.AsyncClient) -> None:
    person, other = await registered(http, "instructor"), await registered(http, "instructor")
    api, page = f"/api/instructors/{person.id}", f"/instructors/{person.id}"
    own = await http.get(api, headers=person.auth)
    assert own.status_code == 200
    assert (own.json()["published"], own.json()["bookable"]) == (False, False)
    preview = await http.get(page, headers=person.auth)
    assert preview.status_code == 200
    assert "Only you can see this page" in preview.text
    for headers in ({}, other.auth, {"Authorization": "Bearer over"}):
        assert (await http.get(api, headers=headers)).status_code == 404
        assert (await http.get(page, headers=headers)).status_code == 404


async def test_a_service_may_leave_the_offer_with_lessons_ahead(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    wish = teacher.lesson(in_days(6), payment_method_id="pm_card_visa")
    booked = await http.post("/api/bookings", json=wish, headers=student.auth)
    assert booked.status_code == 201, booked.text
    path = f"/api/instructor/services/{teacher.service_id}"
    assert (await http.delete(path, headers=teacher.person.auth)).status_code == 204
    kept = await http.get(f"/api/bookings/{booked.json()['booking']['id']}", headers=student.auth)
    assert kept.json()["booking"]["status"] == "confirmed"
    later = teacher.lesson(in_days(7), payment_method_id="pm_card_visa")
    refused = await http.post("/api/bookings", json=later, headers=student.auth)
    assert refused.json()["code"] == "instructor-not-bookable"
