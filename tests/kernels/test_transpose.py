"""Transposes of every rank and element type; lowering keeps only those that no order of axes saves."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from onnx import TensorProto, helper

from tinyc.ir.program import Program
from tinyc.kernels.transpose import Transpose

from .checks import check, float_model, qdq_model


def _moves(program: Program) -> list[Transpose]:
    return [step.kernel for step in program.steps if isinstance(step.kernel, Transpose)]


PERMUTATIONS = [
    ((5, 7), (1, 0)),
    *(((2, 3, 5), perm) for perm in itertools.permutations(range(3)) if perm != (0, 1, 2)),
    ((2, 3, 4, 5), (0, 2, 3, 1)),
    ((2, 3, 4, 5), (0, 3, 1, 2)),
    ((2, 3, 4, 5), (3, 2, 1, 0)),
    ((1, 3, 1, 5), (3, 0, 1, 2)),
    ((2, 3, 1, 2, 4), (4, 2, 0, 3, 1)),
    ((2, 1, 2, 3, 1, 2), (5, 3, 1, 0, 2, 4)),
]

CHANNEL_LAST = [(0, 2, 1), (0, 3, 1, 2)]
"""What these give to the caller already lies there, channel-last."""


@pytest.mark.parametrize(("shape", "perm"), PERMUTATIONS)
def test_float(shape: tuple[int, ...], perm: tuple[int, ...]) -> None:
    program = check(
        float_model([helper.make_node("Transpose", ["x"], ["y"], "turn", perm=perm)], {"x": shape}, ["y"])
    )
    assert len(_moves(program)) == (0 if perm in CHANNEL_LAST else 1)


@pytest.mark.parametrize(
    "kind", [TensorProto.INT8, TensorProto.UINT8, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL]
)
def test_raw_types(kind: int) -> None:
    node = helper.make_node("Transpose", ["x"], ["y"], "turn", perm=(2, 0, 1))
    check(float_model([node], {"x": (3, 4, 5)}, ["y"], dtypes={"x": kind, "y": kind}))


def test_int8_is_one_copy_and_keeps_its_scale() -> None:
    node = helper.make_node("Transpose", ["x"], ["y"], "turn", perm=(1, 0))
    program = check(qdq_model([node], {"x": (6, 7)}, ["y"], {"x": (0.05, 3), "y": (0.05, 3)}, stage=True))
    assert len(_moves(program)) == 1
    assert len(program.steps) == 3


def test_without_perm_the_axes_are_reversed() -> None:
    check(float_model([helper.make_node("Transpose", ["x"], ["y"], "turn")], {"x": (2, 3, 4)}, ["y"]))


def test_axes_of_length_one_move_for_nothing() -> None:
    node = helper.make_node("Transpose", ["x"], ["y"], "turn", perm=(0, 2, 1))
    relu = helper.make_node("MaxPool", ["y"], ["z"], "pool", kernel_shape=[1])
    assert not _moves(check(float_model([node, relu], {"x": (1, 1, 6)}, ["z"])))


def test_neighbours_that_stay_together_are_copied_in_one_piece() -> None:
    node = helper.make_node("Transpose", ["x"], ["y"], "turn", perm=(1, 0, 2, 3))
    (move,) = _moves(check(float_model([node], {"x": (2, 3, 4, 5)}, ["y"])))
    assert move.nest.run == 20
    assert [loop.map.length for loop in move.nest.loops] == [3, 2]
    np.testing.assert_array_equal([loop.step for loop in move.nest.loops], [20, 60])
