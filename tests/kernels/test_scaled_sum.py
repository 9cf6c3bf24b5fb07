"""Add and Sub on 8-bit data: scales near and far, constants, activations; every schedule and storage."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from tinyc.kernels.scaled_sum import ScaledSum
from tinyc.kernels.table import Table
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from .broadcasts import CONSTANT, RUN_TIME
from .checks import Quant, check, lowered, qdq_model

# scales and zero points of both operands and the result
QUANTS: dict[str, dict[str, Quant]] = {
    "alike": {"a": (0.05, 3), "b": (0.05, -7), "y": (0.09, 5)},
    "far apart": {"a": (0.11, -128), "b": (0.0007, 127), "y": (0.1, -128)},
    "coarse result": {"a": (0.01, 0), "b": (0.02, 10), "y": (0.5, 1)},
    "fine result": {"a": (0.5, 2), "b": (0.3, -9), "y": (0.01, 0)},
    "very fine result": {"a": (1.0, 2), "b": (0.77, -9), "y": (0.009, 0)},
}


def _model(
    operator: str, shapes, quants: dict[str, Quant], activation: str | None = None, stage: bool = False
):
    last = {"Relu": ["s"], "Clip": ["s", "low", "high"]}
    nodes = [helper.make_node(operator, ["a", "b"], ["s" if activation else "y"], "sum")]
    if activation:
        nodes.append(helper.make_node(activation, last[activation], ["y"], "activation"))
    constants = {"low": np.float32(-0.4), "high": np.float32(0.6)} if activation == "Clip" else {}
    return qdq_model(nodes, dict(zip("ab", shapes, strict=True)), ["y"], quants, constants, stage=stage)


def _all_pairs() -> list[dict[str, np.ndarray]]:
    integers = np.arange(-128, 128).astype(np.int8)
    a, b = np.meshgrid(integers, integers)
    return [{"a_q": a, "b_q": b}]


@pytest.mark.parametrize("operator", ["Add", "Sub"])
@pytest.mark.parametrize("case", QUANTS)
@pytest.mark.parametrize("activation", [None, "Clip"])
def test_every_pair_of_integers(operator: str, case: str, activation: str | None) -> None:
    model = _model(operator, [(256, 256)] * 2, QUANTS[case], activation)
    program = check(model, samples=_all_pairs())
    assert [type(step.kernel) for step in program.steps] == [ScaledSum]


@pytest.mark.parametrize("case", RUN_TIME)
def test_broadcasting(case: str) -> None:
    staged = len(RUN_TIME[case][0]) in (3, 4)
    program = check(_model("Add", RUN_TIME[case], QUANTS["alike"], "Relu", stage=staged))
    assert sum(isinstance(step.kernel, ScaledSum) for step in program.steps) == 1


@pytest.mark.parametrize("case", CONSTANT)
def test_constants(case: str) -> None:
    """One of them saturates the result."""
    shape, other = CONSTANT[case]
    rng = np.random.default_rng(len(case))
    quants = {"a": (0.05, 3), "y": (0.08, -5)}
    constant = (rng.normal(size=other) * 3).astype(np.float32)
    constant.flat[0] = 1e9
    nodes = [helper.make_node("Sub", ["c", "a"], ["y"], "sum")]
    program = check(qdq_model(nodes, {"a": shape}, ["y"], quants, {"c": constant}, stage=len(shape) > 2))
    assert sum(isinstance(step.kernel, ScaledSum) for step in program.steps) == 1


def test_quantized_constants() -> None:
    integers = np.array([[-127], [5], [127]], np.int8)
    nodes = [helper.make_node("Add", ["a", "c"], ["y"], "sum")]
    scales = np.array([0.03, 0.002, 0.01], np.float32)
    quants = {"a": (0.05, 3), "y": (0.08, -5)}
    check(qdq_model(nodes, {"a": (3, 4)}, ["y"], quants, dequantized={"c": (integers, scales, 0)}))


@pytest.mark.parametrize("operator", ["Add", "Sub"])
def test_a_large_quantized_constant_stays_in_bytes(operator: str) -> None:
    rng = np.random.default_rng(5)
    integers = rng.integers(-128, 128, (1, 40, 26)).astype(np.int8)
    nodes = [helper.make_node(operator, ["a", "c"], ["y"], "sum")]
    quants = {"a": (0.05, 3), "y": (0.08, -5)}
    scale = np.array(0.03, np.float32)
    dequantized = {"c": (integers, scale, 0)}
    program = check(qdq_model(nodes, {"a": (1, 40, 26)}, ["y"], quants, dequantized=dequantized, stage=True))
    (kernel,) = (step.kernel for step in program.steps if isinstance(step.kernel, ScaledSum))
    assert {name: array.nbytes for name, array in kernel.constants().items()} == {"constants": 40 * 26}


def test_a_scalar_constant_makes_a_table() -> None:
    nodes = [helper.make_node("Sub", ["c", "a"], ["s"]), helper.make_node("Relu", ["s"], ["y"])]
    quants = {"a": (0.05, 3), "y": (0.08, -5)}
    program = check(qdq_model(nodes, {"a": (3, 40)}, ["y"], quants, {"c": np.float32(1.5)}))
    assert [type(step.kernel) for step in program.steps] == [Table]
    assert program.steps[0].operator == "Sub + Relu"


def test_sixteen_bit_multipliers() -> None:
    """What dual 16-bit multiply-accumulate instructions take, unless the result's scale is far finer."""
    for case, short in (("alike", True), ("far apart", True), ("very fine result", False)):
        (step,) = lowered(_model("Add", [(4, 4)] * 2, QUANTS[case])).steps
        assert isinstance(step.kernel, ScaledSum)
        assert (max(map(abs, step.kernel.multipliers)) < 2**15) == short


def test_scales_beyond_32_bits_are_summed_in_64() -> None:
    quants = {"a": (20000.0, 0), "b": (19999.0, 1), "y": (0.5, 0)}
    (step,) = check(_model("Sub", [(256, 256)] * 2, quants), samples=_all_pairs()).steps
    assert isinstance(step.kernel, ScaledSum)
    assert step.kernel.result.wide
    for board in ("nucleo-f446re", "corstone-300"):
        (step,) = tailor(lowered(_model("Sub", [(256, 256)] * 2, quants)), load_target(board)).steps
        assert type(step.kernel) is ScaledSum


def test_scales_beyond_these_are_computed_in_float() -> None:
    quants = {"a": (4e6, 0), "b": (3.9999e6, 1), "y": (0.5, 0)}
    program = check(_model("Sub", [(256, 256)] * 2, quants), samples=_all_pairs())
    assert not any(isinstance(step.kernel, ScaledSum) for step in program.steps)


def test_in_place() -> None:
    """The result takes the place of an operand of its own shape."""
    (step,) = lowered(_model("Add", RUN_TIME["one value per channel"], QUANTS["alike"])).steps
    assert step.kernel.in_place() == (0,)
    (step,) = lowered(_model("Add", RUN_TIME["both grow"], QUANTS["alike"])).steps
    assert step.kernel.in_place() == ()
