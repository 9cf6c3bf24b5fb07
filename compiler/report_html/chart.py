"""What all charts have in common. Chrome (text, grid, background) takes its colours from the page's style
sheet, light or dark; what is drawn has colours that stand out on both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

BLUE, TEAL, VIOLET, AMBER, PINK, GREY, RED, GREEN = (
    "#3d8fd1", "#2a9d8f", "#8e6bd6", "#e09f3e", "#d1689a", "#8a94a3", "#e5484d", "#2f9e62",
)  # fmt: skip
_FAINT = "rgba(61, 143, 209, 0.04)"
SHADES = [[0.0, _FAINT], [1.0, BLUE]]
"""A scale of colours from the page's own background to blue."""


@dataclass(frozen=True)
class Zoom:
    """A range of the vertical axis that a button shows."""

    label: str
    range: tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """A figure with what is said beneath it; ``id`` is unique on the page, ``height`` in pixels."""

    id: str
    title: str
    figure: Mapping[str, Any]
    caption: str
    height: int = 420
    zooms: tuple[Zoom, ...] = ()


def drawn(traces: Sequence[Any], **layout: Any) -> dict[str, Any]:
    """Plotly's figure as JSON takes it. Raises ValueError for what plotly does not know."""
    common = {
        "template": "none",
        "margin": {"l": 8, "r": 8, "t": 44, "b": 8},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        "hovermode": "closest",
        "separators": ".,",
    }
    return go.Figure(list(traces), common | layout).to_plotly_json()


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis whose labels always have room; numbers with thousands separators."""
    return {"title": {"text": title}, "automargin": True, "tickformat": ",~r", "zeroline": False, **more}


def cells(across: dict[str, Any], down: dict[str, Any]) -> dict[str, Any]:
    """The axes of a matrix: square cells, the first row on top."""
    return {
        "xaxis": across | {"showgrid": False, "constrain": "domain", "constraintoward": "left"},
        "yaxis": down
        | {"showgrid": False, "autorange": "reversed", "scaleanchor": "x", "constrain": "domain"},
    }


def level(name: str, y: float, across: Sequence[float], colour: str, dash: str) -> Any:
    """A horizontal line at ``y`` from the first to the last of ``across``. Its name in the legend says what
    it is: a label beside it would lie over the data."""
    return go.Scatter(
        name=name,
        x=[across[0], across[-1]],
        y=[y, y],
        mode="lines",
        line={"color": colour, "width": 2, "dash": dash},
        hovertemplate=name + "<extra></extra>",
    )
