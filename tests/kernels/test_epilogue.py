"""Requantization against exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tinyc.ir.dtype import DType, Quant
from tinyc.ir.errors import ModelError
from tinyc.kernels.epilogue import Clamp, Requantize, epilogue_of, quantized_bounds
from tinyc.kernels.node import Activation, Node, Tensor

INT32 = st.integers(-(2**31) + 1, 2**31 - 1)
SCALES = st.floats(1e-9, 100)


def _exact(accumulator: int, ratio: Fraction, zero: int, dtype: DType) -> tuple[int, Fraction]:
    """The nearest integer (ties up), saturated, and how far the real value is from the nearest tie."""
    real = accumulator * ratio
    tie = abs(real - floor(real) - Fraction(1, 2))
    return min(max(floor(real + Fraction(1, 2)) + zero, int(dtype.lowest)), int(dtype.highest)), tie


@settings(max_examples=2000, deadline=None)
@given(scale=SCALES, out_scale=st.floats(1e-3, 10), zero=st.integers(-128, 127), accumulator=INT32)
@example(scale=0.25, out_scale=1.0, zero=-128, accumulator=2**31 - 1)
@example(scale=100.0, out_scale=1e-3, zero=127, accumulator=-1)
@example(scale=1e-9, out_scale=10.0, zero=-128, accumulator=-(2**31) + 1)
def test_any_accumulator(scale: float, out_scale: float, zero: int, accumulator: int) -> None:
    """Within 1 LSB always; another integer than exact rounding gives only within 1/8 LSB of a tie."""
    epilogue = Requantize.of(np.array([scale]), Quant(out_scale, zero), DType.INT8, 2**31 - 1)
    got = int(epilogue.apply(np.array([accumulator]))[0])
    want, tie = _exact(accumulator, Fraction(scale) / Fraction(out_scale), zero, DType.INT8)
    assert abs(got - want) <= 1
    assert got == want or tie <= Fraction(1, 8)


@settings(max_examples=300, deadline=None)
@given(scale=SCALES, zero=st.integers(-32768, 32767), accumulator=INT32)
def test_16_bits(scale: float, zero: int, accumulator: int) -> None:
    epilogue = Requantize.of(np.array([scale]), Quant(1.0, zero), DType.INT16, 2**31 - 1)
    assert abs(epilogue.offset) < 2**30
    got = int(epilogue.apply(np.array([accumulator]))[0])
    want, tie = _exact(accumulator, Fraction(scale), zero, DType.INT16)
    assert got == want or (abs(got - want) == 1 and tie <= Fraction(1, 8))


@settings(max_examples=1000, deadline=None)
@given(
    scale=st.floats(1e-12, 10),
    ratio=st.floats(1, 1000),
    zero=st.integers(-32768, 32767),
    bits=st.integers(32, 45),
    share=st.floats(-1, 1),
)
def test_accumulators_of_64_bits(scale: float, ratio: float, zero: int, bits: int, share: float) -> None:
    """Shifted down, or clamped, first; of two channels whose scales lie up to 1,000 times apart."""
    bound = 2**bits - 1
    scales = np.array([scale, scale * ratio])
    epilogue = Requantize.of(scales, Quant(1.0, zero), DType.INT16, bound)
    assert epilogue.wide and np.all(epilogue.multipliers >= 0)
    reach = min(bound, int(70000 / scale))
    accumulators = np.array([int(share * reach), int(share * reach / ratio)], np.int64)
    found = epilogue.apply(accumulators).tolist()
    for got, one, own in zip(found, accumulators.tolist(), scales, strict=True):
        want, tie = _exact(one, Fraction(float(own)), zero, DType.INT16)
        assert got == want or (abs(got - want) == 1 and tie <= Fraction(3, 8))


def test_ties_apart_it_is_exact_in_all_but_one_case_of_a_thousand() -> None:
    """Accumulators over the range in which the output does not saturate, scales from 1e-9 to 100."""
    rng = np.random.default_rng(0)
    wrong = counted = 0
    for ratio in 10.0 ** rng.uniform(-9, 2, 200):
        span = min(130 / ratio, 2.0**31 - 1)
        accumulators = rng.integers(-int(span), int(span) + 1, 5000)
        epilogue = Requantize.of(np.array([ratio]), Quant(1.0, 0), DType.INT8, 2**31 - 1)
        exact = np.floor(accumulators.astype(np.longdouble) * np.longdouble(ratio) + np.longdouble(0.5))
        different = epilogue.apply(accumulators) != np.clip(exact, -128, 127)
        assert different.mean() <= 0.001
        wrong, counted = wrong + int(different.sum()), counted + accumulators.size
    assert wrong / counted <= 1e-4


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(1e-6, 0.2), min_size=2, max_size=8), st.integers(-(2**31) + 1, 2**31 - 1))
def test_each_channel_has_its_own_scale(scales: list[float], accumulator: int) -> None:
    epilogue = Requantize.of(np.array(scales), Quant(1.0, -7), DType.INT8, 2**31 - 1)
    got = epilogue.apply(np.full((1, len(scales)), accumulator))[0]
    for value, scale in zip(got.tolist(), scales, strict=True):
        want, tie = _exact(accumulator, Fraction(scale), -7, DType.INT8)
        assert value == want or (abs(value - want) == 1 and tie <= Fraction(1, 8))


def test_every_intermediate_fits_32_bits() -> None:
    for scale in (1e-9, 0.003, 0.24, 0.26, 1.0, 7.0, 100.0, 1e7):
        for zero in (-128, 0, 127):
            epilogue = Requantize.of(np.array([scale]), Quant(1.0, zero), DType.INT8, 2**31 - 1)
            largest = epilogue.limit or 2**31 - 1
            shifted = largest << epilogue.pre_shift
            assert shifted < 2**31
            assert (shifted * int(epilogue.multipliers[0]) >> 32) + abs(epilogue.offset) < 2**31


def test_accumulators_that_cannot_overflow_are_not_clamped() -> None:
    assert Requantize.of(np.array([7.0]), Quant(1.0, 0), DType.INT8, 2**31 - 1).limit == (2**31 - 1) >> 5
    assert Requantize.of(np.array([7.0]), Quant(1.0, 0), DType.INT8, 2**26 - 1).limit is None
    assert Requantize.of(np.array([0.2]), Quant(1.0, 0), DType.INT8, 2**31 - 1).limit is None


def _node(quant: Quant | None, activation: Activation) -> Node:
    dtype = DType.FLOAT32 if quant is None else DType.INT8
    out = Tensor("y", (1, 4), dtype, (0, 1), quant)
    return Node("Gemm", "layer", {}, (), (out,), activation)


def test_activations_become_bounds() -> None:
    quant = Quant(0.5, 10)
    assert quantized_bounds(quant, DType.INT8, Activation(low=0.0)) == (10, 127)
    assert quantized_bounds(quant, DType.INT8, Activation(0.0, 6.0)) == (10, 22)
    assert quantized_bounds(quant, DType.INT8, Activation(-1000.0, -900.0)) == (-128, -128)
    assert quantized_bounds(quant, DType.INT8, Activation(900.0, 1000.0)) == (127, 127)
    assert epilogue_of(_node(None, Activation(0.0, 6.0)), np.ones(1), 0) == Clamp(0.0, 6.0)


def test_channels_too_far_apart_are_refused() -> None:
    """A scale above 1/4 is shifted up first, and must not cut off another channel's large sums."""
    node = _node(Quant(1.0, 0), Activation())
    epilogue_of(node, np.array([50.0, 1e-3]), 2**31 - 1)
    epilogue_of(node, np.array([0.2, 1e-9]), 2**31 - 1)
    epilogue_of(node, np.array([50.0, 1e-7]), 1000)
    with pytest.raises(ModelError, match=r"5e\+08 times the smallest"):
        epilogue_of(node, np.array([50.0, 1e-7]), 2**31 - 1)
