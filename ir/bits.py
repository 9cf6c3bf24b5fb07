"""Packed elements: several to a byte along the last axis, the first in the lowest bits, as in ONNX."""

from __future__ import annotations

import numpy as np

from .dtype import DType


def pack(values: np.ndarray, bits: int) -> np.ndarray:
    """uint8 [..., bytes of a run] of integers [..., run] of ``bits`` (8, 4, 2 or 1) each; what fills up the
    last byte of a run is 0."""
    per_byte = 8 // bits
    *outer, run = values.shape
    groups = -(-run // per_byte)
    lanes = np.zeros((*outer, groups * per_byte), np.uint8)
    lanes[..., :run] = values.astype(np.int8).view(np.uint8) & (2**bits - 1)
    shifts = np.arange(per_byte, dtype=np.uint8) * bits
    return np.bitwise_or.reduce(lanes.reshape(*outer, groups, per_byte) << shifts, axis=-1)


def unpack(stored: np.ndarray, dtype: DType, run: int) -> np.ndarray:
    """The inverse of ``pack``: [..., run] elements of ``dtype``, one to an array element."""
    shifts = np.arange(8 // dtype.bits, dtype=np.uint8) * dtype.bits
    lanes = (stored[..., None] >> shifts) & (2**dtype.bits - 1)
    flat = lanes.reshape(*stored.shape[:-1], stored.shape[-1] * shifts.size)[..., :run]
    signed = (flat << (8 - dtype.bits)).view(np.int8) >> (8 - dtype.bits)
    return signed.astype(dtype.numpy)
