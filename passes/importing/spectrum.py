"""DFT as one product with a constant matrix, which holds the real and imaginary parts of all factors."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import Array, describe, shape_of
from .body import Body, number, operand

LARGEST = 1 << 20
"""Elements of a matrix."""


def dft(node: oir.Node, body: Body) -> oir.Value:
    """X[k] = Σ x[n] e^(∓2πi·kn/N) along one axis; the last holds real (and imaginary) parts (DFT-20)."""
    x = operand(node, 0)
    shape = shape_of(x)
    default = node.attributes.get_int("axis", 1 if body.opset < 20 else -2)
    axis = int(number(node, 2, default)) % len(shape)
    length = int(number(node, 1, shape[axis]))
    inverse, one_sided = (bool(node.attributes.get_int(name, 0)) for name in ("inverse", "onesided"))
    results = length // 2 + 1 if one_sided else length
    taken = min(shape[axis], length)
    if axis == len(shape) - 1 or (inverse and one_sided) or 4 * taken * results > LARGEST:
        raise ModelError(
            "DFT cannot be written as a product",
            where=describe(node),
            why=f"axis {axis} of {list(shape)}, length {length}, inverse={inverse:d}, onesided={one_sided:d}",
            remedy="use an axis before the last, forward, or with both sides; or transform in the firmware",
        )
    last, parts = len(shape) - 1, shape[-1]
    order = [*(a for a in range(last) if a != axis), axis, last]
    rows = body.op("Transpose", x, perm=order)
    outer = [shape[a] for a in order[:-2]]
    flat = body.reshape(rows, [*outer, shape[axis] * parts])
    matrix = np.zeros((shape[axis], parts, results, 2))
    matrix[:taken] = _factors(taken, length, results, inverse)[:, :parts]
    product = body.op("MatMul", flat, body.constant(matrix.reshape(-1, results * 2), oir.DataType.FLOAT))
    spectrum = body.reshape(product, [*outer, results, 2])
    return body.op("Transpose", spectrum, perm=[int(a) for a in np.argsort(order)])


def _factors(taken: int, length: int, results: int, inverse: bool) -> Array:
    """[n, part of x, k, part of X]: what x's parts at n add to X's at k."""
    turns = np.outer(np.arange(taken), np.arange(results)) % length / length
    factors = np.exp((2j if inverse else -2j) * np.pi * turns) / (length if inverse else 1)
    of_real = np.stack([factors.real, factors.imag], -1)
    return np.stack([of_real, np.stack([-factors.imag, factors.real], -1)], 1)
