"""Repetition of axes: Expand and Tile over ranks, types and orders of axes."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from .checks import check, float_model, qdq_model

EXPANSIONS = {
    "rows": ((1, 3, 1, 4), (1, 3, 5, 4)),
    "channels": ((1, 1, 4, 3), (1, 6, 4, 3)),
    "columns of a series": ((1, 4, 1), (1, 4, 7)),
    "all but one": ((1, 1, 5, 1), (2, 3, 5, 4)),
    "a vector to a matrix": ((5,), (3, 5)),
    "axes in front": ((3, 1), (2, 4, 3, 6)),
    "a shape of ones broadcasts the other way": ((3, 4), (2, 1, 1)),
    "one element": ((1,), (2, 3)),
}
REPEATS = {
    "rows": ((1, 3, 2, 4), (1, 1, 3, 1)),
    "columns": ((1, 3, 2, 4), (1, 1, 1, 2)),
    "channels": ((1, 3, 2, 4), (1, 2, 1, 1)),
    "all": ((2, 3, 2, 3), (2, 1, 2, 3)),
    "series": ((1, 3, 4), (1, 2, 3)),
    "vector": ((5,), (3,)),
}


@pytest.mark.parametrize("case", EXPANSIONS)
def test_expand(case: str) -> None:
    shape, wanted = EXPANSIONS[case]
    node, constants = helper.make_node("Expand", ["x", "shape"], ["y"], "expand"), {"shape": np.int64(wanted)}
    check(float_model([node], {"x": shape}, ["y"], constants))
    check(qdq_model([node], {"x": shape}, ["y"], {"x": (0.05, 9), "y": (0.05, 9)}, constants, stage=True))
    check(qdq_model([node], {"x": shape}, ["y"], {"x": (0.05, 9), "y": (0.08, -9)}, constants, stage=True))


@pytest.mark.parametrize("case", REPEATS)
def test_tile(case: str) -> None:
    shape, repeats = REPEATS[case]
    node, constants = (
        helper.make_node("Tile", ["x", "repeats"], ["y"], "tile"),
        {"repeats": np.int64(repeats)},
    )
    check(float_model([node], {"x": shape}, ["y"], constants))
    check(qdq_model([node], {"x": shape}, ["y"], {"x": (0.05, 9), "y": (0.05, 9)}, constants, stage=True))
    check(
        float_model([node], {"x": shape}, ["y"], constants, {"x": TensorProto.INT64, "y": TensorProto.INT64})
    )


@pytest.mark.parametrize("case", ["rows", "columns", "channels"])
def test_channel_last(case: str) -> None:
    shape, repeats = REPEATS[case]
    pool = helper.make_node("MaxPool", ["x"], ["pooled"], "pool", kernel_shape=[1, 1])
    tile = helper.make_node("Tile", ["pooled", "repeats"], ["y"], "tile")
    check(float_model([pool, tile], {"x": shape}, ["y"], {"repeats": np.int64(repeats)}))


def test_a_channel_last_tensor_gains_an_axis() -> None:
    pool = helper.make_node("MaxPool", ["x"], ["pooled"], "pool", kernel_shape=[1])
    expand = helper.make_node("Expand", ["pooled", "shape"], ["y"], "expand")
    check(float_model([pool, expand], {"x": (1, 3, 5)}, ["y"], {"shape": np.int64([2, 1, 3, 5])}))
