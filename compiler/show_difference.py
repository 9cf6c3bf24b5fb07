"""A difference between two reports as tables: in the terminal, and in Markdown for pull requests."""

from __future__ import annotations

from html import escape

from rich.text import Text

from ..ir.names import printable
from . import console
from .difference import ACCURACY, LAYER_FIGURES, Change, Difference, Figure, LayerChange

_COLUMNS = ["", "before", "now", "change", "limit", ""]
_LAYERS = ["layer", "operator", *LAYER_FIGURES]
_LONGEST = 48
_TITLES = {"macs": "MACs", "sram": "SRAM"}


def show(difference: Difference) -> None:
    """Prints tables."""
    too_much = Text("too much", "red")
    rows = [(*_row(change), too_much if change.exceeded else "") for change in difference.changes]
    console.show(console.table(_title(difference), _COLUMNS, rows, right=_COLUMNS[1:5]))
    if difference.layers:
        columns = [_TITLES.get(name, name) for name in _LAYERS]
        layers = [_layer(row) for row in difference.layers]
        console.show(console.table("layers that changed", columns, layers, right=columns[2:]))
    console.show(*(f"note: {note}" for note in difference.notes))


def markdown(difference: Difference) -> str:
    """A comment for a pull request. Names from models are shown as text."""
    rows = [[*_row(change), "❌ too much" if change.exceeded else ""] for change in difference.changes]
    lines = [f"### {_plain(_title(difference))}", "", *_grid(_COLUMNS, rows, left=1)]
    if difference.layers:
        columns = [_TITLES.get(name, name) for name in _LAYERS]
        layers = [list(_layer(row)) for row in difference.layers]
        lines += ["", f"<details><summary>{len(layers)} layers changed</summary>", ""]
        lines += [*_grid(columns, layers, left=2), "", "</details>"]
    lines += [line for note in difference.notes for line in ("", f"_{_plain(note)}_")]
    return "\n".join(lines) + "\n"


def _grid(columns: list[str], rows: list[list[str]], left: int) -> list[str]:
    """The first ``left`` columns are aligned left."""
    rule = ["---" if index < left else "---:" for index in range(len(columns))]
    return [f"| {' | '.join(cells)} |" for cells in (columns, rule, *([_plain(c) for c in r] for r in rows))]


def _plain(text: str) -> str:
    """Neither Markdown nor HTML."""
    safe = escape(printable(text), quote=False)
    return "".join(f"\\{mark}" if mark in "\\`*_[]|~#!@" else mark for mark in safe)


def _title(difference: Difference) -> str:
    before, after = difference.models
    names = after if before == after else f"{before} → {after}"
    return f"{names}, {difference.target}"


def _row(change: Change) -> tuple[str, str, str, str, str]:
    before, after, limit = change.before, change.after, change.limit
    if change.name == ACCURACY:
        grown = f"{change.grown:+.2f} points" if change.grown else ""
        lost = "" if limit is None else f"−{limit.amount:g} points"
        return change.name, _percent(before), _percent(after), grown, lost
    return change.name, _count(before), _count(after), _grown(before, after), str(limit or "")


def _grown(before: Figure, after: Figure) -> str:
    if before is None or after is None or before == after:
        return ""
    share = f" ({(after - before) / before:+.1%})" if before else ""
    return f"{after - before:+,.0f}{share}"


def _layer(row: LayerChange) -> tuple[str, ...]:
    """What changed of it; all of a layer that is new or gone."""
    if row.before is None or row.after is None:
        state, figures = ("new", row.after) if row.before is None else ("gone", row.before)
        assert figures is not None
        counts = (_count(figures[name]) for name in LAYER_FIGURES)
        return (f"{_short(row.node)} ({state})", row.operator, *counts)
    pairs = ((row.before[name], row.after[name]) for name in LAYER_FIGURES)
    changes = ("" if before == after else f"{_count(before)} → {_count(after)}" for before, after in pairs)
    return (_short(row.node), row.operator, *changes)


def _short(node: str) -> str:
    """Converters make names of hundreds of characters: their ends tell them apart."""
    return node if len(node) <= _LONGEST else f"{node[: _LONGEST // 2]}…{node[-_LONGEST // 2 :]}"


def _count(figure: Figure) -> str:
    return "–" if figure is None else f"{figure:,.0f}"


def _percent(figure: Figure) -> str:
    return "–" if figure is None else f"{figure:.2f} %"
