"""The one table of operators: what resolves each, and how it wants its operands to lie in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from ..ir.kernel import Kernel
from . import conv2d, dense, log_softmax, pool, softmax
from .node import Node
from .table import RealFunction


class Layout(Enum):
    """The order of axes in memory that an operator's resolver is written for."""

    CHANNEL_LAST = "operands and result lie channel-last: (N, spatial…, C)"
    ROW_MAJOR = "operands and result lie in the model's own axis order"
    SAME = "operands and result lie in one common order, whichever it is; smaller operands broadcast"


@dataclass(frozen=True)
class Operator:
    """``resolve`` gives None where the operands' types have no kernel of their own: lowering then
    dequantizes them and asks again for float32."""

    resolve: Callable[[Node], Kernel | None]
    layout: Layout
    fuses_activation: bool = False
    """True where a following Relu or Clip can become the kernel's bounds."""
    function: Callable[[Node], RealFunction | None] | None = None
    """For functions of one element (the other operands being scalar constants): the function of real
    numbers that the node stands for, so that on 8-bit data a chain of them becomes one table."""


OPERATORS: dict[str, Operator] = {
    "AveragePool": Operator(pool.resolve_average, Layout.CHANNEL_LAST, fuses_activation=True),
    "Conv": Operator(conv2d.resolve, Layout.CHANNEL_LAST, fuses_activation=True),
    "Gemm": Operator(dense.resolve_gemm, Layout.ROW_MAJOR, fuses_activation=True),
    "LogSoftmax": Operator(log_softmax.resolve, Layout.SAME),
    "MaxPool": Operator(pool.resolve_max, Layout.CHANNEL_LAST, fuses_activation=True),
    "Softmax": Operator(softmax.resolve, Layout.SAME),
}
