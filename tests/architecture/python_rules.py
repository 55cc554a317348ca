"""Rules about Python source: each takes a file's name and tree and returns what is wrong."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
HANDLER_STATEMENTS_MAX = 10
NESTING_MAX = 3

MONEY = (
    "domain/money.py",
    "domain/pricing.py",
    "domain/cancellation.py",
    "domain/payment*.py",
    "domain/*journals.py",
    "domain/refunds.py",
    "domain/payouts.py",
    "domain/disputes.py",
    "domain/credits.py",
    "domain/statements.py",
    "domain/reconciliation.py",
    "actors/refunds.py",
    "actors/disputes.py",
    "actors/reconciliation.py",
    "actors/payments*.py",
    "actors/payouts*.py",
    "actors/credits*.py",
    "actors/stripe_events.py",
    "storage/payments*.py",
    "storage/credits.py",
    "storage/ledger.py",
    "gateways/stripe*.py",
)
"""Modules that count money: integer cents, shares by whole-number formulas."""

SECONDS = ("_SECONDS", "TIMEOUT", "PAUSES")

HOMES = {
    "asyncpg": ("storage/*.py",),
    "stripe": ("gateways/stripe*.py",),
    "nats": ("gateways/bus.py", "actors/worker.py", "actors/broker.py"),  # taskiq's own broker
    "taskiq": ("actors/worker.py", "actors/broker.py"),
    "taskiq_nats": ("actors/worker.py", "actors/broker.py"),
    "litestar": ("server/*.py",),
    "uvicorn": ("server/*.py",),
    "jinja2": ("server/*.py",),
    "jwt": ("server/*.py",),
    "argon2": ("actors/passwords.py",),
    "aiosmtplib": ("gateways/mail.py",),
    "httpx": ("gateways/stripe*.py",),
    "sandbox": (),
    "bench": (),
    "tests": (),
}
"""Each tool's one home in the product; `*` reaches into folders below."""

BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
HANDLERS = {"get", "post", "put", "patch", "delete", "head", "websocket", "asgi"}


def too_long(name: str, text: str) -> list[str]:
    """Files have at most 400 lines."""
    lines = text.count("\n") + 1
    return [f"{name} has {lines} lines"] if lines > FILE_LINES_MAX else []


def long_functions(name: str, tree: ast.Module) -> list[str]:
    """Functions have at most 50 lines."""
    return [
        f"{name}:{each.lineno} {each.name} has {lines} lines"
        for each in functions(tree)
        if (lines := lines_of(each)) > FUNCTION_LINES_MAX
    ]


def long_handlers(name: str, tree: ast.Module) -> list[str]:
    """HTTP handlers have at most 10 statements: the rest has another home.

    Statements, not lines: a call that the formatter spreads over six lines is one thought.
    """
    found: list[str] = []
    for each in functions(tree):
        if not HANDLERS & {called(decorator) for decorator in each.decorator_list}:
            continue
        body = each.body[1:] if ast.get_docstring(each) else each.body
        count = sum(isinstance(part, ast.stmt) for top in body for part in ast.walk(top))
        if count > HANDLER_STATEMENTS_MAX:
            found.append(f"{name}:{each.lineno} handler {each.name} has {count} statements")
    return found


def deep_nesting(name: str, tree: ast.Module) -> list[str]:
    """Blocks nest at most three deep."""
    return [
        f"{name}:{each.lineno} {each.name} nests {depth} deep"
        for each in functions(tree)
        if (depth := max((depth_of(part) for part in each.body), default=0)) > NESTING_MAX
    ]


def imports_inside_functions(name: str, tree: ast.Module) -> list[str]:
    """Imports stand at the top, where a reader sees what a module needs."""
    return [
        f"{name}:{part.lineno} imports inside {each.name}"
        for each in functions(tree)
        for part in ast.walk(each)
        if isinstance(part, ast.Import | ast.ImportFrom)
    ]


def mocks(name: str, tree: ast.Module) -> list[str]:
    """We test against real parts."""
    banned = {"unittest.mock", "mock", "pytest_mock"}
    return [f"{name} imports {module}" for module in imported(tree) if module in banned]


def tools_away_from_home(name: str, tree: ast.Module) -> list[str]:
    """Each outside tool is imported in its one home."""
    found: list[str] = []
    for module in imported(tree):
        homes = HOMES.get(module.partition(".")[0])
        if homes is not None and not any(fnmatch(name, home) for home in homes):
            found.append(
                f"{name} imports {module}, whose home is {' or '.join(homes) or 'no part'}"
            )
    return found


def is_money(name: str) -> bool:
    """Whether a module counts money."""
    return any(fnmatch(name, pattern) for pattern in MONEY)


def floats_near_money(name: str, tree: ast.Module) -> list[str]:
    """Money knows neither floats nor `/`; constants that say they are seconds may be floats."""
    found: list[str] = []
    seconds = {id(part) for each in tree.body if says_seconds(each) for part in ast.walk(each)}
    for part in ast.walk(tree):
        if id(part) in seconds:
            continue
        if isinstance(part, ast.BinOp | ast.AugAssign) and isinstance(part.op, ast.Div):
            found.append(f"{name}:{part.lineno} divides with /")
        elif isinstance(part, ast.Constant) and isinstance(part.value, float):
            found.append(f"{name}:{part.lineno} has the float {part.value}")
        elif isinstance(part, ast.Name) and part.id in {"float", "round"}:
            found.append(f"{name}:{part.lineno} uses {part.id}")
    return found


def says_seconds(statement: ast.stmt) -> bool:
    """Whether a statement gives a duration to a constant: `ANSWER_SECONDS = 2.5`."""
    return isinstance(statement, ast.Assign) and all(
        isinstance(target, ast.Name) and target.id.endswith(SECONDS) for target in statement.targets
    )


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method."""
    return (part for part in ast.walk(tree) if isinstance(part, FUNCTIONS))


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From `def` to the last line."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def depth_of(part: ast.AST) -> int:
    """How deep blocks nest in this part; `elif` stays on the level of its `if`."""
    if isinstance(part, (*FUNCTIONS, ast.ClassDef)):
        return 0
    deeper = 1 if isinstance(part, BLOCKS) else 0
    depths = [0]
    for child in ast.iter_child_nodes(part):
        is_elif = isinstance(part, ast.If) and isinstance(child, ast.If) and part.orelse == [child]
        depths.append(depth_of(child) - (1 if is_elif else 0))
    return deeper + max(depths)


def imported(tree: ast.Module) -> Iterator[str]:
    """Every module a file imports, with `from` parts that may be modules."""
    for part in ast.walk(tree):
        if isinstance(part, ast.Import):
            yield from (alias.name for alias in part.names)
        elif isinstance(part, ast.ImportFrom) and part.module:
            yield part.module
            yield from (f"{part.module}.{alias.name}" for alias in part.names)


def called(decorator: ast.expr) -> str:
    """The name a decorator goes by: `get` for `@get(...)` and for `@router.get`."""
    inner = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(inner, ast.Attribute):
        return inner.attr
    return inner.id if isinstance(inner, ast.Name) else ""
