"""PRelu on 8-bit data with constant slopes of every shape."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from tinyc.kernels.prelu import PRelu
from tinyc.kernels.table import Table

from .checks import check, qdq_model

QUANTS = {"x": (0.05, 3), "y": (0.04, -5)}
NODES = [helper.make_node("PRelu", ["x", "slope"], ["y"], "prelu")]


@pytest.mark.parametrize("result", [(0.04, -5), (0.5, 0), (0.002, 1)])
@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 4, 5), (5,)])
def test_slopes(shape: tuple[int, ...], result: tuple[float, int]) -> None:
    slopes = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    quants = QUANTS | {"y": result}
    program = check(qdq_model(NODES, {"x": (1, 3, 4, 5)}, ["y"], quants, {"slope": slopes}, stage=True))
    assert sum(isinstance(step.kernel, PRelu) for step in program.steps) == 1


def test_every_integer() -> None:
    slopes = np.array([[0.25], [-0.1], [0.0], [3.0], [1.0]], np.float32)
    samples = [{"x_q": np.tile(np.arange(-128, 128), (5, 1)).astype(np.int8)}]
    check(qdq_model(NODES, {"x": (5, 256)}, ["y"], QUANTS, {"slope": slopes}), samples=samples)


def test_one_slope_makes_a_table() -> None:
    model = qdq_model(
        NODES, {"x": (1, 3, 4, 5)}, ["y"], QUANTS, {"slope": np.full((1, 1, 1), 0.3, np.float32)}
    )
    assert [type(step.kernel) for step in check(model).steps] == [Table]


def test_computed_slopes_are_applied_in_float() -> None:
    quants = QUANTS | {"slope": (0.01, 0)}
    program = check(qdq_model(NODES, {"x": (1, 3, 4, 5), "slope": (3, 1, 1)}, ["y"], quants))
    assert not any(isinstance(step.kernel, PRelu) for step in program.steps)
