"""Integer weights of one layer: scales per output channel, rounding, bias."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .affine import Affine, dtype_of, range_of, weight_limits
from .graphs import name_of
from .moments import Moments, from_matrix, weight_matrix
from .operators import array_of
from .rounding import compensated, damped, fitted, nearest, output_error, refined, target
from .units import Unit

_BIAS_BITS = 29
"""Weight scales are large enough for the float bias to fit; correction may add one bit."""
_CLIPS = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.5, 0.4)
"""Shares of the largest weight that a narrow layer's scales are tried to cover."""
_REFITS = 2
"""Times that scales are fitted to integers and integers to scales."""
_DEAD_STEP = 2.0**-10
"""Step of a dead channel's bias, in steps of the output."""


@dataclass(frozen=True, eq=False)
class Weights:
    """A layer's integer weights (of 8, 4 or 2 bits, in the operator's own axis order), their scale per output
    channel, and its int32 bias in units of input scale × weight scale."""

    values: np.ndarray
    scales: np.ndarray
    bias: np.ndarray
    bias_scales: np.ndarray

    def real(self, axis: int) -> np.ndarray:
        """The weights as float32, as DequantizeLinear gives them; ``axis`` is the output channels'."""
        along = [1] * self.values.ndim
        along[axis] = -1
        return self.values.astype(np.float32) * self.scales.reshape(along)

    @property
    def real_bias(self) -> np.ndarray:
        """The bias as float32."""
        return self.bias.astype(np.float32) * self.bias_scales


def round_weights(
    unit: Unit, weight: np.ndarray, bias: np.ndarray, bits: int, source: Affine, result: Affine | None,
    moments: Moments | None,
) -> Weights:  # fmt: skip
    """``weight`` in ``bits`` bits and ``bias`` (one per output channel) of a layer from ``source`` to
    ``result``, None where that is not quantized.

    With ``moments`` of the layer's inputs each channel takes the rounding, of those tried, that changes
    its outputs least; without, weights are rounded to nearest. Channels that cannot move the output by
    half a step become zero, however small their weights are.
    """
    matrix = weight_matrix(unit, weight.astype(np.float64))
    biases = bias.astype(np.float64).reshape(matrix.shape[:2])
    low, high = range_of(source)
    step = 0.0 if result is None else result.scale
    dead = np.abs(matrix).sum(axis=2) * (high - low) < step / 2
    matrix = np.where(dead[:, :, None], 0.0, matrix)
    floor = np.abs(biases) / (source.scale * 2.0**_BIAS_BITS)
    floor = np.where(dead, np.maximum(floor, step / source.scale * _DEAD_STEP), floor)
    if moments is None:
        scales = np.maximum(_reach(matrix, bits), floor)
        if unit.operator.op_type == "ConvTranspose":  # its scales run along an axis that groups share
            scales = np.broadcast_to(scales.max(axis=0), scales.shape)
        scales = _stored(scales)
        integers = nearest(matrix, scales, bits)
    else:
        integers, scales = _least_error(matrix, floor, moments, bits)
    values = from_matrix(unit, integers, weight.shape).astype(dtype_of(bits))
    length = weight.shape[unit.rule.weight_axis or 0]
    stored = scales.astype(np.float32).ravel()
    return _with_bias(values, stored[:length], stored * np.float32(source.scale), bias)


def to_nearest(unit: Unit, bits: int, quants: Mapping[str, Affine]) -> Weights:
    """The weights of ``unit`` in ``bits`` bits, without a look at what they are multiplied with."""
    source, result = quants[unit.inputs[0]], quants.get(name_of(unit.nodes[-1].outputs[0]))
    bias = np.zeros(unit.channels) if unit.bias is None else array_of(unit.bias)
    return round_weights(unit, array_of(unit.weight), bias, bits, source, result, None)


def with_bias(weights: Weights, bias: np.ndarray) -> Weights:
    """The same weights with another float bias."""
    return _with_bias(weights.values, weights.scales, weights.bias_scales, bias)


def _with_bias(values: np.ndarray, scales: np.ndarray, bias_scales: np.ndarray, bias: np.ndarray) -> Weights:
    limit = 2.0**30 - 1
    integers = np.clip(np.rint(bias.astype(np.float64).ravel() / bias_scales), -limit, limit)
    return Weights(values, scales, integers.astype(np.int32), bias_scales)


def _stored(scales: np.ndarray) -> np.ndarray:
    """Scales as ONNX stores them, in float32, with 1 for channels that need none."""
    return np.where(scales > 0, scales, 1.0).astype(np.float32).astype(np.float64)


def _reach(matrix: np.ndarray, bits: int) -> np.ndarray:
    """Scales [groups, channels] under which no weight is clipped."""
    least, most = weight_limits(bits)
    return np.maximum(matrix.max(axis=2) / most, matrix.min(axis=2) / least)


def _least_error(
    matrix: np.ndarray, floor: np.ndarray, moments: Moments, bits: int
) -> tuple[np.ndarray, np.ndarray]:
    """Integers [groups, channels, terms] and scales [groups, channels]."""
    stable = damped(moments.covariance, bits)
    wanted = np.where(matrix.any(axis=2, keepdims=True), target(matrix, moments, stable), 0.0)
    whole = _reach(wanted, bits)

    def judged(integers: np.ndarray, scales: np.ndarray) -> _Tried:
        return _Tried(integers, scales, output_error(integers * scales[:, :, None] - wanted, stable))

    def plainly(share: float) -> _Tried:
        scales = _stored(np.maximum(whole * share, floor))
        return judged(nearest(wanted, scales, bits), scales)

    kept = plainly(1.0)
    for share in _CLIPS if bits < 8 else ():
        kept = kept.or_better(plainly(share))
    kept = kept.or_better(judged(compensated(wanted, kept.scales, stable, bits), kept.scales))
    for _ in range(_REFITS if bits < 8 else 0):
        scales = _stored(np.maximum(fitted(kept.integers, wanted, stable, kept.scales), floor))
        kept = kept.or_better(judged(refined(kept.integers, wanted, scales, stable, bits), scales))
    return kept.integers, kept.scales


@dataclass(frozen=True, eq=False)
class _Tried:
    """One rounding, and the ``error`` [groups, channels] that it makes in the layer's outputs."""

    integers: np.ndarray
    scales: np.ndarray
    error: np.ndarray

    def or_better(self, other: _Tried) -> _Tried:
        """For each channel the rounding, of both, that changes its output less."""
        wins = other.error < self.error
        return _Tried(
            np.where(wins[:, :, None], other.integers, self.integers),
            np.where(wins, other.scales, self.scales),
            np.where(wins, other.error, self.error),
        )
