"""Max pooling of rates of spikes (``RateMaxPool`` of the domain ``tinyc.spiking``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .node import Node
from .sliding import Sliding


@dataclass(frozen=True, eq=False)
class RateMaxPool(Kernel):
    """Spikes (BIT, or float32), how many each element has given so far, and the greatest such number of each
    window, to a spike wherever that grows, and the new numbers. Numbers are exact: integers that stand for
    themselves, or float32."""

    template: ClassVar[str] = "rate_max_pool"

    sliding: Sliding
    channels: int
    numbers: DType

    def in_place_at(self, output: int) -> tuple[int, ...]:
        """The operand that result number ``output`` is the new value of."""
        return (output,) if output else ()

    def cost(self, window: Window) -> Cost:
        elements = self.sliding.taps * self.channels * window.pixels
        rows, columns = self.sliding.input
        return Cost(operations=self.sliding.batch * (elements + rows * columns * self.channels))

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        spikes, counts, peaks = inputs
        counted = (counts + spikes.astype(counts.dtype)).astype(counts.dtype)
        greatest = self.sliding.patches(counted, window, 0).max(axis=(3, 4)).reshape(peaks.shape)
        grown = greatest > peaks
        return (grown if spikes.dtype == np.bool_ else grown.astype(np.float32), counted, greatest)


def resolve(node: Node) -> RateMaxPool:
    """RateMaxPool of spikes with their numbers as states. Raises ModelError where numbers are not integers
    that stand for themselves, nor float32."""
    spikes, counts, peaks = (node.input(index) for index in range(3))
    for number in (counts, peaks):
        exact = number.quant is None or (number.quant.scale, number.quant.zero_point) == (1.0, 0)
        if not exact or number.dtype is not counts.dtype or counts.dtype.is_float != spikes.dtype.is_float:
            raise node.refuse(
                f"its operand {number.name!r} does not count spikes one by one",
                "quantize counts with scale 1 and zero point 0, or leave spikes and counts in float32",
            )
    sliding = Sliding.of(node, tuple(node.attribute("kernel_shape", ())))
    return RateMaxPool(sliding, spikes.shape[1], counts.dtype)
