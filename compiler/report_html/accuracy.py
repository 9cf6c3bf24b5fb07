"""How sure the accuracy is, and what is taken for what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from .chart import BLUE, SHADES, Chart, axis, cells, drawn
from .text import count, interval, percent

_MOST_CLASSES = 32
"""Classes of a matrix that can still be read."""


def accuracy_chart(report: Mapping[str, Any]) -> Chart:
    """Shares with their confidence intervals."""
    accuracy = report["accuracy"]
    ends = accuracy["interval"]
    named = {"the model as it came": "reference", "compiled": "compiled", "agreement of both": "agreement"}
    rows = {name: key for name, key in named.items() if accuracy[key] is not None}
    shares = [accuracy[key] for key in rows.values()]
    figure = drawn(
        [
            go.Scatter(
                x=[100 * share for share in shares],
                y=list(rows),
                mode="markers",
                marker={"size": 11, "color": BLUE},
                error_x={
                    "type": "data", "symmetric": False, "color": BLUE, "thickness": 2, "width": 7,
                    "array": [100 * (ends[key][1] - accuracy[key]) for key in rows.values()],
                    "arrayminus": [100 * (accuracy[key] - ends[key][0]) for key in rows.values()],
                },
                customdata=[interval(ends[key]) for key in rows.values()],
                hovertemplate="%{y}: %{x:.2f} %<br>95 %: %{customdata}<extra></extra>",
            )
        ],
        xaxis=axis("% of samples", tickformat="~r"),
        yaxis=axis("", autorange="reversed", tickformat="", type="category"),
        showlegend=False,
    )  # fmt: skip
    told = "; ".join(f"{name} {percent(accuracy[key])} ({interval(ends[key])})" for name, key in rows.items())
    caption = (
        f"On {count(accuracy['samples'])} samples: {told}. Whiskers: Wilson's score interval of "
        f"{percent(ends['level'], 0)} for each share by itself; both models saw the same samples, so that "
        "their difference is surer than the whiskers tell. The compiled one is the C, run on this computer."
    )
    return Chart("accuracy", "Accuracy", figure, caption, height=90 + 55 * len(rows))


def confusion_chart(report: Mapping[str, Any]) -> Chart | None:
    """The confusion matrix; None without labels, and for more classes than can be read."""
    accuracy = report["accuracy"]
    if accuracy is None or accuracy["confusion"] is None or not 2 <= accuracy["classes"] <= _MOST_CLASSES:
        return None
    entries = {(label, given): samples for label, given, samples in accuracy["confusion"]}
    if any(not 0 <= label < accuracy["classes"] for label, _ in entries):
        return None
    classes = range(accuracy["classes"])
    counts = [[entries.get((label, given), 0) for given in classes] for label in classes]
    shares = [[samples / max(sum(row), 1) for samples in row] for row in counts]
    names = [str(number) for number in classes]
    matrix = go.Heatmap(
        z=shares, x=names, y=names, text=[[str(n or "") for n in row] for row in counts], colorscale=SHADES,
        zmin=0, zmax=1, showscale=False, xgap=1, ygap=1, customdata=counts, texttemplate="%{text}",
        hovertemplate="label %{y}, given %{x}: %{customdata} samples, %{z:.1%} of the label's<extra></extra>",
    )  # fmt: skip
    figure = drawn(
        [matrix],
        **cells(
            axis("class that the compiled model gives", type="category", tickformat=""),
            axis("label", type="category", tickformat=""),
        ),
    )
    wrong = sum(samples for (label, given), samples in entries.items() if label != given)
    caption = (
        f"Confusion matrix: {count(wrong)} of {count(accuracy['samples'])} samples lie off the diagonal. "
        "Shades: share of the label's samples."
    )
    return Chart("confusion", "Confusion matrix", figure, caption, height=min(190 + 28 * len(names), 640))


def confusions(report: Mapping[str, Any]) -> list[tuple[int, int, int]]:
    """The most frequent mistakes as (label, given, samples), where classes are too many for a matrix."""
    accuracy = report["accuracy"]
    if accuracy is None or accuracy["confusion"] is None or confusion_chart(report) is not None:
        return []
    wrong = [(label, given, n) for label, given, n in accuracy["confusion"] if label != given]
    return sorted(wrong, key=lambda entry: (-entry[2], entry))[:20]
