"""SRAM over time: every buffer a rectangle of tasks by bytes, and above the arena what lies outside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from .chart import AMBER, BLUE, GREEN, GREY, PINK, RED, TEAL, VIOLET, Chart, Zoom, axis, drawn, level
from .text import count, in_chart, percent, size

_COLOURS = {"input": BLUE, "activation": TEAL, "output": VIOLET, "scratch": AMBER, "state": PINK}
_BANDS = {"static": ("variables", "#a3917a"), "stack": ("stack", GREY)}
_MOST_NAMES = 40
"""Layers that are named along the axis; of more the axis counts tasks."""
_NEAR = 1.6
"""A budget of up to so many times the total is shown with it."""


def sram_chart(report: Mapping[str, Any]) -> Chart:
    """The whole SRAM total, from the arena's first byte up."""
    sram, tasks = report["sram"], max(report["timeline"]["tasks"], 1)
    rows = [row for row in report["buffers"] if row["bytes"]]
    lifted = [row | {"y": row["offset"] + (sram["arena"] if row["role"] == "state" else 0)} for row in rows]
    traces = [
        trace
        for role, colour in _COLOURS.items()
        if (mine := [row for row in lifted if row["role"] == role])
        for trace in _buffers(report, role, colour, mine)
    ]
    far = (0.0, 1.1 * max(sram["budget"], sram["total"]))
    close = far if _budget_is_near(sram) else (0.0, 1.1 * sram["total"])
    figure = drawn(
        [*traces, *_bands(sram, tasks), *_levels(sram, tasks)],
        barmode="overlay",
        xaxis=_task_axis(report, tasks),
        yaxis=axis("bytes", range=list(close)),
    )
    zooms = () if _budget_is_near(sram) else (Zoom("What it needs", close), Zoom("Against the budget", far))
    return Chart("sram", "SRAM over time", figure, _caption(report), height=520, zooms=zooms)


def _buffers(
    report: Mapping[str, Any], role: str, colour: str, rows: Sequence[Mapping[str, Any]]
) -> list[Any]:
    """Rectangles to point at, the parts of them that hold something, and their outlines."""
    bars = go.Bar(
        name=role,
        legendgroup=role,
        x=[(row["first"] + row["last"] + 1) / 2 for row in rows],
        width=[row["last"] + 1 - row["first"] for row in rows],
        base=[row["y"] for row in rows],
        y=[row["bytes"] for row in rows],
        customdata=[_told(report, row) for row in rows],
        hovertemplate="<b>%{customdata[0]}</b><br>tensor %{customdata[1]}<br>layer %{customdata[2]}<br>"
        "%{customdata[3]}<br>%{customdata[4]}<br>%{customdata[5]}<extra>" + role + "</extra>",
        marker={"color": colour, "opacity": 0.3},
    )
    parts = [(row["y"], part) for row in rows for part in row["held"]]
    held = _outlined([(first, last, y + begin, y + end) for y, (first, last, begin, end) in parts])
    frames = _outlined([(row["first"], row["last"], row["y"], row["y"] + row["bytes"]) for row in rows])
    silent: dict[str, Any] = {"mode": "lines", "hoverinfo": "skip", "showlegend": False, "legendgroup": role}
    return [
        bars,
        go.Scatter(**held, **silent, fill="toself", fillcolor=colour, line={"width": 0}, opacity=0.75),
        go.Scatter(**frames, **silent, line={"color": "rgba(20, 30, 40, 0.7)", "width": 1}),
    ]


def _outlined(rectangles: Sequence[tuple[int, int, int, int]]) -> dict[str, list[int | None]]:
    """Closed paths around (first task, last task, first byte, byte behind)."""
    x: list[int | None] = []
    y: list[int | None] = []
    for first, last, begin, end in rectangles:
        x += [first, last + 1, last + 1, first, first, None]
        y += [begin, begin, end, end, begin, None]
    return {"x": x, "y": y}


def _told(report: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
    layers = report["layers"]
    layer = "–" if row["layer"] is None else layers[row["layer"] - 1]["name"]
    block = "state" if row["role"] == "state" else "arena"
    return [
        in_chart(row["name"]),
        in_chart(row["tensor"]) or "–",
        in_chart(layer),
        f"{size(row['bytes'])} at {block} + {count(row['offset'])}",
        f"lives from task {row['first']} to {row['last']}",
        f"storage: {row['storage']}",
    ]


def _bands(sram: Mapping[str, Any], tasks: int) -> list[Any]:
    """What lies outside arena and state, the whole time."""
    bars: list[Any] = []
    base = sram["arena"] + sram["state"]
    for key, (name, colour) in _BANDS.items():
        if nbytes := sram[key]:
            bars.append(
                go.Bar(
                    name=name, x=[tasks / 2], width=[tasks], base=[base], y=[nbytes],
                    hovertemplate=f"<b>{name}</b><br>{size(nbytes)}, measured on the emulated board"
                    "<extra></extra>",
                    marker={"color": colour, "opacity": 0.85},
                )
            )  # fmt: skip
            base += nbytes
    return bars


def _levels(sram: Mapping[str, Any], tasks: int) -> list[Any]:
    bound = "proved least arena" if sram["proved_optimal"] else "lower bound of the arena"
    colour = RED if sram["total"] > sram["budget"] else GREEN
    lines = (
        ("total", sram["total"], colour, "solid"),
        (bound, sram["lower_bound"], VIOLET, "dot"),
        ("budget", sram["budget"], RED, "dash"),
    )
    return [level(f"{name} {size(y)}", y, (0, tasks), tint, dash) for name, y, tint, dash in lines]


def _budget_is_near(sram: Mapping[str, Any]) -> bool:
    return sram["budget"] <= _NEAR * sram["total"]


def _task_axis(report: Mapping[str, Any], tasks: int) -> dict[str, Any]:
    """With the names of layers, where there are few enough to read."""
    runs, across = report["timeline"]["runs"], {"range": [0, tasks], "showgrid": False}
    if runs is None or len(runs) > _MOST_NAMES:
        return axis("task", **across)
    names = [in_chart(report["layers"][layer - 1]["name"]) for layer, _, _ in runs]
    middle = [(first + last + 1) / 2 for _, first, last in runs]
    return axis("tasks, by layer", tickvals=middle, ticktext=names, **across)


def _caption(report: Mapping[str, Any]) -> str:
    sram = report["sram"]
    parts = [f"arena {size(sram['arena'])}", *([f"state {size(sram['state'])}"] if sram["state"] else [])]
    if sram["stack"] is not None:
        parts += [f"variables {size(sram['static'])}"] if sram["static"] else []
        parts += [f"stack {size(sram['stack'])}"]
    told = " + ".join(parts) + (f" = {size(sram['total'])}." if len(parts) > 1 else ".")
    if any(row["held"] != [[row["first"], row["last"], 0, row["bytes"]]] for row in report["buffers"]):
        told += (
            " Pale: bytes that a buffer owns while it lives; full: the rows of it that hold data just then. "
        )
        told += "Another buffer may lie over the rest."
    if sram["stack"] is None:
        told += " Stack and variables are not in the picture: they were not measured."
    if not _budget_is_near(sram):
        used = percent(sram["total"] / sram["budget"], 1)
        told += f" The budget of {size(sram['budget'])} lies far above: {used} is used."
    return told
