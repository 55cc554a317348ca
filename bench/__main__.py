"""`python -m bench [race|throughput|timings|fanout|books]`: one benchmark, or all of them."""

import asyncio
import sys
from importlib import import_module

import uvloop

NAMES = ("race", "throughput", "timings", "fanout", "books")


def main() -> int:
    """Run what was asked for; 2 when there is no such benchmark."""
    wanted = sys.argv[1:] or list(NAMES)
    if not set(wanted) <= set(NAMES):
        print(f"usage: python -m bench [{'|'.join(NAMES)}]", file=sys.stderr)
        return 2
    for name in wanted:
        bench = import_module(f"bench.{name}")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(bench.main())
    return 0


if __name__ == "__main__":
    sys.exit(main())
