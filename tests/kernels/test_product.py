"""Mul and Div on 8-bit data: of two tensors, and by constants."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from tinyc.kernels.product import Product
from tinyc.kernels.quotient import Quotient
from tinyc.kernels.scale import Scale
from tinyc.kernels.table import Table

from .broadcasts import CONSTANT, RUN_TIME
from .checks import Quant, check, qdq_model

QUANTS: dict[str, dict[str, Quant]] = {
    "usual": {"a": (0.05, 3), "b": (0.04, -7), "y": (0.09, 5)},
    "gate": {"a": (0.05, -10), "b": (1 / 256, -128), "y": (0.04, -12)},
    "fine result": {"a": (0.5, 2), "b": (0.3, -9), "y": (0.001, 0)},
    "coarse result": {"a": (0.01, 0), "b": (0.02, 10), "y": (0.5, 1)},
}


def _pairs(zero: int | None = None) -> list[dict[str, np.ndarray]]:
    """All pairs of integers; without divisors that stand for 0, on which runs of ONNX Runtime disagree."""
    integers = np.arange(-128, 128).astype(np.int8)
    a, b = np.meshgrid(integers, integers)
    return [{"a_q": a, "b_q": b if zero is None else np.where(b == zero, np.int8(zero + 1), b)}]


@pytest.mark.parametrize("case", QUANTS)
@pytest.mark.parametrize("activation", [False, True])
def test_every_product(case: str, activation: bool) -> None:
    nodes = [helper.make_node("Mul", ["a", "b"], ["s" if activation else "y"])]
    nodes += [helper.make_node("Relu", ["s"], ["y"])] if activation else []
    quants = QUANTS[case]
    program = check(qdq_model(nodes, {"a": (256, 256), "b": (256, 256)}, ["y"], quants), samples=_pairs())
    assert [type(step.kernel) for step in program.steps] == [Product]


@pytest.mark.parametrize("case", QUANTS)
def test_every_quotient(case: str) -> None:
    quants = QUANTS[case]
    nodes = [helper.make_node("Div", ["a", "b"], ["y"])]
    model = qdq_model(nodes, {"a": (256, 256), "b": (256, 256)}, ["y"], quants)
    program = check(model, samples=_pairs(quants["b"][1]))
    assert [type(step.kernel) for step in program.steps] == [Quotient]


def test_over_zero_saturates() -> None:
    quants = {"a": (0.05, 3), "b": (0.04, -7), "y": (0.09, 5)}
    model = qdq_model([helper.make_node("Div", ["a", "b"], ["y"])], {"a": (2, 2), "b": (2, 2)}, ["y"], quants)
    samples = [{"a_q": np.array([[4, 127], [2, -128]], np.int8), "b_q": np.full((2, 2), -7, np.int8)}]
    check(model, lsb=0, samples=samples)


@pytest.mark.parametrize("operator", ["Mul", "Div"])
@pytest.mark.parametrize(
    "case", ["same shape", "one value per channel, on the left", "both grow", "one value per pixel"]
)
def test_broadcasting(operator: str, case: str) -> None:
    quants = QUANTS["usual"] | {"b": (0.04, -128)}
    inputs = dict(zip("ab", RUN_TIME[case], strict=True))
    model = qdq_model(
        [helper.make_node(operator, ["a", "b"], ["y"])], inputs, ["y"], quants, stage=operator == "Mul"
    )
    rng = np.random.default_rng(3)
    samples = [{f"{n}_q": rng.integers(-100, 128, s).astype(np.int8) for n, s in inputs.items()}]
    program = check(model, samples=samples)
    wanted = Product if operator == "Mul" else Quotient
    assert sum(isinstance(step.kernel, wanted) for step in program.steps) == 1


@pytest.mark.parametrize("operator", ["Mul", "Div"])
@pytest.mark.parametrize("case", ["per channel", "per row", "full", "constant grows it", "per sample"])
def test_constants(operator: str, case: str) -> None:
    """Factors of either sign, near zero and so large that they saturate."""
    shape, other = CONSTANT[case]
    factors = np.random.default_rng(4).normal(size=other).astype(np.float32)
    factors.flat[0] = 1e-7 if operator == "Div" else 1e7
    factors.flat[-1] = 1e7 if operator == "Div" else 1e-7
    quants = {"x": (0.05, 3), "y": (0.04, -5)}
    nodes = [helper.make_node(operator, ["x", "c"], ["y"])]
    program = check(qdq_model(nodes, {"x": shape}, ["y"], quants, {"c": factors}, stage=shape[0] == 1))
    assert sum(isinstance(step.kernel, Scale) for step in program.steps) == 1


@pytest.mark.parametrize("operator", ["Mul", "Div", "Pow"])
@pytest.mark.parametrize("left", [False, True])
def test_scalars_make_tables(operator: str, left: bool) -> None:
    nodes = [helper.make_node(operator, ["c", "x"] if left else ["x", "c"], ["y"])]
    quants = {"x": (0.02, -128), "y": (0.1, -100)}
    samples = [{"x_q": np.arange(-127, 128).reshape(5, 51).astype(np.int8)}]
    model = qdq_model(nodes, {"x": (5, 51)}, ["y"], quants, {"c": np.array([[1.5]], np.float32)})
    assert [type(step.kernel) for step in check(model, samples=samples).steps] == [Table]


def test_a_square_is_a_table() -> None:
    nodes = [helper.make_node("Mul", ["x", "x"], ["y"])]
    program = check(qdq_model(nodes, {"x": (2, 128)}, ["y"], {"x": (0.05, 3), "y": (0.2, -128)}))
    assert [type(step.kernel) for step in program.steps] == [Table]


def test_a_constant_over_a_tensor_is_computed_in_float() -> None:
    nodes = [helper.make_node("Div", ["c", "x"], ["y"])]
    model = qdq_model(
        nodes,
        {"x": (3, 4)},
        ["y"],
        {"x": (0.02, -128), "y": (0.1, -100)},
        {"c": np.array([[1.5], [2], [3]], np.float32)},
    )
    samples = [{"x_q": np.arange(-120, 120, 20).reshape(3, 4).astype(np.int8)}]
    check(model, samples=samples)
