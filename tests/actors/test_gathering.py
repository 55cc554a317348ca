"""Many who ask at the same time are answered by few questions."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from actors.gathering import KEYS_MAX, Gathering


class Shelf:
    """Values by key, read on command; remembers what was asked for."""

    def __init__(self, values: dict[int, str]) -> None:
        self.values = values
        self.asked: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.trouble: Exception | None = None

    async def read(self, keys: Sequence[int]) -> Mapping[int, str]:
        self.asked.append(list(keys))
        await self.open.wait()
        if self.trouble is not None:
            raise self.trouble
        return {key: self.values[key] for key in keys if key in self.values}


async def test_who_asks_at_the_same_time_is_read_for_once() -> None:
    shelf = Shelf({1: "one", 2: "two"})
    gathering = Gathering(shelf.read)
    found = await asyncio.gather(*(gathering.of(key) for key in (1, 2, 3, 1)))
    assert found == ["one", "two", None, "one"]
    assert shelf.asked == [[1, 2, 3]]


async def test_an_answer_is_never_older_than_its_question() -> None:
    shelf = Shelf({1: "old"})
    shelf.open.clear()
    gathering = Gathering(shelf.read)
    first = asyncio.create_task(gathering.of(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert shelf.asked == [[1]]
    second = asyncio.create_task(gathering.of(1))
    await asyncio.sleep(0)
    shelf.open.set()
    assert [await first, await second] == ["old", "old"]
    assert shelf.asked == [[1], [1]]


async def test_trouble_is_told_to_all_who_asked_and_to_nobody_after() -> None:
    shelf = Shelf({1: "one"})
    shelf.trouble = OSError("gone")
    gathering = Gathering(shelf.read)
    told = await asyncio.gather(gathering.of(1), gathering.of(2), return_exceptions=True)
    assert [str(each) for each in told] == ["gone", "gone"]
    shelf.trouble = None
    assert await gathering.of(1) == "one"


async def test_an_asker_who_goes_away_takes_nothing_from_the_others() -> None:
    shelf = Shelf({1: "one"})
    shelf.open.clear()
    gathering = Gathering(shelf.read)
    leaving, staying = (asyncio.create_task(gathering.of(1)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    shelf.open.set()
    assert await staying == "one"
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_one_question_is_about_a_bounded_number_of_keys() -> None:
    shelf = Shelf({})
    gathering = Gathering(shelf.read)
    await asyncio.gather(*(gathering.of(key) for key in range(KEYS_MAX + 1)))
    assert [len(keys) for keys in shelf.asked] == [KEYS_MAX, 1]
