"""Spikes: what they cost layer by layer, and how sure the network is after each time step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from .chart import AMBER, BLUE, GREY, TEAL, Chart, axis, drawn
from .text import count, in_chart, percent, size


def spike_chart(report: Mapping[str, Any]) -> Chart | None:
    """Additions that spikes cause beside the multiplications that they replace; None without spikes."""
    rows = [row for row in report["layers"] if row["spikes"] and row["spikes"]["dense_macs"]]
    if not rows:
        return None
    names = [in_chart(row["name"]) for row in rows]
    rates = [row["spikes"]["firing_rate"] for row in rows]
    additions = [row["spikes"]["synaptic_operations"] for row in rows]
    macs = [row["spikes"]["dense_macs"] for row in rows]
    hover = "<b>%{x}</b><br>%{y:,} %{fullData.name}<br>inputs that spike: %{customdata}<extra></extra>"
    shown = [percent(rate) for rate in rates]
    figure = drawn(
        [
            go.Bar(
                name="MACs of the dense layer", x=names, y=macs, marker={"color": GREY},
                customdata=shown, hovertemplate=hover,
            ),
            go.Bar(
                name="additions (ACs)", x=names, y=additions, marker={"color": AMBER}, customdata=shown,
                hovertemplate=hover, text=["" if rate is None else percent(rate, 0) for rate in rates],
                textposition="outside",
            ),
        ],
        barmode="group",
        xaxis=axis("", type="category", tickformat=""),
        yaxis=axis("operations in a time step"),
    )  # fmt: skip
    known = [n for n in additions if n is not None]
    kept = sum(row["spikes"]["state_bytes"] for row in report["layers"] if row["spikes"])
    caption = (
        f"{count(sum(known)) if len(known) == len(rows) else 'An unknown number of'} additions in place of "
        f"{count(sum(macs))} multiply-accumulates in a time step; neurons keep {size(kept)}. Above the bars: "
        "share of inputs that spike, on the calibration samples."
    )
    return Chart("spikes", "Spikes by layer", figure, caption)


def steps_chart(report: Mapping[str, Any]) -> Chart | None:
    """Accuracy by time step; None where the network was neither converted to spikes here nor judged."""
    spiking = report["spiking"]
    if spiking is None:
        return None
    made, done = spiking["calibration"], spiking["evaluation"]
    taken, said = (made, "calibration") if done is None else (done, "evaluation")
    if taken is None:
        return None
    lines: list[tuple[str, Sequence[float], str]] = []
    if made is not None:
        lines.append(("agreement on the calibration samples", made["agreement_by_step"], TEAL))
    if done is not None:
        lines.append((f"{done['metric']} on the evaluation samples", done["by_step"], BLUE))
    traces = [
        go.Scatter(
            name=name, x=list(range(1, len(shares) + 1)), y=[100 * share for share in shares],
            mode="lines+markers", line={"color": colour},
            hovertemplate="after step %{x}: %{y:.2f} %<extra></extra>",
        )
        for name, shares, colour in lines
    ]  # fmt: skip
    figure = drawn(
        traces,
        xaxis=axis("time step", dtick=max(1, spiking["steps"] // 16)),
        yaxis=axis("% of samples", tickformat="~r"),
    )
    at_exit = taken["agreement_at_exit"] if done is None else taken["at_exit"]
    caption = (
        f"An inference ends when the output is certain, after {taken['mean_steps']:.1f} of "
        f"{spiking['steps']} steps on average; then it is right in {percent(at_exit)} of the {said} samples."
    )
    return Chart("steps", "Accuracy by time step", figure, caption, height=360)
