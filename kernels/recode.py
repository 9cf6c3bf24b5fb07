"""Elements that move between tensors: as they are, or through a table to another quantization."""

from __future__ import annotations

import numpy as np

from ..ir.dtype import DType, Quant
from .node import Constant, Tensor
from .table import Table


def can_move(source: Tensor, out: Tensor) -> bool:
    """True where elements of ``source`` can be stored in ``out``: same type and scale, or 8 bits each."""
    if source.constant is not None or (source.quant == out.quant and source.dtype is out.dtype):
        return True
    return source.quant is not None and out.quant is not None and source.dtype.size == out.dtype.size == 1


def recoding(source: Tensor, out: Tensor) -> np.ndarray | None:
    """Elements of ``out``, indexed by the bits of an element of ``source``; None where elements stay
    as they are."""
    if source.constant is not None or (source.quant == out.quant and source.dtype is out.dtype):
        return None
    assert source.quant is not None and out.quant is not None
    return Table.of((), (source.quant, source.dtype), (out.quant, out.dtype), lambda real: real).values


def stored(constant: Constant, out: Tensor) -> np.ndarray:
    """A constant as elements of ``out``, in the model's order of axes."""
    if out.quant is None:
        return np.asarray(constant.real).astype(out.dtype.numpy)
    return quantized(np.asarray(constant.real), out.quant, out.dtype)


def quantized(real: np.ndarray, quant: Quant, dtype: DType) -> np.ndarray:
    """ONNX QuantizeLinear: rounds half to even, saturates; NaN gives the least value."""
    lowest, highest = dtype.lowest, dtype.highest
    scaled = np.rint(real / quant.scale) + quant.zero_point
    return np.where(scaled > lowest, np.minimum(scaled, highest), lowest).astype(dtype.numpy)
