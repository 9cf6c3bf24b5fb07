"""What a kernel's ``resolve`` reads: an ONNX node with its operands, quantization and layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import ml_dtypes
import numpy as np

from ..ir.dtype import DType, Quant
from ..ir.errors import ModelError


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant operand, in the model's own axis order. ``scale`` and ``zero_point`` are set when
    it came through DequantizeLinear; they have one element, or one per index of ``axis``."""

    values: np.ndarray
    scale: np.ndarray | None = None
    zero_point: np.ndarray | None = None
    axis: int = 0

    def _along_axis(self, parameter: np.ndarray) -> np.ndarray:
        if parameter.size == 1:
            return parameter.reshape(())
        shape = [1] * self.values.ndim
        shape[self.axis] = -1
        return parameter.reshape(shape)

    @property
    def bits(self) -> int:
        """Bits of a stored integer."""
        return ml_dtypes.iinfo(self.values.dtype).bits

    @property
    def wide(self) -> Constant:
        """The same with integers of at least 8 bits."""
        return replace(self, values=self.values.astype(np.int8)) if self.bits < 8 else self

    @property
    def centred(self) -> np.ndarray:
        """Stored integers minus their zero point, int64."""
        values = self.values.astype(np.int64)
        if self.zero_point is None:
            return values
        return values - self._along_axis(self.zero_point.astype(np.int64))

    @property
    def real(self) -> np.ndarray:
        """Real values: float64 for a quantized constant, else the values as they are stored."""
        if self.scale is None:
            return self.values
        return self.centred * self._along_axis(self.scale.astype(np.float64))

    def scale_along(self, axis: int, count: int) -> np.ndarray:
        """Scales as ``count`` float64 along ``axis`` of the values."""
        assert self.scale is not None
        scale = self.scale.astype(np.float64).reshape(-1)
        if scale.size == 1:
            return np.repeat(scale, count)
        if self.axis != axis:
            raise ModelError(
                "Weights are quantized along an axis that this operator cannot use",
                why=f"scales run along axis {self.axis}, output channels along axis {axis}",
                remedy="quantize per tensor or per output channel",
            )
        return scale


@dataclass(frozen=True, eq=False)
class Tensor:
    """An operand. ``shape`` is the model's; ``order`` lists the model's axes in the order in which
    they lie in memory (identity unless the tensor is stored channel-last or was transposed)."""

    name: str
    shape: tuple[int, ...]
    dtype: DType
    order: tuple[int, ...]
    quant: Quant | None = None
    constant: Constant | None = None

    @property
    def physical(self) -> tuple[int, ...]:
        """Shape in memory order."""
        return tuple(self.shape[axis] for axis in self.order)

    def position(self, axis: int) -> int:
        """Where the model's ``axis`` (may be negative) lies in memory order."""
        return self.order.index(axis % len(self.shape))

    @property
    def elements(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Activation:
    """Bounds that a fused Relu or Clip puts on the real result."""

    low: float = float("-inf")
    high: float = float("inf")

    def then(self, following: Activation) -> Activation:
        """The bounds of both, one after the other. ``following`` is ONNX Clip's min(max(x, low), high), which
        gives ``high`` where that is below ``low``."""
        low, high = (min(max(bound, following.low), following.high) for bound in (self.low, self.high))
        return Activation(low, high)


UNBOUNDED = Activation()


@dataclass(frozen=True, eq=False)
class Node:
    """One computation to be resolved: operator, attributes, operands, fused activation.

    Optional inputs that are absent are None. ``opset`` is the version of ``ai.onnx``.
    """

    operator: str
    name: str
    attributes: Mapping[str, Any]
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    activation: Activation = UNBOUNDED
    results: tuple[int, ...] = (0,)
    """Which of the operator's outputs ``outputs`` are: those that nobody wants have no name."""

    @property
    def quantized(self) -> bool:
        """True when the output is quantized: the computation is to be done on integers."""
        return self.outputs[0].quant is not None

    def input(self, index: int) -> Tensor:
        """Operand ``index``, which the operator requires."""
        tensor = self.optional(index)
        if tensor is None:
            raise self.refuse(f"input {index} is missing", "give the operator all of its required inputs")
        return tensor

    def optional(self, index: int) -> Tensor | None:
        return self.inputs[index] if index < len(self.inputs) else None

    def constant(self, index: int, what: str) -> Constant:
        """Operand ``index``, refused unless it is constant; ``what`` names it to the user."""
        tensor = self.input(index)
        if tensor.constant is None:
            raise self.refuse(
                f"{what} ({tensor.name}) is computed at run time",
                f"make {what} an initializer of the model",
            )
        return tensor.constant

    def optional_constant(self, index: int, what: str) -> Constant | None:
        return None if self.optional(index) is None else self.constant(index, what)

    def attribute(self, name: str, default: Any) -> Any:
        return self.attributes.get(name, default)

    def refuse(self, why: str, remedy: str) -> ModelError:
        """The error to raise when this node cannot be compiled."""
        shapes = ", ".join("–" if t is None else "×".join(map(str, t.shape)) or "scalar" for t in self.inputs)
        return ModelError(
            f"Cannot compile {self.operator}",
            where=f"node {self.name!r}, input shapes {shapes}",
            why=why,
            remedy=remedy,
        )
