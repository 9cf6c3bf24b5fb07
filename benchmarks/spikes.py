"""Programs of one event-driven layer, and inputs that make it spike at a given rate."""

from __future__ import annotations

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Kernel
from ..ir.program import Buffer, Program, Role, Step, Task
from ..kernels.threshold import Threshold


def spiking_program(
    kernel: Kernel, shape: tuple[int, ...], out: tuple[int, ...], dtype: DType, threshold: int = 0
) -> Program:
    """int8 ``x`` of ``shape`` → the spikes of what is above ``threshold`` → ``kernel``, whose step is the
    second one → ``y`` of shape ``out``."""
    buffers = [
        Buffer("x", shape, DType.INT8, role=Role.INPUT),
        Buffer("spikes", shape, DType.BIT),
        Buffer("y", out, dtype, role=Role.OUTPUT),
    ]
    scratch: tuple[str, ...] = ()
    if kernel.scratch():
        scratch = ("work",)
        buffers.append(Buffer("work", (kernel.scratch(),), DType.UINT8, role=Role.SCRATCH))
    steps = (
        Step("threshold", Threshold(shape, threshold), ("x",), ("spikes",)),
        Step("layer", kernel, ("spikes",), ("y",), scratch),
    )
    named = {buffer.name: buffer for buffer in buffers}
    return Program("spiking", named, steps, (Task(0), Task(1)), ("x",), ("y",))


def spikes_at(rate: float, shape: tuple[int, ...], seed: int = 0) -> dict[str, np.ndarray]:
    """``x`` for such a program: as many elements as ``rate`` says are 1, at random places, the others 0."""
    count = int(np.prod(shape))
    flat = (np.arange(count) < round(rate * count)).astype(np.int8)
    return {"x": np.random.default_rng(seed).permutation(flat).reshape(shape)}
