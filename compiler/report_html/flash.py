"""Flash by layer: weights and code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from .chart import AMBER, BLUE, Chart, axis, drawn
from .text import in_chart, size

_MOST = 30
"""Layers with a bar of their own, the largest first; the others share one."""
_ROW = 22
"""Pixels of a bar."""


def flash_chart(report: Mapping[str, Any]) -> Chart:
    """Stacked bars that add up to the flash total."""
    layers, flash = report["layers"], report["flash"]
    rows = [(in_chart(row["name"]), row["weights"], row["code"] or 0) for row in layers]
    ranked = sorted(rows, key=lambda row: -row[1] - row[2])
    most = set(ranked[:_MOST])
    shown, rest = [row for row in rows if row in most], [row for row in rows if row not in most]
    if rest:
        shown.append((f"{len(rest)} other layers", sum(r[1] for r in rest), sum(r[2] for r in rest)))
    around = (
        "shared by layers",
        max(flash["weights"] - sum(row["weights"] for row in layers), 0),
        max((flash["code"] or 0) - sum(row["code"] or 0 for row in layers), 0),
    )
    shown += [around] if around[1] or around[2] else []
    names = [name for name, _, _ in shown]
    bars = [
        go.Bar(
            name=label, orientation="h", y=names, x=[row[column] for row in shown], marker={"color": colour},
            customdata=[size(row[column]) for row in shown],
            hovertemplate="<b>%{y}</b><br>" + label + " %{customdata}<extra></extra>",
        )
        for label, column, colour in (("weights and tables", 1, BLUE), ("code", 2, AMBER))
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
            f" + code {size(flash['code'])} = {size(flash['total'])}. A layer's code is its function; what several "
            "layers call, the entry, and what the compiler's libraries add is shared."
        )
    return Chart("flash", "Flash by layer", figure, caption, height=110 + _ROW * len(shown))
