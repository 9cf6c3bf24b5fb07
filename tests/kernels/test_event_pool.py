"""Pools of spikes: plain loops, the emulator and compiled C count the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tinyc.benchmarks.spikes import spikes_at, spiking_program
from tinyc.ir.dtype import DType
from tinyc.ir.program import Buffer, Program, Role, Step, Task
from tinyc.kernels.event_pool import SpikeMaxPool, SpikeSumPool
from tinyc.kernels.sliding import Sliding

from .boards import M0, M4, RV32, check_on_board
from .checks import agree
from .layers import Convolution
from .spiking import RATES, every_schedule, sliding_of

CASES: dict[str, Convolution] = {
    "2x2": ((1, 8, 6, 4), (1, 1, 2, 2), {"strides": [2, 2]}),
    "odd channels": ((1, 13, 5, 7), (1, 1, 2, 3), {"strides": [2, 1]}),
    "many channels": ((1, 37, 3, 4), (1, 1, 3, 2), {"strides": [1, 2]}),
    "one channel": ((1, 1, 4, 5), (1, 1, 2, 2), {}),
    "padded": ((1, 33, 5, 4), (1, 1, 3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    "dilated, one side": ((1, 6, 7, 6), (1, 1, 2, 2), {"pads": [0, 1, 1, 0], "dilations": [3, 2]}),
    "1-D": ((1, 5, 11), (1, 1, 4), {"pads": [2, 1], "strides": [3]}),
    "batch of 2": ((2, 9, 4, 4), (1, 1, 2, 2), {"strides": [2, 2]}),
    "everything": ((1, 12, 12, 11), (1, 1, 12, 11), {}),
}


def counting(case: Convolution, threshold: int = 0) -> Program:
    """A sum pool."""
    (batch, channels, *size), _, _ = case
    kernel = SpikeSumPool.of(sliding_of(case), channels)
    out = (batch, *kernel.sliding.output[: len(size)], channels)
    return spiking_program(kernel, (batch, *size, channels), out, kernel.dtype, threshold)


def any_of(case: Convolution, threshold: int = 0) -> Program:
    """A max pool, whose bits a sum pool of one tap turns into numbers."""
    counted = counting(case, threshold)
    first, second = counted.steps
    assert isinstance(second.kernel, SpikeSumPool)
    y, sliding = counted.buffers["y"], second.kernel.sliding
    one = Sliding((1, 1), (1, 1), (1, 1), (0, 0), sliding.output, sliding.output, sliding.batch)
    channels = second.kernel.channels
    buffers = {
        **counted.buffers,
        "any": Buffer("any", y.shape, DType.BIT),
        "y": Buffer("y", y.shape, DType.INT8, role=Role.OUTPUT),
    }
    largest = Step("largest", SpikeMaxPool(sliding, channels), ("spikes",), ("any",))
    unpacked = Step("unpacked", SpikeSumPool.of(one, channels), ("any",), ("y",))
    steps, tasks = (first, largest, unpacked), tuple(map(Task, range(3)))
    return replace(counted, buffers=buffers, steps=steps, tasks=tasks)


PROGRAMS = {"sum": counting, "max": any_of}


def taken(sliding: Sliding, axis: int) -> Iterator[tuple[int, list[int]]]:
    """Each output row (axis 0) or column (1), and the input's that it takes."""
    for place in range(sliding.output[axis]):
        first = place * sliding.stride[axis] - sliding.pads[axis]
        taps = (first + tap * sliding.dilation[axis] for tap in range(sliding.kernel[axis]))
        yield place, [tap for tap in taps if 0 <= tap < sliding.input[axis]]


def expected(case: Convolution, spikes: np.ndarray, kind: str) -> np.ndarray:
    sliding = sliding_of(case)
    grid = spikes.reshape(spikes.shape[0], *sliding.input, spikes.shape[-1]).astype(int)
    out = np.zeros((spikes.shape[0], *sliding.output, spikes.shape[-1]), int)
    for y, rows in taken(sliding, 0):
        for x, columns in taken(sliding, 1):
            for row in rows:
                for column in columns:
                    out[:, y, x] += grid[:, row, column]
    shape = out.shape if spikes.ndim == 4 else (*out.shape[:2], out.shape[3])
    return (out if kind == "sum" else np.minimum(out, 1)).reshape(shape)


@pytest.mark.parametrize("kind", PROGRAMS)
@pytest.mark.parametrize("case", CASES)
def test_pools(case: str, kind: str) -> None:
    program = PROGRAMS[kind](CASES[case])
    samples = [spikes_at(rate, program.buffers["x"].shape) for rate in RATES]
    wanted = [[expected(CASES[case], sample["x"], kind)] for sample in samples]
    for variant in every_schedule(program):
        agree(variant, samples, wanted, lsb=0)


@pytest.mark.parametrize("board", [M0, M4, RV32])
@pytest.mark.parametrize("kind", PROGRAMS)
@pytest.mark.parametrize("case", ["odd channels", "padded"])
def test_pools_on_boards(case: str, kind: str, board: str) -> None:
    for threshold in (100, -128):
        check_on_board(PROGRAMS[kind](CASES[case], threshold), board)


def test_counts_have_the_bits_that_they_need() -> None:
    def dtype(rows: int, columns: int) -> DType:
        sliding = Sliding((rows, columns), (1, 1), (1, 1), (0, 0), (rows, columns), (1, 1))
        return SpikeSumPool.of(sliding, 3).dtype

    assert [dtype(127, 1), dtype(16, 8), dtype(1057, 31)] == [DType.INT8, DType.INT16, DType.INT16]
    with pytest.raises(ValueError, match="32,768 taps"):
        dtype(256, 128)
