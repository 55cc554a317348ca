"""Accounts over HTTP: register, sign in, refresh, sign out."""

import asyncio

import httpx

from gateways.settings import Settings
from server.app import create_app
from tests.server.conftest import PASSWORD, client_of, living, registered, registration


async def test_somebody_registers_and_is_signed_in(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/auth/register", json=registration(email="ada@example.org"))
    assert answer.status_code == 201
    body = answer.json()
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 600
    token = body["access_token"]
    me = await http.get("/api/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json() == {
        "id": body["user"]["id"],
        "email": "ada@example.org",
        "display_name": "Ada Long",
        "roles": ["student"],
        "time_zone": "Europe/Vienna",
        "email_verified": True,
    }


async def test_a_student_is_their_own_first_learner(http: httpx.AsyncClient) -> None:
    person = await registered(http)
    learners = await http.get("/api/me/learners", headers=person.auth)
    assert [each["id"] for each in learners.json()["items"]] == [person.id]


async def test_an_e_mail_belongs_to_one_account_in_any_case(http: httpx.AsyncClient) -> None:
    person = await registered(http)
    answer = await http.post("/api/auth/register", json=registration(email=person.email.upper()))
    assert answer.status_code == 409
    assert answer.json()["code"] == "email-taken"


async def test_the_right_password_signs_in_and_any_other_does_not(http: httpx.AsyncClient) -> None:
    person = await registered(http)
    good = {"email": person.email, "password": PASSWORD}
    assert (await http.post("/api/auth/login", json=good)).status_code == 200
    wrong = await http.post("/api/auth/login", json={**good, "password": "wrong password"})
    nobody = await http.post("/api/auth/login", json={**good, "email": "nobody@example.org"})
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.json() == nobody.json()


async def test_a_refresh_token_works_once_and_its_reuse_ends_the_family(
    http: httpx.AsyncClient,
) -> None:
    person = await registered(http)
    first = await http.post("/api/auth/refresh", json={"refresh_token": person.refresh_token})
    assert first.status_code == 200
    fresh = first.json()
    again = await http.post("/api/auth/refresh", json={"refresh_token": person.refresh_token})
    assert again.status_code == 401
    family = await http.post("/api/auth/refresh", json={"refresh_token": fresh["refresh_token"]})
    assert family.status_code == 401
    for token in (person.access_token, fresh["access_token"]):
        me = await http.get("/api/me", headers={"Authorization": f"Bearer {token}"})
        assert me.status_code == 401


async def test_signing_out_voids_the_token_at_once(http: httpx.AsyncClient) -> None:
    person = await registered(http)
    assert (await http.get("/api/me", headers=person.auth)).status_code == 200
    assert (await http.post("/api/auth/logout", headers=person.auth)).status_code == 204
    assert (await http.get("/api/me", headers=person.auth)).status_code == 401
    refreshed = await http.post("/api/auth/refresh", json={"refresh_token": person.refresh_token})
    assert refreshed.status_code == 401


async def test_every_web_process_learns_that_a_session_is_over(
    settings: Settings, http: httpx.AsyncClient
) -> None:
    person = await registered(http)
    async with living(create_app(settings)) as other, client_of(other) as elsewhere:
        assert (await elsewhere.get("/api/me", headers=person.auth)).status_code == 200
        await http.post("/api/auth/logout", headers=person.auth)
        for _ in range(100):
            if (await elsewhere.get("/api/me", headers=person.auth)).status_code == 401:
                break
            await asyncio.sleep(0.02)
        assert (await elsewhere.get("/api/me", headers=person.auth)).status_code == 401
    async with living(create_app(settings)) as later, client_of(later) as elsewhere:
        assert (await elsewhere.get("/api/me", headers=person.auth)).status_code == 401
