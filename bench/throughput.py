"""(b) Bookings a second over 1000 instructors by students with saved cards, 64 at a time."""

import asyncio
import random
import re
import subprocess
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path

from bench.baselines import writes
from bench.cpu import seconds_of
from bench.load import run
from bench.race import statuses
from bench.stage import BOOKING, INSTRUCTOR, SERVICE, STUDENT, Stage, staged
from bench.table import show
from sandbox.postgres import binary

PEOPLE = 1000
CONCURRENCY = 64
PGBENCH_CLIENTS = 8
REPETITIONS = 5
OURS, KEYED, TRIVIAL = "ours", "ours, idempotency keys", "trivial POST"
LOCK, INSERT = "litestar + row lock", "litestar + insert"
SYNC, PGBENCH = "fastapi sync", "pgbench c=8"
COUNTS = {OURS: 1000, KEYED: 500, TRIVIAL: 2000, LOCK: 800, INSERT: 800, SYNC: 250, PGBENCH: 4000}


def numbered(prefix: str, number: str) -> str:
    """The SQL of an id made of a number."""
    return f"('{prefix}' || lpad({number}::text, 12, '0'))::uuid"


class Throughput:
    """The contenders; ours book at the first 1000 instructors, the others at the second."""

    def __init__(self, stage: Stage, urls: dict[str, str]) -> None:
        """`urls` by contender; pgbench needs none."""
        self.stage = stage
        self.urls = urls
        self.measured: dict[str, list[dict[str, float]]] = defaultdict(list)
        self._next = {True: 0, False: 0}

    def _take(self, count: int, *, is_ours: bool) -> range:
        """Numbers of bookings nobody has made yet."""
        first = self._next[is_ours]
        self._next[is_ours] += count
        return range(first, first + count)

    async def once(self, name: str) -> dict[str, float]:
        """One run of a contender: how fast, and what a request costs the server and Postgres."""
        pids = (self.stage.pids.get(self.urls[name]), self.stage.world.pids()["postgres"])
        before = [seconds_of(pid) if pid else float("nan") for pid in pids]
        measured = await (asyncio.to_thread(self._pgbench) if name == PGBENCH else self._run(name))
        after = [seconds_of(pid) if pid else float("nan") for pid in pids]
        server, postgres = (
            1000 * (late - early) / COUNTS[name] for early, late in zip(before, after, strict=True)
        )
        return {**measured, "server cpu ms": server, "postgres cpu ms": postgres}

    async def _run(self, name: str) -> dict[str, float]:
        is_ours = name in {OURS, KEYED, TRIVIAL}
        shift = 0 if is_ours else PEOPLE
        requests = [
            self.stage.booking(
                instructor=shift + number % PEOPLE,
                student=shift + number * 7 % PEOPLE,
                hour=number // PEOPLE,
                is_ours=is_ours,
                path="/bench/trivial" if name == TRIVIAL else "/api/bookings",
                key=f"bench-{number}" if name == KEYED else "",
            )
            for number in self._take(COUNTS[name], is_ours=is_ours)
        ]
        result = await run(self.urls[name], requests, concurrency=CONCURRENCY)
        assert result.count(200) + result.count(201) == len(requests), (name, statuses(result))
        return {
            "a second": result.per_second(),
            "p50 ms": result.percentile(0.5),
            "p99 ms": result.percentile(0.99),
        }

    def _pgbench(self) -> dict[str, float]:
        """The same six statements, one booking a transaction, from C."""
        numbers = self._take(COUNTS[PGBENCH], is_ours=False)
        script = Path(self.stage.world.directory) / "pgbench.sql"
        script.write_text(self._script(numbers.start), encoding="ascii")
        program = [str(binary("pgbench")), "-n", "-M", "prepared", "-D", "turn=0", "-f", script]
        load = ["-c", str(PGBENCH_CLIENTS), "-t", str(len(numbers) // PGBENCH_CLIENTS)]
        done = subprocess.run(
            [*program, *load, self.stage.world.database_url],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-500:]
        rate, latency = _number("tps = ", done.stdout), _number("latency average = ", done.stdout)
        return {"a second": rate, "p50 ms": latency, "p99 ms": float("nan")}

    def _script(self, first: int) -> str:
        """One transaction for booking number `k`, in pgbench's language."""
        now = "clock_timestamp()"
        start_at = f"('{self.stage.first_hour.isoformat()}'::timestamptz + make_interval(hours => "
        values = {
            "id": numbered(BOOKING, ":k"),
            "timing_id": "uuidv7()",
            "event_id": "uuidv7()",
            "outbox_id": "uuidv7()",
            "instructor_id": numbered(INSTRUCTOR, ":i"),
            "student_id": numbered(STUDENT, ":s"),
            "service_id": numbered(SERVICE, ":i"),
            "start_at": f"{start_at}:hour))",
            "end_at": f"{start_at}:hour + 1))",
            "start_local": "'2026-01-01T00:00'",
            "due_at": f"{start_at}:hour - 24))",
            "now": now,
            "price": "6000",
            "fee": "900",
            "share": "5100",
            "card": "'pm_student0@bench.example'",
            "version": "1",
            "user_ids": f"ARRAY[{numbered(STUDENT, ':s')}, {numbered(INSTRUCTOR, ':i')}]",
            "payload": '\'{{"booking_id": "x"}}\'::jsonb'.replace("{{", "{").replace("}}", "}"),
        }
        statements = (
            writes.BOOKING,
            writes.PAYMENT,
            writes.TIMING,
            writes.EVENT,
            writes.OUTBOX,
            writes.VERSION,
        )
        lines = [
            f"\\set k {first} + :turn * {PGBENCH_CLIENTS} + :client_id",
            "\\set turn :turn + 1",
            f"\\set i {PEOPLE} + :k % {PEOPLE}",
            f"\\set s {PEOPLE} + :k * 7 % {PEOPLE}",
            f"\\set hour :k / {PEOPLE}",
            "BEGIN;",
            *(" ".join(text.format(**values).split()) + ";" for text in statements),
            "COMMIT;",
        ]
        return "\n".join(lines) + "\n"


def _number(before: str, text: str) -> float:
    found = re.search(re.escape(before) + r"([0-9.]+)", text)
    assert found is not None, text
    return float(found[1])


async def main() -> None:
    """Runs and prints the throughput."""
    people = 2 * PEOPLE
    async with staged(instructors=people, students=people) as stage, AsyncExitStack() as baselines:
        urls = dict.fromkeys((OURS, KEYED, TRIVIAL), stage.world.url) | {PGBENCH: ""}
        for name, module, more in (
            (LOCK, "litestar_direct", {"GUARD": "lock"}),
            (INSERT, "litestar_direct", {"GUARD": "insert"}),
            (SYNC, "fastapi_sync", {}),
        ):
            urls[name] = await baselines.enter_async_context(stage.baseline(module, **more))
        contest = Throughput(stage, urls)
        cold = await contest.once(OURS)
        for name in urls:
            await contest.once(name)
        await stage.database.execute("ANALYZE")  # as autovacuum does within a minute
        for _ in range(REPETITIONS):
            for name in random.sample(list(urls), len(urls)):
                contest.measured[name].append(await contest.once(name))
        assert await stage.double_bookings() == 0
        show(f"throughput: bookings over {PEOPLE} instructors, c=64", contest.measured, ours=OURS)
        print(f"  first booking of each calendar (memory loaded): {cold['a second']:.0f} a second")
