"""Cookie sessions: flags, the form token, and what other sites cannot do."""

import httpx
import msgspec
from litestar import Litestar

from gateways.settings import Settings
from server.app import create_app
from tests.server.conftest import client_of, living, registered, registration


async def signed_in(http: httpx.AsyncClient) -> str:
    """Sign in with a cookie; return the form token."""
    answer = await http.post("/api/auth/register", json=registration(session="cookie"))
    assert answer.status_code == 201, answer.text
    assert "access_token" not in answer.json()
    return answer.json()["csrf_token"]


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.post("/api/auth/register", json=registration(session="cookie"))
    cookie = answer.headers["Set-Cookie"].lower()
    assert cookie.startswith("session=")
    for flag in ("httponly", "samesite=lax", "path=/"):
        assert flag in cookie
    assert "domain" not in cookie
    assert (await http.get("/api/me")).status_code == 200


async def test_behind_https_the_cookie_belongs_to_the_host_alone(settings: Settings) -> None:
    secure = msgspec.structs.replace(settings, public_url="https://lessons.example")
    async with living(create_app(secure)) as app, client_of(app) as http:
        answer = await http.post("/api/auth/register", json=registration(session="cookie"))
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-session=")
        assert "secure" in cookie.lower()
        assert "max-age" in answer.headers["Strict-Transport-Security"]


async def test_a_write_with_a_cookie_needs_its_own_form_token(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    token = await signed_in(http)
    async with client_of(app) as other:
        foreign = await signed_in(other)
    name = {"display_name": "Bea"}
    for headers in ({}, {"X-CSRF-Token": foreign}, {"X-CSRF-Token": ""}):
        refused = await http.patch("/api/me", json=name, headers=headers)
        assert refused.status_code == 403
        assert refused.json()["code"] == "csrf-token-missing"
    done = await http.patch("/api/me", json=name, headers={"X-CSRF-Token": token})
    assert done.json()["display_name"] == "Bea"


async def test_what_a_form_of_another_site_can_send_is_refused(http: httpx.AsyncClient) -> None:
    await signed_in(http)
    body = b'{"role": "instructor"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        headers = {"Content-Type": kind}
        refused = await http.post("/api/me/roles", content=body, headers=headers)
        assert refused.status_code == 403
    assert (await http.get("/api/me")).json()["roles"] == ["student"]


async def test_a_token_wins_over_a_cookie_and_needs_no_form_token(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    await signed_in(http)
    async with client_of(app) as other:
        person = await registered(other)
    answer = await http.patch("/api/me", json={"display_name": "Cy"}, headers=person.auth)
    assert answer.json()["id"] == person.id
    bad = await http.get("/api/me", headers={"Authorization": "Bearer x"})
    assert bad.status_code == 401


async def test_signing_out_ends_the_cookie(http: httpx.AsyncClient) -> None:
    token = await signed_in(http)
    cookie = http.cookies["session"]
    answer = await http.post("/api/auth/logout", headers={"X-CSRF-Token": token})
    assert answer.status_code == 204
    http.cookies.set("session", cookie)
    assert (await http.get("/api/me")).status_code == 401
