"""Models of a single layer whose operands have 8, 4 or 2 bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import ml_dtypes
import numpy as np
import onnx
from onnx import helper

from .checks import qdq_model

TYPES = {
    2: np.dtype(ml_dtypes.int2), 4: np.dtype(ml_dtypes.int4), 8: np.dtype(np.int8), 16: np.dtype(np.int16),
}  # fmt: skip
SCALES = {2: 0.9, 4: 0.3, 8: 0.02, 16: 0.0003}
ZEROS = {2: -1, 4: 3, 8: 9, 16: -900}
WIDTHS = [widths for widths in product((4, 8, 2), repeat=3) if widths != (8, 8, 8)]
"""Bits of inputs, weights and outputs."""
Widths = tuple[int, int, int]


def model_of(
    nodes: Sequence[onnx.NodeProto], shape: tuple[int, ...], bits: Mapping[str, int],
    weights: tuple[tuple[int, ...], int] | None = None, others: Mapping[str, np.ndarray] | None = None,
    apart: bool = False,
) -> onnx.ModelProto:  # fmt: skip
    """``nodes`` from inputs ``x``, ``z`` to ``y``, of so many bits each, with conversions from and to int8
    around them; random weights ``w`` of a shape and bits, with a bias ``b``. Those of 8 bits are symmetric,
    but for a pair that is no 16-bit number where they have to stay ``apart``."""
    dequantized: dict[str, tuple[np.ndarray, np.ndarray, int]] = {}
    if weights is not None:
        dims, width = weights
        rng = np.random.default_rng(len(str(dims)))
        limit = 2 ** (width - 1)
        scales = (rng.uniform(0.02, 0.2, dims[0]) * 2.0 ** (4 - width)).astype(np.float32)
        bias = rng.integers(-60, 60, dims[0]).astype(np.int32)
        integers = rng.integers(-limit + (width == 8), limit, dims).astype(TYPES[width])
        if apart:
            integers[0], integers[1] = -1, -128
        dequantized = {"w": (integers, scales, 0), "b": (bias, SCALES[bits["x"]] * scales, 0)}
    factors = {"y": 1.3}
    quants = {n: (SCALES[width] * factors.get(n, 1.0), ZEROS[width]) for n, width in bits.items()}
    return qdq_model(
        nodes, {name: shape for name in bits if name != "y"}, ["y"], quants, others, dequantized, stage=True,
        types={name: TYPES[width] for name, width in bits.items()},
    )  # fmt: skip


def narrow_convolution(
    shape: Sequence[int], weights: Sequence[int], attributes: dict[str, Any], widths: Widths,
    activation: str = "", apart: bool = False,
) -> onnx.ModelProto:  # fmt: skip
    """A convolution of an NCHW ``shape`` with OIHW ``weights``."""
    x, w, y = widths
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c" if activation else "y"], "conv", **attributes)]
    if activation:
        nodes.append(helper.make_node(activation, ["c"], ["y"], "activation"))
    return model_of(nodes, tuple(shape), {"x": x, "y": y}, (tuple(weights), w), apart=apart)


def narrow_matrix(rows: int, inputs: int, outputs: int, widths: Widths) -> onnx.ModelProto:
    """``rows`` vectors times a matrix."""
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "gemm", transB=1)
    return model_of([node], (rows, inputs), {"x": widths[0], "y": widths[2]}, ((outputs, inputs), widths[1]))
