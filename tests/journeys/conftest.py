"""A market to play journeys in, and what must hold in it after every one of them."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from sandbox.client import Market
from sandbox.world import World
from tests.model.invariants import ALL, violations


@pytest_asyncio.fixture
async def market(world: World) -> AsyncIterator[Market]:
    """The running marketplace; its clock runs again afterwards."""
    async with Market(world.url) as market:
        yield market
        await market.send("POST", "/sandbox/clock", body={"frozen": False})


class Known:
    """What was wrong in each world before: told once, by the journey that did it."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._by_world: dict[str, set[str]] = {}

    async def fresh(self, url: str) -> list[str]:
        """Lets the world of this address come to rest; what is wrong in it since the last look."""
        async with Market(url) as market:
            await market.send("POST", "/sandbox/clock", body={"advance_seconds": 1, "frozen": True})
            world = await market.send("GET", "/sandbox")
            found = await violations(
                world["database_url"], world["stripe_url"], world["stripe_secret_key"]
            )
            await market.send("POST", "/sandbox/clock", body={"frozen": False})
        before = self._by_world.get(url, set())
        self._by_world[url] = set(found)
        return [each for each in found if each not in before]


@pytest.fixture(scope="session")
def known() -> Known:
    """What earlier journeys left behind."""
    return Known()


def worlds_of(request: pytest.FixtureRequest) -> list[str]:
    """The addresses of the worlds that a journey has played in."""
    played = [each for each in request.node.funcargs.values() if isinstance(each, Market | World)]
    return sorted({each.url for each in played})


@pytest.fixture(autouse=True)
def invariants_hold(request: pytest.FixtureRequest, known: Known) -> Iterator[None]:
    """I1 to I10 and the emulator's own books, after every journey, in each world it has played in.

    A journey that has to leave something wrong says so: `@pytest.mark.leaves("words", …)`, each a
    part of a sentence of `violations`.
    """
    yield
    found: list[str] = []
    worlds = worlds_of(request)
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        for url in worlds:
            found += runner.run(known.fresh(url))
    if not worlds:
        return
    marker = request.node.get_closest_marker("leaves")
    allowed = marker.args if marker else ()
    wrong = [each for each in found if not any(words in each for words in allowed)]
    left = f", left by design: {', '.join(allowed)}" if allowed else ""
    request.node.user_properties.append(
        ("invariants", f"{len(ALL)} checks, {len(wrong)} violations{left}")
    )
    assert wrong == [], "\n".join(wrong)
