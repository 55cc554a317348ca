"""Prints results beside each other, each with its ratio to ours."""

from collections.abc import Mapping, Sequence
from statistics import median

Measured = Mapping[str, Sequence[Mapping[str, float]]]
"""For each contender its runs; each run's numbers by column."""


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each column over the runs."""
    return {column: median(run[column] for run in runs) for column in runs[0]}


def show(title: str, measured: Measured, *, ours: str) -> None:
    """Prints one bench: a line a contender, medians, and `ours ÷ theirs` for the first column."""
    print(f"\n{title}")
    rows = {name: medians(runs) for name, runs in measured.items() if runs}
    columns = list(rows[ours])
    first = columns[0]
    heads = "".join(f"{column:>16}" for column in columns)
    print(f"  {'':<28}{heads}{'ours ÷ this':>14}{'runs':>6}")
    for name, row in rows.items():
        cells = "".join(f"{_shown(row.get(column, float('nan'))):>16}" for column in columns)
        ratio = rows[ours][first] / row[first] if row[first] else float("nan")
        print(f"  {name:<28}{cells}{ratio:>14.2f}{len(measured[name]):>6}", flush=True)


def _shown(number: float) -> str:
    """Two digits after the point of what is small."""
    return f"{number:,.2f}" if number < 10 else f"{number:,.1f}"
