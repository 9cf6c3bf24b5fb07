"""Element types of tensors and quantization parameters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np


class DType(Enum):
    """An element type that emitted C can store: NumPy name, C type."""

    INT8 = ("int8", "int8_t")
    UINT8 = ("uint8", "uint8_t")
    INT16 = ("int16", "int16_t")
    UINT16 = ("uint16", "uint16_t")
    INT32 = ("int32", "int32_t")
    UINT32 = ("uint32", "uint32_t")
    INT64 = ("int64", "int64_t")
    FLOAT32 = ("float32", "float")
    BOOL = ("bool", "uint8_t")

    @property
    def numpy(self) -> np.dtype:
        return np.dtype(self.value[0])

    @property
    def c(self) -> str:
        return self.value[1]

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return self.numpy.itemsize

    @property
    def is_float(self) -> bool:
        return self is DType.FLOAT32

    @property
    def lowest(self) -> float:
        """The least value: an int, or minus infinity."""
        return float("-inf") if self.is_float else 0 if self is DType.BOOL else int(np.iinfo(self.numpy).min)

    @property
    def highest(self) -> float:
        """The greatest value: an int, or infinity."""
        return float("inf") if self.is_float else 1 if self is DType.BOOL else int(np.iinfo(self.numpy).max)

    @classmethod
    def of(cls, dtype: np.dtype | type) -> DType:
        """The DType of a NumPy type; KeyError where emitted C cannot store it."""
        return _BY_NAME[np.dtype(dtype).name]


_BY_NAME = {member.value[0]: member for member in DType}


@dataclass(frozen=True)
class Quant:
    """Affine quantization of a whole tensor: real = (q - zero_point) * scale."""

    scale: float
    zero_point: int
