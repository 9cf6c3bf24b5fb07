"""Resizing that has no kernel, cubic or filtered, as one product with a constant matrix for each axis."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import Any, cast

import numpy as np
import onnx
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import IR_VERSION, OPSET, Array, attributes_of, constant, describe, input_at, shape_of
from .body import Body, operand

LARGEST = 1 << 16
"""Elements of a matrix; each is evaluated by itself."""
_COMMON = (
    "mode", "antialias", "coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside", "nearest_mode",
)  # fmt: skip


def resize(node: oir.Node, body: Body) -> oir.Value | None:
    """Resize along the last two axes; None for what kernels do, and for other axes."""
    attributes = attributes_of(node)
    if attributes.get("mode") != "cubic" and not attributes.get("antialias", 0):
        return None
    x, shape = operand(node, 0), shape_of(node.inputs[0])
    rank, scales = len(shape), constant(input_at(node, 2))
    axes = [axis % rank for axis in attributes.get("axes", range(rank))]
    if attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        return None
    sizes = constant(input_at(node, 3))
    if (scales is None or scales.size == 0) and sizes is None:
        return None
    for number, axis in enumerate(axes):
        length = shape[axis]
        by_size = None if sizes is None else int(sizes[number])
        scale = float(scales[number]) if by_size is None and scales is not None else (by_size or 0) / length
        if scale == 1:
            continue
        if axis < rank - 2:
            return None
        matrix = _matrix(node, length, scale, by_size, attributes)
        if axis == rank - 2:
            x = body.op("MatMul", body.constant(matrix), x)
        else:
            x = body.op("MatMul", x, body.constant(np.ascontiguousarray(matrix.T)))
    return x


def _matrix(
    node: oir.Node, length: int, scale: float, size: int | None, attributes: Mapping[str, Any]
) -> Array:
    """[results, ``length``]: what ONNX's own evaluator makes of each unit vector."""
    from onnx.reference import ReferenceEvaluator

    results = floor(length * scale) if size is None else size
    if results * length > LARGEST:
        raise ModelError(
            "Resize has too large a matrix",
            where=describe(node),
            why=f"{results} × {length} coefficients of one axis; up to {LARGEST} are computed",
            remedy="export the model with mode nearest or linear, without antialias",
        )
    kept = {name: attributes[name] for name in _COMMON if name in attributes}
    extent = np.array([scale, 1], np.float32) if size is None else np.array([size, length], np.int64)
    names = ["x", "", "scales"] if size is None else ["x", "", "", "sizes"]
    call = onnx.helper.make_node("Resize", names, ["y"], **kept)
    graph = onnx.helper.make_graph(
        [call], "resize",
        [onnx.helper.make_empty_tensor_value_info(name) for name in names if name],
        [onnx.helper.make_empty_tensor_value_info("y")],
    )  # fmt: skip
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    feeds = {"x": np.eye(length, dtype=np.float32), names[-1]: extent}
    return cast("list[Array]", ReferenceEvaluator(model).run(None, feeds))[0].astype(np.float32)
