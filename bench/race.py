"""(a) 200 students want 20 slots of one instructor in the same moment; refusals must be cheap."""

import random
from collections import defaultdict
from contextlib import AsyncExitStack

from bench.load import Result, run
from bench.stage import Stage, staged
from bench.table import show

RACERS = 200
SLOTS = 20
REPETITIONS = 5
OURS, TRIVIAL, LOCK, INSERT = "ours", "trivial POST", "litestar + row lock", "litestar + insert"


class Race:
    """The contenders and the hours each has used."""

    def __init__(self, stage: Stage, urls: dict[str, str]) -> None:
        """`urls` by contender."""
        self.stage = stage
        self.urls = urls
        self.measured: dict[str, list[dict[str, float]]] = defaultdict(list)
        self._hour = 0

    async def once(self, name: str) -> Result:
        """One burst at a contender, over hours nobody has raced for."""
        self._hour += SLOTS
        is_ours = name in {OURS, TRIVIAL}
        requests = [
            self.stage.booking(
                instructor=0 if is_ours else 1,
                student=student,
                hour=self._hour + student % SLOTS,
                is_ours=is_ours,
                path="/bench/trivial" if name == TRIVIAL else "/api/bookings",
            )
            for student in range(RACERS)
        ]
        return await run(self.urls[name], requests, concurrency=RACERS)

    def keep(self, name: str, result: Result) -> None:
        """Checks that exactly one student a slot has won, and keeps the numbers."""
        if name == TRIVIAL:
            assert result.count(200) == RACERS, result.answers[0]
        else:
            assert result.count(201) == SLOTS, statuses(result)
            assert result.count(409) == RACERS - SLOTS, statuses(result)
        refused = 200 if name == TRIVIAL else 409
        self.measured[name].append(
            {
                "burst ms": 1000 * result.seconds,
                "refusal p50 ms": result.percentile(0.5, status=refused),
                "refusal p99 ms": result.percentile(0.99, status=refused),
                "win p99 ms": result.percentile(0.99, status=201),
            }
        )


def statuses(result: Result) -> dict[int, int]:
    """How often each status was answered."""
    return {status: result.count(status) for status in {a.status for a in result.answers}}


async def main() -> None:
    """Runs and prints the race."""
    async with staged(instructors=2, students=RACERS) as stage, AsyncExitStack() as baselines:
        urls = {OURS: stage.world.url, TRIVIAL: stage.world.url}
        for name, guard in ((LOCK, "lock"), (INSERT, "insert")):
            baseline = stage.baseline("litestar_direct", GUARD=guard)
            urls[name] = await baselines.enter_async_context(baseline)
        race = Race(stage, urls)
        for name in urls:
            await race.once(name)
        for _ in range(REPETITIONS):
            for name in random.sample(list(urls), len(urls)):
                race.keep(name, await race.once(name))
        doubled = await stage.double_bookings()
        assert doubled == 0, f"{doubled} double bookings"
        show(f"race: {RACERS} students, {SLOTS} slots, one burst", race.measured, ours=OURS)
        print("  double bookings by SQL: 0")
