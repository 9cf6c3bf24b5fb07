"""Kernels on elements of 8, 4 and 2 bits: every width that matters, odd channel counts, every schedule."""

from __future__ import annotations

from itertools import product

import ml_dtypes
import numpy as np
import pytest
from onnx import helper

from .checks import check, qdq_model
from .test_conv2d import CASES

TYPES = {2: np.dtype(ml_dtypes.int2), 4: np.dtype(ml_dtypes.int4), 8: np.dtype(np.int8)}
SCALES = {2: 0.9, 4: 0.3, 8: 0.02}
ZEROS = {2: -1, 4: 3, 8: 9}
WIDTHS = [widths for widths in product((8, 4, 2), repeat=3) if widths != (8, 8, 8)]
"""Bits of inputs, weights and outputs."""


def quants(x: int, y: int) -> dict[str, tuple[float, int]]:
    return {"x": (SCALES[x], ZEROS[x]), "y": (SCALES[y] * 1.3, -ZEROS[y])}


def weights_of(shape: tuple[int, ...], bits: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Integers of so many bits, and a scale per output channel."""
    rng = np.random.default_rng(seed)
    limit = 2 ** (bits - 1)
    integers = rng.integers(-limit, limit, shape).astype(TYPES[bits])
    return integers, rng.uniform(0.02, 0.2, shape[0]) * 2.0 ** (4 - bits)


def convolution(case: str, x: int, w: int, y: int, activation: str | None = None) -> None:
    shape, weights, attributes = CASES[case]
    integers, scales = weights_of(weights, w, len(case))
    bias = np.random.default_rng(1).integers(-60, 60, weights[0]).astype(np.int32)
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c" if activation else "y"], "conv", **attributes)]
    if activation:
        nodes.append(helper.make_node(activation, ["c"], ["y"], "act"))
    model = qdq_model(
        nodes, {"x": shape}, ["y"], quants(x, y), stage=True, types={"x": TYPES[x], "y": TYPES[y]},
        dequantized={"w": (integers, scales, 0), "b": (bias, SCALES[x] * scales.astype(np.float32), 0)},
    )  # fmt: skip
    program = check(model)
    templates = [step.kernel.template for step in program.steps]
    assert len(templates) == 3 and templates[1].startswith("packed_"), templates


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("widths", [(4, 4, 4), (8, 4, 8), (2, 2, 4)], ids=str)
def test_convolution(case: str, widths: tuple[int, int, int]) -> None:
    convolution(case, *widths)
