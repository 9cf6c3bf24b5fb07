"""Padding and cropping of every axis in every mode."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from tinyc.ir.errors import ModelError

from .checks import check, float_model, lowered, qdq_model

# shape, pads (begins, ends), axes
CASES = {
    "one row above": ((1, 3, 4, 5), [1, 0], [2]),
    "one column behind": ((1, 2, 4, 5), [0, 1], [3]),
    "all sides": ((1, 3, 4, 5), [0, 0, 2, 1, 0, 0, 1, 2], None),
    "channels": ((1, 3, 2, 4), [1, 2], [-3]),
    "every axis": ((2, 3, 4, 3), [0, 1, 2, 1, 1, 0, 1, 2], None),
    "cropped above, padded below": ((1, 2, 6, 4), [-2, 1, 1, -1], [2, 3]),
    "cropped only": ((1, 2, 6, 4), [-1, -2], [2]),
    "series": ((1, 3, 7), [3, 0], [2]),
    "vector": ((6,), [2, 3], None),
    "matrix": ((3, 4), [1, 0, 1, 2], None),
}


def _node(mode: str, axes: object, value: bool = False) -> helper.NodeProto:
    inputs = ["x", "pads", "value" if value else "", "axes" if axes else ""]
    return helper.make_node("Pad", inputs, ["y"], "pad", mode=mode)


def _constants(case: str, value: object = None) -> dict[str, np.ndarray]:
    _, pads, axes = CASES[case]
    found = {"pads": np.int64(pads)} | ({"axes": np.int64(axes)} if axes else {})
    return found | ({} if value is None else {"value": np.asarray(value)})


MIRRORED = ["all sides", "cropped above, padded below", "series", "vector"]


@pytest.mark.parametrize(
    ("mode", "case"),
    [("constant", case) for case in CASES]
    + [(m, case) for m in ("edge", "reflect", "wrap") for case in MIRRORED],
)
def test_int8(mode: str, case: str) -> None:
    shape, _, axes = CASES[case]
    quants = {"x": (0.05, 9), "y": (0.05, 9)}
    program = check(qdq_model([_node(mode, axes)], {"x": shape}, ["y"], quants, _constants(case), stage=True))
    assert len(program.steps) == 3


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
def test_float_and_channel_last(mode: str) -> None:
    for case in ("all sides", "channels", "cropped above, padded below"):
        shape, _, axes = CASES[case]
        check(float_model([_node(mode, axes)], {"x": shape}, ["y"], _constants(case)))
        pool = helper.make_node("MaxPool", ["y"], ["z"], "pool", kernel_shape=[1, 1])
        check(float_model([_node(mode, axes), pool], {"x": shape}, ["z"], _constants(case)))


@pytest.mark.parametrize("case", ["all sides", "every axis", "vector"])
def test_values(case: str) -> None:
    """A value is quantized as the tensor is, and saturates; float32 and raw integers take it as it is."""
    shape, _, axes = CASES[case]
    node = _node("constant", axes, value=True)
    for value, scale in ((np.float32(1.5), 0.11), (np.float32(-1000.0), 0.05)):
        check(
            qdq_model(
                [node], {"x": shape}, ["y"], {"x": (0.05, 9), "y": (scale, -3)}, _constants(case, value)
            )
        )
    check(float_model([node], {"x": shape}, ["y"], _constants(case, np.float32(-2.25))))
    kinds = {"x": TensorProto.INT32, "y": TensorProto.INT32}
    check(float_model([node], {"x": shape}, ["y"], _constants(case, np.int32(77)), kinds))


def test_a_mirror_longer_than_the_axis_is_refused() -> None:
    model = float_model([_node("reflect", None)], {"x": (3,)}, ["y"], {"pads": np.int64([3, 0])})
    with pytest.raises(ModelError, match="mirrors 3 elements of an axis that has 3"):
        lowered(model)


def test_infinite_padding() -> None:
    """Of a MaxPool, say; as an integer it is the least one."""
    constants = {"pads": np.int64([0, 0, 1, 0, 0, 0, 0, 2]), "value": np.float32(-np.inf)}
    nodes = [
        helper.make_node("Pad", ["x", "pads", "value"], ["padded"], "pad"),
        helper.make_node("MaxPool", ["padded"], ["y"], "pool", kernel_shape=[2, 3]),
    ]
    check(float_model(nodes, {"x": (1, 2, 3, 4)}, ["y"], constants))
    check(float_model(nodes[:1], {"x": (1, 2, 3, 4)}, ["padded"], constants))
    nodes = [helper.make_node("Pad", ["x", "pads", "value"], ["y"], "pad")]
    quants = {"x": (0.05, 9), "y": (0.05, 9)}
    check(qdq_model(nodes, {"x": (1, 2, 3, 4)}, ["y"], quants, constants, stage=True))


def test_run_time_pads_are_refused() -> None:
    node = helper.make_node("Pad", ["x", "pads"], ["y"], "pad")
    model = float_model([node], {"x": (3,), "pads": (2,)}, ["y"], dtypes={"pads": TensorProto.INT64})
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 4
    with pytest.raises(ModelError, match=r"pads .* is computed at run time"):
        lowered(model)
