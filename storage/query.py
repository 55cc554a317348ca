"""`@query`: a typed signature plus `sql/<noun>/<function>.sql` make one async function.

The noun is the module's name, the query the function's. Parameters after `tx` are keyword-only and
have the names of the file's `:parameters`. The return annotation says what comes back:

- a struct `X` or a scalar: exactly one row (else `QueryError`); `X | None`: at most one
- `list[X]`: every row; `None`: nothing is read

Arrays take lists or tuples (`unnest(:ids::uuid[])`), jsonb takes whatever msgspec can encode.
Everything that can be wrong without a database is refused when the module is imported.
"""

import inspect
import re
import typing
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar, cast, get_args, get_origin

import msgspec

from storage.rows import Make, Row, fields_of, is_struct, maker_of, without_none

P = ParamSpec("P")
R = TypeVar("R")

SQL = Path(__file__).resolve().parent.parent / "sql"

_TOKEN = re.compile(
    r"""
      (?P<line>--[^\n]*)
    | (?P<block>/\*.*?\*/)
    | (?P<text>[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*')
    | (?P<dollars>(?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag))
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<cast>::)
    | (?P<numbered>\$\d+)
    | (?P<end>;)
    | (?<![\w:])(?P<name>:[A-Za-z_]\w*)
    """,
    re.DOTALL | re.VERBOSE,
)


class Tx(Protocol):
    """What a query runs on: a connection inside a transaction, or the pool for reading."""

    async def fetch(self, query: str, *args: object) -> Sequence[Row]:
        """Every row of the answer."""
        ...

    async def execute(self, query: str, *args: object) -> str:
        """Runs a statement and reads nothing but its tag."""
        ...


class QueryError(Exception):
    """A query broke its promise, for example found two rows where its signature says one: a bug."""


class StubError(Exception):
    """A stub and its SQL file do not fit together; raised at import."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One SQL file, ready for asyncpg."""

    purpose: str
    text: str
    """With `$1`, `$2` … in place of `:names`; every use of a name has the same number."""
    parameters: tuple[str, ...]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What the library knows about one query; tests walk over all of them."""

    noun: str
    name: str
    path: Path
    statement: Statement
    returns: object
    """The annotation as written."""
    item: object
    """The type of one row: a struct class, a scalar, or `None` when nothing is read."""
    many: bool
    optional: bool
    function: Callable[..., Coroutine[Any, Any, object]]

    @property
    def columns(self) -> dict[str, object] | None:
        """The columns a struct result needs, in order; `None` for scalars and for no result."""
        return fields_of(self.item) if is_struct(self.item) else None


def parse(source: str) -> Statement:
    """Reads one SQL file: purpose line, one statement, `:names` numbered by first appearance."""
    first, _, _ = source.partition("\n")
    if not first.startswith("-- ") or len(first.split()) < 3:
        raise StubError("the first line must be a comment that says the purpose: -- Does this.")
    parameters: dict[str, int] = {}
    out: list[str] = []
    position = 0
    for token in _TOKEN.finditer(source):
        out.append(source[position : token.start()])
        position = token.end()
        if token.lastgroup == "end" and _has_more(source[position:]):
            raise StubError("one statement a file")
        if token["numbered"]:
            raise StubError(f"parameters have names: {token['numbered']}")
        out.append(_rewritten(token, parameters))
    out.append(source[position:])
    text = "".join(out).strip()
    if not text:
        raise StubError("there is no statement")
    return Statement(purpose=first[3:].strip(), text=text, parameters=tuple(parameters))


def _has_more(rest: str) -> bool:
    """Whether anything but blanks and comments follows."""
    return bool(re.sub(r"--[^\n]*|/\*.*?\*/", "", rest, flags=re.DOTALL).strip())


def _rewritten(token: re.Match[str], parameters: dict[str, int]) -> str:
    if token["name"]:
        number = parameters.setdefault(token["name"][1:], len(parameters) + 1)
        return f"${number}"
    if token["line"] or token["block"] or token["end"]:
        return ""
    return token[0]


class Library:
    """The queries below one folder, by `noun.name`."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds one folder a noun with one `.sql` file a query."""
        self.folder = folder
        self.queries: dict[str, Query] = {}

    def query(
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> Callable[P, Coroutine[Any, Any, R]]:
        """Turns a stub into the query of its name; refuses what does not fit (`StubError`)."""
        noun = function.__module__.rpartition(".")[2]
        name = function.__name__
        path = self.folder / noun / f"{name}.sql"
        if not path.is_file():
            raise StubError(f"{noun}.{name}: there is no {self.folder.name}/{noun}/{name}.sql")
        if f"{noun}.{name}" in self.queries:
            raise StubError(f"{noun}.{name}: there are two stubs of this name")
        try:
            statement = parse(path.read_text(encoding="utf-8"))
            _check_arguments(function, statement)
            made = _Made(function, statement)
        except StubError as wrong:
            raise StubError(f"{noun}.{name}: {wrong}") from None
        run = wraps(function)(made.runner(f"{noun}.{name}"))
        self.queries[f"{noun}.{name}"] = Query(
            noun=noun, name=name, path=path, statement=statement, returns=made.returns,
            item=made.item, many=made.many, optional=made.optional, function=run,
        )  # fmt: skip
        return cast("Callable[P, Coroutine[Any, Any, R]]", run)


LIBRARY = Library(SQL)
query = LIBRARY.query


def _check_arguments(function: Callable[..., object], statement: Statement) -> None:
    """The stub's keyword-only arguments are exactly the file's parameters."""
    first, *rest = inspect.signature(function).parameters.values()
    if first.name != "tx":
        raise StubError("the first argument is tx")
    positional = [each.name for each in rest if each.kind is not inspect.Parameter.KEYWORD_ONLY]
    if positional:
        raise StubError(f"arguments after tx are keyword-only (put * before {positional[0]})")
    arguments, parameters = {each.name for each in rest}, set(statement.parameters)
    if unused := sorted(arguments - parameters):
        raise StubError(f"the SQL never uses :{', :'.join(unused)}")
    if missing := sorted(parameters - arguments):
        raise StubError(f"the SQL uses :{', :'.join(missing)}, which the stub does not take")


class _Made:
    """How one stub is run: the kind of its result and the order of its arguments."""

    def __init__(self, function: Callable[..., object], statement: Statement) -> None:
        hints = typing.get_type_hints(function, include_extras=True)
        if "return" not in hints:
            raise StubError("the return annotation says what comes back; there is none")
        self.statement = statement
        self.returns: object = hints["return"]
        self.many = get_origin(self.returns) is list
        one: object = get_args(self.returns)[0] if self.many else self.returns
        bare, self.optional = without_none(one)
        self.nothing = self.returns is type(None)
        self.item: object = None if self.nothing else bare
        self.make: Make = maker_of(one)
        signature = inspect.signature(function).parameters
        self.defaults: dict[str, object] = {
            name: each.default
            for name, each in signature.items()
            if each.default is not inspect.Parameter.empty
        }
        self.instants = tuple(name for name in statement.parameters if _is_instant(hints.get(name)))

    def arguments(self, name: str, given: dict[str, object]) -> list[object]:
        """The values in the order of `$1, $2, …`."""
        values = {**self.defaults, **given} if self.defaults else given
        try:
            ordered = [values[parameter] for parameter in self.statement.parameters]
        except KeyError as missing:
            raise TypeError(f"{name}() misses {missing}") from None
        if len(values) != len(ordered):
            extra = sorted(set(values) - set(self.statement.parameters))
            raise TypeError(f"{name}() takes no {', '.join(extra)}")
        for instant in self.instants:
            value = values[instant]
            if isinstance(value, datetime) and value.tzinfo is None:
                # asyncpg would read it in the zone of this machine
                raise TypeError(f"{name}() got a naive datetime as {instant}")
        return ordered

    def runner(self, name: str) -> Callable[..., Coroutine[Any, Any, object]]:
        """The async function that takes the stub's place."""
        text, make, arguments = self.statement.text, self.make, self.arguments
        is_optional = self.optional

        async def run_nothing(tx: Tx, **given: object) -> None:
            await tx.execute(text, *arguments(name, given))

        async def run_many(tx: Tx, **given: object) -> list[object]:
            return [make(row) for row in await tx.fetch(text, *arguments(name, given))]

        async def run_one(tx: Tx, **given: object) -> object:
            rows = await tx.fetch(text, *arguments(name, given))
            if len(rows) == 1:
                return make(rows[0])
            if not rows and is_optional:
                return None
            raise QueryError(f"{name} promised one row and found {len(rows)}")

        if self.nothing:
            return run_nothing
        return run_many if self.many else run_one


def _is_instant(annotation: object) -> bool:
    return without_none(annotation)[0] is datetime
