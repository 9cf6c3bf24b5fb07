"""Concat along every axis, with constants among the inputs, equal and different scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from onnx import TensorProto, helper

from .checks import check, float_model, qdq_model

# shapes of the inputs, axis
CASES = {
    "channels": ([(1, 3, 4, 5), (1, 2, 4, 5)], 1),
    "rows": ([(1, 3, 2, 5), (1, 3, 4, 5), (1, 3, 1, 5)], 2),
    "columns": ([(1, 2, 3, 4), (1, 2, 3, 1)], -1),
    "batch": ([(1, 2, 3, 4), (2, 2, 3, 4)], 0),
    "channels of a batch": ([(2, 3, 4, 5), (2, 1, 4, 5)], 1),
    "series": ([(1, 4, 5), (1, 4, 3)], 2),
    "vectors": ([(3,), (1,), (4,)], 0),
    "matrices": ([(3, 2), (3, 5)], 1),
    "one input": ([(1, 2, 3, 4)], 1),
}
NAMES = ("a", "b", "c")


def _inputs(shapes: Sequence[tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return dict(zip(NAMES, shapes, strict=False))


def _node(inputs: Sequence[str], axis: int, out: str = "y") -> helper.NodeProto:
    return helper.make_node("Concat", list(inputs), [out], "concat", axis=axis)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("scales", [(0.05, 0.05, 0.05), (0.05, 0.031, 0.08)])
def test_int8(case: str, scales: tuple[float, float, float]) -> None:
    shapes, axis = CASES[case]
    inputs = _inputs(shapes)
    quants = {name: (scale, 4) for name, scale in zip(NAMES, scales, strict=True)} | {"y": (0.05, 4)}
    program = check(qdq_model([_node(inputs, axis)], inputs, ["y"], quants, stage=True))
    tables = [name for step in program.steps for name in step.kernel.constants() if step.operator == "Concat"]
    assert len(tables) == (len(inputs) - 1 if scales[1] != scales[0] else 0)


@pytest.mark.parametrize("case", CASES)
def test_float_and_channel_last(case: str) -> None:
    shapes, axis = CASES[case]
    inputs = _inputs(shapes)
    check(float_model([_node(inputs, axis)], inputs, ["y"]))
    if len(shapes[0]) == 4:
        pool = helper.make_node("MaxPool", ["y"], ["z"], "pool", kernel_shape=[1, 1])
        check(float_model([_node(inputs, axis), pool], inputs, ["z"]))


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_constants_among_the_inputs(axis: int) -> None:
    """Each lies in flash as the output stores it: quantized, and in the output's order of axes."""
    shape, extra = (1, 3, 4, 5), [1, 3, 4, 5]
    extra[axis] = 2
    values = np.random.default_rng(0).normal(size=extra).astype(np.float32)
    integers = (np.random.default_rng(1).integers(-127, 128, extra).astype(np.int8), np.float32(0.02), 0)
    node = _node(["before", "x", "behind"], axis)
    check(float_model([node], {"x": shape}, ["y"], {"before": values, "behind": values}))
    pool = helper.make_node("MaxPool", ["y"], ["z"], "pool", kernel_shape=[2, 2])
    check(float_model([node, pool], {"x": shape}, ["z"], {"before": values, "behind": values}))
    check(
        qdq_model(
            [node], {"x": shape}, ["y"], {"x": (0.05, 9), "y": (0.03, -5)},
            {"before": values}, {"behind": integers}, stage=True,
        )
    )  # fmt: skip


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32, TensorProto.UINT8, TensorProto.BOOL])
def test_raw_types(kind: int) -> None:
    inputs = _inputs([(2, 3), (2, 1)])
    check(float_model([_node(inputs, 1)], inputs, ["y"], dtypes=dict.fromkeys((*inputs, "y"), kind)))


def test_one_tensor_twice() -> None:
    check(float_model([_node(["a", "a"], 1)], {"a": (1, 2, 3, 4)}, ["y"]))
    check(
        qdq_model(
            [_node(["a", "a"], 1)], {"a": (1, 2, 3, 4)}, ["y"], {"a": (0.05, 1), "y": (0.05, 1)}, stage=True
        )
    )


def test_operands_in_different_orders_of_axes() -> None:
    """One branch comes channel-last from a convolution, the other through a Reshape."""
    reshape = helper.make_node("Reshape", ["b", "shape"], ["shaped"], "reshape")
    pool = helper.make_node("MaxPool", ["a"], ["pooled"], "pool", kernel_shape=[2, 2])
    model = float_model(
        [pool, reshape, _node(["pooled", "shaped"], 1)], {"a": (1, 3, 5, 6), "b": (40,)}, ["y"],
        {"shape": np.int64([1, 2, 4, 5])},
    )  # fmt: skip
    check(model)
