"""CPU time of processes, from /proc: what work costs, whatever else the machine is doing."""

import os
from pathlib import Path

PROC = Path("/proc")
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def seconds_of(pid: int) -> float:
    """CPU seconds a process has used, with its ended and its living children."""
    own = _numbers(pid)
    living = (_numbers(int(each.name)) for each in PROC.iterdir() if each.name.isdigit())
    children = sum(one[1] + one[2] for one in living if one[0] == pid)
    return (sum(own[1:]) + children) / TICKS_A_SECOND


def _numbers(pid: int) -> tuple[int, ...]:
    """Parent and utime, stime, cutime, cstime (proc(5)); zeros for a process that has gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8")
    except OSError:
        return (0, 0, 0, 0, 0)
    # the name before the bracket may hold anything
    fields = text.rpartition(")")[2].split()
    return (int(fields[1]), *(int(field) for field in fields[11:15]))
