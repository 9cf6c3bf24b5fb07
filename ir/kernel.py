"""What every kernel is: the integers that it needs, what it computes, what it costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .window import Window


@dataclass(frozen=True)
class Cost:
    """Work of one task: multiply-accumulates, other element operations, and how many of the former are done
    several at a time."""

    macs: int = 0
    operations: int = 0
    paired: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.macs + other.macs, self.operations + other.operations, self.paired + other.paired)

    def in_pairs(self) -> Cost:
        """The same work by instructions that do several multiply-accumulates at once."""
        return Cost(self.macs, self.operations, self.macs)


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

    @property
    def slides(self) -> int:
        """Rows by which the step moves the frame that is its input and its output, upward negative."""
        return 0

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
        """Arrays that the emitted C keeps in flash, by the name its template uses."""
        return {}

    def in_place(self) -> tuple[int, ...]:
        """Inputs whose bytes the output may overwrite as the kernel runs."""
        return ()

    def scratch(self) -> int:
        """Bytes of working memory while the kernel runs."""
        return 0
