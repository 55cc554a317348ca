"""Who opens a socket: tokens, tickets, cookies, and pages of other sites."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateways.settings import Settings
from tests.server.conftest import Person, client_of, registered
from tests.server.live_kit import Site, hear, heard, say, served


@pytest_asyncio.fixture(scope="module")
async def site(settings: Settings) -> AsyncIterator[Site]:
    """Return the application behind a port of its own."""
    async with served(settings) as made:
        yield made


@pytest_asyncio.fixture
async def web(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """Return an HTTP client of the same application."""
    async with client_of(site.app) as client:
        yield client


async def test_a_bearer_hears_what_concerns_them(site: Site, web: httpx.AsyncClient) -> None:
    ada = await registered(web)
    async with heard(site, additional_headers=ada.auth) as client:
        await _hears_own_events(site, client, ada)


async def _hears_own_events(site: Site, client: ClientConnection, person: Person) -> None:
    await say(client, type="subscribe", topic="me")
    await say(client, type="ping")
    assert await hear(client) == {"type": "pong"}
    body = json.dumps({"event": "booking.confirmed", "payload": {"price_cents": 100}}).encode()
    await site.bus.publish(f"events.user.{person.id}", body)
    event = await hear(client)
    assert (event["type"], event["event"]) == ("event", "booking.confirmed")


async def test_a_ticket_opens_one_socket(site: Site, web: httpx.AsyncClient) -> None:
    ada = await registered(web)
    made = (await web.post("/api/live/ticket", headers=ada.auth)).json()
    assert made["expires_in"] == 30
    async with heard(site, f"?ticket={made['ticket']}") as client:
        await _hears_own_events(site, client, ada)
    assert await _refused(site, f"?ticket={made['ticket']}") == (401, "token-refused")


async def _refused(site: Site, query: str = "", **more: Any) -> tuple[int, str]:  # noqa: ANN401 the library's options
    with pytest.raises(InvalidStatus) as refusal:
        async with heard(site, query, **more):
            pass
    response = refusal.value.response
    return response.status_code, json.loads(response.body or b"{}")["code"]


async def test_a_wrong_proof_or_a_foreign_page_is_refused(
    site: Site, web: httpx.AsyncClient
) -> None:
    assert await _refused(site, additional_headers={"Authorization": "Bearer x"}) == (
        401,
        "token-refused",
    )
    assert await _refused(site, "?ticket=nonsense") == (401, "token-refused")
    assert await _refused(site, origin="https://evil.example") == (403, "forbidden")
    ada = await registered(web)
    query = f"?ticket={ada.access_token}"  # an access token is no ticket
    assert await _refused(site, query) == (401, "token-refused")


async def test_a_cookie_counts_only_from_our_own_page(site: Site, web: httpx.AsyncClient) -> None:
    ada = await registered(web)
    body = {"email": ada.email, "password": "blue tractor sings 9", "session": "cookie"}
    answer = await web.post("/api/auth/login", json=body)
    cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0]}
    own = site.settings.public_url
    async with heard(site, origin=own, additional_headers=cookie) as client:
        await _hears_own_events(site, client, ada)
    async with heard(site, additional_headers=cookie) as client:
        await say(client, type="subscribe", topic="me")
        assert (await hear(client))["code"] == "not-signed-in"
    evil = "http://evil.example"
    assert await _refused(site, origin=evil, additional_headers=cookie) == (403, "forbidden")


async def test_signing_out_ends_the_sockets_of_the_session(
    site: Site, web: httpx.AsyncClient
) -> None:
    ada = await registered(web)
    async with heard(site, additional_headers=ada.auth) as client:
        await _hears_own_events(site, client, ada)
        await web.post("/api/auth/logout", headers=ada.auth)
        with pytest.raises(ConnectionClosed) as ended:
            await hear(client)
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 4401
