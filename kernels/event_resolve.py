"""Layers with weights whose input is spikes: from an ONNX node to an event-driven kernel."""

from __future__ import annotations

import numpy as np

from .event_conv2d import EventConvolution, event_convolution
from .event_dense import EventDense
from .integer_neuron import Current
from .node import Node
from .sliding import Sliding
from .weights import integer_bias


def resolve_current(node: Node, rate: float | None) -> tuple[EventDense | EventConvolution, Current]:
    """Conv, Gemm or MatMul of spikes with constant int8 weights: its kernel, whose result counts in the
    scales of the weights, and what that result means. ``rate`` is the expected share of spikes, if known.

    Raises ModelError for weights that are not of 8 bits without their zero point, and sums beyond 32 bits.
    """
    weights, bias = node.constant(1, "the weight"), node.optional_constant(2, "the bias")
    convolves = node.operator == "Conv"
    axis = 0 if convolves or node.attribute("transB", 0) else 1
    integers = np.moveaxis(weights.centred, axis, 0)
    channels = len(integers)
    scales = weights.scale_along(axis, channels)
    if np.abs(integers).max(initial=0) > 128 or integers.max(initial=0) > 127:
        raise node.refuse("its weights have more than 8 bits", "quantize them to int8 with zero point 0")
    added = np.zeros(channels, np.int64)
    if bias is not None:
        real = np.asarray(bias.real, np.float64).reshape(-1)
        added = integer_bias(np.broadcast_to(real, (channels,)), scales)
    reach = np.abs(integers.reshape(channels, -1)).sum(axis=1) + np.abs(added)
    current = Current(scales[:1] if (scales == scales[0]).all() else scales, int(reach.max()))
    narrow = integers.astype(np.int8)
    try:
        if not convolves:
            return EventDense.of(node.outputs[0].physical, narrow, added, rate), current
        sliding = Sliding.of(node, narrow.shape[2:])
        taps = narrow.reshape(*narrow.shape[:2], *sliding.kernel).transpose(0, 2, 3, 1)
        groups = int(node.attribute("group", 1))
        return event_convolution(sliding, groups, np.ascontiguousarray(taps), added, rate), current
    except ValueError as e:
        raise node.refuse(str(e), "split the layer's inputs, or requantize with a larger weight scale") from e
