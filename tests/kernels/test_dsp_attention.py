"""Attention by the micro-kernels for Arm's DSP extension."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from tinyc.ir.dtype import DType, Quant
from tinyc.kernels.attention import Heads, QuantizedAttention
from tinyc.kernels.dsp_attention import DspAttention

from .attentions import QUANTS, SHAPES, Shapes, attention_nodes, with_seen
from .boards import M4, check_all, check_layer, check_schedules, sampled, tailored
from .checks import qdq_model

CASES: dict[str, Shapes] = {
    **{name: shapes for name, shapes in SHAPES.items() if shapes[0][-1] >= 4},
    "whole words": ((1, 12, 16), (1, 20, 16), (1, 20, 8), 20),
    "odd features": ((1, 4, 7), (1, 9, 7), (1, 9, 11), 9),
    "one word more than a pair": ((1, 3, 12), (1, 8, 12), (1, 8, 2), 8),
    "one key": ((1, 2, 4), (1, 1, 4), (1, 1, 4), 1),
    "one query sees one key": ((1, 4, 8), (1, 4, 8), (1, 4, 8), 0),
    "causal heads of four features": ((1, 2, 8, 4), (1, 2, 8, 4), (1, 2, 8, 5), 0),
    "many keys": ((1, 5, 4), (1, 700, 4), (1, 700, 3), 690),
}


def _model(
    shapes: Shapes, turned: bool = False, stage: bool = False, **quants: tuple[float, int]
) -> onnx.ModelProto:
    nodes, inputs = attention_nodes(shapes, turned)
    return qdq_model(nodes, inputs, ["y"], {**QUANTS, **quants}, stage=stage)


@pytest.mark.parametrize(
    "case", sampled(CASES, "one head", "causal behind a cache", "batch of heads", "odd features", "many keys")
)
def test_shapes(case: str) -> None:
    check_all(_model(CASES[case]), M4, "dsp_attention")


def test_heads_that_lie_behind_positions() -> None:
    check_layer(_model(CASES["batch of heads"], turned=True), M4, "dsp_attention")


@pytest.mark.parametrize("case", ["one head", "causal heads of four features"])
def test_rows_and_patches_on_the_board(case: str) -> None:
    check_schedules(tailored(_model(CASES[case], stage=True), M4, "dsp_attention"), M4)


@pytest.mark.parametrize(("scale", "zero"), [(1e-5, 127), (0.02, -128), (0.4, 127)])
def test_flat_and_steep_weights(scale: float, zero: int) -> None:
    shapes = ((1, 4, 9), (1, 13, 9), (1, 13, 6), 13)
    check_layer(_model(shapes, q=(scale, zero), v=(0.05, zero)), M4, "dsp_attention")


@pytest.mark.parametrize(("rows", "constant"), [(1, False), (7, True), (7, False)])
def test_masks(rows: int, constant: bool) -> None:
    """A row of seven hides everything."""
    nodes, shapes = attention_nodes(((1, 2, 7, 5), (1, 2, 9, 5), (1, 2, 9, 3), 4), masked=True)
    seen = np.random.default_rng(0).random((rows, 9)) < 0.6
    seen[0] &= rows == 1
    model = qdq_model(nodes, shapes, ["y"], QUANTS, constants={"seen": seen} if constant else {})
    if not constant:
        model = with_seen(model, seen.shape)
    check_all(model, M4, "dsp_attention")


def test_what_stays_portable() -> None:
    def made(depth: int, width: int, scale: float) -> DspAttention | None:
        heads = Heads(1, 1, 4, 8, depth, width, False, 8)
        kernel = QuantizedAttention.of(heads, Quant(1.0, 0), scale, Quant(1.0, 0), Quant(1.0, 0))
        assert kernel is not None
        return DspAttention.fitting(kernel, DType.INT8)

    assert made(4, 2, 0.01) is not None
    assert made(3, 2, 0.01) is None
    assert made(4, 1, 0.01) is None
    assert made(4096, 4, 0.01) is None  # differences of scores have no room to be shifted up
