"""Products of matrices by the micro-kernel for Arm's DSP extension."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from .boards import M4, check_all
from .checks import qdq_model

# left and right shape
CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "matrices": ((3, 5), (5, 4)),
    "many columns": ((4, 12), (12, 35)),
    "deep": ((5, 70), (70, 3)),
    "heads": ((1, 2, 3, 5), (1, 2, 5, 4)),
    "left broadcasts": ((3, 5), (2, 5, 4)),
    "both broadcast": ((2, 1, 3, 5), (1, 4, 5, 2)),
    "vector times vector": ((5,), (5,)),
    "one row": ((1, 8), (8, 1)),
}
QUANTS = {"a": (0.05, 9), "b": (0.04, -17), "y": (0.11, -3)}


@pytest.mark.parametrize("case", CASES)
def test_run_time_sides(case: str) -> None:
    nodes = [helper.make_node("MatMul", ["a", "b"], ["y"], "product")]
    model = qdq_model(nodes, dict(zip("ab", CASES[case], strict=True)), ["y"], QUANTS)
    check_all(model, M4, "dsp_matmul")


@pytest.mark.parametrize("y_scale", [0.11, 0.005, 0.0006])
def test_a_right_side_that_lies_transposed_and_steep_scales(y_scale: float) -> None:
    nodes = [
        helper.make_node("Transpose", ["b"], ["t"], "transpose", perm=[0, 2, 1]),
        helper.make_node("MatMul", ["a", "t"], ["y"], "product"),
    ]
    quants = {**QUANTS, "t": QUANTS["b"], "y": (y_scale, -3)}
    model = qdq_model(nodes, {"a": (2, 5, 9), "b": (2, 6, 9)}, ["y"], quants)
    check_all(model, M4, "dsp_matmul")


@pytest.mark.parametrize("clipped", [False, True])
def test_a_scale_for_each_column(clipped: bool) -> None:
    rng = np.random.default_rng(0)
    integers, scales = rng.integers(-127, 128, (2, 5, 4)).astype(np.int8), rng.uniform(0.001, 0.02, 4)
    nodes = [helper.make_node("MatMul", ["a", "b"], ["s" if clipped else "y"], "product")]
    nodes += [helper.make_node("Relu", ["s"], ["y"], "relu")] if clipped else []
    model = qdq_model(
        nodes, {"a": (2, 3, 5)}, ["y"], {"a": QUANTS["a"], "y": QUANTS["y"]},
        dequantized={"b": (integers, scales, 2)},
    )  # fmt: skip
    check_all(model, M4, "dsp_matmul")


def test_a_bias_for_each_column() -> None:
    rng = np.random.default_rng(0)
    nodes = [helper.make_node("Gemm", ["a", "b", "c"], ["y"], "product")]
    model = qdq_model(
        nodes, {"a": (3, 10), "b": (10, 5)}, ["y"], QUANTS,
        dequantized={"c": (rng.integers(-900, 900, 5).astype(np.int32), np.float32(0.002), 0)},
    )  # fmt: skip
    check_all(model, M4, "dsp_matmul")
