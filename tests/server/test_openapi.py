"""The OpenAPI document: every address has examples that are true and says what it may refuse."""

import httpx
import msgspec
import pytest
from litestar import Litestar, get

from gateways.settings import Settings
from server.app import create_app
from server.examples import example_of, is_type
from server.openapi import answer_type_of, body_type_of, operations_of, problems_of
from server.problems import status_of
from tests.server.conftest import client_of, living


async def test_the_document_is_public_and_complete(http: httpx.AsyncClient, app: Litestar) -> None:
    answer = await http.get("/schema/openapi.json")
    assert answer.status_code == 200
    document = answer.json()
    identifiers: set[str] = set()
    for path, method, handler in operations_of(app):
        operation = document["paths"][path][method.lower()]
        identifiers.add(operation["operationId"])
        assert operation["description"], path
        assert operation["tags"], path
        if body_type_of(handler) is not None:
            assert "example" in operation["requestBody"]["content"]["application/json"], path
        if answer_type_of(handler) is not None:
            content = operation["responses"][str(handler.status_code)]["content"]
            assert all("example" in media for media in content.values()), path
        for error in problems_of(handler, path):
            told = operation["responses"][str(status_of(error()))]["content"]
            assert told["application/problem+json"]["example"]["code"], path
    assert len(identifiers) == len(list(operations_of(app)))


async def test_every_example_is_of_its_type(app: Litestar) -> None:
    for path, method, handler in operations_of(app):
        for annotation in (body_type_of(handler), answer_type_of(handler)):
            if annotation is not None:
                assert is_type(example_of(annotation), annotation), f"{method} {path}"


@pytest.mark.parametrize("path", ["/schema", "/schema/page.css"])
async def test_the_page_for_people_needs_nothing_from_elsewhere(
    http: httpx.AsyncClient, path: str
) -> None:
    answer = await http.get(path)
    assert answer.status_code == 200
    assert "https://" not in answer.text.replace("https://connect.stripe.com", "")
    assert "<script" not in answer.text


async def test_what_wraps_the_product_is_described_too(settings: Settings) -> None:
    class Strange(msgspec.Struct):
        somewhere_else: str
        anything: dict[str, int]

    @get("/strange", tags=["Strange"], sync_to_thread=False)
    def strange() -> list[Strange]:
        """Something a sandbox adds."""
        return []

    made = create_app(settings, extra_handlers=[strange])
    async with living(made) as app, client_of(app) as http:
        document = (await http.get("/schema/openapi.json")).json()
        assert (await http.get("/schema")).status_code == 200
    content = document["paths"]["/strange"]["get"]["responses"]["200"]["content"]
    assert content["application/json"]["example"] == [
        {"somewhere_else": "somewhere else", "anything": {}}
    ]


async def test_a_body_that_may_be_left_out_is_not_required_and_nothing_has_no_content(
    http: httpx.AsyncClient,
) -> None:
    paths = (await http.get("/schema/openapi.json")).json()["paths"]
    assert paths["/api/auth/login"]["post"]["requestBody"]["required"]
    assert not paths["/api/bookings/{booking_id}/cancel"]["post"]["requestBody"]["required"]
    assert "content" not in paths["/api/auth/logout"]["post"]["responses"]["204"]
