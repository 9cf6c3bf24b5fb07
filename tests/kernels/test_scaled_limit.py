"""Min and Max on 8-bit data of any scales."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from tinyc.kernels.elementwise import Elementwise
from tinyc.kernels.scaled_limit import ScaledLimit
from tinyc.kernels.table import Table

from .broadcasts import CONSTANT, RUN_TIME
from .checks import Quant, check, qdq_model

QUANTS: dict[str, dict[str, Quant]] = {
    "alike": {"a": (0.05, 3), "b": (0.05, -7), "y": (0.05, 3)},
    "far apart": {"a": (0.11, -128), "b": (0.0007, 127), "y": (0.1, -128)},
    "fine result": {"a": (0.5, 2), "b": (0.3, -9), "y": (0.01, 0)},
}
A, B = np.meshgrid(*[np.arange(-128, 128, dtype=np.int8)] * 2)
PAIRS: list[dict[str, np.ndarray]] = [{"a_q": A, "b_q": B}]


@pytest.mark.parametrize("operator", ["Min", "Max"])
@pytest.mark.parametrize("case", QUANTS)
def test_every_pair_of_integers(operator: str, case: str) -> None:
    nodes = [helper.make_node(operator, ["a", "b"], ["y"])]
    quants = QUANTS[case]
    program = check(qdq_model(nodes, {"a": (256, 256), "b": (256, 256)}, ["y"], quants), samples=PAIRS)
    assert [type(step.kernel) for step in program.steps] == [ScaledLimit]


def test_operands_of_one_scale_are_compared_as_they_are() -> None:
    nodes = [helper.make_node("Max", ["a", "b"], ["y"])]
    quants: dict[str, Quant] = dict.fromkeys(("a", "b", "y"), (0.05, 3))
    program = check(qdq_model(nodes, {"a": (256, 256), "b": (256, 256)}, ["y"], quants), lsb=0, samples=PAIRS)
    assert [type(step.kernel) for step in program.steps] == [Elementwise]


@pytest.mark.parametrize(
    "case", ["same shape", "one value per channel", "both grow", "lower rank, last axis"]
)
def test_broadcasting(case: str) -> None:
    nodes = [helper.make_node("Min", ["a", "b"], ["s"]), helper.make_node("Relu", ["s"], ["y"])]
    quants = QUANTS["alike"]
    inputs = dict(zip("ab", RUN_TIME[case], strict=True))
    program = check(qdq_model(nodes, inputs, ["y"], quants, stage=True))
    assert sum(isinstance(step.kernel, ScaledLimit) for step in program.steps) == 1


@pytest.mark.parametrize("case", ["per channel", "full", "constant grows it"])
@pytest.mark.parametrize("result", [(0.08, -5), (0.05, 3)])
def test_constants(case: str, result: tuple[float, int]) -> None:
    shape, other = CONSTANT[case]
    constant = (np.random.default_rng(2).normal(size=other) * 3).astype(np.float32)
    constant.flat[0] = -1e9
    nodes = [helper.make_node("Max", ["c", "a"], ["y"])]
    quants = {"a": (0.05, 3), "y": result}
    program = check(qdq_model(nodes, {"a": shape}, ["y"], quants, {"c": constant}, stage=True))
    wanted = Elementwise if result == quants["a"] else ScaledLimit
    assert sum(isinstance(step.kernel, wanted) for step in program.steps) == 1


def test_scalar_limits_make_a_table() -> None:
    nodes = [helper.make_node("Max", ["a", "low"], ["s"]), helper.make_node("Min", ["high", "s"], ["y"])]
    constants = {"low": np.float32(-1.0), "high": np.float32(2.0)}
    quants = {"a": (0.05, 3), "y": (0.03, -5)}
    program = check(qdq_model(nodes, {"a": (2, 128)}, ["y"], quants, constants))
    assert [(type(step.kernel), step.operator) for step in program.steps] == [(Table, "Max + Min")]
