"""Pictures that add up to the numbers beside them."""

from __future__ import annotations

from typing import Any

import pytest

from tinyc.compiler.report_html.accuracy import confusion_chart, confusions
from tinyc.compiler.report_html.flash import flash_chart
from tinyc.compiler.report_html.fronts import schedule_front, widths_front
from tinyc.compiler.report_html.layers import layer_table
from tinyc.compiler.report_html.patches import patch_chart
from tinyc.compiler.report_html.spikes import spike_chart, steps_chart
from tinyc.compiler.report_html.sram import sram_chart
from tinyc.compiler.report_html.summary import cards

from .subjects import content, deep, digits, measured


def bars(figure: Any) -> list[dict[str, Any]]:
    return [trace for trace in figure["data"] if trace["type"] == "bar"]


def test_the_sram_picture_adds_up() -> None:
    report = content(measured())
    sram, chart = report["sram"], sram_chart(report)
    tops = [
        base + y for trace in bars(chart.figure) for base, y in zip(trace["base"], trace["y"], strict=True)
    ]
    assert max(tops) == sram["total"] == sram["arena"] + sram["static"] + sram["stack"]
    drawn = {
        told[0]: (x - width / 2, x + width / 2, base, base + y)
        for trace in bars(chart.figure)
        if "customdata" in trace
        for told, x, width, base, y in zip(
            *(trace[k] for k in ("customdata", "x", "width", "base", "y")), strict=True
        )
    }
    assert drawn == {
        row["name"]: (row["first"], row["last"] + 1, row["offset"], row["offset"] + row["bytes"])
        for row in report["buffers"]
    }
    total, bound, limit = (trace["y"][0] for trace in chart.figure["data"][-3:])
    assert (total, bound, limit) == (sram["total"], sram["lower_bound"], sram["budget"])
    needs, budget = chart.zooms
    assert needs.range[1] < sram["budget"] < budget.range[1]


@pytest.mark.parametrize("budget", [2000, 4000])
def test_a_budget_that_is_near_is_in_the_picture(budget: int) -> None:
    report = content(digits())
    chart = sram_chart(report | {"sram": report["sram"] | {"budget": budget}})
    assert not chart.zooms
    assert chart.figure["layout"]["yaxis"]["range"][1] > max(budget, report["sram"]["total"])


def test_state_lies_above_the_arena() -> None:
    report = content(digits())
    arena = report["sram"]["arena"]
    state = report["buffers"][0] | {
        "name": "held",
        "role": "state",
        "offset": 8,
        "bytes": 40,
        "held": [[0, 7, 0, 40]],
    }
    changed = report | {
        "buffers": [*report["buffers"], state],
        "sram": report["sram"] | {"state": 48, "total": arena + 48},
    }
    (band,) = (trace for trace in bars(sram_chart(changed).figure) if trace["name"] == "state")
    assert list(band["base"]) == [arena + 8] and list(band["y"]) == [40]


def test_flash_adds_up() -> None:
    report = content(measured())
    for shown in (report, deep(report, 300)):
        total = {trace["name"]: sum(trace["x"]) for trace in bars(flash_chart(shown).figure)}
        layers = shown["layers"]
        assert total["weights and tables"] == max(
            report["flash"]["weights"], sum(r["weights"] for r in layers)
        )
        assert total["code"] == max(report["flash"]["code"], sum(r["code"] for r in layers))
    assert 0 < sum(row["code"] for row in report["layers"]) < report["flash"]["code"]


def test_the_front_marks_what_was_chosen() -> None:
    report = content(digits(schedule="min-sram"))
    every, chosen = schedule_front(report).figure["data"]
    assert list(zip(every["x"], every["y"], strict=True)) == [
        (p["cycles"], p["arena"]) for p in report["pareto"]
    ]
    assert (list(chosen["x"]), list(chosen["y"])) == ([every["x"][-1]], [report["sram"]["arena"]])


def test_layers_have_a_cell_for_each_figure() -> None:
    report = content(measured())
    table = layer_table(report)
    titles = [column.title for column in table.columns]
    assert {"MACs", "recompute", "instructions", "cycles", "bits", "SRAM, B", "error, LSB"} <= set(titles)
    assert "spike rate" not in titles
    for row, cells in zip(report["layers"], table.rows, strict=True):
        found = dict(zip(titles, cells, strict=True))
        assert found["cycles"].value == row["cycles"] and found["cycles"].text == f"{row['cycles']:,}"
        assert found["MACs"].share == row["macs"] / max(r["macs"] for r in report["layers"])
        assert found["error, LSB"].value == row["lsb"]
    unmeasured = [column.title for column in layer_table(content(digits())).columns]
    assert not {"instructions", "cycles", "code, B", "error, LSB"} & set(unmeasured)


def test_every_card_states_an_origin_that_there_is() -> None:
    for report in (content(measured()), content(digits())):
        paths = [card.path for card in cards(report) if card.path]
        assert paths[:2] == ["sram.total", "flash.total"] and all(path in report["origins"] for path in paths)


def judged(confusion: list[list[int]], classes: int) -> dict[str, Any]:
    samples = sum(n for _, _, n in confusion)
    return {"accuracy": {"samples": samples, "classes": classes, "confusion": confusion}}


def test_confusion_matrix() -> None:
    chart = confusion_chart(judged([[0, 0, 3], [0, 2, 1], [2, 2, 5]], 3))
    assert chart is not None
    (matrix,) = chart.figure["data"]
    assert [list(row) for row in matrix["customdata"]] == [[3, 0, 1], [0, 0, 0], [0, 0, 5]]
    assert [list(row) for row in matrix["z"]] == [[0.75, 0, 0.25], [0, 0, 0], [0, 0, 1]]
    assert chart.caption.startswith("Confusion matrix: 1 of 9 samples")


@pytest.mark.parametrize(("label", "classes"), [(5, 1000), (-1, 3), (3, 3)])
def test_no_matrix_for_many_classes_or_foreign_labels(label: int, classes: int) -> None:
    report = judged([[0, 0, 3], [label, 0, 2], [1, 2, 7]], classes)
    assert confusion_chart(report) is None
    assert confusions(report) == [(1, 2, 7), (label, 0, 2)]


def point(sram: int, accuracy: float) -> dict[str, Any]:
    return {
        "sram": sram,
        "flash": 10,
        "bitops": 9 * sram,
        "cycles": 5 * sram,
        "accuracy": accuracy,
        "drop": 1.0,
    }


@pytest.mark.parametrize("objective", ["cycles", "bitops"])
def test_mixed_precision_has_its_front_and_its_patches(objective: str) -> None:
    patches = {
        "grid": [2, 3], "layers": 4, "coverage": 0.96, "threshold": 0.5, "mean": 0.3, "deviation": 0.1,
        "shares": [[0.6, 0.0, 0.5], [0.0, 0.0, 1.0]], "map": ["#··", "··#"], "wide": 2,
    }  # fmt: skip
    front = [point(300, 0.99), point(200, 0.97)]
    mixed = {
        "objective": objective, "metric": "top-1", "samples": 128, "value": 0.97, "drop": 1.0,
        "max_drop": 3.0,
        "drop_interval": [-1.0, 2.0], "expected_drop": 0.5, "expected_drop_bound": 1.5, "warning": None,
        "int8": front[0], "chosen": front[1], "front": front, "patches": patches,
    }  # fmt: skip
    every, _, chosen = widths_front({"mixed_precision": mixed}).figure["data"]
    assert list(every["x"]) == [p[objective] for p in front] and list(every["y"]) == [99.0, 97.0]
    assert (list(chosen["x"]), list(chosen["y"])) == ([front[1][objective]], [97.0])
    (grid,) = patch_chart({"mixed_precision": mixed}).figure["data"]
    assert [[cell.split("<br>")[0] for cell in line] for line in grid["text"]] == [
        ["8 bits", "fewer", "fewer"], ["fewer", "fewer", "8 bits"]
    ]  # fmt: skip


def test_spikes() -> None:
    def layer(name: str, rate: float | None, additions: int | None, macs: int) -> dict[str, Any]:
        spikes = {
            "firing_rate": rate,
            "synaptic_operations": additions,
            "dense_macs": macs,
            "state_bytes": 16,
        }
        return {"name": name, "spikes": spikes}

    dense = {"name": "dense", "spikes": None}
    chart = spike_chart({"layers": [dense, layer("a", 0.25, 30, 120), layer("n", None, None, 0)]})
    assert chart is not None
    macs, additions = chart.figure["data"]
    assert (list(macs["y"]), list(additions["y"])) == ([120], [30])
    assert "30 additions in place of 120" in chart.caption and "keep 32" in chart.caption
    assert spike_chart({"layers": [dense]}) is None and steps_chart({"spiking": None}) is None
    spiking = {
        "steps": 3,
        "calibration": {"agreement_by_step": [0.2, 0.5, 0.9], "agreement_at_exit": 0.9, "mean_steps": 2.5},
        "evaluation": {"metric": "top-1", "by_step": [0.1, 0.4, 0.8], "at_exit": 0.8, "mean_steps": 2.25},
    }  # fmt: skip
    chart = steps_chart({"spiking": spiking})
    assert chart is not None and "after 2.2 of 3 steps" in chart.caption
    assert [list(line["y"]) for line in chart.figure["data"]] == [[20, 50, 90], [10, 40, 80]]
    judged = steps_chart({"spiking": spiking | {"calibration": None}})
    assert judged is not None and [list(line["y"]) for line in judged.figure["data"]] == [[10, 40, 80]]
    assert steps_chart({"spiking": spiking | {"calibration": None, "evaluation": None}}) is None
