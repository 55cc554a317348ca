"""A stub and its SQL file become one query, or are refused when the module is imported."""

from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, NewType
from uuid import UUID, uuid4

import msgspec
import pytest

from storage.driver import Connection
from storage.query import Library, QueryError, StubError, Tx, parse

PianoId = NewType("PianoId", UUID)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Tone(StrEnum):
    """An enum as columns hold it: by value."""

    BRIGHT = "bright"
    DARK = "dark"


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """What a jsonb column holds."""

    name: str
    founded: int


class Piano(msgspec.Struct, frozen=True, kw_only=True):
    """A row with one column of every sort."""

    id: PianoId
    tone: Tone
    state: Literal["tuned", "untuned"]
    keys: int | None
    tags: tuple[str, ...]
    tones: tuple[Tone, ...]
    maker: Maker
    earlier: tuple[Maker, ...]
    built_at: datetime
    raw: msgspec.Raw


Made = Callable[..., Coroutine[Any, Any, Any]]


class Folder:
    """Makes queries out of stubs and SQL written in the test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.library = Library(path)

    def make(self, stub: Made, body: str) -> Made:
        """Return the query of the stub with this SQL as its file."""
        self.write(stub.__name__, f"-- Tests one thing.\n{body}")
        return self.library.query(stub)

    def write(self, name: str, text: str) -> None:
        """Write the file of a query of this module."""
        noun = self.path / __name__.rpartition(".")[2]
        noun.mkdir(exist_ok=True)
        (noun / f"{name}.sql").write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return an empty SQL folder."""
    return Folder(tmp_path)


def test_names_become_numbers_and_repeat_their_number() -> None:
    statement = parse("-- Does a thing.\nSELECT :b::int, :a WHERE :b = 1\n")
    assert statement.text == "SELECT $1::int, $2 WHERE $1 = 1"
    assert statement.parameters == ("b", "a")
    assert statement.purpose == "Does a thing."


@pytest.mark.parametrize(
    "text",
    [
        "SELECT now_at::timestamptz",
        "SELECT 'at :noon', 'it''s :late'",
        r"SELECT E'\':no'",
        'SELECT ":column"',
        "SELECT $$ :body $$, $tag$ :body ; $$ $tag$",
        "SELECT spans[1:2]",
        "SELECT 1 -- :comment",
        "SELECT 1 /* :comment ; */",
        "SELECT 'a;b';",
    ],
)
def test_what_only_looks_like_a_parameter_is_left_alone(text: str) -> None:
    assert parse(f"-- Does a thing.\n{text}").parameters == ()


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("SELECT 1", "purpose"),
        ("--\nSELECT 1", "purpose"),
        ("-- Does two things.\nSELECT 1; SELECT 2", "one statement"),
        ("-- Does no thing.\n-- at all\n", "no statement"),
        ("-- Does a thing.\nSELECT $1", "have names"),
    ],
)
def test_an_unfit_file_is_refused_with_its_reason(source: str, complaint: str) -> None:
    with pytest.raises(StubError, match=complaint):
        parse(source)


def test_a_stub_without_a_file_is_refused(folder: Folder) -> None:
    async def lost(tx: Tx) -> int: ...

    with pytest.raises(StubError, match=r"there is no .*lost\.sql"):
        folder.library.query(lost)


def test_arguments_and_parameters_must_have_the_same_names(folder: Folder) -> None:
    async def misnamed(tx: Tx, *, booking: int) -> int: ...

    with pytest.raises(StubError, match=r"test_query\.misnamed: the SQL never uses :booking"):
        folder.make(misnamed, "SELECT 1")

    async def lacking(tx: Tx, *, a: int) -> int: ...

    with pytest.raises(StubError, match="uses :b, which the stub does not take"):
        folder.make(lacking, "SELECT :a + :b")

    async def positional(tx: Tx, a: int) -> int: ...

    with pytest.raises(StubError, match="keyword-only"):
        folder.make(positional, "SELECT :a")

    async def unsaid(tx: Tx):  # noqa: ANN202 - this is the fault
        ...

    with pytest.raises(StubError, match="return annotation"):
        folder.make(unsaid, "SELECT 1")

    async def first(transaction: Tx) -> int: ...

    with pytest.raises(StubError, match="first argument is tx"):
        folder.make(first, "SELECT 1")


def test_every_query_is_in_the_library_once(folder: Folder) -> None:
    async def once(tx: Tx) -> int: ...

    folder.make(once, "SELECT 1")
    found = folder.library.queries["test_query.once"]
    assert (found.noun, found.name, found.item, found.many) == ("test_query", "once", int, False)
    with pytest.raises(StubError, match="two stubs"):
        folder.library.query(once)


async def test_a_row_becomes_a_struct_with_every_sort_of_field(
    folder: Folder, tx: Connection
) -> None:
    async def piano(tx: Tx, *, id: PianoId, at: datetime) -> Piano: ...  # noqa: A002 - a column

    query = folder.make(
        piano,
        """
        SELECT :id::uuid AS id, 'dark' AS tone, 'tuned' AS state, NULL::int AS keys,
               ARRAY['a', 'b'] AS tags, ARRAY['bright'] AS tones,
               '{"name": "S", "founded": 1853}'::jsonb AS maker,
               '[{"name": "B", "founded": 1828}]'::jsonb AS earlier,
               :at::timestamptz AS built_at, '{"x":1}'::jsonb AS raw
        """,
    )
    wanted = PianoId(uuid4())
    row = await query(tx, id=wanted, at=NOON)
    assert msgspec.json.decode(row.raw) == {"x": 1}
    assert row == Piano(
        id=wanted,
        tone=Tone.DARK,
        state="tuned",
        keys=None,
        tags=("a", "b"),
        tones=(Tone.BRIGHT,),
        maker=Maker(name="S", founded=1853),
        earlier=(Maker(name="B", founded=1828),),
        built_at=NOON,
        raw=row.raw,
    )
    assert row.built_at.utcoffset() == UTC.utcoffset(None)
    assert b'"id":"' + str(wanted).encode() in msgspec.json.encode(row)


async def test_the_return_annotation_decides_how_many_rows_may_come(
    folder: Folder, tx: Connection
) -> None:
    body = "SELECT n::int FROM generate_series(1, :rows) AS n"

    async def one(tx: Tx, *, rows: int) -> int: ...
    async def at_most_one(tx: Tx, *, rows: int) -> int | None: ...
    async def several(tx: Tx, *, rows: int) -> list[int]: ...
    async def none(tx: Tx, *, rows: int) -> None: ...

    exactly = folder.make(one, body)
    assert await exactly(tx, rows=1) == 1
    for count in (0, 2):
        with pytest.raises(QueryError, match=rf"promised one row and found {count}"):
            await exactly(tx, rows=count)
    maybe = folder.make(at_most_one, body)
    assert await maybe(tx, rows=0) is None
    assert await maybe(tx, rows=1) == 1
    with pytest.raises(QueryError):
        await maybe(tx, rows=2)
    assert await folder.make(several, body)(tx, rows=3) == [1, 2, 3]
    assert await folder.make(none, body)(tx, rows=3) is None


async def test_scalars_come_as_what_they_are(folder: Folder, tx: Connection) -> None:
    async def tone(tx: Tx) -> Tone: ...
    async def instant(tx: Tx) -> datetime: ...
    async def document(tx: Tx) -> dict[str, int]: ...
    async def nothing(tx: Tx) -> str | None: ...

    assert await folder.make(tone, "SELECT 'dark'")(tx) is Tone.DARK
    noon = "SELECT timestamptz '2026-03-01 13:00+01'"
    assert await folder.make(instant, noon)(tx) == NOON
    assert await folder.make(document, """SELECT '{"a": 1}'::jsonb""")(tx) == {"a": 1}
    assert await folder.make(nothing, "SELECT NULL::text")(tx) is None


async def test_arrays_and_documents_go_in(folder: Folder, tx: Connection) -> None:
    async def spans(
        tx: Tx, *, ids: Sequence[UUID], starts: Sequence[datetime], notes: Sequence[object]
    ) -> list[Maker]: ...

    query = folder.make(
        spans,
        """
        SELECT note ->> 'name' AS name, extract(hour FROM start)::int AS founded
        FROM unnest(:ids::uuid[], :starts::timestamptz[], :notes::jsonb[]) AS t(id, start, note)
        ORDER BY founded
        """,
    )
    rows = await query(
        tx,
        ids=[uuid4(), uuid4()],
        starts=(NOON, NOON.replace(hour=13)),
        notes=[Maker(name="struct", founded=1), b'{"name":"bytes"}'],
    )
    assert [(row.name, row.founded) for row in rows] == [("struct", 12), ("bytes", 13)]


async def test_wrong_calls_are_refused_before_the_database_is_asked(
    folder: Folder, tx: Connection
) -> None:
    async def later(tx: Tx, *, at: datetime, minutes: int = 5) -> datetime: ...

    query = folder.make(later, "SELECT :at::timestamptz + make_interval(mins => :minutes)")
    assert await query(tx, at=NOON) == NOON.replace(minute=5)
    assert await query(tx, at=NOON, minutes=7) == NOON.replace(minute=7)
    with pytest.raises(TypeError, match="misses 'at'"):
        await query(tx)
    with pytest.raises(TypeError, match="takes no hours"):
        await query(tx, at=NOON, hours=1)
    with pytest.raises(TypeError, match="naive"):
        await query(tx, at=NOON.replace(tzinfo=None))
