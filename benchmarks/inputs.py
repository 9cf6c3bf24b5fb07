"""Random inputs of a program."""

from __future__ import annotations

import numpy as np

from ..ir.program import Buffer, Program


def random_inputs(program: Program) -> dict[str, np.ndarray]:
    """By buffer name: random integers of 8 bits, or normal float32, from seed 0."""
    generator = np.random.default_rng(0)

    def random(buffer: Buffer) -> np.ndarray:
        if buffer.dtype.is_float:
            return generator.normal(size=buffer.shape).astype(np.float32)
        return generator.integers(-128, 128, buffer.shape).astype(buffer.dtype.numpy)

    return {name: random(program.buffers[name]) for name in program.inputs}
