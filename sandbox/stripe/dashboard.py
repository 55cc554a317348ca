"""The frame of the pages to look at what happened, and their small parts: tables, badges, forms."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from sandbox.stripe.clock import instant

Doc = dict[str, Any]

PAGE: Final = Path(__file__).with_name("assets") / "dashboard.html"
SECTIONS: Final = (
    ("", "Overview"),
    ("payments", "Payments"),
    ("accounts", "Accounts"),
    ("events", "Events"),
    ("deliveries", "Deliveries"),
    ("faults", "Faults"),
    ("clock", "Clock"),
    ("log", "Log"),
    ("books", "Books"),
)
GOOD: Final = (
    "succeeded",
    "active",
    "paid",
    "available",
    "won",
    "enabled",
    "executed",
    "ok",
    "200",
    "yes",
)
BAD: Final = (
    "failed",
    "canceled",
    "inactive",
    "lost",
    "disabled",
    "refused",
    "dropped",
    "cut",
    "no",
)


class Html(str):
    """Text that is already safe."""

    __slots__ = ()


def money(cents: int | None) -> str:
    """Dollars a person reads."""
    if cents is None:
        return ""
    sign = "−" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def when(micros: int | None) -> str:
    """A virtual instant a person reads."""
    return "" if micros is None else instant(micros).strftime("%a %d %b %Y %H:%M:%S")


def safe(value: object) -> Html:
    """Anything as HTML."""
    return value if isinstance(value, Html) else Html(escape("" if value is None else str(value)))


def link(object_id: str | None) -> Html:
    """The page of an object; what is no id stays a word."""
    name = escape(object_id or "")
    if "_" not in name:
        return Html(name)
    return Html(f'<a class="id" href="/dashboard/objects/{name}">{name}</a>')


def badge(state: object) -> Html:
    """A state as a coloured word."""
    word = str(state)
    is_bad = word in BAD or word.startswith(("4", "5", "fault", "requires_payment_method"))
    kind = "good" if word in GOOD else "bad" if is_bad else "plain"
    return Html(f'<span class="badge {kind}">{escape(word.replace("_", " "))}</span>')


def button(
    control: str, label: str, back: str, fields: Doc | None = None, *, is_delete: bool = False
) -> Html:
    """A form of one button that sends a control request and comes back."""
    hidden = {"_back": back, **({"_method": "DELETE"} if is_delete else {}), **(fields or {})}
    inputs = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(str(value))}">'
        for name, value in hidden.items()
    )
    return Html(
        f'<form class="one" method="post" action="/dashboard/do/{escape(control)}">{inputs}'
        f'<button type="submit" class="quiet small">{escape(label)}</button></form>'
    )


def form(control: str, back: str, label: str, *inner: Html) -> Html:
    """A form that sends a control request and comes back."""
    return Html(
        f'<form class="line" method="post" action="/dashboard/do/{escape(control)}">'
        f'<input type="hidden" name="_back" value="{escape(back)}">{"".join(inner)}'
        f'<button type="submit">{escape(label)}</button></form>'
    )


def field(name: str, label: str, value: str = "", **attributes: str) -> Html:
    """A labelled input."""
    more = "".join(f' {key}="{escape(text)}"' for key, text in attributes.items())
    return Html(
        f'<label>{escape(label)}<input name="{escape(name)}" value="{escape(value)}"{more}></label>'
    )


def choice(name: str, label: str, options: Sequence[str]) -> Html:
    """A labelled choice."""
    shown = "".join(f"<option>{escape(option)}</option>" for option in options)
    return Html(f'<label>{escape(label)}<select name="{escape(name)}">{shown}</select></label>')


def section(title: str, *inner: Html) -> Html:
    """A part of a page."""
    return Html(f"<section><h2>{escape(title)}</h2>{''.join(inner)}</section>")


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> Html:
    """A section with a table, its rows cards on a phone; says so when there is nothing.

    Heads that end with `#` are numbers, aligned right.
    """
    names = [(name.rstrip("#"), ' class="number"' if name.endswith("#") else "") for name in heads]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for name, kind in names)
    body = "".join(f"<tr>{_cells(names, row)}</tr>" for row in rows)
    content = (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        "</div>"
        if rows
        else '<p class="empty">Nothing yet.</p>'
    )
    return section(title, Html(content))


def _cells(names: Sequence[tuple[str, str]], row: Sequence[object]) -> str:
    return "".join(
        f'<td data-label="{escape(name)}"{kind}>{safe(cell)}</td>'
        for (name, kind), cell in zip(names, row, strict=True)
    )


def render(
    title: str,
    here: str | None,
    facts: Sequence[tuple[str, object]],
    sections: Sequence[Html],
    said: str = "",
) -> str:
    """The page around facts and sections; `here` None is a page without the navigation."""
    tiles = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{safe(value)}</dd></div>" for name, value in facts
    )
    links = "".join(
        f'<a href="/dashboard/{name}"{_current(name, here)}>{label}</a>' for name, label in SECTIONS
    )
    return Template(PAGE.read_text()).substitute(
        title=escape(title),
        nav="" if here is None else f'<nav aria-label="Sections">{links}</nav>',
        said=f'<p class="said" role="status">{escape(said)}</p>' if said else "",
        facts=f'<dl class="facts">{tiles}</dl>' if tiles else "",
        sections="".join(sections),
    )


def _current(name: str, here: str | None) -> str:
    return ' aria-current="page"' if name == here else ""
