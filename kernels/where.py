"""Where: each element of one of two operands, as a condition says (ONNX Where-16)."""

from __future__ import annotations

import numpy as np

from ..ir.kernel import Kernel
from . import recode
from .elementwise import Elementwise, real_or_raw
from .node import Node, Tensor


def resolve(node: Node) -> Kernel | None:
    """Elements pass as they are: operands and result need one type and one quantization, else None."""
    condition, out = node.input(0), node.outputs[0]
    values: list[Tensor | np.ndarray] = []
    for operand in (node.input(1), node.input(2)):
        if operand.constant is not None:
            values.append(recode.stored(operand.constant, out))
        elif operand.dtype is out.dtype and operand.quant == out.quant:
            values.append(operand)
        else:
            return None
    chosen = condition if condition.constant is None else real_or_raw(condition)
    return Elementwise.of("Where", out, [chosen, *values])
