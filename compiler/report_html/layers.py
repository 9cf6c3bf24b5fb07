"""The table of layers: cells as text, with the number that each is sorted by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .text import count, percent, shape, short

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """``value`` is what the column is sorted by, None behind all others; ``share`` is that of the largest in
    a scaled column."""

    text: str
    value: float | str | None
    note: str = ""
    share: float | None = None


@dataclass(frozen=True)
class Column:
    """``path`` is the figure's place in report.json, whose origin the header states; "" for what is none."""

    title: str
    path: str
    numeric: bool = True
    scaled: bool = False
    """A bar behind each number shows its share of the largest."""


@dataclass(frozen=True)
class LayerTable:
    """Rows have a cell per column."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


def layer_table(report: Mapping[str, Any]) -> LayerTable:
    """All layers in the order of execution, without columns that hold nothing."""
    rows = report["layers"]
    filled = ((column, [of(row) for row in rows]) for column, of in _COLUMNS)
    made = [
        (column, _scaled(cells) if column.scaled else cells)
        for column, cells in filled
        if any(cell.value is not None for cell in cells)
    ]
    return LayerTable(
        [column for column, _ in made],
        [list(cells) for cells in zip(*(cells for _, cells in made), strict=True)],
    )


def _scaled(cells: Sequence[Cell]) -> list[Cell]:
    known = [cell.value for cell in cells if isinstance(cell.value, (int, float))]
    return [
        replace(cell, share=cell.value / max(*known, 1)) if isinstance(cell.value, (int, float)) else cell
        for cell in cells
    ]


def _amount(key: str, form: Callable[[Any], str] = count) -> Callable[[Row], Cell]:
    return lambda row: Cell(form(row[key]), row[key])


def _bits(row: Row) -> Cell:
    bits = row["activation_bits"], row["weight_bits"]
    return Cell(f"{bits[0]}" if bits[1] is None else f"{bits[0]} × {bits[1]}", bits[0] * (bits[1] or 1))


def _error(row: Row) -> Cell:
    if row["lsb"] is not None:
        return Cell(count(row["lsb"]), row["lsb"])
    relative = row["relative_error"]
    return Cell("–" if relative is None else f"{relative:.1e} of the range", relative)


def _rate(row: Row) -> Cell:
    rate = row["spikes"] and row["spikes"]["firing_rate"]
    return Cell(percent(rate, 1), rate)


_COLUMNS: tuple[tuple[Column, Callable[[Row], Cell]], ...] = (
    (Column("#", ""), _amount("index")),
    (Column("layer", "", False), lambda row: Cell(short(row["name"]), row["name"], short(row["node"]))),
    (Column("operator", "", False), lambda row: Cell(short(row["operator"]), row["operator"])),
    (
        Column("output", "", False),
        lambda row: Cell(shape(row["output_shape"]), shape(row["output_shape"]), row["dtype"]),
    ),
    (Column("bits", ""), _bits),
    (Column("MACs", "layers.macs", scaled=True), _amount("macs")),
    (
        Column("recompute", "layers.recompute_ratio"),
        _amount("recompute_ratio", lambda ratio: "–" if ratio is None else f"{ratio:.2f}×"),
    ),
    (Column("instructions", "layers.instructions", scaled=True), _amount("instructions")),
    (Column("cycles", "layers.cycles", scaled=True), _amount("cycles")),
    (Column("spike rate", "layers.spikes.firing_rate"), _rate),
    (Column("SRAM, B", "layers.sram", scaled=True), _amount("sram")),
    (Column("weights, B", "layers.weights", scaled=True), _amount("weights")),
    (Column("code, B", "layers.code", scaled=True), _amount("code")),
    (Column("error, LSB", "layers.lsb"), _error),
)
