"""The fronts: schedules by SRAM against cycles, and widths by accuracy against what they save."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from .chart import AMBER, BLUE, RED, SHADES, TEAL, Chart, axis, drawn, level
from .text import count, in_chart, percent, size

_STAR: Mapping[str, Any] = {
    "symbol": "star",
    "size": 18,
    "color": AMBER,
    "line": {"width": 1, "color": "#7a4d00"},
}


def schedule_front(report: Mapping[str, Any]) -> Chart:
    """Every schedule worth having, the chosen one a star."""
    points, sram = report["pareto"], report["sram"]
    told = [
        [
            str(p["point"]),
            in_chart(p["schedule"]),
            f"{p['recompute_ratio']:.2f}",
            size(p["arena"]),
            count(p["cycles"]),
        ]
        for p in points
    ]
    hover = (
        "<b>--pareto %{customdata[0]}</b><br>%{customdata[1]}<br>arena %{customdata[3]}<br>"
        "%{customdata[4]} cycles, estimated<br>%{customdata[2]} times the model's MACs<extra></extra>"
    )
    x, y = [p["cycles"] for p in points], [p["arena"] for p in points]
    all_of_them = go.Scatter(
        name="schedules", x=x, y=y, customdata=told, hovertemplate=hover, mode="lines+markers",
        line={"shape": "hv", "color": BLUE, "width": 1.5}, marker={"size": 8, "color": BLUE},
    )  # fmt: skip
    chosen = next(n for n, p in enumerate(points) if p["chosen"])
    taken = go.Scatter(
        name=f"chosen: --pareto {chosen + 1}", x=[x[chosen]], y=[y[chosen]], customdata=[told[chosen]],
        hovertemplate=hover, mode="markers", marker=dict(_STAR),
    )  # fmt: skip
    room = sram["budget"] - (sram["total"] - sram["arena"])
    near = 0 <= room <= 1.3 * max(y)
    lines = [level(f"room for the arena {size(room)}", room, (min(x), max(x)), RED, "dash")] if near else []
    figure = drawn(
        [all_of_them, taken, *lines],
        xaxis=axis("cycles, estimated"),
        yaxis=axis("arena, bytes", rangemode="tozero"),
    )
    caption = (
        "Each point is a schedule that computes the same bytes. To the left it is faster, below it is "
        "smaller; cycles are a rough model to compare points by. --pareto N takes point N."
    )
    return Chart("front", "SRAM against cycles", figure, caption)


def widths_front(report: Mapping[str, Any]) -> Chart:
    """What mixed precision found: accuracy against cycles or BitOPs, shaded by SRAM."""
    mixed = report["mixed_precision"]
    cost = mixed["objective"]
    unit = "BitOPs" if cost == "bitops" else "cycles, estimated"

    def points(name: str, found: list[Mapping[str, Any]], marker: dict[str, Any]) -> Any:
        told = [
            [
                count(p["cycles"]),
                count(p["bitops"]),
                size(p["sram"]),
                size(p["flash"]),
                f"{0.0 - p['drop']:+.2f}",
            ]
            for p in found
        ]
        return go.Scatter(
            name=name, x=[p[cost] for p in found], y=[100 * p["accuracy"] for p in found], mode="markers",
            marker=marker, customdata=told,
            hovertemplate="%{y:.2f} % (%{customdata[4]} points against int8)<br>"
            "%{customdata[1]} BitOPs<br>%{customdata[0]} cycles<br>arena %{customdata[2]}, "
            "weights %{customdata[3]}<extra>" + name + "</extra>",
        )  # fmt: skip

    shaded = {
        "size": 11, "color": [p["sram"] for p in mixed["front"]], "colorscale": SHADES, "cmin": 0,
        "line": {"width": 1, "color": BLUE}, 
        "colorbar": {"title": {"text": "arena, B"}, "thickness": 12, "tickformat": ",d"},
    }  # fmt: skip
    figure = drawn(
        [
            points("front", mixed["front"], shaded),
            points("int8", [mixed["int8"]], {"symbol": "diamond", "size": 13, "color": TEAL}),
            points("chosen", [mixed["chosen"]], dict(_STAR)),
        ],
        xaxis=axis(unit),
        yaxis=axis(f"{mixed['metric']}, %", tickformat=".1f"),
    )
    low, high = mixed["drop_interval"]
    caption = (
        f"{percent(mixed['value'])} {mixed['metric']} on {count(mixed['samples'])} calibration samples; "
        f"against int8 {0.0 - mixed['drop']:+.2f} points (95 %: {0.0 - high:+.2f} to {0.0 - low:+.2f}), "
        f"to be expected {0.0 - mixed['expected_drop']:+.2f}, at worst "
        f"{0.0 - mixed['expected_drop_bound']:+.2f}; {mixed['max_drop']:g} were allowed. "
        f"{mixed['warning'] or ''}"
    )
    return Chart("widths", "Mixed precision: accuracy against cost", figure, caption.strip())
