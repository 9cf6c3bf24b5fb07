"""Weights in the order of the micro-kernels for float32 (``runtime_c/fma_*.h``)."""

from __future__ import annotations

import numpy as np

from ..ir.dtype import DType
from .epilogue import Epilogue

CYCLES_PER_MAC = 3.4
"""Modelled, as measured with kws01 on a Cortex-M4."""

_CHANNELS = 4
"""At a time."""


def computes(weights: np.ndarray, epilogue: Epilogue, input_dtype: DType) -> bool:
    """Whether the types are those of the micro-kernels: float32."""
    return weights.dtype == np.float32 and epilogue.dtype.is_float and input_dtype is DType.FLOAT32


def packed(weights: np.ndarray, bias: np.ndarray) -> dict[str, np.ndarray]:
    """The constants of a layer whose weights are [channels, taps]: ``weights`` [channels / 4, taps, 4] and
    ``bias``, both filled up with 0."""
    channels, taps = weights.shape
    missing = -channels % _CHANNELS
    blocks = np.pad(weights, ((0, missing), (0, 0))).reshape(-1, _CHANNELS, taps)
    return {
        "weights": np.ascontiguousarray(blocks.transpose(0, 2, 1)), "bias": np.pad(bias, (0, missing))
    }  # fmt: skip
