"""Endpoints: pattern, handler, accepted parameters, who may call."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sandbox.stripe.errors import StripeError

Doc = dict[str, Any]
Handler = Callable[..., Doc]
EXPAND = {"expand": ["str"]}


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint. `is_browser`: a publishable key (with the client secret) may call it too."""

    method: str
    pattern: str
    handler: Handler
    spec: Mapping[str, Any]
    is_browser: bool = False

    def matcher(self) -> re.Pattern[str]:
        """The pattern as a regular expression."""
        return re.compile("^" + re.sub(r"\{\w+\}", "([^/]+)", self.pattern) + "$")


def get(
    pattern: str, handler: Handler, spec: Mapping[str, Any] = EXPAND, *, browser: bool = False
) -> Route:
    """A read."""
    return Route(method="GET", pattern=pattern, handler=handler, spec=spec, is_browser=browser)


def post(
    pattern: str, handler: Handler, spec: Mapping[str, Any], *, browser: bool = False
) -> Route:
    """A write; `expand` is always accepted."""
    return Route(
        method="POST",
        pattern=pattern,
        handler=handler,
        spec={**EXPAND, **spec},
        is_browser=browser,
    )


def delete(pattern: str, handler: Handler) -> Route:
    """A deletion."""
    return Route(method="DELETE", pattern=pattern, handler=handler, spec={})


class Router:
    """Finds the route of a request."""

    def __init__(self, routes: list[Route]) -> None:
        """Literal patterns win over ones with a placeholder."""
        self.exact = {(r.method, r.pattern): r for r in routes if "{" not in r.pattern}
        self.others: dict[tuple[str, int], list[tuple[re.Pattern[str], Route]]] = {}
        for route in routes:
            if "{" in route.pattern:
                size = (route.method, route.pattern.count("/"))
                self.others.setdefault(size, []).append((route.matcher(), route))

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]]:
        """Route and path arguments; 404 for what Stripe does not have (or we do not yet)."""
        if exact := self.exact.get((method, path)):
            return exact, ()
        for pattern, route in self.others.get((method, path.count("/")), []):
            if match := pattern.match(path):
                return route, match.groups()
        raise StripeError(
            404,
            f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or"
            " we can help at https://support.stripe.com/.",
            is_stored=False,
        )
