"""The patch map of mixed precision: which positions of the image keep 8 bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from .chart import SHADES, Chart, axis, cells, drawn
from .text import percent


def patch_chart(report: Mapping[str, Any]) -> Chart:
    """A cell per patch, shaded by the share of samples with outliers there."""
    patches = report["mixed_precision"]["patches"]
    down, across = patches["grid"]
    decided = patches["map"] or [[""] * across] * down
    names = {"#": "8 bits<br>", "·": "fewer<br>", "": ""}
    widths = [
        [f"{names[cell]}{percent(share, 0)}" for cell, share in zip(*line, strict=True)]
        for line in zip(decided, patches["shares"], strict=True)
    ]
    grid = go.Heatmap(
        z=patches["shares"], x=list(range(across)), y=list(range(down)), colorscale=SHADES, zmin=0, zmax=1,
        xgap=2, ygap=2, text=widths, texttemplate="%{text}", showscale=False,
        hovertemplate="row %{y}, column %{x}: outliers in %{z:.0%} of samples<extra></extra>",
    )  # fmt: skip
    figure = drawn([grid], **cells(axis("patch, across", dtick=1), axis("patch, down", dtick=1)))
    beyond = (
        f"values outside the middle {percent(patches['coverage'], 0)} of a normal distribution "
        f"of {patches['mean']:.3g} ± {patches['deviation']:.3g}."
    )
    first = f"the first {patches['layers']} layers"
    if patches["map"] is None:
        caption = f"In each inference, those patches keep 8 bits in {first} that hold {beyond}"
    else:
        caption = (
            f"{patches['wide']} of {down * across} patches keep 8 bits in {first}, those in which more than "
            f"{percent(patches['threshold'], 0)} of the calibration samples hold {beyond}"
        )
    return Chart("patches", "Patches", figure, caption, height=160 + min(90 * down, 420))
