"""Slices over every axis, forwards and backwards, of any rank, type and order of axes."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from tinyc.ir.errors import ModelError
from tinyc.kernels.remap import Remap

from .checks import check, float_model, lowered, qdq_model

# shape, starts, ends, axes, steps
CASES = {
    "rows": ((1, 3, 7, 5), [2], [6], [2], [1]),
    "columns, every second": ((1, 3, 4, 7), [1], [7], [-1], [2]),
    "channels": ((1, 9, 4, 5), [3], [8], [1], [1]),
    "channels backwards": ((1, 5, 4, 3), [4], [-6], [1], [-1]),
    "rows backwards by two": ((1, 2, 7, 3), [-1], [-100], [2], [-2]),
    "rows and columns": ((1, 3, 6, 5), [1, 2], [5, 5], [2, 3], [1, 1]),
    "all axes": ((1, 6, 6, 7), [1, 5, 0], [6, 0, 6], [1, 2, 3], [2, -2, 3]),
    "beyond the end": ((1, 2, 5, 4), [3], [2**62], [2], [1]),
    "one pixel": ((1, 3, 5, 4), [2, 3], [3, 4], [2, 3], [1, 1]),
    "series": ((1, 4, 9), [2], [9], [2], [3]),
    "batch": ((3, 2, 4, 5), [1, 1], [3, 4], [0, 2], [1, 1]),
    "vector": ((11,), [9], [1], [0], [-2]),
    "matrix": ((3, 8), [1, 2], [3, 7], [0, 1], [1, 1]),
    "five axes": ((1, 2, 3, 4, 5), [1, 1], [3, 4], [2, 4], [1, 2]),
}


def _node() -> helper.NodeProto:
    return helper.make_node("Slice", ["x", "starts", "ends", "axes", "steps"], ["y"], "slice")


def _constants(case: str) -> dict[str, np.ndarray]:
    return dict(zip(("starts", "ends", "axes", "steps"), map(np.int64, CASES[case][1:]), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_int8(case: str) -> None:
    program = check(
        qdq_model(
            [_node()],
            {"x": CASES[case][0]},
            ["y"],
            {"x": (0.05, 9), "y": (0.05, 9)},
            _constants(case),
            stage=True,
        )
    )
    assert [step.operator for step in program.steps if isinstance(step.kernel, Remap)] == ["Slice"]


@pytest.mark.parametrize("case", ["rows", "channels", "all axes", "vector"])
def test_other_scale(case: str) -> None:
    program = check(
        qdq_model(
            [_node()],
            {"x": CASES[case][0]},
            ["y"],
            {"x": (0.05, 9), "y": (0.11, -3)},
            _constants(case),
            stage=True,
        )
    )
    assert len(program.steps) == 3


@pytest.mark.parametrize("case", CASES)
def test_float(case: str) -> None:
    check(float_model([_node()], {"x": CASES[case][0]}, ["y"], _constants(case)))


@pytest.mark.parametrize("case", ["rows", "columns, every second", "all axes", "channels backwards"])
def test_channel_last(case: str) -> None:
    """Behind a pool the tensor lies channel-last, and the same axes are others in memory."""
    pool = helper.make_node("MaxPool", ["x"], ["pooled"], "pool", kernel_shape=[1, 1])
    node = helper.make_node("Slice", ["pooled", "starts", "ends", "axes", "steps"], ["y"], "slice")
    program = check(float_model([pool, node], {"x": CASES[case][0]}, ["y"], _constants(case)))
    assert [step.operator for step in program.steps] == ["MaxPool", "Slice"]


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32, TensorProto.UINT8, TensorProto.BOOL])
def test_raw_types(kind: int) -> None:
    check(
        float_model(
            [_node()], {"x": CASES["all axes"][0]}, ["y"], _constants("all axes"), {"x": kind, "y": kind}
        )
    )


def test_steps_and_axes_are_optional() -> None:
    node = helper.make_node("Slice", ["x", "starts", "ends"], ["y"], "slice")
    constants = {"starts": np.int64([0, 1]), "ends": np.int64([2, -1])}
    check(float_model([node], {"x": (3, 5)}, ["y"], constants))


def test_run_time_bounds_are_refused() -> None:
    model = float_model(
        [_node()], {"x": (4,), "starts": (1,)}, ["y"],
        {"ends": np.int64([3]), "axes": np.int64([0]), "steps": np.int64([1])}, {"starts": TensorProto.INT64},
    )  # fmt: skip
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 2
    with pytest.raises(ModelError, match=r"starts .* is computed at run time"):
        lowered(model)


def test_an_empty_slice_is_refused() -> None:
    constants = {
        "starts": np.int64([3]),
        "ends": np.int64([3]),
        "axes": np.int64([0]),
        "steps": np.int64([1]),
    }
    with pytest.raises(ModelError, match="is empty"):
        lowered(float_model([_node()], {"x": (4,)}, ["y"], constants))
