"""The rules about source files hold, and each of them would notice."""

import ast
from collections.abc import Callable

import pytest

from tests.architecture import python_rules as rules
from tests.architecture.sources import (
    EVERYTHING,
    NOT_WRITTEN_BY_HAND,
    PRODUCT,
    files,
    name_of,
    trees,
)

Rule = Callable[[str, ast.Module], list[str]]
PYTHON = (*PRODUCT, "sandbox", "bench", "tests")

EVERYWHERE: tuple[Rule, ...] = (
    rules.long_functions,
    rules.deep_nesting,
    rules.imports_inside_functions,
    rules.mocks,
)


def test_files_fit_in_400_lines() -> None:
    found = [
        complaint
        for path in files(EVERYTHING, ".py", ".ts", ".sql", ".css", ".html")
        if name_of(path) not in NOT_WRITTEN_BY_HAND
        for complaint in rules.too_long(name_of(path), path.read_text(encoding="utf-8"))
    ]
    assert not found


@pytest.mark.parametrize("rule", EVERYWHERE, ids=lambda rule: rule.__name__)
def test_all_python_keeps_the_rule(rule: Rule) -> None:
    assert not [complaint for name, tree in trees(*PYTHON) for complaint in rule(name, tree)]


def test_each_tool_stays_at_home() -> None:
    rule = rules.tools_away_from_home
    assert not [complaint for name, tree in trees(*PRODUCT) for complaint in rule(name, tree)]


def test_money_is_counted_in_whole_cents() -> None:
    money = [(name, tree) for name, tree in trees(*PRODUCT) if rules.is_money(name)]
    assert "domain/money.py" in {name for name, _ in money}
    assert not [each for name, tree in money for each in rules.floats_near_money(name, tree)]


def test_handlers_are_short() -> None:
    assert not [each for name, tree in trees("server") for each in rules.long_handlers(name, tree)]


BAD: list[tuple[Rule, str]] = [
    (rules.long_functions, "def f():\n" + "    x = 1\n" * 50),
    (rules.deep_nesting, "def f():\n if a:\n  for b in c:\n   with d:\n    while e:\n     g()"),
    (rules.imports_inside_functions, "def f():\n    import os"),
    (rules.imports_inside_functions, "class A:\n    def f(self):\n        from os import path"),
    (rules.mocks, "from unittest.mock import Mock"),
    (rules.mocks, "from unittest import mock"),
    (rules.tools_away_from_home, "import asyncpg"),
    (rules.tools_away_from_home, "from litestar.response import Template"),
    (rules.tools_away_from_home, "from sandbox.clock import ClockWriter"),
    (rules.floats_near_money, "half = price_cents / 2"),
    (rules.floats_near_money, "price_cents /= 2"),
    (rules.floats_near_money, "fee = price_cents * 0.15"),
    (rules.floats_near_money, "fee = round(price_cents)"),
    (rules.floats_near_money, "fee: float = 1"),
    (rules.long_handlers, "@post('/x')\nasync def f():\n" + "    x = 1\n" * 11),
]


@pytest.mark.parametrize(("rule", "source"), BAD)
def test_a_bad_sample_is_noticed(rule: Rule, source: str) -> None:
    assert rule("actors/bookings.py", ast.parse(source))


GOOD: list[tuple[Rule, str]] = [
    (rules.long_functions, "def f():\n" + "    x = 1\n" * 49),
    (
        rules.deep_nesting,
        "def f():\n if a:\n  b()\n elif c:\n  d()\n elif e:\n  g()\n elif h:\n  i()",
    ),
    (rules.imports_inside_functions, "import os\nif TYPE_CHECKING:\n    import re"),
    (rules.floats_near_money, "BUSY_PAUSES = (0.25, 0.5)"),
    (rules.floats_near_money, "half, rest = divmod(price_cents, 2)\nshare = price_cents // 2"),
    (rules.long_handlers, "@post('/x')\nasync def f():\n    'Doc.'\n" + "    x = 1\n" * 10),
]


@pytest.mark.parametrize(("rule", "source"), GOOD)
def test_a_good_sample_passes(rule: Rule, source: str) -> None:
    assert not rule("actors/bookings.py", ast.parse(source))


def test_a_long_file_is_noticed() -> None:
    assert rules.too_long("x.sql", "\n" * 400)
    assert not rules.too_long("x.sql", "\n" * 399)
