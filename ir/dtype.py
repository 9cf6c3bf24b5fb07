"""Element types of tensors and quantization parameters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import ml_dtypes
import numpy as np


class DType(Enum):
    """An element type that emitted C can store: NumPy name, C type.

    INT4, INT2 and BIT (a spike: False or True) are packed in memory, several elements to a byte: along the
    last axis, the first in the lowest bits, as ONNX packs. Each run of the last axis begins a byte. In NumPy
    each is an element.
    """

    INT8 = ("int8", "int8_t")
    UINT8 = ("uint8", "uint8_t")
    INT16 = ("int16", "int16_t")
    UINT16 = ("uint16", "uint16_t")
    INT32 = ("int32", "int32_t")
    UINT32 = ("uint32", "uint32_t")
    INT64 = ("int64", "int64_t")
    FLOAT32 = ("float32", "float")
    BOOL = ("bool", "uint8_t")
    INT4 = ("int4", "uint8_t")
    INT2 = ("int2", "uint8_t")
    BIT = ("bit", "uint8_t")

    @property
    def numpy(self) -> np.dtype:
        return _PACKED[self.value[0]][0] if self.value[0] in _PACKED else np.dtype(self.value[0])

    @property
    def c(self) -> str:
        return self.value[1]

    @property
    def bits(self) -> int:
        """Bits of one element in memory."""
        return _PACKED[self.value[0]][1] if self.value[0] in _PACKED else 8 * self.size

    @property
    def is_packed(self) -> bool:
        """Several elements share a byte."""
        return self.bits < 8

    @property
    def size(self) -> int:
        """Bytes of one element by itself."""
        return self.numpy.itemsize

    def nbytes(self, count: int) -> int:
        """Bytes of ``count`` elements that follow one another from the beginning of a byte."""
        return -(-count * self.bits // 8)

    @property
    def is_float(self) -> bool:
        return self is DType.FLOAT32

    @property
    def lowest(self) -> float:
        """The least value: an int, or minus infinity."""
        if self.is_float:
            return float("-inf")
        return 0 if self in (DType.BOOL, DType.BIT) else int(ml_dtypes.iinfo(self.numpy).min)

    @property
    def highest(self) -> float:
        """The greatest value: an int, or infinity."""
        if self.is_float:
            return float("inf")
        return 1 if self in (DType.BOOL, DType.BIT) else int(ml_dtypes.iinfo(self.numpy).max)

    @classmethod
    def of(cls, dtype: np.dtype | type) -> DType:
        """The DType of a NumPy type; KeyError where emitted C cannot store it."""
        return _BY_NAME[np.dtype(dtype).name]


_PACKED: dict[str, tuple[np.dtype, int]] = {
    "int4": (np.dtype(ml_dtypes.int4), 4),
    "int2": (np.dtype(ml_dtypes.int2), 2),
    "bit": (np.dtype(np.bool_), 1),
}
"""What these are in NumPy, and their bits in memory."""
_BY_NAME = {member.value[0]: member for member in DType}


@dataclass(frozen=True)
class Quant:
    """Affine quantization of a whole tensor: real = (q - zero_point) * scale."""

    scale: float
    zero_point: int


SPIKE = Quant(1.0, 0)
"""Spikes stand for what they are: 0 and 1."""
