"""What every kernel is: the integers that it needs, what it computes, what it costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from .window import Window

CYCLES_PER_MAC = 10.0
CYCLES_PER_OPERATION = 6.0
"""Of portable kernels, as measured with kws01 on a Cortex-M4."""


@dataclass(frozen=True)
class Cost:
    """Work of one task: multiply-accumulates, other element operations, and how many modelled cycles a kernel
    for the target's instruction set spares of those that the portable one takes for them."""

    macs: int = 0
    operations: int = 0
    spared: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.macs + other.macs, self.operations + other.operations, self.spared + other.spared)

    def scaled(self, share: float) -> Cost:
        """Of a part of the times, in whole numbers."""
        return Cost(round(self.macs * share), round(self.operations * share), self.spared * share)

    def at(self, per_mac: float, per_operation: float = CYCLES_PER_OPERATION) -> Cost:
        """The same work at other modelled cycles for each multiply-accumulate and each operation."""
        spared = (CYCLES_PER_MAC - per_mac) * self.macs
        return replace(self, spared=spared + (CYCLES_PER_OPERATION - per_operation) * self.operations)

    @property
    def cycles(self) -> float:
        """Modelled; what entering the kernel takes is not among them."""
        return CYCLES_PER_MAC * self.macs + CYCLES_PER_OPERATION * self.operations - self.spared


class Kernel(ABC):
    """A frozen dataclass that says all about one computation; shapes are physical (channel-last).

    A *windowed* kernel can compute any window of its output's grid from the windows of its inputs
    that ``needs`` names; the others run whole. Emitted C comes from the template of the same name
    in ``codegen/templates/kernels``.
    """

    template: ClassVar[str]
    windowed: ClassVar[bool] = False
    ascending: ClassVar[bool] = False
    """Rows have to be computed from the first to the last, each once."""
    led: ClassVar[bool] = False
    """Which kernel an instruction set has in its place depends on the type of the first input alone."""
    separable: ClassVar[bool] = True
    """Which rows of an input a window needs depends on its rows alone, and which columns on its columns."""

    @property
    def slides(self) -> int:
        """Rows by which the step moves the frame that is its input and its output, upward negative."""
        return 0

    @property
    def weight_bits(self) -> int | None:
        """Bits of a weight; None where nothing is multiplied by constants."""
        return None

    @abstractmethod
    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        """Outputs on ``window``. Each input is the part of it that ``needs`` names (clipped to the
        tensor), in full rank; an array of another kernel's exact bytes in, exact bytes out."""

    @abstractmethod
    def cost(self, window: Window) -> Cost:
        """Work for ``window`` of the output."""

    def needs(self, operand: int, window: Window) -> Window:
        """The window of input ``operand``, not yet clipped, that ``window`` of the output reads."""
        return window

    def constants(self) -> Mapping[str, np.ndarray]:
        """Arrays that the emitted C keeps in flash, by the name its template uses. A name that begins with
        ``table`` is for elements that data select, one at a time."""
        return {}

    def in_place(self) -> tuple[int, ...]:
        """Inputs whose bytes the one output may overwrite as the kernel runs."""
        return ()

    def in_place_at(self, output: int) -> tuple[int, ...]:
        """The same for output number ``output`` of a kernel with several; for states, as in the arena these
        share no bytes with inputs."""
        return ()

    def scratch(self) -> int:
        """Bytes of working memory while the kernel runs."""
        return 0
