"""Between a model's tensors and a program's buffers: order of axes and quantization."""

from __future__ import annotations

import numpy as np

from .program import Buffer


def to_stored(array: np.ndarray, buffer: Buffer) -> np.ndarray:
    """A tensor of the model as the buffer holds it. Real values of a quantized buffer are quantized
    as ONNX does in float32 (round half to even, saturate); integers are taken as they are."""
    placed = buffer.to_memory(array)
    if buffer.quant is not None and placed.dtype.kind == "f" and not buffer.dtype.is_float:
        steps = np.rint(placed.astype(np.float32) / np.float32(buffer.quant.scale)).astype(np.float64)
        placed = np.clip(steps + buffer.quant.zero_point, buffer.dtype.lowest, buffer.dtype.highest)
    return np.ascontiguousarray(placed.astype(buffer.dtype.numpy))


def to_given(array: np.ndarray, buffer: Buffer, dtype: np.dtype) -> np.ndarray:
    """The inverse of ``to_stored``: as an input of the model, which takes elements of ``dtype``."""
    values = to_real(array, buffer) if dtype.kind == "f" else buffer.from_memory(array)
    return values.astype(dtype)


def to_real(array: np.ndarray, buffer: Buffer) -> np.ndarray:
    """What the buffer's elements stand for, in the model's order of axes, float64."""
    values = buffer.from_memory(array).astype(np.float64)
    if buffer.quant is None:
        return values
    return (values - buffer.quant.zero_point) * buffer.quant.scale
