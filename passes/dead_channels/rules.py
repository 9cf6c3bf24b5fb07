"""What each operator does to channels and to the ranges of their values."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import onnx_ir as oir

from ..onnx_graph import constant, input_at, scalar
from .analysis import Analysis, Rule, Tie
from .elementwise import ARITHMETIC, UNARY, image, unary
from .facts import Facts, Floats, clipped
from .layers import layer_of, layout_of
from .movement import MOVEMENT
from .parameters import parameter_of, shape_of

ROUNDING_MARGIN = 2.0**-6
"""Distance from a tie, in quantization steps, that a value must keep to count as certain.

It covers float32's last roundings in ONNX Runtime, and an integer requantization whose last shift drops at
least six bits; where it drops fewer, the constant that is folded is the one ONNX Runtime computes."""


def _layer(node: oir.Node, analysis: Analysis) -> Facts | None:
    layout, shape = layout_of(node), shape_of(node.inputs[0])
    if layout is None or shape is None:
        return None
    axis = len(shape) - 1 if node.op_type in ("Gemm", "MatMul") else 1
    layer = layer_of(node, layout, analysis.along(node.inputs[0], axis), analysis.atoms)
    analysis.layers.append(layer)
    lo, hi = layer.bounds()
    return Facts(axis, layer.atoms, clipped(lo), clipped(hi))


def _wraps(node: oir.Node) -> bool:
    """True for arithmetic on integers, which overflows where the rules here would not."""
    dtype = node.outputs[0].dtype
    return dtype is not None and dtype.is_integer()


def _unary(node: oir.Node, analysis: Analysis) -> Facts | None:
    found = unary(node)
    if found is None or _wraps(node):
        return None
    function, least = found
    facts = analysis.of(node.inputs[0])
    return facts.bounded(*image(function, least, facts.lo, facts.hi))


def _quantize(node: oir.Node, analysis: Analysis) -> Facts | None:
    affine, dtype = _affine(node), node.outputs[0].dtype
    if affine is None or dtype is None or not dtype.is_integer():
        return None
    scale, zero = affine
    info = ml_dtypes.iinfo(dtype.numpy())
    facts = analysis.of(node.inputs[0])
    lo = np.rint(facts.lo / scale + zero - ROUNDING_MARGIN)
    hi = np.rint(facts.hi / scale + zero + ROUNDING_MARGIN)
    return facts.bounded(np.clip(lo, info.min, info.max), np.clip(hi, info.min, info.max))


def _dequantize(node: oir.Node, analysis: Analysis) -> Facts | None:
    affine = _affine(node)
    if affine is None:
        return None
    scale, zero = affine
    facts = analysis.of(node.inputs[0])

    def real(stored: Floats) -> Floats:  # rounded as ONNX Runtime does
        return ((stored - zero).astype(np.float32) * np.float32(scale)).astype(np.float64)

    return facts.bounded(real(facts.lo), real(facts.hi))


def _affine(node: oir.Node) -> tuple[float, float] | None:
    """Scale and zero point of a whole tensor; None where they are per channel or not constant."""
    scale, zero = scalar(node.inputs[1]), input_at(node, 2)
    offset = 0.0 if zero is None else scalar(zero)
    return None if scale is None or not scale > 0 or offset is None else (scale, offset)


def _arithmetic(node: oir.Node, analysis: Analysis) -> Facts | None:
    """Element-wise operators on two operands: their channels go together."""
    shapes, shape = [shape_of(value) for value in node.inputs], shape_of(node.outputs[0])
    if _wraps(node) or len(shapes) != 2 or shape is None or any(part is None for part in shapes):
        return None
    ranks = [len(part) for part in shapes if part is not None]
    axis = _common_axis(node, ranks, len(shape), analysis)
    if axis is None:
        intervals = [(f.lo, f.hi) for f in (analysis.of(value) for value in node.inputs)]
        return analysis.uniform(0, 0).bounded(*ARITHMETIC[node.op_type](*intervals))
    sides = [_side(node, index, axis - len(shape), shape[axis], analysis) for index in (0, 1)]
    full = [side.atoms for side in sides if len(side.atoms) == shape[axis]]
    for other in full[1:]:
        analysis.atoms.unite(full[0], other)
    lo, hi = ARITHMETIC[node.op_type]((sides[0].lo, sides[0].hi), (sides[1].lo, sides[1].hi))
    return Facts(axis, full[0], clipped(lo), clipped(hi))


def _common_axis(node: oir.Node, ranks: list[int], rank: int, analysis: Analysis) -> int | None:
    """The channel axis in the result, from the first operand that has one."""
    for value, own in zip(node.inputs, ranks, strict=True):
        axis = analysis.of(value).axis
        if axis is not None:
            return axis + rank - own
    return None


def _side(node: oir.Node, index: int, from_end: int, count: int, analysis: Analysis) -> Facts:
    """Operand ``index`` with its channels along axis ``from_end``; one atom where it is broadcast there."""
    value, shape = node.inputs[index], shape_of(node.inputs[index])
    assert shape is not None
    if -from_end > len(shape) or (shape[from_end] == 1 and count > 1):
        return analysis.spread(value)
    axis = len(shape) + from_end
    parameter = parameter_of(value)
    if parameter is None:
        return analysis.along(value, axis)
    atoms = analysis.atoms.fresh(count)
    analysis.ties.append(Tie(node, index, axis, atoms))
    rows = np.moveaxis(np.asarray(parameter.real, np.float64), axis, 0).reshape(count, -1)
    return Facts(axis, atoms, rows.min(axis=1), rows.max(axis=1))


def _batch_normalization(node: oir.Node, analysis: Analysis) -> Facts | None:
    arrays = [constant(value) for value in node.inputs[1:5]]
    shape = shape_of(node.inputs[0])
    if shape is None or any(a is None for a in arrays) or node.attributes.get_int("training_mode", 0):
        return None
    gamma, beta, mean, variance = (np.asarray(array, np.float64) for array in arrays)
    gain = gamma / np.sqrt(variance + node.attributes.get_float("epsilon", 1e-5))
    facts = analysis.along(node.inputs[0], 1)
    analysis.ties.extend(Tie(node, index, 0, facts.atoms) for index in range(1, 5))
    ends = gain * (facts.lo - mean) + beta, gain * (facts.hi - mean) + beta
    return facts.bounded(np.minimum(*ends), np.maximum(*ends))


RULES: dict[str, Rule] = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm", "MatMul"), _layer),
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(ARITHMETIC, _arithmetic),
    **MOVEMENT,
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
    "BatchNormalization": _batch_normalization,
}
"""The rule for each operator that channels can be followed through."""
