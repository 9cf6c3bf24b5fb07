"""Functions of one element: which kernel computes a chain of them, between two quantizations."""

from __future__ import annotations

from functools import reduce

import numpy as np
import onnx_ir as oir

from ...ir.kernel import Kernel
from ...kernels.interpolated import Interpolated
from ...kernels.node import UNBOUNDED, Activation, Tensor
from ...kernels.packed_table import PackedTable
from ...kernels.registry import OPERATORS
from ...kernels.rescale import Rescale
from ...kernels.table import RealFunction, Table
from .graph import fusable_activation


def function_kernel(
    source: Tensor, made: Tensor, chain: list[oir.Node], functions: list[RealFunction]
) -> Kernel | None:
    """What makes ``made`` of ``source`` by ``functions``, those of the nodes of ``chain``; None where it
    takes other kernels."""
    assert source.quant is not None and made.quant is not None

    def function(x: np.ndarray) -> np.ndarray:
        for step in functions:
            x = step(x)
        return x

    ends = (source.quant, source.dtype), (made.quant, made.dtype)
    if source.dtype.is_packed or made.dtype.is_packed:
        return None if source.dtype.size > 1 else PackedTable.of(source.physical, *ends, function)
    bounds = [fusable_activation(node) for node in chain]
    if max(source.dtype.size, made.dtype.size) > 1 and None not in bounds:
        activation = reduce(Activation.then, filter(None, bounds), UNBOUNDED)
        return Rescale.of(source, made, activation)
    if source.dtype.size == 1:
        return Table.of(source.physical, *ends, function)
    sums = OPERATORS[chain[0].op_type].fuses_activation and None not in bounds[1:]
    return None if sums else Interpolated.of(source.physical, *ends, function)
