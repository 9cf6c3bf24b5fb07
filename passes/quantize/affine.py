"""int8 affine quantization of activations: from a range to scale and zero point, and back."""

from __future__ import annotations

import numpy as np

from ...ir.dtype import Quant

QMIN, QMAX = -128, 127
"""What an int8 activation holds."""
WEIGHT_MAX = 127
"""Weights are symmetric: −127 to 127."""
_SMALLEST_SCALE = 2.0**-100
"""Far above float32's subnormals, so that scales and their products stay normal numbers."""


def quant_of(low: float, high: float) -> Quant:
    """The quantization whose 256 steps cover [``low``, ``high``] and zero, which is exact.

    The scale is a float32 value, as ONNX stores it. A range without extent has scale 1.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32((high - low) / (QMAX - QMIN)))
    if not scale > _SMALLEST_SCALE:
        return Quant(1.0, 0)
    return Quant(scale, int(np.clip(round(QMIN - low / scale), QMIN, QMAX)))


def range_of(quant: Quant) -> tuple[float, float]:
    """The least and greatest real values that ``quant`` represents."""
    return (QMIN - quant.zero_point) * quant.scale, (QMAX - quant.zero_point) * quant.scale


def rounded(values: np.ndarray, quant: Quant) -> np.ndarray:
    """``values`` as float32 after quantization and dequantization, as ONNX defines them."""
    scale = np.float32(quant.scale)
    steps = np.rint(np.asarray(values, np.float32) / scale)
    return np.clip(steps, np.float32(QMIN - quant.zero_point), np.float32(QMAX - quant.zero_point)) * scale


def integers(values: np.ndarray, quant: Quant) -> np.ndarray:
    """``values`` as int8 by ``quant``, as ONNX's QuantizeLinear gives them."""
    steps = np.rint(np.asarray(values, np.float32) / np.float32(quant.scale)) + quant.zero_point
    return np.clip(steps, QMIN, QMAX).astype(np.int8)
