"""Weights and bias of linear operators, as kernels store them, with the proof of what holds their sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ir.dtype import DType, Quant
from .epilogue import Epilogue, epilogue_of
from .node import Node, Tensor


@dataclass(frozen=True, eq=False)
class Linear:
    """Operands of a sum of products: ``weights`` with output channels first, ``bias`` one per channel, of the
    type that holds every sum: float32, int32, or int64 where inputs of 16 bits need it."""

    weights: np.ndarray
    bias: np.ndarray
    input_zero: int
    epilogue: Epilogue


def linear_operands(node: Node, channel_axis: int) -> Linear | None:
    """Reads inputs 0 (activation), 1 (weights) and 2 (bias, optional) of Conv, ConvTranspose or Gemm.

    ``channel_axis`` is the weights' axis of output channels; it is moved to the front. None where the output
    is quantized but the input or the weights are not. Raises ModelError where weights are not constant or a
    sum could exceed 32 bits.
    """
    activation, weights = node.input(0), node.constant(1, "the weight")
    bias = node.optional_constant(2, "the bias")
    channels = weights.values.shape[channel_axis]
    if not node.quantized:
        real = np.moveaxis(np.asarray(weights.real), channel_axis, 0).astype(np.float32)
        flat = (
            np.zeros(channels)
            if bias is None
            else np.broadcast_to(np.asarray(bias.real).reshape(-1), (channels,))
        )
        return Linear(real, flat.astype(np.float32), 0, epilogue_of(node, np.ones(1), 0))
    return _integer_operands(node, activation, channel_axis, channels)


def _integer_operands(node: Node, activation: Tensor, channel_axis: int, channels: int) -> Linear | None:
    weights = node.constant(1, "the weight")
    bias = node.optional_constant(2, "the bias")
    quant = activation.quant
    if quant is None or weights.scale is None:
        return None
    centred = np.moveaxis(weights.centred, channel_axis, 0)
    scales = weights.scale_along(channel_axis, channels) * quant.scale
    integers = np.zeros(channels, np.int64)
    if bias is not None:
        real = np.broadcast_to(np.asarray(bias.real, np.float64).reshape(-1), (channels,))
        integers = integer_bias(real, scales)
    bound = accumulator_bound(node, centred, integers, quant, activation)
    scalar = scales[:1] if np.all(scales == scales[0]) else scales
    return Linear(
        narrow(centred, weights.bits),
        integers.astype(np.int32 if bound < 2**31 else np.int64),
        quant.zero_point,
        epilogue_of(node, scalar, bound),
    )


def integer_bias(real: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Real biases in units of their accumulators' ``scales``, int64; 0 where a scale is 0."""
    integers = np.round(np.divide(real, scales, out=np.zeros(real.shape), where=scales > 0))
    return np.clip(integers, -(2.0**62), 2.0**62).astype(np.int64)


def centred_bias(weights: np.ndarray, bias: np.ndarray, input_zero: int) -> np.ndarray:
    """int64 [channels]: what a sum begins with that takes the input's integers as they are, zero point
    included; ``weights`` are [channels, taps]."""
    return bias.astype(np.int64) - input_zero * weights.astype(np.int64).sum(axis=1)


def channel_groups(channels: int, lanes: int) -> np.ndarray:
    """[groups, lanes] numbers of channels. The last group may have some of the one before again, so that it
    is full; where there are fewer than ``lanes`` in all, the last channel is there several times."""
    begins = np.minimum(np.arange(0, channels, lanes), max(channels - lanes, 0))
    return np.minimum(begins[:, None] + np.arange(lanes), channels - 1)


def narrow(weights: np.ndarray, bits: int = 8) -> np.ndarray:
    """The narrowest of int2, int4, int8 and int16 that has ``bits`` and holds the weights: without their zero
    point, unsigned ones can take more bits than they are stored with."""
    for dtype in (DType.INT2, DType.INT4, DType.INT8):
        fits = weights.min(initial=0) >= dtype.lowest and weights.max(initial=0) <= dtype.highest
        if fits and dtype.bits >= bits:
            return weights.astype(dtype.numpy)
    return weights.astype(np.int16)


def accumulator_bound(
    node: Node, weights: np.ndarray, bias: np.ndarray, quant: Quant, activation: Tensor
) -> int:
    """The largest magnitude that any partial sum can reach, for any input; of inputs of 8 bits and less
    refused above 2^31 − 1."""
    lowest, highest = int(activation.dtype.lowest), int(activation.dtype.highest)
    span = max(highest - quant.zero_point, quant.zero_point - lowest)
    sums = np.abs(weights).reshape(weights.shape[0], -1).sum(axis=1) * span + np.abs(bias)
    bound = int(sums.max(initial=0))
    if bound >= 2 ** (31 if activation.dtype.bits <= 8 else 52):
        channel = int(sums.argmax())
        raise node.refuse(
            f"the sum of output channel {channel} can reach {bound:,}, more than 32 bits hold",
            "retrain or requantize with a larger weight scale, or split the layer's input channels",
        )
    return bound
