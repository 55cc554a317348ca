"""Bookings over HTTP: what is answered, and answered again under one idempotency key."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import httpx
from litestar import Litestar

from tests.server.conftest import in_days, registered, teaching


async def test_a_test_card_books_a_lesson_far_ahead_without_charging(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    wish = teacher.lesson(in_days(5), payment_method_id="pm_card_visa")
    answer = await http.post("/api/bookings", json=wish, headers=student.auth)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["payment"] == {"action": "none", "client_secret": None}
    assert body["booking"]["status"] == "confirmed"
    assert body["booking"]["payment_status"] == "scheduled"
    assert body["booking"]["price_cents"] == 6000
    assert body["booking"]["platform_fee_cents"] == 900
    shown = await http.get(f"/api/bookings/{body['booking']['id']}", headers=student.auth)
    assert shown.json()["booking"]["id"] == body["booking"]["id"]
    mine = await http.get("/api/bookings", headers=student.auth)
    theirs = await http.get("/api/instructor/bookings", headers=teacher.person.auth)
    assert [each["id"] for each in mine.json()["items"]] == [body["booking"]["id"]]
    assert [each["id"] for each in theirs.json()["items"]] == [body["booking"]["id"]]


async def test_a_booked_slot_is_listed_no_more(app: Litestar, http: httpx.AsyncClient) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    start = in_days(3)
    path = f"/api/instructors/{teacher.person.id}/slots"
    window = {
        "duration_minutes": "60",
        "from": start.isoformat(),
        "to": (start + timedelta(minutes=1)).isoformat(),
    }
    before = (await http.get(path, params=window)).json()
    assert [slot["start_at"] for slot in before["slots"]] == [
        start.isoformat().replace("+00:00", "Z")
    ]
    wish = teacher.lesson(start, payment_method_id="pm_card_visa")
    assert (await http.post("/api/bookings", json=wish, headers=student.auth)).status_code == 201
    after = (await http.get(path, params=window)).json()
    assert after["slots"] == []
    assert after["version"] > before["version"]
    other = await registered(http)
    taken = await http.post("/api/bookings", json=wish, headers=other.auth)
    assert taken.status_code == 409
    assert taken.json()["code"] == "slot-taken"


async def test_the_same_key_and_body_get_the_first_answer_again(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    headers = {**student.auth, "Idempotency-Key": "one"}
    wish = teacher.lesson(in_days(4), payment_method_id="pm_card_visa")
    first = await http.post("/api/bookings", json=wish, headers=headers)
    again = await http.post("/api/bookings", json=wish, headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await http.post("/api/bookings", json={**wish, "note": "hello"}, headers=headers)
    assert other.status_code == 409
    assert other.json()["code"] == "idempotency-key-reused"


async def test_twins_book_once(app: Litestar, http: httpx.AsyncClient) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    headers = {**student.auth, "Idempotency-Key": "twins"}
    wish = teacher.lesson(in_days(4), payment_method_id="pm_card_visa")
    answers = await asyncio.gather(
        *(http.post("/api/bookings", json=wish, headers=headers) for _ in range(5))
    )
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.json()["booking"]["id"] for answer in made}) == 1
    for answer in answers:
        if answer.status_code != 201:
            assert answer.json()["code"] == "idempotency-key-in-use"
            assert int(answer.headers["Retry-After"]) > 0
    mine = await http.get("/api/bookings", headers=student.auth)
    assert len(mine.json()["items"]) == 1


async def test_a_refusal_without_effect_is_not_kept(app: Litestar, http: httpx.AsyncClient) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    headers = {**student.auth, "Idempotency-Key": "later"}
    wish = teacher.lesson(in_days(-1), payment_method_id="pm_card_visa")
    refused = await http.post("/api/bookings", json=wish, headers=headers)
    assert refused.json()["code"] == "slot-not-offered"
    good = teacher.lesson(in_days(4), payment_method_id="pm_card_visa")
    assert (await http.post("/api/bookings", json=good, headers=headers)).status_code == 201


async def test_a_secret_is_given_again_and_never_stored(
    app: Litestar, http: httpx.AsyncClient, database_url: str
) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    headers = {**student.auth, "Idempotency-Key": "secret"}
    wish = teacher.lesson(in_days(4))
    first = await http.post("/api/bookings", json=wish, headers=headers)
    assert first.json()["booking"]["status"] == "pending"
    assert first.json()["payment"]["action"] == "setup"
    again = await http.post("/api/bookings", json=wish, headers=headers)
    assert again.json()["payment"] == first.json()["payment"]
    assert again.json()["payment"]["client_secret"]
    connection = await asyncpg.connect(database_url)
    stored = await connection.fetchval(
        "SELECT response_body FROM idempotency_keys WHERE key = 'secret'"
    )
    await connection.close()
    assert b"_secret_" not in stored


async def test_a_refused_card_is_answered_alike_again(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    headers = {**student.auth, "Idempotency-Key": "declined"}
    wish = teacher.lesson(in_days(4), payment_method_id="pm_card_chargeDeclined")
    first = await http.post("/api/bookings", json=wish, headers=headers)
    again = await http.post("/api/bookings", json=wish, headers=headers)
    assert first.status_code == again.status_code == 402
    assert first.json() == again.json()
    assert first.json()["code"] == "card-declined"
    assert first.json()["booking_id"]
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_replay_after_a_crash_goes_on_with_the_first_booking_id(
    app: Litestar, http: httpx.AsyncClient, database_url: str
) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    headers = {**student.auth, "Idempotency-Key": "crash"}
    wish = teacher.lesson(in_days(4), payment_method_id="pm_card_visa")
    first = await http.post("/api/bookings", json=wish, headers=headers)
    booking_id = first.json()["booking"]["id"]
    connection = await asyncpg.connect(database_url)
    # as if the process had died between the booking and its answer
    await connection.execute(
        "UPDATE idempotency_keys SET finished_at = NULL, response_status = NULL,"
        " response_body = NULL, claimed_at = claimed_at - interval '1 minute' WHERE key = 'crash'"
    )
    await connection.close()
    resumed = await http.post("/api/bookings", json=wish, headers=headers)
    assert resumed.status_code in {200, 201}, resumed.text
    assert resumed.json()["booking"]["id"] == booking_id


async def test_a_booking_is_cancelled_once_and_says_so(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    wish = teacher.lesson(in_days(6), payment_method_id="pm_card_visa")
    made = (await http.post("/api/bookings", json=wish, headers=student.auth)).json()
    path = f"/api/bookings/{made['booking']['id']}"
    cancelled = await http.post(f"{path}/cancel", headers=student.auth)
    assert cancelled.status_code == 200, cancelled.text
    assert cancelled.json()["booking"]["outcome"] == "free"
    events = await http.get(f"{path}/events", headers=student.auth)
    assert "cancelled" in [each["became"] for each in events.json()["items"]]
    again = await http.post(f"{path}/cancel", headers=student.auth)
    assert again.status_code == 409
    assert again.json()["code"] == "booking-state"


async def test_nobody_books_their_own_lesson(app: Litestar, http: httpx.AsyncClient) -> None:
    teacher = await teaching(app, http)
    role = await http.post("/api/me/roles", json={"role": "student"}, headers=teacher.person.auth)
    assert role.json()["roles"] == ["instructor", "student"]
    answer = await http.post(
        "/api/bookings", json=teacher.lesson(in_days(4)), headers=teacher.person.auth
    )
    assert answer.status_code == 403
    assert answer.json()["code"] == "own-lesson"


async def test_an_instant_with_another_offset_is_the_same_instant(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    start = in_days(7)
    local = (start + timedelta(hours=2)).replace(tzinfo=None).isoformat() + "+02:00"
    wish = {**teacher.lesson(start, payment_method_id="pm_card_visa"), "start_at": local}
    answer = await http.post("/api/bookings", json=wish, headers=student.auth)
    assert answer.status_code == 201, answer.text
    assert answer.json()["booking"]["start_at"] == start.isoformat().replace("+00:00", "Z")


async def test_lists_go_on_where_they_stopped(app: Litestar, http: httpx.AsyncClient) -> None:
    teacher, student = await teaching(app, http), await registered(http)
    for day in (3, 4, 5):
        wish = teacher.lesson(in_days(day), payment_method_id="pm_card_visa")
        answer = await http.post("/api/bookings", json=wish, headers=student.auth)
        assert answer.status_code == 201, answer.text
    first = (await http.get("/api/bookings?limit=2", headers=student.auth)).json()
    rest = (
        await http.get(
            "/api/bookings",
            params={"limit": "2", "cursor": first["next_cursor"]},
            headers=student.auth,
        )
    ).json()
    assert len(first["items"]) == 2
    assert len(rest["items"]) == 1
    assert rest["next_cursor"] is None
    ids = [each["id"] for each in first["items"] + rest["items"]]
    assert ids == sorted(ids, reverse=True)
    strange = await http.get(f"/api/bookings?cursor={uuid4().hex}", headers=student.auth)
    assert strange.status_code == 400
