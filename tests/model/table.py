"""A plugin of pytest: what each scenario should move and what it moved, as one table.

`make scenarios` loads it. It writes down every comparison of ledger totals that a journey made, the
values as pytest saw them, the writes at Stripe that it counted, and how the invariants stood
afterwards: nothing here knows a scenario's numbers or computes a cent. With `--every-scenario` a
run fails that did not play each of `REQUIRED` to its end.
"""

import ast
import re
from collections import defaultdict

import pytest

from tests.model.invariants import ALL

SCENARIO = re.compile(r"(?<![a-z0-9])([mx]\d{1,2})(?![a-z0-9])", re.IGNORECASE)
ACCOUNT = re.compile(
    r"(SP|SC|WAL|CLR|CRA|CRR|PAY|DSP|REV|IPF|BRK|CRX|XPR|XIP|XDF|XCN|XGW|XLS|BNK)$"
)
REQUIRED = (
    *("M01", "M02", "M04", "M05", "M08", "M09", "M10", "M12", "M13", "M14", "M15", "M16", "M17"),
    *("M18", "M19", "M20", "M21", "M23", "M24", "M28", "M29", "M30", "M31", "M32", "M34", "M35"),
    *("M39", "M40", "X2", "X4", "X5", "X6", "X7"),
)
"""The scenarios that a whole run has to show."""
NAMES = ("totals", "ledger")
"""What a journey calls its sums; needed where nothing was moved, and so no account is named."""
WRITES = "writes_total"
"""What a journey calls its count of writes at Stripe."""


class Shown:
    """What one journey showed."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.ledgers: list[tuple[str, str]] = []
        self.writes: list[str] = []
        self.invariants = "not asked"
        self.is_failed = False


class Table:
    """The rows of one run, by journey."""

    def __init__(self, *, is_whole: bool) -> None:
        """A whole run misses what is required."""
        self.is_whole = is_whole
        self.journeys: dict[str, Shown] = defaultdict(Shown)

    @pytest.hookimpl
    def pytest_assertion_pass(self, item: pytest.Item, lineno: int, orig: str, expl: str) -> None:
        """Keeps a comparison that held."""
        del lineno
        actual, _, expected = expl.partition("\n")[0].partition(" == ")
        if WRITES in orig:
            self.journeys[item.nodeid].writes.append(counted(expected))
            return
        sides = [totals(each) for each in (expected, actual)]
        is_told = any(sides) or any(each in orig for each in NAMES)
        if is_told and None not in sides:
            first, second = (shown(each or {}) for each in sides)
            self.journeys[item.nodeid].ledgers.append((first, second))

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps how a journey ended, and how the invariants stood then."""
        if report.failed:
            self.journeys[report.nodeid].is_failed = True
        for name, value in report.user_properties:
            if name == "invariants":
                self.journeys[report.nodeid].invariants = str(value)

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Prints the table."""
        write = terminalreporter.write_line
        told = {
            node: each for node, each in self.journeys.items() if each.ledgers or each.is_failed
        }
        write("")
        write("| Scenario | Expected cents | Actual cents | Writes at Stripe | Invariants |")
        write("|---|---|---|---|---|")
        for node in sorted(told, key=named):
            for row in rows_of(node, told[node]):
                write(row)
        held = sum(len(each.ledgers) for each in told.values())
        failed = sum(each.is_failed for each in told.values())
        write(f"\n{held} comparisons of {len(told)} journeys, {failed} failed")
        write(f"Invariants: {', '.join(each.__name__ for each in ALL)}")
        if self.missing():
            write(f"Missing: {', '.join(self.missing())}")

    @pytest.hookimpl
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fails a whole run that did not show every scenario."""
        if self.missing() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def missing(self) -> list[str]:
        """What a whole run should have shown and did not."""
        played = {
            scenario
            for node, each in self.journeys.items()
            if each.ledgers and not each.is_failed
            for scenario in scenarios_of(node)
        }
        return [each for each in REQUIRED if each not in played] if self.is_whole else []


def rows_of(node: str, journey: Shown) -> list[str]:
    """A journey's comparisons, one row each, in their order."""
    if journey.is_failed:
        return [f"| {named(node)} | failed | failed | – | {journey.invariants} |"]
    rows = list(dict.fromkeys(journey.ledgers))
    writes = ["–"] * (len(rows) - 1) + ["; then ".join(journey.writes) or "–"]
    tails = ["–"] * (len(rows) - 1) + [journey.invariants]
    return [
        f"| {named(node)} | {expected} | {actual} | {count} | {tail} |"
        for (expected, actual), count, tail in zip(rows, writes, tails, strict=True)
    ]


def scenarios_of(node: str) -> list[str]:
    """The scenario that a journey's parameter names, else those of its own name."""
    name, _, parameter = node.rpartition("::")[2].partition("[")
    found = SCENARIO.findall(parameter)
    named_itself = SCENARIO.findall(name.replace("_", " "))
    if not found and (len(named_itself) == 1 or not parameter):
        found = named_itself
    return [each.upper() for each in found]


def named(node: str) -> str:
    """The scenario's number, the test's sentence, and what a parameter says."""
    name, _, parameter = node.rpartition("::")[2].removesuffix("]").partition("[")
    sentence = name.removeprefix("test_").replace("_", " ")
    if SCENARIO.search(parameter):
        return f"{parameter}: {sentence}"
    told = f"{sentence} ({parameter})" if parameter else sentence
    return told[0].upper() + told[1:]


def counted(text: str) -> str:
    """`create 1 · confirm 1`, or that nothing was written."""
    try:
        found = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
    return " · ".join(f"{kind} {count}" for kind, count in sorted(found.items())) or "none"


def totals(text: str) -> dict[str, int] | None:
    """The accounts and cents that a side of a comparison shows; `None` for anything else."""
    if not text.startswith("{"):
        return None
    try:
        found = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return None
    is_ledger = isinstance(found, dict) and all(ACCOUNT.match(str(each)) for each in found)
    return found if is_ledger else None


def shown(found: dict[str, int]) -> str:
    """`SP +1180 · SC +8500`, or that nothing was moved."""
    return (
        " · ".join(f"{account} {cents:+}" for account, cents in sorted(found.items())) or "nothing"
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Says whether a run is whole."""
    parser.addoption("--every-scenario", action="store_true", help="fail where one is missing")


def pytest_configure(config: pytest.Config) -> None:
    """Joins the run."""
    is_whole = bool(config.getoption("--every-scenario"))
    config.pluginmanager.register(Table(is_whole=is_whole), "scenario table")
