"""Fused attention: ranks, heads along rows and columns, causal masks, batches; every schedule and storage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyc.ir.dtype import Quant
from tinyc.ir.window import Window
from tinyc.kernels.attention import Attention, Heads, QuantizedAttention

from .attentions import QUANTS, SHAPES, attention_nodes, with_seen
from .checks import check, float_model, qdq_model


def _cases() -> list[tuple[str, bool]]:
    return [(case, turned) for case in SHAPES for turned in (False, True)[: len(SHAPES[case][0]) - 2]]


@pytest.mark.parametrize(("case", "turned"), [case for case in _cases() if not case[1]] + [("heads", True)])
def test_float(case: str, turned: bool) -> None:
    nodes, shapes = attention_nodes(SHAPES[case], turned)
    model = float_model(nodes, shapes, ["y"])
    program = check(model)
    assert isinstance(program.steps[0].kernel, Attention)  # maybe moved into the model's order behind it




@pytest.mark.parametrize(("case", "turned"), _cases())
def test_int8(case: str, turned: bool) -> None:
    nodes, shapes = attention_nodes(SHAPES[case], turned)
    model = qdq_model(nodes, shapes, ["y"], QUANTS, stage=True)
    program = check(model)
    assert sum(isinstance(step.kernel, QuantizedAttention) for step in program.steps) == 1


@settings(max_examples=40, deadline=None)
@given(
    scale=st.floats(1e-6, 0.05),
    ratio=st.floats(0.05, 4.0),
    zeros=st.tuples(*[st.integers(-128, 127)] * 3),
    keys=st.integers(1, 600),
    seed=st.integers(0, 2**32 - 1),
)
def test_within_one_lsb_of_real_arithmetic(
    scale: float, ratio: float, zeros: tuple[int, int, int], keys: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    q, k, v = (rng.integers(-128, 128, (1, length, 6)).astype(np.int8) for length in (2, keys, keys))
    heads = Heads(1, 1, 2, keys, 6, 6, False, keys)
    out = Quant(1.0, zeros[2])
    kernel = QuantizedAttention.of(heads, Quant(1.0, zeros[0]), scale, Quant(ratio, zeros[1]), out)
    assert kernel is not None
    (got,) = kernel.compute([q, k, v], Window(0, 2, 0, 1))
    scores = scale * ((q[0].astype(float) - zeros[0]) @ k[0].astype(float).T)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    real = weights / weights.sum(axis=1, keepdims=True) @ (v[0].astype(float) - zeros[1])
    assert np.abs(got[0] - np.clip(real * ratio + zeros[2], -128, 127)).max() <= 0.5 + 0.25 * max(ratio, 1)


def test_weights_too_flat_for_32_bits_are_computed_in_floats() -> None:
    heads = Heads(1, 1, 2, 4, 40_000, 4, False, 4)
    assert QuantizedAttention.of(heads, Quant(1, 0), 0.1, Quant(1, 0), Quant(1, 0)) is None
    with_int16 = {**QUANTS, "q": (0.001, 0)}
    nodes, shapes = attention_nodes(SHAPES["heads"])
    program = check(qdq_model(nodes, shapes, ["y"], with_int16, types={"q": np.dtype(np.int16)}), lsb=1)
    assert sum(isinstance(step.kernel, Attention) for step in program.steps) == 1


@pytest.mark.parametrize("rows", [1, 6])
@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("quantized", [True, False])
def test_masks(rows: int, constant: bool, quantized: bool) -> None:
    """One row hides everything."""
    nodes, shapes = attention_nodes(((1, 2, 6, 5), (1, 2, 8, 5), (1, 2, 8, 3), 4), masked=True)
    seen = np.random.default_rng(0).random((rows, 8)) < 0.6
    seen[0] &= rows == 1
    known = {"seen": seen} if constant else {}
    if quantized:
        model = qdq_model(nodes, shapes, ["y"], QUANTS, constants=known)
    else:
        model = float_model(nodes, shapes, ["y"], constants=known)
    if not constant:
        model = with_seen(model, (rows, 8))
    program = check(model)
    kernel = QuantizedAttention if quantized else Attention
    assert sum(isinstance(step.kernel, kernel) for step in program.steps) == 1
