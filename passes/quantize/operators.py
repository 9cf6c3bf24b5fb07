"""The table of operators that run on integers, and which of their operands are quantized how."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from ...ir.dtype import Quant

UNIT_INTERVAL = Quant(1 / 256, -128)
"""Results between 0 and 1: Softmax and Sigmoid."""
SIGNED_UNIT_INTERVAL = Quant(1 / 128, 0)
"""Results between −1 and 1: Tanh."""


@dataclass(frozen=True)
class Rule:
    """How one operator is quantized.

    ``operands`` are the inputs that are quantized activations (None: every input); those that are
    constant are quantized per tensor. ``shared`` operators move or select values, so that their operands
    and results have one quantization. ``fixed`` is the result's quantization where its range is known.
    ``weight_axis`` is the axis of output channels in input 1 of operators with weights, which have
    int32 biases too; None for all others.
    """

    operands: tuple[int, ...] | None = (0,)
    shared: bool = False
    fixed: Quant | None = None
    weight_axis: int | None = None


_ARITHMETIC = Rule(operands=None)
_MOVEMENT = Rule(shared=True)

_RULES: dict[str, Rule] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Min", "Max"), _ARITHMETIC),
    **dict.fromkeys(
        (
            *("Relu", "Clip", "LeakyRelu", "Elu", "Selu", "Celu", "HardSigmoid", "HardSwish", "Softplus"),
            *("Softsign", "Gelu", "Erf", "Mish", "Swish", "Neg", "Abs", "Sqrt", "Exp", "Log", "Reciprocal"),
            *("LogSoftmax", "LayerNormalization", "AveragePool", "GlobalAveragePool", "ReduceMean"),
            *("ReduceSum", "ArgMax", "ArgMin"),
        ),
        Rule(),
    ),
    "PRelu": _ARITHMETIC,
    "Sigmoid": Rule(fixed=UNIT_INTERVAL),
    "Softmax": Rule(fixed=UNIT_INTERVAL),
    "Tanh": Rule(fixed=SIGNED_UNIT_INTERVAL),
    **dict.fromkeys(
        (
            *("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Pad", "Gather"),
            *("DepthToSpace", "SpaceToDepth", "Tile", "Expand", "Identity", "GlobalMaxPool", "ReduceMax"),
            "ReduceMin",
        ),
        _MOVEMENT,
    ),
    **dict.fromkeys(
        ("Concat", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"),
        Rule(operands=None, shared=True),
    ),
    "Where": Rule(operands=(1, 2), shared=True),
    "Conv": Rule(weight_axis=0),
    "ConvTranspose": Rule(weight_axis=1),
}

_FUSING = frozenset(("Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Sub", "Mul"))
"""Operators whose kernels take a following Relu or Clip as bounds."""


def is_constant(value: oir.Value | None) -> bool:
    """True for a value that the model file fixes."""
    return value is not None and value.const_value is not None


def is_float(value: oir.Value | None) -> bool:
    """True for a float32 value."""
    return value is not None and value.dtype == oir.DataType.FLOAT


def array_of(value: oir.Value | None) -> np.ndarray:
    """The array of a constant value."""
    assert value is not None and value.const_value is not None
    return value.const_value.numpy()


def rule_of(node: oir.Node) -> Rule | None:
    """The rule for ``node``; None where it is not quantizable and stays in float."""
    if node.domain not in ("", "ai.onnx"):
        return None
    special = _SPECIAL.get(node.op_type)
    return special(node) if special else _RULES.get(node.op_type)


def fuses_activation(node: oir.Node) -> bool:
    """True where ``node``'s kernel takes a following Relu or Clip as its bounds."""
    return node.op_type in _FUSING


def is_bounds(node: oir.Node) -> bool:
    """True for a Relu, or a Clip between constants."""
    if node.op_type == "Relu":
        return True
    return node.op_type == "Clip" and all(v is None or is_constant(v) for v in node.inputs[1:])


def is_bias(value: oir.Value | None, channels: int) -> bool:
    """True for a constant with one value, or one per output channel along the last axis."""
    if not is_constant(value):
        return False
    array = array_of(value)
    return array.size == 1 or (array.size == channels and array.shape[-1] == channels)


def _constants_from(node: oir.Node, first: int) -> bool:
    return all(value is None or is_constant(value) for value in node.inputs[first:])


def _conv(node: oir.Node) -> Rule | None:
    return _RULES[node.op_type] if _constants_from(node, 1) else None


def _gemm(node: oir.Node) -> Rule | None:
    attributes = node.attributes
    plain = all(attributes.get_float(name, 1.0) == 1.0 for name in ("alpha", "beta"))
    if not plain or attributes.get_int("transA", 0) or not _constants_from(node, 1):
        return None
    axis = 0 if attributes.get_int("transB", 0) else 1
    channels = array_of(node.inputs[1]).shape[axis]
    if len(node.inputs) > 2 and node.inputs[2] is not None and not is_bias(node.inputs[2], channels):
        return None
    return Rule(weight_axis=axis)


def _matmul(node: oir.Node) -> Rule:
    right = node.inputs[1]
    if right is not None and is_constant(right) and right.shape is not None and len(right.shape) == 2:
        return Rule(weight_axis=1)
    return _ARITHMETIC


def _pow(node: oir.Node) -> Rule | None:
    return Rule() if is_constant(node.inputs[1]) else None


def _resize(node: oir.Node) -> Rule | None:
    mode = node.attributes.get_string("mode", "nearest")
    return {"nearest": _MOVEMENT, "linear": Rule()}.get(mode)


def _max_pool(node: oir.Node) -> Rule | None:
    return _MOVEMENT if len(node.outputs) == 1 else None


_SPECIAL = {
    "Conv": _conv,
    "ConvTranspose": _conv,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Pow": _pow,
    "Resize": _resize,
    "MaxPool": _max_pool,
}
