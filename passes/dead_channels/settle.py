"""Makes dead channels that have to stay harmless: no weights, and a scale like their neighbours'."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as oir

from ..onnx_graph import scalar, used_once
from .analysis import Analysis
from .facts import Mask
from .layers import INT32_MAX, Layer
from .parameters import parameter_of, write_parameter

_VANISHING = 2.0**-24
"""Ratio to its neighbours' below which a scale says nothing but that the channel's weights are noise."""

_FINE = 2.0**-8
"""Part of an output step that is certain not to change a constant output (see ROUNDING_MARGIN)."""


@dataclass(frozen=True, eq=False)
class _Dead:
    """A quantized layer, with the output ``channels`` [O] that have one value once quantized by ``step``."""

    layer: Layer
    channels: Mask
    step: float


def settle(analysis: Analysis) -> bool:
    """Clears the weights of quantized output channels that are constant; True where that changes the graph.

    Their inputs may then have no reader left. Scales that are vanishingly small (weights of 1e-30 make a
    scale of 1e-32) become the largest of the layer, so that no shift has to reach them.
    """
    found = [_dead_channels(layer, analysis) for layer in analysis.layers]
    return any([_clear(dead) or _rescale(dead) for dead in found if dead is not None])


def _dead_channels(layer: Layer, analysis: Analysis) -> _Dead | None:
    quantizer = _quantizer_after(layer.node.outputs[0])
    if quantizer is None or layer.weight.scale is None or layer.input_scale is None:
        return None
    axis, step = int(layer.layout.inputs_first), scalar(quantizer.inputs[1])
    result, weight = analysis.of(quantizer.outputs[0]), layer.weight
    along_outputs = layer.weight.scale.size == 1 or weight.axis == axis
    if step is None or result.axis is None or not along_outputs or weight.values.shape[axis] != layer.outputs:
        return None
    return _Dead(layer, result.constant, step) if result.constant.any() else None


def _quantizer_after(value: oir.Value) -> oir.Node | None:
    """The QuantizeLinear that alone reads ``value``, through operators that do not enlarge differences."""
    while used_once(value):
        ((node, index),) = value.uses()
        if node.op_type == "QuantizeLinear":
            return node
        is_bias = node.op_type == "Add" and parameter_of(node.inputs[1 - index]) is not None
        if not is_bias and node.op_type not in ("Relu", "Clip", "Identity"):
            return None
        value = node.outputs[0]
    return None


def _clear(dead: _Dead) -> bool:
    """Sets weights to zero where the bias alone gives the same constant."""
    layer, (lo, hi) = dead.layer, dead.layer.bounds()
    bias = layer.bias_values
    chosen = dead.channels & _has_weights(layer) & (np.abs(bias - np.clip(bias, lo, hi)) <= _FINE * dead.step)
    if not chosen.any():
        return False
    weight, axis = layer.weight, int(layer.layout.inputs_first)
    zero = np.zeros(1, weight.values.dtype) if weight.zero_point is None else weight.zero_point.reshape(-1)
    values = np.moveaxis(weight.values.copy(), axis, 0)
    zeros = np.broadcast_to(zero, (layer.outputs,)).reshape(-1, *[1] * (values.ndim - 1))
    values = np.where(chosen.reshape(zeros.shape), zeros, values)
    write_parameter(layer.node, 1, replace(weight, values=np.moveaxis(values, 0, axis)))
    return True


def _rescale(dead: _Dead) -> bool:
    """Gives channels without weights whose scale vanishes that of the largest live channel."""
    layer, scale = dead.layer, dead.layer.weight.scale
    assert scale is not None and layer.input_scale is not None
    each = np.broadcast_to(scale.reshape(-1), (layer.outputs,))
    live = each[~dead.channels]
    usual = np.float32(live.max() if live.size else _FINE * dead.step / layer.input_scale)
    product = usual * np.float32(layer.input_scale)
    integers = np.rint(layer.bias_values / float(product))
    exact = np.abs(integers * float(product) - layer.bias_values) <= _FINE * dead.step
    chosen = dead.channels & ~_has_weights(layer) & (each < _VANISHING * usual)
    chosen &= exact & (np.abs(integers) <= INT32_MAX)
    if not chosen.any() or (scale.size == 1 and not chosen.all()):
        return False
    write_parameter(layer.node, 1, replace(layer.weight, scale=_replaced(scale, chosen, usual)))
    bias = layer.bias
    if bias is not None and bias.scale is not None and bias.scale.size == scale.size:
        values = _replaced(bias.values, chosen, integers)
        changed = replace(bias, values=values, scale=_replaced(bias.scale, chosen, product))
        write_parameter(layer.node, 2, changed)
    return True


def _replaced(array: np.ndarray, chosen: Mask, values: np.ndarray | np.float32) -> np.ndarray:
    """``array``, which has one element or one per channel, with ``values`` where ``chosen``."""
    result = np.where(chosen, values, np.broadcast_to(array.reshape(-1), chosen.shape))
    return result[: array.size].reshape(array.shape).astype(array.dtype)


def _has_weights(layer: Layer) -> Mask:
    return (layer.layout.taps(layer.weight.centred) != 0).any(axis=(2, 3)).reshape(-1)
