"""Operators without a kernel that are a few others, where ONNX itself has no body for them.

Each function gets the node, whose operands have types and static shapes, and a ``Body`` to write the others
into; the result is that of the node.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from itertools import combinations, permutations
from math import prod
from typing import Any

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import constant, describe, input_at, shape_of
from .body import Body, along, known, number, operand
from .deformable import deform_conv
from .einsum import Equation
from .indices import (
    col2im,
    compress,
    gather_elements,
    gather_nd,
    max_unpool,
    picked,
    scatter_elements,
    scatter_nd,
    tensor_scatter,
)
from .inline import splice
from .integers import bit_cast, bit_shift, dequantize, floor_mod, power, quantize, running
from .ranking import top_k
from .regions import roi_align
from .resample import resize
from .sampling import grid_sample
from .spectrum import dft, stft
from .volumes import convolution, pool

Decomposition = Callable[[oir.Node, Body], oir.Value | list[oir.Value] | None]
"""Gives the result of a node, or those of its results that are asked for; None where the node stays."""


LARGEST_DETERMINANT = 4
"""Rows of a matrix whose determinant is written out."""


def decompose(node: oir.Node, opset: int) -> list[oir.Node]:
    """Put the operators, at ``OPSET``, that ``node`` of ``DECOMPOSED`` consists of in its place; the nodes
    that it brought, none where it stays as it is. ``node`` is of ``opset``. Raises ModelError for operands
    that the decomposition does not cover."""
    body = Body(node, opset)
    results = DECOMPOSED[node.op_type](node, body)
    if results is None:
        return []
    return splice(node, body.nodes, results if isinstance(results, list) else [results])


def _one_hot(node: oir.Node, body: Body) -> oir.Value:
    indices, values = operand(node, 0), operand(node, 2)
    depth = int(known(node, 1).reshape(()))
    rank = len(shape_of(indices)) + 1
    axis = node.attributes.get_int("axis", -1) % rank
    wide = body.op("Cast", indices, to=int(oir.DataType.INT64))
    below = body.op("Less", wide, body.constant(np.int64(0)))
    moved = body.op("Where", below, body.op("Add", wide, body.constant(np.int64(depth))), wide)
    spread = body.op("Unsqueeze", moved, body.constant(np.array([axis], np.int64)))
    chosen = body.op("Equal", spread, body.constant(along(depth, axis, rank)))
    off, on = (body.op("Gather", values, body.constant(np.int64(i)), axis=0) for i in (0, 1))
    return body.op("Where", chosen, on, off)


def _hardmax(node: oir.Node, body: Body) -> oir.Value:
    x = operand(node, 0)
    rank = len(shape_of(x))
    axis = node.attributes.get_int("axis", -1) % rank
    first = body.op("ArgMax", x, axis=axis, keepdims=1)
    chosen = body.op("Equal", first, body.constant(along(shape_of(x)[axis], axis, rank)))
    return body.op("Where", chosen, body.like(1, x), body.like(0, x))


def _trilu(node: oir.Node, body: Body) -> oir.Value:
    x = operand(node, 0)
    rows, columns = shape_of(x)[-2:]
    shift = int(number(node, 1, 0))
    above = np.arange(columns) - np.arange(rows)[:, None] - shift
    kept = above >= 0 if node.attributes.get_int("upper", 1) else above <= 0
    return body.op("Where", body.constant(kept), x, body.like(0, x))


def _eye_like(node: oir.Node, body: Body) -> oir.Value:
    x = operand(node, 0)
    dtype = oir.DataType(node.attributes.get_int("dtype", int(x.dtype or oir.DataType.FLOAT)))
    eye = np.eye(*shape_of(x), k=node.attributes.get_int("k", 0))
    return body.op("Identity", body.constant(eye, dtype))


def _lp_pool(node: oir.Node, body: Body) -> oir.Value:
    """(Σ |x|^p)^(1/p): the mean of the window, padding counted as zero, times its size."""
    x = operand(node, 0)
    p = node.attributes.get_int("p", 2)
    kept = ("kernel_shape", "strides", "pads", "dilations", "auto_pad", "ceil_mode")
    attributes = {name: node.attributes[name].value for name in kept if name in node.attributes}
    power = body.op("Pow", body.op("Abs", x), body.like(p, x))
    mean = body.op("AveragePool", power, count_include_pad=1, **attributes)
    total = body.op("Mul", mean, body.like(prod(node.attributes["kernel_shape"].as_ints()), x))
    return body.op("Pow", total, body.like(1 / p, x))


def _global_lp_pool(node: oir.Node, body: Body) -> oir.Value:
    x = operand(node, 0)
    p = node.attributes.get_int("p", 2)
    axes = body.constant(np.arange(2, len(shape_of(x)), dtype=np.int64))
    power = body.op("Pow", body.op("Abs", x), body.like(p, x))
    return body.op("Pow", body.op("ReduceSum", power, axes, keepdims=1), body.like(1 / p, x))


def _local_response(node: oir.Node, body: Body) -> oir.Value:
    """x / (bias + alpha · mean of x² over ``size`` neighbouring channels)^beta (ONNX LRN-13)."""
    x = operand(node, 0)
    shape, size = shape_of(x), node.attributes["size"].as_int()
    before = (size - 1) // 2
    flat = body.reshape(body.op("Mul", x, x), [shape[0], 1, shape[1], prod(shape[2:])])
    mean = body.op(
        "AveragePool", flat, kernel_shape=[size, 1], pads=[before, 0, size - 1 - before, 0],
        count_include_pad=1,
    )  # fmt: skip
    alpha, beta = node.attributes.get_float("alpha", 1e-4), node.attributes.get_float("beta", 0.75)
    scaled = body.op("Mul", body.reshape(mean, list(shape)), body.like(alpha, x))
    base = body.op("Add", scaled, body.like(node.attributes.get_float("bias", 1.0), x))
    return body.op("Div", x, body.op("Pow", base, body.like(beta, x)))


def _dequantized(node: oir.Node, body: Body, first: int, **attributes: Any) -> oir.Value:
    return body.op("DequantizeLinear", *node.inputs[first : first + 3], **attributes)


def _axis_of_scale(node: oir.Node, scale: int, axis: int) -> dict[str, int]:
    return {"axis": axis} if prod(shape_of(operand(node, scale))) > 1 else {}


def _qlinear_matmul(node: oir.Node, body: Body) -> oir.Value:
    rank = len(shape_of(operand(node, 3)))
    a = _dequantized(node, body, 0, **_axis_of_scale(node, 1, -2))
    b = _dequantized(node, body, 3, **_axis_of_scale(node, 4, rank - 1))
    return body.op("QuantizeLinear", body.op("MatMul", a, b), *node.inputs[6:8])


def _qlinear_conv(node: oir.Node, body: Body) -> oir.Value:
    x = _dequantized(node, body, 0)
    w = _dequantized(node, body, 3, **_axis_of_scale(node, 4, 0))
    operands: list[oir.Value] = [x, w]
    if len(node.inputs) > 8 and node.inputs[8] is not None:
        scales = known(node, 1).astype(np.float64) * known(node, 4).astype(np.float64)
        scale = body.constant(scales.reshape(-1) if scales.size > 1 else scales, oir.DataType.FLOAT)
        operands.append(body.op("DequantizeLinear", node.inputs[8], scale, axis=0))
    attributes = {name: attribute.value for name, attribute in node.attributes.items()}
    return body.op("QuantizeLinear", body.op("Conv", *operands, **attributes), *node.inputs[6:8])


_EXACT = 1 << 24
"""Integers up to here are exact in float32."""


def _without_zero_point(node: oir.Node, body: Body, index: int, per_row: bool) -> oir.Value:
    """Operand ``index`` minus its zero point, as float32; per row, the zero points are of its first axis."""
    x = body.op("Cast", operand(node, index), to=int(oir.DataType.FLOAT))
    zero = node.inputs[index + 2] if len(node.inputs) > index + 2 else None
    if zero is None:
        return x
    if per_row and prod(shape_of(zero)) > 1:
        zero = body.reshape(zero, [-1] + [1] * (len(shape_of(operand(node, index))) - 1))
    return body.op("Sub", x, body.op("Cast", zero, to=int(oir.DataType.FLOAT)))


def _exact_product(node: oir.Node, terms: int) -> None:
    if terms * 255 * 255 > _EXACT:
        raise ModelError(
            f"{node.op_type} sums too many products",
            where=describe(node),
            why=f"it is computed in float32, which holds {terms} products of 8 bits only approximately",
            remedy="export the model with QuantizeLinear and DequantizeLinear around MatMul and Conv",
        )


def _matmul_integer(node: oir.Node, body: Body) -> oir.Value:
    _exact_product(node, shape_of(operand(node, 0))[-1])
    a = _without_zero_point(node, body, 0, per_row=True)
    b = _without_zero_point(node, body, 1, per_row=False)
    return body.op("Cast", body.op("MatMul", a, b), to=int(oir.DataType.INT32))


def _conv_integer(node: oir.Node, body: Body) -> oir.Value:
    _exact_product(node, prod(shape_of(operand(node, 1))[1:]))
    x = _without_zero_point(node, body, 0, per_row=False)
    w = _without_zero_point(node, body, 1, per_row=True)
    attributes = {name: attribute.value for name, attribute in node.attributes.items()}
    return body.op("Cast", body.op("Conv", x, w, **attributes), to=int(oir.DataType.INT32))


def _reverse_sequence(node: oir.Node, body: Body) -> oir.Value:
    """Row t of sequence b is row length(b) − 1 − t where t < length(b), else row t."""
    x, lengths = operand(node, 0), operand(node, 1)
    shape = shape_of(x)
    time, batch = node.attributes.get_int("time_axis", 0), node.attributes.get_int("batch_axis", 1)
    steps, rows = shape[time], shape[batch]
    t = np.arange(steps, dtype=np.int64).reshape((-1, 1) if time == 0 else (1, -1))
    b = np.arange(rows, dtype=np.int64).reshape((-1, 1) if batch == 0 else (1, -1))
    long = body.reshape(body.op("Cast", lengths, to=int(oir.DataType.INT64)), list(b.shape))
    back = body.op("Sub", body.op("Sub", long, body.constant(np.int64(1))), body.constant(t))
    source = body.op("Where", body.op("Less", body.constant(t), long), back, body.constant(t))
    strides = {time: prod(shape[time + 1 : 2]), batch: prod(shape[batch + 1 : 2])}
    steps_on = body.op("Mul", source, body.constant(np.int64(strides[time])))
    numbers = body.op("Add", steps_on, body.constant(b * strides[batch]))
    return body.reshape(picked(body, x, numbers, prod(shape[2:])), list(shape))


def _einsum(node: oir.Node, body: Body) -> oir.Value:
    operands = [value for value in node.inputs if value is not None]
    shapes = [shape_of(value) for value in operands]
    return Equation.parse(node, shapes).build(operands, body)


def _determinant(node: oir.Node, body: Body) -> oir.Value:
    """By the rule of Leibniz, which sums as many products as there are orders of the columns."""
    x, size = operand(node, 0), shape_of(node.inputs[0])[-1]
    if size > LARGEST_DETERMINANT:
        raise ModelError(
            "Det has too large a matrix",
            where=describe(node),
            why=f"it has {size} rows; determinants of up to {LARGEST_DETERMINANT} are written out",
            remedy="compute the determinant in the firmware",
        )
    rows = [body.op("Gather", x, body.constant(np.int64(i)), axis=-2) for i in range(size)]
    columns = [body.constant(np.int64(j)) for j in range(size)]
    cells = [[body.op("Gather", row, column, axis=-1) for column in columns] for row in rows]
    total = body.like(0, x)
    for order in permutations(range(size)):
        term = reduce(partial(body.op, "Mul"), [cells[i][j] for i, j in enumerate(order)])
        odd = sum(a > b for a, b in combinations(order, 2)) % 2
        total = body.op("Sub" if odd else "Add", total, term)
    return total


def _dropout_mask(node: oir.Node, body: Body) -> list[oir.Value] | None:
    """Dropout that is asked for its mask, in inference: everything is kept."""
    mode = input_at(node, 2)
    training = mode is not None and (constant(mode) is None or bool(known(node, 2).any()))
    if training or not any(output.name for output in node.outputs[1:]):
        return None
    x = operand(node, 0)
    kept = (body.op("Identity", x), body.op("Identity", body.constant(np.ones(shape_of(x), np.bool_))))
    return [value for value, output in zip(kept, node.outputs, strict=True) if output.name]


def _complementary_error(node: oir.Node, body: Body) -> oir.Value:
    """1 − erf(x), which tf2onnx leaves for GELU as an operator that ONNX does not have."""
    x = operand(node, 0)
    return body.op("Sub", body.like(1, x), body.op("Erf", x))


DECOMPOSED: dict[str, Decomposition] = {
    "AveragePool": pool,
    "BitCast": bit_cast,
    "BitShift": bit_shift,
    "Col2Im": col2im,
    "Compress": compress,
    "Conv": convolution,
    "ConvInteger": _conv_integer,
    "CumProd": running,
    "CumSum": running,
    "DFT": dft,
    "DeformConv": deform_conv,
    "DequantizeLinear": dequantize,
    "Det": _determinant,
    "Dropout": _dropout_mask,
    "Einsum": _einsum,
    "Erfc": _complementary_error,
    "EyeLike": _eye_like,
    "GatherElements": gather_elements,
    "GatherND": gather_nd,
    "GlobalLpPool": _global_lp_pool,
    "GridSample": grid_sample,
    "Hardmax": _hardmax,
    "LRN": _local_response,
    "LpPool": _lp_pool,
    "MatMulInteger": _matmul_integer,
    "MaxPool": pool,
    "MaxUnpool": max_unpool,
    "Mod": floor_mod,
    "OneHot": _one_hot,
    "Pow": power,
    "QLinearConv": _qlinear_conv,
    "QLinearMatMul": _qlinear_matmul,
    "QuantizeLinear": quantize,
    "Resize": resize,
    "ReverseSequence": _reverse_sequence,
    "Scatter": scatter_elements,
    "RoiAlign": roi_align,
    "STFT": stft,
    "ScatterElements": scatter_elements,
    "ScatterND": scatter_nd,
    "TensorScatter": tensor_scatter,
    "TopK": top_k,
    "Trilu": _trilu,
}
