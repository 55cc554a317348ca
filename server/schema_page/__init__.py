"""The OpenAPI document as a page for people: plain HTML, readable without any script."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.errors import DomainError
from server.problems import status_of

HERE = Path(__file__).parent
SHEET = (HERE / "page.css").read_text(encoding="utf-8")
METHODS = ("get", "post", "put", "patch", "delete")

Document = dict[str, Any]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One refusal: its code, its status, what it means."""

    code: str
    status: int
    title: str


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One address with one method."""

    id: str
    method: str
    path: str
    description: str
    needs_sign_in: bool
    parameters: list[Document]
    body: str | None
    answers: list[tuple[str, str, str | None]]
    """Status, what it means, an example."""


def page_of_schema(document: Document) -> str:
    """The whole page."""
    env = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    groups: dict[str, list[Operation]] = {}
    for tag, operation in _operations(document):
        groups.setdefault(tag, []).append(operation)
    return env.get_template("page.html").render(
        info=document["info"], groups=groups, problems=problem_rows()
    )


def problem_rows() -> list[Row]:
    """Every refusal there is, by code."""
    found: dict[str, Row] = {}
    for error in _leaves(DomainError):
        row = Row(code=error.code, status=status_of(error()), title=error.title())
        found.setdefault(error.code, row)
    return sorted(found.values(), key=lambda row: (row.status, row.code))


def _leaves(base: type[DomainError]) -> Iterator[type[DomainError]]:
    for error in base.__subclasses__():
        if error.__module__ == DomainError.__module__:
            yield error
            yield from _leaves(error)


def _operations(document: Document) -> Iterator[tuple[str, Operation]]:
    for path, operations in sorted(document["paths"].items()):
        for method in METHODS:
            if method in operations:
                yield _operation(path, method, operations[method])


def _operation(path: str, method: str, described: Document) -> tuple[str, Operation]:
    content = described.get("requestBody", {}).get("content", {})
    operation = Operation(
        id=described["operationId"],
        method=method.upper(),
        path=path,
        description=described.get("description", ""),
        needs_sign_in="security" in described,
        parameters=described.get("parameters", []),
        body=_example(content),
        answers=[
            (status, answer.get("description", ""), _example(answer.get("content", {})))
            for status, answer in sorted(described["responses"].items())
        ],
    )
    return described.get("tags", ["Other"])[0], operation


def _example(content: Document) -> str | None:
    for media in content.values():
        if "example" in media:
            return json.dumps(media["example"], indent=2, ensure_ascii=False)
    return None
