"""Products of matrices: run-time and constant sides, stacks that broadcast, operands in any order of axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from tinyc.ir.errors import ModelError
from tinyc.kernels.matmul import MatMul
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from .checks import check, float_model, lowered, qdq_model

# left and right shape
CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "matrices": ((3, 5), (5, 4)),
    "one stack": ((2, 3, 5), (2, 5, 4)),
    "heads": ((1, 2, 3, 5), (1, 2, 5, 4)),
    "right broadcasts": ((2, 3, 4, 5), (5, 6)),
    "left broadcasts": ((3, 5), (2, 5, 4)),
    "both broadcast": ((2, 1, 3, 5), (1, 4, 5, 2)),
    "outer stack broadcasts": ((4, 2, 3, 5), (2, 5, 4)),
    "vector times matrix": ((5,), (5, 4)),
    "matrix times vector": ((3, 5), (5,)),
    "vector times vector": ((5,), (5,)),
    "stack times vector": ((2, 3, 5), (5,)),
    "one row": ((1, 5), (5, 1)),
}
QUANTS = {"a": (0.05, 9), "b": (0.04, -17), "y": (0.11, -3)}


def _matmul(**attributes: Any):
    return [helper.make_node("MatMul", ["a", "b"], ["y"], "product", **attributes)]


def _integers(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(len(shape)).integers(-127, 128, shape).astype(np.int8)


@pytest.mark.parametrize("case", CASES)
def test_run_time_sides(case: str) -> None:
    a, b = CASES[case]
    check(float_model(_matmul(), {"a": a, "b": b}, ["y"]))
    program = check(qdq_model(_matmul(), {"a": a, "b": b}, ["y"], QUANTS))
    assert [step.kernel.template for step in program.steps] == ["matmul"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("side", ["a", "b"])
def test_a_constant_side(case: str, side: str) -> None:
    shapes = dict(zip("ab", CASES[case], strict=True))
    constant, computed = side, "ab".replace(side, "")
    values = _integers(shapes[constant])
    inputs = {computed: shapes[computed]}
    quants = {name: QUANTS[name] for name in (computed, "y")}
    program = check(
        qdq_model(_matmul(), inputs, ["y"], quants, dequantized={constant: (values, np.float32(0.01), 0)})
    )
    dense = side == "b" and len(shapes["b"]) == 2
    # rows of a series or an image are pixels, which schedules can stream
    series = dense and len(shapes["a"]) in (3, 4) and shapes["a"][1:-1] != (1,) * (len(shapes["a"]) - 2)
    wanted = "conv2d" if series else "dense" if dense else "matmul"
    assert [step.kernel.template for step in program.steps] == [wanted]


def test_a_scale_for_each_column() -> None:
    scales = np.random.default_rng(0).uniform(0.001, 0.02, 4)
    model = qdq_model(
        _matmul(), {"a": (2, 3, 5)}, ["y"], {"a": QUANTS["a"], "y": QUANTS["y"]},
        dequantized={"b": (_integers((2, 5, 4)), scales, 2)},
    )  # fmt: skip
    program = check(model)
    assert [step.kernel.template for step in program.steps] == ["matmul"]


def test_a_scale_for_each_row_is_computed_as_floats() -> None:
    model = qdq_model(
        _matmul(), {"a": (2, 3, 5)}, ["y"], {"a": QUANTS["a"], "y": QUANTS["y"]},
        dequantized={"b": (_integers((2, 5, 4)), np.full(5, 0.01), 1)},
    )  # fmt: skip
    program = check(model)
    assert [step.kernel.template for step in program.steps] == ["dequantize", "matmul", "quantize"]


@pytest.mark.parametrize("perm_a, perm_b", [([0, 2, 1, 3], [0, 2, 3, 1]), ([1, 2, 0, 3], [3, 0, 1, 2])])
def test_transposed_operands_are_read_where_they_lie(perm_a: list[int], perm_b: list[int]) -> None:
    """The heads of attention: transposing queries and keys costs no copy."""
    nodes = [
        helper.make_node("Transpose", ["q"], ["a"], "heads_of_q", perm=perm_a),
        helper.make_node("Transpose", ["k"], ["b"], "heads_of_k", perm=perm_b),
        *_matmul(),
    ]
    q, k = (np.array([2, 3, 4, 5])[np.argsort(perm)].tolist() for perm in (perm_a, perm_b))
    k = np.array([2, 3, 5, 4])[np.argsort(perm_b)].tolist()
    program = check(float_model(nodes, {"q": q, "k": k}, ["y"]))
    assert [step.kernel.template for step in program.steps] == ["matmul"]


def test_the_same_tensor_on_both_sides() -> None:
    nodes = [helper.make_node("MatMul", ["a", "a"], ["y"], "square")]
    check(float_model(nodes, {"a": (4, 4)}, ["y"]))
    check(qdq_model(nodes, {"a": (4, 4)}, ["y"], {"a": (0.05, 9), "y": (0.11, -3)}))


@pytest.mark.parametrize("bias_first", [False, True])
@pytest.mark.parametrize("right", [(5, 4), (2, 5, 4)])
@pytest.mark.parametrize("relu", [False, True])
def test_bias_and_activation_are_part_of_the_kernel(
    bias_first: bool, right: tuple[int, ...], relu: bool
) -> None:
    bias = np.random.default_rng(1).normal(size=4).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["a", "b"], ["m"], "product"),
        helper.make_node("Add", ["c", "m"] if bias_first else ["m", "c"], ["s" if relu else "y"], "bias"),
        *([helper.make_node("Relu", ["s"], ["y"], "relu")] if relu else []),
    ]
    weights = _integers(right)
    constants = {"b": weights.astype(np.float32) * np.float32(0.01), "c": bias}
    program = check(float_model(nodes, {"a": (2, 3, 5)}, ["y"], constants))
    assert len(program.steps) == 1
    stored = (np.round(bias / (0.05 * 0.01)).astype(np.int32), np.float32(0.05 * 0.01), 0)
    program = check(
        qdq_model(
            nodes, {"a": (2, 3, 5)}, ["y"], {"a": QUANTS["a"], "y": QUANTS["y"]},
            dequantized={"b": (weights, np.float32(0.01), 0), "c": stored},
        )
    )  # fmt: skip
    assert len(program.steps) == 1


def test_what_is_not_a_bias_stays_an_addition() -> None:
    for shape in ((3, 1), (1, 3, 4), (4, 3, 4)):
        nodes = [
            helper.make_node("MatMul", ["a", "b"], ["m"], "product"),
            helper.make_node("Add", ["m", "c"], ["y"], "sum"),
        ]
        model = float_model(nodes, {"a": (3, 5), "b": (5, 4)}, ["y"], {"c": np.ones(shape, np.float32)})
        assert len(check(model).steps) == 2


@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("bias", [False, True])
def test_gemm_with_a_run_time_matrix(transposed: int, bias: bool) -> None:
    node = helper.make_node("Gemm", ["a", "b", "c"] if bias else ["a", "b"], ["y"], "gemm", transB=transposed)
    inputs = {"a": (3, 5), "b": (4, 5) if transposed else (5, 4)}
    constants = {"c": np.random.default_rng(1).normal(size=4).astype(np.float32)} if bias else {}
    check(float_model([node], inputs, ["y"], constants))
    check(qdq_model([node], inputs, ["y"], QUANTS, constants))


def test_long_sums_that_32_bits_cannot_hold_have_64() -> None:
    model = qdq_model(_matmul(), {"a": (1, 120_000), "b": (120_000, 1)}, ["y"], {**QUANTS, "y": (500.0, 0)})
    largest = np.full((1, 120_000), -128, np.int8)
    samples = [{"a_q": largest, "b_q": right} for right in (largest.T, ~largest.T)]
    (step,) = check(model, samples=samples).steps
    assert isinstance(step.kernel, MatMul)
    assert step.kernel.epilogue.wide
    (step,) = tailor(lowered(model), load_target("nucleo-f446re")).steps
    assert type(step.kernel) is MatMul


def test_a_bias_computed_at_run_time_is_refused() -> None:
    node = helper.make_node("Gemm", ["a", "b", "c"], ["y"], "gemm")
    model = float_model([node], {"a": (3, 5), "b": (5, 4), "c": (4,)}, ["y"])
    with pytest.raises(ModelError, match=r"the bias \(c\) is computed at run time"):
        lowered(model)
    integers = dict.fromkeys("aby", TensorProto.INT32)
    model = float_model(_matmul(), {"a": (3, 5), "b": (5, 4)}, ["y"], dtypes=integers)
    with pytest.raises(ModelError, match="cast its operands to float32"):
        lowered(model)
