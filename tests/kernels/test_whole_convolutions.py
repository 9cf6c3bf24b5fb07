"""Convolutions whose taps are the whole input are dense layers, on each kind of core."""

from __future__ import annotations

import pytest

from .boards import M0, M4, M55, RV32, check_layer, sampled
from .layers import Convolution, float_convolution, int8_convolution

CASES: dict[str, Convolution] = {
    "five frames": ((1, 11, 5), (6, 11, 5), {}),
    "two dimensions": ((1, 3, 4, 5), (7, 3, 4, 5), {}),
    "more than 256 taps": ((1, 40, 8), (5, 40, 8), {}),
    "one pixel": ((1, 13, 1, 1), (3, 13, 1, 1), {}),
    "strides that make no step": ((1, 4, 3), (5, 4, 3), {"strides": [2]}),
}


@pytest.mark.parametrize("case", sampled(CASES, "five frames"))
@pytest.mark.parametrize(
    ("board", "template"),
    [(M4, "dsp_dense"), (M0, "tile_dense"), (RV32, "tile_dense"), (M55, "mve_dense")],
)
def test_integers(case: str, board: str, template: str) -> None:
    check_layer(int8_convolution(CASES[case]), board, template)


@pytest.mark.parametrize("case", sampled(CASES, "five frames"))
def test_floats(case: str) -> None:
    check_layer(float_convolution(CASES[case]), M4, "fma_dense")
