"""Notices when the `make` that started us was told to stop, and we were not.

A terminal's Ctrl-C reaches make and its child; a program that interrupts only make would wait for
ever, because make passes SIGTERM on but after SIGINT just waits for its child. While it does, it
blocks SIGINT, and that can be seen.
"""

import asyncio
import signal
from pathlib import Path

LOOK_SECONDS = 0.25
LOOKS = 3
INTERRUPT_BIT = 1 << (signal.SIGINT - 1)


async def follow(parent: int, stopped: asyncio.Event) -> None:
    """Set the event once the parent was interrupted and waits for us, or is gone; on Linux only.

    Make blocks SIGINT for a moment while it starts us as well, so one look is not enough.
    """
    seen = 0
    while seen < LOOKS:
        seen = seen + 1 if _is_over(parent) else 0
        await asyncio.sleep(LOOK_SECONDS)
    stopped.set()


def _is_over(pid: int) -> bool:
    """Tell whether a process is gone or blocks SIGINT now; false where that cannot be seen."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return Path("/proc/self/status").exists()
    blocked = next((line for line in status.splitlines() if line.startswith("SigBlk:")), "")
    return bool(int(blocked.partition(":")[2].strip() or "0", 16) & INTERRUPT_BIT)
