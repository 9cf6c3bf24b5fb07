"""Where: each element of one of two operands, as a condition says (ONNX Where-16)."""

from __future__ import annotations

import numpy as np

from ..ir.kernel import Kernel
from . import recode, select
from .elementwise import Elementwise, real_or_raw
from .node import Node, Tensor


def resolve(node: Node) -> Kernel | None:
    """Elements pass as they are: operands and result need one type and one quantization, else None. Whole
    pixels are selected where the condition is constant and the same for all of their channels."""
    condition, out = node.input(0), node.outputs[0]
    if condition.constant is not None and (chosen := select.of_mask(node, condition.constant.values)):
        return chosen
    values: list[Tensor | np.ndarray] = []
    for operand in (node.input(1), node.input(2)):
        if operand.constant is not None:
            values.append(recode.stored(operand.constant, out))
        elif operand.dtype is out.dtype and operand.quant == out.quant:
            values.append(operand)
        else:
            return None
    mask = condition if condition.constant is None else real_or_raw(condition)
    return Elementwise.of("Where", out, [mask, *values])
