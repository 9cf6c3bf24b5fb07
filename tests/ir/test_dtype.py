"""Element types: bits, ranges, bytes of runs."""

from __future__ import annotations

import numpy as np
import pytest

from tinyc.ir.bits import unpack
from tinyc.ir.dtype import DType
from tinyc.ir.program import Buffer


@pytest.mark.parametrize(
    ("dtype", "bits", "lowest", "highest"),
    [
        (DType.BIT, 1, 0, 1),
        (DType.INT2, 2, -2, 1),
        (DType.INT4, 4, -8, 7),
        (DType.INT8, 8, -128, 127),
        (DType.UINT8, 8, 0, 255),
        (DType.INT16, 16, -32768, 32767),
        (DType.INT64, 64, -(2**63), 2**63 - 1),
        (DType.BOOL, 8, 0, 1),
    ],
)
def test_range(dtype: DType, bits: int, lowest: int, highest: int) -> None:
    assert (dtype.bits, dtype.lowest, dtype.highest) == (bits, lowest, highest)
    assert dtype.is_packed == (bits < 8)
    assert np.array([lowest, highest]).astype(dtype.numpy).tolist() == [lowest, highest]


@pytest.mark.parametrize("dtype", [dtype for dtype in DType if dtype is not DType.BIT])
def test_of_its_own_array(dtype: DType) -> None:
    assert DType.of(np.zeros(1, dtype.numpy).dtype) is dtype


@pytest.mark.parametrize(
    ("dtype", "count", "nbytes"),
    [(DType.BIT, 9, 2), (DType.INT4, 0, 0), (DType.INT4, 1, 1), (DType.INT4, 3, 2), (DType.INT2, 4, 1),
     (DType.INT2, 5, 2), (DType.INT8, 5, 5), (DType.FLOAT32, 5, 20)],
)  # fmt: skip
def test_bytes_of_a_run(dtype: DType, count: int, nbytes: int) -> None:
    assert dtype.nbytes(count) == nbytes


def test_bits_lie_lowest_first_and_each_run_begins_a_byte() -> None:
    spikes = np.zeros((2, 9), bool)
    spikes[0, [0, 3, 8]] = spikes[1, 7] = True
    buffer = Buffer("s", (2, 9), DType.BIT)
    stored = buffer.to_bytes(spikes)
    assert stored.tolist() == [0b00001001, 1, 0b10000000, 0]
    assert np.array_equal(buffer.from_bytes(stored), spikes)


def test_no_runs_at_all() -> None:
    """A window of padding only has none."""
    assert unpack(np.zeros((2, 0, 3), np.uint8), DType.INT4, 5).shape == (2, 0, 5)


@pytest.mark.parametrize("dtype", DType)
def test_every_type_is_found_by_its_name(dtype: DType) -> None:
    assert DType.named(dtype.value[0]) is dtype
