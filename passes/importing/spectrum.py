"""DFT as one product with a constant matrix, which holds the real and imaginary parts of all factors; STFT as
a convolution with them."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import Array, describe, input_at, shape_of
from .body import Body, known, number, operand

LARGEST = 1 << 20
"""Elements of a matrix."""


def dft(node: oir.Node, body: Body) -> oir.Value:
    """X[k] = Σ x[n] e^(∓2πi·kn/N) along one axis; the last holds real (and imaginary) parts (DFT-20)."""
    x = operand(node, 0)
    shape = shape_of(x)
    default = node.attributes.get_int("axis", 1 if body.opset < 20 else -2)
    axis = int(number(node, 2, default)) % len(shape)
    inverse, one_sided = (bool(node.attributes.get_int(name, 0)) for name in ("inverse", "onesided"))
    real = inverse and one_sided
    length = int(number(node, 1, 2 * (shape[axis] - 1) if real else shape[axis]))
    results = length // 2 + 1 if one_sided and not real else length
    taken = min(shape[axis], length // 2 + 1 if real else length)
    if axis == len(shape) - 1 or 4 * taken * results > LARGEST:
        raise ModelError(
            "DFT cannot be written as a product",
            where=describe(node),
            why=f"axis {axis} of {list(shape)}, length {length}; the last axis holds real and imaginary "
            f"parts, and up to {LARGEST} factors are stored",
            remedy="use an axis before the last and shorter signals, or transform in the firmware",
        )
    last, parts = len(shape) - 1, shape[-1]
    order = [*(a for a in range(last) if a != axis), axis, last]
    rows = body.op("Transpose", x, perm=order)
    outer = [shape[a] for a in order[:-2]]
    flat = body.reshape(rows, [*outer, shape[axis] * parts])
    factors = _real_factors(taken, length) if real else _factors(taken, length, results, inverse)
    matrix = np.zeros((shape[axis], parts, results, factors.shape[-1]))
    matrix[:taken] = factors[:, :parts]
    constant = body.constant(matrix.reshape(shape[axis] * parts, -1), oir.DataType.FLOAT)
    spectrum = body.reshape(body.op("MatMul", flat, constant), [*outer, results, factors.shape[-1]])
    return body.op("Transpose", spectrum, perm=[int(a) for a in np.argsort(order)])


def stft(node: oir.Node, body: Body) -> oir.Value:
    """X[frame, k] = Σ window[n] · x[frame · step + n] e^(−2πi·kn/N) of a signal [N, length, parts]: a
    convolution whose filters are the windowed factors (STFT-17)."""
    x = operand(node, 0)
    shape, step = shape_of(x), int(known(node, 1).reshape(()))
    window = None if input_at(node, 2) is None else known(node, 2).astype(np.float64)
    length = int(number(node, 3, shape[1] if window is None else window.size))
    results = length // 2 + 1 if node.attributes.get_int("onesided", 1) else length
    fits = len(shape) == 3 and step > 0 and 0 < length <= shape[1]
    fits = fits and (window is None or window.size == length)
    if not fits or 2 * shape[-1] * length * results > LARGEST:
        raise ModelError(
            "STFT cannot be written as a convolution",
            where=describe(node),
            why=f"frames of {length}, {step} apart, with {results} frequencies, of a signal {list(shape)}; "
            f"it must be [N, length, parts], and up to {LARGEST} factors are stored",
            remedy="use shorter frames, or transform in the firmware",
        )
    samples, _, parts = shape
    factors = _factors(length, length, results, False)[:, :parts]
    if window is not None:
        factors = factors * window.reshape(-1, 1, 1, 1)
    filters = factors.transpose(2, 3, 1, 0).reshape(2 * results, parts, length)
    signal = body.op("Transpose", x, perm=[0, 2, 1])
    found = body.op("Conv", signal, body.constant(filters, oir.DataType.FLOAT), strides=[step])
    return body.reshape(body.op("Transpose", found, perm=[0, 2, 1]), [samples, -1, results, 2])


def _real_factors(taken: int, length: int) -> Array:
    """[k, part of X, n, 1]: what the first half of a real signal's spectrum adds to it. All but the first
    and, of an even length, the last, stand for two."""
    factors = _factors(taken, length, length, inverse=True)[..., :1]
    twice = np.full(taken, 2.0)
    twice[0] = 1.0
    if length % 2 == 0 and taken > length // 2:
        twice[length // 2] = 1.0
    return factors * twice.reshape(-1, 1, 1, 1)


def _factors(taken: int, length: int, results: int, inverse: bool) -> Array:
    """[n, part of x, k, part of X]: what x's parts at n add to X's at k."""
    turns = np.outer(np.arange(taken), np.arange(results)) % length / length
    factors = np.exp((2j if inverse else -2j) * np.pi * turns) / (length if inverse else 1)
    of_real = np.stack([factors.real, factors.imag], -1)
    return np.stack([of_real, np.stack([-factors.imag, factors.real], -1)], 1)
