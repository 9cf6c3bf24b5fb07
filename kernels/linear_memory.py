"""The linear memory of Legendre Memory Units, m' = A m + B u (``passes/spiking/linear_memory.py``).

Such a memory adds up its own rounding errors for as long as it remembers: 8 bits leave a tenth of 64
coefficients that hold 128 steps in error. So it persists in 16 bits, and A and B have 16 and 32:

    V = (start + Σ A · M + Σ B · u) >> shift       M' = V, saturated to 16 bits
    m = (offset + M' · multiplier) >> …            what the network reads, in 8 bits
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log2, prod
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType, Quant
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .integer_neuron import Current, Drive
from .node import Node, Tensor

STATE = DType.INT16
"""What integers persist in."""
_LEAST, _MOST = int(STATE.lowest), int(STATE.highest)
_MOST_SHIFT = 30


@dataclass(frozen=True, eq=False)
class LinearMemory(Kernel):
    """``units`` memories that share ``a`` (order, order) and ``b`` (order, inputs). Operands are u
    (units, inputs) and the memory (units, order); results what the network reads, and the new memory."""

    shape: tuple[int, ...]
    """Of the memory, in memory order."""
    a: np.ndarray
    b: np.ndarray

    @property
    def units(self) -> int:
        return prod(self.shape[:-1])

    def cost(self, window: Window) -> Cost:
        return Cost(macs=self.units * (self.a.size + self.b.size))

    def _flat(self, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        u, memory = inputs
        return u.reshape(self.units, -1), memory.reshape(self.units, -1)


@dataclass(frozen=True, eq=False)
class FloatLinearMemory(LinearMemory):
    """On float32."""

    template: ClassVar[str] = "float_linear_memory"

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"a": self.a, "b": self.b}

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        u, memory = self._flat(inputs)
        made = (memory @ self.a.T + u @ self.b.T).astype(np.float32).reshape(self.shape)
        return made, made


@dataclass(frozen=True, eq=False)
class IntegerLinearMemory(LinearMemory):
    """On int16; ``a`` is int16, ``b`` int32, both times 2^``shift``, and ``start`` (order) takes off u's zero
    point and rounds. ``read`` makes what the network reads of the memory, around ``zero_point``."""

    template: ClassVar[str] = "linear_memory"

    start: np.ndarray
    shift: int
    read: Drive
    zero_point: int
    dtype: DType
    """Of what the network reads."""

    @property
    def weight_bits(self) -> int:
        return STATE.bits

    def constants(self) -> Mapping[str, np.ndarray]:
        return {"a": self.a, "b": self.b, "start": self.start}

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        u, memory = (part.astype(np.int64) for part in self._flat(inputs))
        a, b = (matrix.T.astype(np.int64) for matrix in (self.a, self.b))
        sums = self.start.astype(np.int64) + memory @ a + u @ b
        after = np.clip(sums >> self.shift, _LEAST, _MOST).astype(STATE.numpy).reshape(self.shape)
        steps = self.read.apply([after]) + self.zero_point
        return np.clip(steps, self.dtype.lowest, self.dtype.highest).astype(self.dtype.numpy), after


def resolve(node: Node) -> Kernel | None:
    """The memory on float32; None where an operand is quantized or of another type."""
    u, memory = node.input(0), node.input(1)
    if any(t.quant is not None or not t.dtype.is_float for t in (u, memory)):
        return None
    a, b = _matrices(node)
    return FloatLinearMemory(memory.physical, a.astype(np.float32), b.astype(np.float32))


def resolve_integer(node: Node) -> IntegerLinearMemory:
    """The memory on int16 with zero point 0, whose u and first result are quantized.

    Raises ModelError where 32 bits cannot hold a memory's next value, and what ``_matrices`` refuses.
    """
    a, b = _matrices(node)
    u, held, out = (_quant(t) for t in (node.input(0), node.input(1), node.outputs[0]))
    gains = b * (u.scale / held.scale)
    reach = 2.0**node.input(0).dtype.bits
    sums = np.abs(a).sum(axis=1) * -_LEAST + np.abs(gains).sum(axis=1) * reach
    read = Drive.of([Current(np.array([held.scale]), -_LEAST)], out.scale)
    if held.zero_point != 0 or sums.max() >= 2.0**31 or read is None:
        raise node.refuse(
            "its next value does not fit 32 bits", "quantize the memory to int16 with a larger scale"
        )
    shift = min(_bits(_MOST, a), _bits(2**31 - 1, gains), _MOST_SHIFT)
    fixed = [np.rint(matrix * 2.0**shift).astype(np.int64) for matrix in (a, gains)]
    start = ((1 << shift) >> 1) - u.zero_point * fixed[1].sum(axis=1)
    return IntegerLinearMemory(
        node.input(1).physical, fixed[0].astype(np.int16), fixed[1].astype(np.int32), start, shift, read,
        out.zero_point, node.outputs[0].dtype,
    )  # fmt: skip


def _bits(most: int, matrix: np.ndarray) -> int:
    """Fraction bits with which the elements of ``matrix`` stay up to ``most``."""
    largest = float(np.abs(matrix).max(initial=0.0))
    return floor(log2(most / largest)) if largest else _MOST_SHIFT


def _quant(tensor: Tensor) -> Quant:
    assert tensor.quant is not None
    return tensor.quant


def _matrices(node: Node) -> tuple[np.ndarray, np.ndarray]:
    """A and B, float64. Raises ModelError where they are computed at run time, or do not fit the operands."""
    a, b = (np.asarray(node.constant(index, name).real, np.float64) for index, name in ((2, "A"), (3, "B")))
    u, memory = node.input(0).shape, node.input(1).shape
    if u[:-1] != memory[:-1] or a.shape != memory[-1:] * 2 or b.shape != memory[-1:] + u[-1:]:
        raise node.refuse(
            f"A has the shape {list(a.shape)} and B {list(b.shape)}, u {list(u)}, the memory {list(memory)}",
            "give A (order, order) and B (order, inputs), u (…, inputs) and the memory (…, order)",
        )
    return a, b
