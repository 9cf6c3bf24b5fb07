"""Running sums along one axis (ONNX CumSum-14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Kernel
from ..ir.window import Window
from .epilogue import Epilogue, epilogue_of
from .lanes import Lanes, Lanewise
from .node import Node


@dataclass(frozen=True, eq=False)
class CumSum(Lanewise):
    """``reverse`` sums from the last element; ``exclusive`` leaves each element out of its own sum."""

    template: ClassVar[str] = "cum_sum"

    exclusive: bool
    reverse: bool
    input_zero: int
    epilogue: Epilogue

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        x = self.lanes.split(inputs[0])
        x = x if x.dtype == np.float32 else x.astype(np.int64) - self.input_zero
        x = x[:, ::-1] if self.reverse else x
        if self.exclusive:
            x = np.concatenate([np.zeros_like(x[:, :1]), x[:, :-1]], axis=1)
        sums = self.epilogue.apply(np.add.accumulate(x, axis=1))
        return (self.lanes.join(sums[:, ::-1] if self.reverse else sums, inputs[0].shape),)


def resolve(node: Node) -> Kernel | None:
    """CumSum of float32, or of integers where 32 bits hold every sum; the axis must be constant."""
    x = node.input(0)
    axis = int(node.constant(1, "the axis operand").values.reshape(()))
    if not -len(x.shape) <= axis < len(x.shape):
        raise node.refuse(f"axis {axis} does not exist", f"give an axis between 0 and {len(x.shape) - 1}")
    lanes = Lanes.of(x.physical, [x.position(axis)])
    bound = lanes.length << (8 * x.dtype.size)
    if node.quantized != (x.quant is not None) or not (node.quantized or x.dtype.is_float):
        return None
    if x.quant is not None and bound >= 2**31:
        return None
    scale, zero = (1.0, 0) if x.quant is None else (x.quant.scale, x.quant.zero_point)
    epilogue = epilogue_of(node, np.array([scale]), bound)
    exclusive, reverse = (bool(node.attribute(name, 0)) for name in ("exclusive", "reverse"))
    return CumSum(lanes, exclusive, reverse, zero, epilogue)
