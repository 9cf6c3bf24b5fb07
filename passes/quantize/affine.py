"""Affine quantization of activations, from a range to scale and zero point and back; integers of weights."""

from __future__ import annotations

from dataclasses import dataclass

import ml_dtypes
import numpy as np

from ...ir.dtype import Quant

WIDTHS = (2, 4, 8, 16)
"""Bits that an activation may have; a weight has at most 8."""
WEIGHT_MAX = 127
"""Weights of 8 bits are symmetric: −127 to 127."""
_SMALLEST_SCALE = 2.0**-100
"""Far above float32's subnormals, so that scales and their products stay normal numbers."""
_DTYPES = {
    2: np.dtype(ml_dtypes.int2),
    4: np.dtype(ml_dtypes.int4),
    8: np.dtype(np.int8),
    16: np.dtype(np.int16),
}


@dataclass(frozen=True)
class Affine(Quant):
    """Affine quantization to signed integers of ``bits`` bits."""

    bits: int = 8


def dtype_of(bits: int) -> np.dtype:
    """The NumPy type of signed integers of ``bits`` bits: one element per value, as ONNX has them."""
    return _DTYPES[bits]


def limits(bits: int) -> tuple[int, int]:
    """The least and greatest signed integer of ``bits`` bits."""
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def weight_limits(bits: int) -> tuple[int, int]:
    """What a weight may be: narrow ones use every value there is."""
    return (-WEIGHT_MAX, WEIGHT_MAX) if bits == 8 else limits(bits)


def quant_of(low: float, high: float, bits: int = 8) -> Affine:
    """The quantization whose 2^``bits`` steps cover [``low``, ``high``] and zero, which is exact.

    The scale is a float32 value, as ONNX stores it. A range without extent has scale 1.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    least, most = limits(bits)
    scale = float(np.float32((high - low) / (most - least)))
    if not scale > _SMALLEST_SCALE:
        return Affine(1.0, 0, bits)
    return Affine(scale, int(np.clip(round(least - low / scale), least, most)), bits)


def resized(quant: Affine, bits: int) -> Affine:
    """The quantization that covers the range of ``quant`` in ``bits`` bits: steps that many times as
    wide or narrow. Exact for the least zero point and 0, which results of a known range have."""
    factor = 2.0 ** (quant.bits - bits)
    return Affine(quant.scale * factor, int(quant.zero_point // factor), bits)


def range_of(quant: Affine) -> tuple[float, float]:
    """The least and greatest real values that ``quant`` represents."""
    least, most = limits(quant.bits)
    return (least - quant.zero_point) * quant.scale, (most - quant.zero_point) * quant.scale


def rounded(values: np.ndarray, quant: Affine) -> np.ndarray:
    """``values`` as float32 after quantization and dequantization, as ONNX defines them."""
    scale, (least, most) = np.float32(quant.scale), limits(quant.bits)
    steps = np.rint(np.asarray(values, np.float32) / scale)
    return np.clip(steps, np.float32(least - quant.zero_point), np.float32(most - quant.zero_point)) * scale


def integers(values: np.ndarray, quant: Affine) -> np.ndarray:
    """``values`` as integers by ``quant``, as ONNX's QuantizeLinear gives them."""
    steps = np.rint(np.asarray(values, np.float32) / np.float32(quant.scale)) + quant.zero_point
    return np.clip(steps, *limits(quant.bits)).astype(dtype_of(quant.bits))
