"""Sums and products by the micro-kernels for Arm's DSP extension."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from .boards import M4, check_all, check_layer, check_schedules, sampled, tailored
from .broadcasts import RUN_TIME
from .checks import Quant, qdq_model

QUANTS: dict[str, Quant] = {"a": (0.05, 3), "b": (0.04, -7), "y": (0.09, 5)}
LONG = {
    "long": ((1, 9, 6, 7), (1, 9, 6, 7)),
    "gate": ((1, 6, 7, 11), (1, 1, 1, 11)),
    "gate of a signal": ((1, 9, 6), (1, 1, 6)),
}
ELEMENTWISE = {"Add": "sum", "Sub": "sum", "Mul": "product"}
SHAPES = {**LONG, **RUN_TIME}


def _model(operator: str, case: str, activation: str | None = None) -> onnx.ModelProto:
    shapes = SHAPES[case]
    nodes = [helper.make_node(operator, ["a", "b"], ["s" if activation else "y"], "op")]
    bounds = ["low", "high"] if activation == "Clip" else []
    nodes += [helper.make_node(activation, ["s", *bounds], ["y"], "activation")] if activation else []
    constants = {"low": np.float32(-0.4), "high": np.float32(0.6)} if bounds else {}
    staged = all(len(shape) in (3, 4) for shape in shapes)
    return qdq_model(nodes, dict(zip("ab", shapes, strict=True)), ["y"], QUANTS, constants, stage=staged)


@pytest.mark.parametrize("operator", ELEMENTWISE)
@pytest.mark.parametrize("activation", [None, "Clip"])
@pytest.mark.parametrize("case", LONG)
def test_runs(operator: str, activation: str | None, case: str) -> None:
    check_all(_model(operator, case, activation), M4, f"dsp_{ELEMENTWISE[operator]}")


@pytest.mark.parametrize("operator", ["Sub", pytest.param("Mul", marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", sampled(LONG, "gate"))
def test_runs_in_other_schedules(operator: str, case: str) -> None:
    template = f"dsp_{ELEMENTWISE[operator]}"
    check_schedules(tailored(_model(operator, case), M4, template), M4)


APART = (
    "one value per channel", "one value per channel, on the left", "one value per row", "both grow", "scalar",
    "one element", "rank 5",
)  # fmt: skip
"""Elements that lie side by side in the output do not in one of the operands."""


@pytest.mark.parametrize("case", RUN_TIME)
def test_broadcasting(case: str) -> None:
    check_layer(_model("Mul", case), M4, "product" if case in APART else "dsp_product")
