"""Division by the length of each lane (ONNX LpNormalization-22)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.kernel import Kernel
from ..ir.window import Window
from .elementary import sqrt
from .lanes import Lanewise, in_turn
from .node import Node
from .softmax import along_axis


@dataclass(frozen=True, eq=False)
class LpNormalize(Lanewise):
    """float32. ``power`` 1: the length is the sum of magnitudes; 2: the root of the sum of squares. A lane of
    length 0 stays 0."""

    template: ClassVar[str] = "lp_normalize"

    power: int

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        x = self.lanes.split(inputs[0])
        sums = in_turn(np.add, np.abs(x) if self.power == 1 else x * x)[:, None]
        norms = sums if self.power == 1 else sqrt(sums)
        factors = np.divide(np.float32(1.0), norms, out=np.zeros_like(norms), where=norms > 0)
        return (self.lanes.join(x * factors, inputs[0].shape),)


def resolve(node: Node) -> Kernel | None:
    """LpNormalization of float32 with p 1 or 2."""
    x, power = node.input(0), int(node.attribute("p", 2))
    if power not in (1, 2):
        raise node.refuse(f"p is {power}", "use p = 1 or p = 2")
    return None if node.quantized or not x.dtype.is_float else LpNormalize(along_axis(node, x), power)
