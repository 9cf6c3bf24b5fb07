"""Flash by layer: weights and code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from .chart import AMBER, BLUE, Chart, axis, drawn
from .text import in_chart, size

_MOST = 30
"""Layers with a bar of their own, the largest first; the others share one."""
_ROW = 22
"""Pixels of a bar."""


class _Bytes(NamedTuple):
    name: str
    weights: int
    code: int


def flash_chart(report: Mapping[str, Any]) -> Chart:
    """Stacked bars that add up to the flash total."""
    flash, shown = report["flash"], _shown(report)
    names = [row.name for row in shown]
    bars = [
        go.Bar(
            name=label, orientation="h", y=names, x=amounts, marker={"color": colour},
            customdata=[size(nbytes) for nbytes in amounts],
            hovertemplate="<b>%{y}</b><br>" + label + " %{customdata}<extra></extra>",
        )
        for label, amounts, colour in (
            ("weights and tables", [row.weights for row in shown], BLUE),
            ("code", [row.code for row in shown], AMBER),
        )
    ]  # fmt: skip
    figure = drawn(
        bars if flash["code"] else bars[:1],
        barmode="stack",
        showlegend=True,
        xaxis=axis("bytes", side="top"),
        yaxis=axis("", autorange="reversed", tickformat="", type="category", dtick=1),
        legend={"orientation": "h", "y": 0, "yanchor": "top", "x": 0, "traceorder": "normal"},
        bargap=0.3,
    )
    caption = f"Constants {size(flash['weights'])}"
    if flash["code"] is None:
        caption += "; code was not measured."
    else:
        caption += (
            f" + code {size(flash['code'])} = {size(flash['total'])}. A layer's code is its function; what "
            "several layers call, the entry, and what the compiler's libraries add is shared."
        )
    return Chart("flash", "Flash by layer", figure, caption, height=110 + _ROW * len(shown))


def _shown(report: Mapping[str, Any]) -> list[_Bytes]:
    """The largest layers, in their order; what the others take, and what no layer has for itself."""
    flash = report["flash"]
    rows = [_Bytes(in_chart(row["name"]), row["weights"], row["code"] or 0) for row in report["layers"]]
    most = set(sorted(rows, key=lambda row: -row.weights - row.code)[:_MOST])
    shown, rest = [row for row in rows if row in most], [row for row in rows if row not in most]
    if rest:
        shown.append(_Bytes(f"{len(rest)} other layers", *_sums(rest)))
    weights, code = _sums(rows)
    without = max(flash["weights"] - weights, 0), max((flash["code"] or 0) - code, 0)
    shared = _Bytes("shared by layers", *without)
    return [*shown, shared] if shared.weights or shared.code else shown


def _sums(rows: Sequence[_Bytes]) -> tuple[int, int]:
    return sum(row.weights for row in rows), sum(row.code for row in rows)
