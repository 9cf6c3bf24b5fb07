"""A constant Pad in front of a Conv or a pooling operator becomes padding of that operator."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import onnx_ir as oir

from ..onnx_edit import become, emit
from ..onnx_graph import attributes_of, constant, input_at, integers, producer, scalar, shape_of, used_once
from .engine import Rules
from .parameters import same_quantization

_NOT_NEGATIVE = ("Relu", "Sigmoid", "HardSigmoid", "Softplus", "Softmax")


@dataclass(frozen=True)
class _Padding:
    """``value`` is ``source`` (dequantized by ``dequantize`` where that is given) with ``margins`` around
    its spatial dimensions (begins, then ends), filled with the real number ``fill``."""

    source: oir.Value
    margins: list[int]
    fill: float
    dequantize: oir.Node | None = None


def _padding_of(value: oir.Value | None) -> _Padding | None:
    """How ``value`` was padded, where a Pad made it and nobody else reads what lies in between."""
    if value is None or not used_once(value):
        return None
    after = producer(value, "DequantizeLinear")
    if after is None:
        return _padding(producer(value, "Pad"))
    stored = after.inputs[0]
    if stored is None or not used_once(stored):
        return None
    pad = producer(stored, "Pad")
    if pad is not None:
        return _integer_padding(pad, after)
    return _requantized_padding(producer(stored, "QuantizeLinear"), after)


def _padding(pad: oir.Node | None) -> _Padding | None:
    margins = None if pad is None else _margins(pad)
    if pad is None or margins is None or pad.inputs[0] is None:
        return None
    fill = 0.0 if input_at(pad, 2) is None else scalar(input_at(pad, 2))
    return None if fill is None else _Padding(pad.inputs[0], margins, fill)


def _integer_padding(pad: oir.Node, after: oir.Node) -> _Padding | None:
    """Pad of integers with their zero point, then DequantizeLinear: a margin of real zeros."""
    padding, zero_point = _padding(pad), input_at(after, 2)
    zero = 0.0 if zero_point is None else scalar(zero_point)
    if padding is None or padding.fill != zero:
        return None
    return _Padding(padding.source, padding.margins, 0.0, after)


def _requantized_padding(quantize: oir.Node | None, after: oir.Node) -> _Padding | None:
    """Dequantize, Pad with zero, quantize and dequantize, all alike: quantizing changes nothing."""
    if quantize is None or quantize.inputs[0] is None or not used_once(quantize.inputs[0]):
        return None
    padding = _padding(producer(quantize.inputs[0], "Pad"))
    if padding is None or padding.fill != 0:
        return None
    before = producer(padding.source, "DequantizeLinear")
    if before is None or not same_quantization(before, quantize) or not same_quantization(quantize, after):
        return None
    return padding


def _margins(pad: oir.Node) -> list[int] | None:
    """How far a constant-mode Pad extends the spatial dimensions; None where it cuts or extends others."""
    rank = len(shape_of(pad.inputs[0]))
    numbers, axes = integers(input_at(pad, 1)), integers(input_at(pad, 3))
    if numbers is None or pad.attributes.get_string("mode", "constant") != "constant":
        return None
    axes = [axis % rank for axis in axes] if axes is not None else list(range(rank))
    begins, ends = [0] * rank, [0] * rank
    for index, axis in enumerate(axes):
        begins[axis], ends[axis] = numbers[index], numbers[index + len(axes)]
    if any(begins[:2] + ends[:2]) or min(begins + ends) < 0:
        return None
    return begins[2:] + ends[2:]


def _cannot_be_below(value: oir.Value, bound: float) -> bool:
    """Whether no element of ``value`` is smaller than ``bound``, as far as its producer tells."""
    if bound == -math.inf or bound <= float(np.finfo(np.float32).min):
        return True
    node = producer(value, *_NOT_NEGATIVE, "Clip", "DequantizeLinear")
    if node is None or bound > 0:
        return False
    if node.op_type == "Clip":
        low = scalar(input_at(node, 1))
        return low is not None and low >= bound
    if node.op_type == "DequantizeLinear":
        zero_point = constant(input_at(node, 2))
        return zero_point is not None and bool((zero_point == np.iinfo(zero_point.dtype).min).all())
    return True


def _absorb(node: oir.Node) -> bool:
    padding = _padding_of(node.inputs[0])
    if padding is None or len(padding.margins) + 4 != 2 * len(shape_of(node.inputs[0])):
        return False
    attributes = attributes_of(node)
    if "pads" not in attributes or "ceil_mode" in attributes:
        return False
    pads = [old + new for old, new in zip(attributes["pads"], padding.margins, strict=True)]
    if node.op_type == "MaxPool":
        allowed = padding.dequantize is None and _cannot_be_below(padding.source, padding.fill)
    else:
        allowed = padding.fill == 0
    if node.op_type == "AveragePool":
        # The Pad's zeros were counted: the pool's own padding must have been too, or be none.
        allowed = allowed and (bool(attributes["count_include_pad"]) or not any(attributes["pads"]))
        attributes["count_include_pad"] = 1
    if node.op_type != "Conv":
        kernel = attributes["kernel_shape"]
        allowed = allowed and all(pad < kernel[index % len(kernel)] for index, pad in enumerate(pads))
    if not allowed:
        return False
    source = padding.source
    if padding.dequantize is not None:
        settings = attributes_of(padding.dequantize)
        operands = [source, *padding.dequantize.inputs[1:]]
        source = emit(node, "DequantizeLinear", operands, settings, name=str(padding.dequantize.name))
    become(node, node.op_type, [source, *node.inputs[1:]], {**attributes, "pads": pads})
    return True


RULES: Rules = {"Conv": [_absorb], "MaxPool": [_absorb], "AveragePool": [_absorb]}
