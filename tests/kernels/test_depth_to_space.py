"""Blocks of pixels to channels and back."""

from __future__ import annotations

import pytest
from onnx import TensorProto, helper

from .checks import check, float_model, qdq_model

# shape, block
DEEP = {
    "block of 2": ((1, 12, 3, 4), 2),
    "block of 3": ((1, 18, 2, 3), 3),
    "to one channel": ((1, 4, 3, 2), 2),
    "batch": ((2, 8, 3, 2), 2),
}
FLAT = {
    "block of 2": ((1, 3, 6, 8), 2),
    "block of 3": ((1, 2, 6, 9), 3),
    "from one channel": ((1, 1, 4, 6), 2),
    "batch": ((2, 3, 4, 2), 2),
}


@pytest.mark.parametrize("case", DEEP)
@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space(case: str, mode: str) -> None:
    shape, block = DEEP[case]
    _check(helper.make_node("DepthToSpace", ["x"], ["y"], "shuffle", blocksize=block, mode=mode), shape)


@pytest.mark.parametrize("case", FLAT)
def test_space_to_depth(case: str) -> None:
    shape, block = FLAT[case]
    _check(helper.make_node("SpaceToDepth", ["x"], ["y"], "shuffle", blocksize=block), shape)


def _check(node: helper.NodeProto, shape: tuple[int, ...]) -> None:
    check(float_model([node], {"x": shape}, ["y"]))
    check(qdq_model([node], {"x": shape}, ["y"], {"x": (0.05, 9), "y": (0.05, 9)}, stage=True))
    program = check(qdq_model([node], {"x": shape}, ["y"], {"x": (0.05, 9), "y": (0.08, -3)}, stage=True))
    assert len(program.steps) == 3
    check(float_model([node], {"x": shape}, ["y"], dtypes={"x": TensorProto.INT8, "y": TensorProto.INT8}))
