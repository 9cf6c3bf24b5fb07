"""Puts the page together."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from .accuracy import accuracy_chart, confusion_chart, confusions
from .chart import Chart
from .flash import flash_chart
from .fronts import schedule_front, widths_front
from .layers import layer_table
from .patches import patch_chart
from .spikes import spike_chart, steps_chart
from .sram import sram_chart
from .summary import cards, facts
from .text import short

_MEANINGS = {
    "planned": "follows exactly from the memory plan and the list of tasks, or from the model",
    "measured on the emulated board": "the C, cross-compiled, ran in a device with just the board's memory",
    "measured on this computer": "the C, or the emulator that agrees with it byte by byte, ran on samples",
    "modelled": "the instructions of that run, by a table of the core's timings",
    "estimated": "from counts, before there was a run of the C",
}


def page(report: Mapping[str, Any]) -> str:
    """HTML from the content of report.json; the same content gives the same text."""
    charts = _charts(report)
    script = Markup(_resource("report.js"))
    plotly = Markup(_plotly())
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            fits=report["refusal"] is None,
            cards=cards(report),
            facts=facts(report),
            table=layer_table(report),
            charts={chart.id: chart for chart in charts},
            confusions=confusions(report),
            origins=report["origins"],
            meanings=_MEANINGS,
            style=Markup(_resource("report.css")),
            plotly=plotly,
            script=script,
            hashes=[_digest(plotly), _digest(script)],
        )
    )


def _charts(report: Mapping[str, Any]) -> list[Chart]:
    mixed = report["mixed_precision"]
    found = [
        sram_chart(report),
        schedule_front(report),
        widths_front(report) if mixed is not None else None,
        patch_chart(report) if mixed is not None and mixed["patches"] is not None else None,
        flash_chart(report),
        accuracy_chart(report) if report["accuracy"] is not None else None,
        confusion_chart(report),
        spike_chart(report),
        steps_chart(report),
    ]
    return [chart for chart in found if chart is not None]


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("tinyc.compiler"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["short"] = short
    return made


def _resource(name: str) -> str:
    return (files("tinyc.compiler") / "templates" / name).read_text(encoding="utf-8")


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def _digest(script: str) -> str:
    """What lets a page's own script run, and no other (Content Security Policy Level 3, section 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
