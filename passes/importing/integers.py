"""Operators on integers, and between integers and floats, that are a few others."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import constant, describe, input_at, shape_of
from ..onnx_infer import infer
from .body import Body, known, operand
from .single import OTHER_FLOATS

_INT64, _FLOAT = oir.DataType.INT64, oir.DataType.FLOAT


def bit_shift(node: oir.Node, body: Body) -> oir.Value:
    """By a multiplication with 2^n, or a division whose remainder was taken off, of 64 bits. A shift by the
    width or more, or below zero, leaves no bit (the sign, to the right)."""
    x, count = operand(node, 0), operand(node, 1)
    assert x.dtype is not None
    if x.dtype == oir.DataType.UINT64:
        raise _unsigned(node)
    width = x.dtype.bitwidth
    wide = body.op("Cast", x, to=int(_INT64))
    inside = body.op("BitwiseAnd", body.op("Cast", count, to=int(_INT64)), body.constant(np.int64(width - 1)))
    shifted = body.op("Equal", inside, body.op("Cast", count, to=int(_INT64)))
    factor = body.op("Gather", body.constant(np.int64(1) << np.arange(width, dtype=np.int64)), inside, axis=0)
    if node.attributes["direction"].as_string() == "LEFT":
        moved, empty = body.op("Mul", wide, factor), body.constant(np.int64(0))
    else:
        whole = body.op("Sub", wide, body.op("Mod", wide, factor))
        moved = body.op("Div", whole, factor)
        negative = body.op("Less", wide, body.constant(np.int64(0)))
        empty = body.op("Where", negative, body.constant(np.int64(-1)), body.constant(np.int64(0)))
    return body.op("Cast", body.op("Where", shifted, moved, empty), to=int(x.dtype))


def _unsigned(node: oir.Node) -> ModelError:
    return ModelError(
        f"{node.op_type} works on integers that tinyc does not compile",
        where=describe(node),
        why="its operands are uint64",
        remedy="use integers of up to 32 bits, or int64",
    )


def power(node: oir.Node, body: Body) -> oir.Value | None:
    """Powers of integers are computed in float32, which holds those up to 2^24."""
    x, exponent = operand(node, 0), operand(node, 1)
    has_kernel = exponent.dtype == _FLOAT or constant(exponent) is not None
    if x.dtype is None or (x.dtype == _FLOAT and has_kernel):
        return None
    floats = [body.op("Cast", value, to=int(_FLOAT)) for value in (x, exponent)]
    return body.op("Cast", body.op("Pow", *floats), to=int(x.dtype))


def floor_mod(node: oir.Node, body: Body) -> oir.Value | None:
    """Mod of floats whose result has the divisor's sign (ONNX Mod-28): C's, plus the divisor where the signs
    differ."""
    x, divisor = operand(node, 0), operand(node, 1)
    if x.dtype != _FLOAT or node.attributes.get_int("fmod", 0):
        return None
    rest, zero = body.op("Mod", x, divisor, fmod=1), body.like(0, x)
    differs = body.op("Xor", body.op("Less", rest, zero), body.op("Less", divisor, zero))
    moved = body.op("And", differs, body.op("Not", body.op("Equal", rest, zero)))
    return body.op("Where", moved, body.op("Add", rest, divisor), rest)


LONGEST = 64
"""Elements along the axis of a running sum or product that is written out."""


def running(node: oir.Node, body: Body) -> oir.Value | None:
    """CumProd, and CumSum of integers, which has no kernel: one operation for each element along the axis."""
    x, add = operand(node, 0), node.op_type == "CumSum"
    if add and x.dtype == _FLOAT:
        return None
    shape = shape_of(x)
    axis = int(known(node, 1).reshape(())) % len(shape)
    if shape[axis] > LONGEST:
        raise ModelError(
            f"{node.op_type} runs over too many elements",
            where=describe(node),
            why=f"axis {axis} has {shape[axis]}; up to {LONGEST} are written out",
            remedy="export the model with shorter runs",
        )
    places = [body.constant(np.array([i], np.int64)) for i in range(shape[axis])]
    slices = [body.op("Gather", x, place, axis=axis) for place in places]
    slices = slices[::-1] if node.attributes.get_int("reverse", 0) else slices
    if node.attributes.get_int("exclusive", 0):
        one = body.constant(np.full((*shape[:axis], 1, *shape[axis + 1 :]), 0 if add else 1), x.dtype)
        slices = [one, *slices[:-1]]
    results = slices[:1]
    for part in slices[1:]:
        results.append(body.op("Add" if add else "Mul", results[-1], part))
    if node.attributes.get_int("reverse", 0):
        results.reverse()
    return body.op("Concat", *results, axis=axis)


_QUANTIZED = (oir.DataType.INT8, oir.DataType.UINT8, oir.DataType.INT16, oir.DataType.UINT16)


def quantize(node: oir.Node, body: Body) -> oir.Value | None:
    """QuantizeLinear of an activation by several scales, or by one that is computed at run time; by one that
    is constant it is no operation but a change of type."""
    x, zero_point = operand(node, 0), input_at(node, 2)
    asked = oir.DataType(node.attributes.get_int("output_dtype", 0) or int(oir.DataType.UINT8))
    out = asked if zero_point is None else zero_point.dtype
    if out is None or out not in _QUANTIZED or _is_plain(node) or constant(x) is not None:
        return None
    scale, zero = _parameters(node, body)
    limits = np.iinfo(out.numpy())
    scaled = body.op("Round", body.op("Div", x, scale))
    moved = scaled if zero is None else body.op("Add", scaled, zero)
    ends = (body.constant(np.float32(end)) for end in (limits.min, limits.max))
    return body.op("Cast", body.op("Clip", moved, *ends), to=int(out))


def dequantize(node: oir.Node, body: Body) -> oir.Value | None:
    """DequantizeLinear of an activation, in the cases of ``quantize``."""
    x = operand(node, 0)
    if _is_plain(node) or constant(x) is not None or x.dtype not in _QUANTIZED:
        return None
    scale, zero = _parameters(node, body)
    real = body.op("Cast", x, to=int(_FLOAT))
    return body.op("Mul", real if zero is None else body.op("Sub", real, zero), scale)


def _is_plain(node: oir.Node) -> bool:
    parameters = [value for value in node.inputs[1:] if value is not None]
    return all((array := constant(value)) is not None and array.size == 1 for value in parameters)


def _parameters(node: oir.Node, body: Body) -> tuple[oir.Value, oir.Value | None]:
    """Scale and zero point as float32, which broadcast against operand 0."""
    shape, zero = shape_of(operand(node, 0)), input_at(node, 2)
    real = None if zero is None else body.op("Cast", zero, to=int(_FLOAT))
    scale = operand(node, 1)
    moved = None if real is None else _spread(node, body, shape, real, scale)
    return _spread(node, body, shape, scale), moved


def _spread(
    node: oir.Node, body: Body, shape: tuple[int, ...], value: oir.Value, like: oir.Value | None = None
) -> oir.Value:
    found, axis = shape_of(like or value), node.attributes.get_int("axis", 1)
    if len(found) == 0 or found == (1,):
        return value
    axis %= len(shape)
    if len(found) == 1:
        return body.reshape(value, [found[0] if a == axis else 1 for a in range(len(shape))])
    repeats = node.attributes.get_int("block_size", 0)  # by blocks: each parameter is that of some neighbours
    picked = np.arange(shape[axis], dtype=np.int64) // max(repeats, 1)
    return body.op("Gather", value, body.constant(picked), axis=axis)


def bit_cast(node: oir.Node, body: Body) -> oir.Value:
    """Between integers of one width (and bool), a Cast."""
    x, to = operand(node, 0), node.attributes["to"].as_int()
    if x.dtype == _FLOAT or to in (_FLOAT, *OTHER_FLOATS):
        raise ModelError(
            "BitCast reads the bits of floats",
            where=describe(node),
            why="float16 and float64 are computed as float32 here, and no kernel takes floats apart",
            remedy="cast in the firmware, or use operators on floats",
        )
    infer(node, body.opset)  # refuses other widths
    return body.op("Cast", x, to=to)
