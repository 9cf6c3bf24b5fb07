"""Min and Max on data of 8 and 16 bits, of any scales."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from tinyc.emulator.machine import Machine
from tinyc.kernels.elementwise import Elementwise
from tinyc.kernels.scaled_limit import ScaledLimit
from tinyc.kernels.table import Table

from .broadcasts import CONSTANT, RUN_TIME
from .checks import Quant, check, qdq_model, samples_of

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


INT16 = np.dtype(np.int16)
WIDE: dict[str, tuple[set[str], dict[str, Quant]]] = {
    "a fine one": ({"b"}, {"a": (0.0246, -18), "b": (3.23e-5, -32768), "y": (0.0108, -128)}),
    "a coarse one": ({"b"}, {"a": (0.0009, 0), "b": (0.002, 11), "y": (0.01, 0)}),
    "the first": ({"a"}, {"a": (0.0003, 1234), "b": (0.07, 5), "y": (0.05, -3)}),
    "both": ({"a", "b"}, {"a": (0.0002, 900), "b": (0.00011, -7), "y": (0.03, 6)}),
}
"""Operands of 16 bits, the others and the result having 8."""


@pytest.mark.parametrize("operator", ["Min", "Max"])
@pytest.mark.parametrize("case", WIDE)
def test_operands_of_16_bits(operator: str, case: str) -> None:
    """The result is the nearest integer, but for what lies within a fiftieth of a step from a tie."""
    wide, quants = WIDE[case]
    types = dict.fromkeys(wide, INT16)
    nodes = [helper.make_node(operator, ["a", "b"], ["y"])]
    model = qdq_model(nodes, {"a": (150, 149), "b": (150, 149)}, ["y"], quants, types=types)
    (sample,) = samples_of(model, 1)
    program = check(model, samples=[sample])
    (step,) = program.steps
    assert isinstance(step.kernel, ScaledLimit)
    scale, zero = quants["y"]
    a, b = ((sample[f"{n}_q"].astype(float) - quants[n][1]) * quants[n][0] / scale for n in "ab")
    exact = (np.minimum(a, b) if operator == "Min" else np.maximum(a, b)) + zero
    found = Machine(program).run(sample)[program.outputs[0]]
    sure = np.abs(exact - np.floor(exact) - 0.5) > 0.02
    np.testing.assert_array_equal(found[sure], np.clip(np.rint(exact), -128, 127)[sure])


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
