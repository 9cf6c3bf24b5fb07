"""The table of operators that run on integers, and which of their operands are quantized how."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from ...kernels.cells import GATES, Functions
from ...kernels.integer_recurrent import is_possible
from ...kernels.recurrent import Operand
from ...kernels.registry import OPERATORS
from ..onnx_graph import attributes_of, has_known_domain, input_at, static_shape
from ..spiking.encoders import ENCODERS
from .affine import Affine

UNIT_INTERVAL = Affine(1 / 256, -128)
"""Results between 0 and 1: Softmax and Sigmoid."""
SIGNED_UNIT_INTERVAL = Affine(1 / 128, 0)
"""Results between −1 and 1: Tanh."""

FIXED = {"Sigmoid": UNIT_INTERVAL, "Softmax": UNIT_INTERVAL, "Tanh": SIGNED_UNIT_INTERVAL}
"""Quantization of results whose range is known."""


@dataclass(frozen=True)
class Rule:
    """How one operator is quantized.

    ``operands`` are the inputs that are quantized activations (None: every input). Those that are
    constant become int8, where ``constants`` says so; all other constants stay float, for lowering to
    read. ``shared`` operators move or select values, so that their operands and results have one
    quantization. ``weight_axis`` is the axis of output channels in input 1 of operators with weights,
    which have int32 biases too; None for all others.
    """

    operands: tuple[int, ...] | None = (0,)
    constants: bool = True
    shared: bool = False
    weight_axis: int | None = None


_STATES = (Operand.H, Operand.C)
"""Operands of recurrent layers."""
_COMPUTATION = Rule()
_ARITHMETIC = Rule(operands=None)
_COMPARISON = Rule(operands=None, constants=False, shared=True)
_MOVEMENT = Rule(shared=True)

_RULES: dict[str, Rule] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Min", "Max", "PRelu"), _ARITHMETIC),
    **dict.fromkeys(("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"), _COMPARISON),
    **dict.fromkeys(
        (
            *("Softmax", "LogSoftmax", "AveragePool", "ReduceMean", "ReduceSum", "ArgMax", "ArgMin"),
            *("LayerNormalization", "RMSNormalization", "GroupNormalization", "InstanceNormalization"),
            *ENCODERS,
        ),
        _COMPUTATION,
    ),
    **dict.fromkeys(
        (
            *("Reshape", "Transpose", "Slice", "Pad", "Gather", "DepthToSpace", "SpaceToDepth", "Tile"),
            *("Expand", "Identity", "ReduceMax", "ReduceMin"),
        ),
        _MOVEMENT,
    ),
    "Concat": Rule(operands=None, shared=True),
    **dict.fromkeys(("Where", "SelectPatches"), Rule(operands=(1, 2), shared=True)),
    "Attention": Rule(operands=(0, 1, 2)),
    "HidePatches": Rule(operands=(1,), shared=True),
    "Conv": Rule(weight_axis=0),
    "ConvTranspose": Rule(weight_axis=1),
}


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
    if not has_known_domain(node):
        return None
    if is_function(node):
        return Rule(operands=tuple(i for i, value in enumerate(node.inputs) if not is_constant(value)))
    special = _SPECIAL.get(node.op_type)
    return special(node) if special else _RULES.get(node.op_type)


def is_function(node: oir.Node) -> bool:
    """True where each element of ``node``'s float result depends on the same element of one float tensor
    alone, so that lowering makes one table of 256 entries of a chain of such nodes."""
    operator = OPERATORS.get(node.op_type)
    if operator is None or operator.function is None or not has_known_domain(node):
        return False
    present = [value for value in node.inputs if value is not None]
    read = {value for value in present if not is_constant(value)}
    if len(read) != 1 or any(array_of(v).size != 1 for v in present if is_constant(v)):
        return False
    (source,) = read
    result = node.outputs[0]
    return is_float(source) and is_float(result) and static_shape(source) == static_shape(result)


def fuses_activation(node: oir.Node) -> bool:
    """True where ``node``'s kernel takes a following Relu or Clip as its bounds."""
    operator = OPERATORS.get(node.op_type)
    return operator is not None and operator.fuses_activation


def is_recurrent(node: oir.Node) -> bool:
    """True for an LSTM, GRU or RNN with bounded functions, and constants for all but inputs, lengths and
    states. Of a GRU whose states come in, the sequence must be read: it has 8 bits, as products take them."""
    if node.op_type not in GATES or not has_known_domain(node):
        return False
    attributes = attributes_of(node)
    try:
        functions = Functions.of(node.op_type, attributes)
    except ValueError:
        return False
    fixed = all(
        value is None or is_constant(value) or index in (Operand.X, Operand.LENGTHS, *_STATES)
        for index, value in enumerate(node.inputs)
    )
    sequence = node.outputs[0]
    if node.op_type == "GRU" and given_states(node) and not (sequence.uses() or sequence.is_graph_output()):
        return False
    return fixed and is_possible(node.op_type, functions.all, bool(attributes.get("input_forget", 0)))


def given_states(node: oir.Node) -> tuple[int, ...]:
    """By number those operands of a recurrent layer that are states which are computed at run time."""
    found = ((index, input_at(node, index)) for index in _STATES)
    return tuple(index for index, value in found if value is not None and not is_constant(value))


def is_bounds(node: oir.Node) -> bool:
    """True for a Relu, or a Clip between constants."""
    if node.op_type == "Relu":
        return True
    return node.op_type == "Clip" and _constants_from(node, 1)


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
    if not _constants_from(node, 1):
        return None
    axis = 0 if node.attributes.get_int("transB", 0) else 1
    channels = array_of(node.inputs[1]).shape[axis]
    if len(node.inputs) > 2 and node.inputs[2] is not None and not is_bias(node.inputs[2], channels):
        return None
    return Rule(weight_axis=axis)


def _matmul(node: oir.Node) -> Rule:
    right = node.inputs[1]
    return Rule(weight_axis=1) if is_constant(right) and array_of(right).ndim == 2 else _ARITHMETIC


def _resize(node: oir.Node) -> Rule | None:
    mode = node.attributes.get_string("mode", "nearest")
    return {"nearest": _MOVEMENT, "linear": _COMPUTATION}.get(mode)


def _max_pool(node: oir.Node) -> Rule | None:
    return _MOVEMENT if len(node.outputs) == 1 else None


def _recurrent(node: oir.Node) -> Rule | None:
    return Rule((Operand.X, *given_states(node)), constants=False) if is_recurrent(node) else None


_SPECIAL = {
    "Conv": _conv,
    "ConvTranspose": _conv,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Resize": _resize,
    "MaxPool": _max_pool,
    **dict.fromkeys(GATES, _recurrent),
}
