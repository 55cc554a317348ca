"""Proofs of identity: forged, old and misplaced ones are all refused alike."""

import base64
import json
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from litestar import Litestar

from gateways.clock import SystemClock
from server.tokens import ALGORITHM, Tokens
from tests.server.conftest import Person, registered

SECRET = "t" * 40
NOW = SystemClock().now()


def bearer(token: str) -> dict[str, str]:
    """Return the header of a token."""
    return {"Authorization": f"Bearer {token}"}


def changed(person: Person, **claims: object) -> str:
    """Return the person's token with other claims, signed with the right key."""
    known = jwt.decode(person.access_token, options={"verify_signature": False})
    kept = {name: value for name, value in {**known, **claims}.items() if value is not None}
    return jwt.encode(kept, Tokens(SECRET)._keys["access"], algorithm=ALGORITHM)


def unsigned(person: Person) -> str:
    """Return the person's claims under `alg: none`."""
    _, claims, _ = person.access_token.split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "access"}).encode())
    return f"{header.decode().rstrip('=')}.{claims}."


async def test_every_forged_token_is_refused_alike(http: httpx.AsyncClient) -> None:
    person = await registered(http)
    other_key = jwt.encode(
        jwt.decode(person.access_token, options={"verify_signature": False}),
        "another key of thirty-two characters",
        algorithm=ALGORITHM,
    )
    at = int(NOW.timestamp())
    corpus = {
        "alg none": unsigned(person),
        "another key": other_key,
        "wrong audience": changed(person, aud="instainstru/live"),
        "several audiences": changed(person, aud=["instainstru/access", "x"]),
        "wrong issuer": changed(person, iss="somebody"),
        "expired": changed(person, exp=at - 10),
        "from the future": changed(person, nbf=at + 86_400),
        "without an end": changed(person, exp=None),
        "without a session": changed(person, sid=None),
        "wrong type": changed(person, typ="live"),
        "strange roles": changed(person, roles=["root"]),
        "no user": changed(person, sub="somebody"),
        "empty": "",
        "garbage": "a.b.c",
        "too long": "a" * 5000,
    }
    answers = {name: await http.get("/api/me", headers=bearer(t)) for name, t in corpus.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(
        corpus, 401
    )
    assert {answer.json()["code"] for answer in answers.values()} == {"token-refused"}


async def test_a_ticket_is_no_access_token_and_the_reverse(
    app: Litestar, http: httpx.AsyncClient
) -> None:
    person = await registered(http)
    ticket = (await http.post("/api/live/ticket", headers=person.auth)).json()
    assert ticket["expires_in"] == 30
    assert (await http.get("/api/me", headers=bearer(ticket["ticket"]))).status_code == 401
    tokens: Tokens = app.state["parts"].auth.tokens
    assert str(tokens.check("live", ticket["ticket"], SystemClock().now()).user_id) == person.id


def test_a_token_ends_when_it_says() -> None:
    tokens = Tokens(SECRET)
    token = tokens.access(UUID(int=1), uuid4(), ["student"], NOW)
    tokens.check("access", token, NOW + timedelta(minutes=9, seconds=58))
    with pytest.raises(Exception, match="not valid"):
        tokens.check("access", token, NOW + timedelta(minutes=10))


async def test_a_role_younger_than_the_token_counts_at_once(http: httpx.AsyncClient) -> None:
    person = await registered(http)
    assert (await http.get("/api/instructor/profile", headers=person.auth)).status_code == 403
    await http.post("/api/me/roles", json={"role": "instructor"}, headers=person.auth)
    assert (await http.get("/api/instructor/profile", headers=person.auth)).status_code == 200
