"""Fused attention: ranks, heads along rows and columns, causal masks, batches; every schedule and storage."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from tinyc.ir.dtype import Quant
from tinyc.ir.window import Window
from tinyc.kernels.attention import Attention, Heads, QuantizedAttention
from tinyc.passes.attention import ATTENTION
from tinyc.passes.onnx_graph import FUSED_DOMAIN

from .checks import check, float_model, qdq_model

# queries, keys, values; reach
SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]] = {
    "one head": ((1, 7, 5), (1, 7, 5), (1, 7, 5), 9),
    "causal": ((1, 9, 4), (1, 9, 4), (1, 9, 4), 0),
    "causal behind a cache": ((1, 3, 4), (1, 8, 4), (1, 8, 4), 5),
    "more keys, other width": ((1, 5, 6), (1, 11, 6), (1, 11, 3), 11),
    "one query": ((1, 1, 8), (1, 6, 8), (1, 6, 8), 6),
    "heads": ((1, 3, 6, 4), (1, 3, 6, 4), (1, 3, 6, 5), 6),
    "causal heads": ((1, 2, 5, 3), (1, 2, 5, 3), (1, 2, 5, 3), 0),
    "batch": ((3, 4, 5), (3, 6, 5), (3, 6, 5), 2),
    "batch of heads": ((2, 3, 4, 5), (2, 3, 7, 5), (2, 3, 7, 2), 1),
}
_IN_MEMORY = (0, 2, 1, 3)
"""The order in which exporters compute heads: of a projection's features, before they are transposed."""


def _nodes(case: str, turned: bool) -> tuple[list[onnx.NodeProto], dict[str, tuple[int, ...]]]:
    *shapes, reach = SHAPES[case]
    rank = len(shapes[0])
    perm = [*range(rank - 2), rank - 1, rank - 2]
    names = [f"{n}_heads" if turned else n for n in "qkv"]
    nodes = [
        helper.make_node("Transpose", [n], [f"{n}_heads"], f"transpose_{n}", perm=_IN_MEMORY) for n in "qkv"
    ] if turned else []
    attributes = {"perm": perm, "reach": reach, "scale": shapes[0][-1] ** -0.5}
    nodes.append(helper.make_node(ATTENTION, names, ["y"], "attention", domain=FUSED_DOMAIN, **attributes))
    stored = [tuple(s[a] for a in _IN_MEMORY) if turned else s for s in shapes]
    return nodes, dict(zip("qkv", stored, strict=True))


def _cases() -> list[tuple[str, bool]]:
    return [(case, turned) for case in SHAPES for turned in (False, True)[: len(SHAPES[case][0]) - 2]]


@pytest.mark.parametrize(("case", "turned"), [case for case in _cases() if not case[1]] + [("heads", True)])
def test_float(case: str, turned: bool) -> None:
    nodes, shapes = _nodes(case, turned)
    model = float_model(nodes, shapes, ["y"])
    program = check(model)
    assert isinstance(program.steps[0].kernel, Attention)  # maybe moved into the model's order behind it


QUANTS = {"q": (0.02, 3), "k": (0.03, -9), "v": (0.05, 20), "y": (0.03, -4)}


@pytest.mark.parametrize(("case", "turned"), _cases())
def test_int8(case: str, turned: bool) -> None:
    nodes, shapes = _nodes(case, turned)
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
    nodes, shapes = _nodes("heads", False)
    program = check(qdq_model(nodes, shapes, ["y"], with_int16, types={"q": np.dtype(np.int16)}), lsb=1)
    assert sum(isinstance(step.kernel, Attention) for step in program.steps) == 1
