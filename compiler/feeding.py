"""Samples as a program's input buffers hold them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..ir.program import Program
from ..ir.values import to_stored


def stored_inputs(program: Program, sample: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """One sample, by the model's input names, as the program's input buffers hold it."""
    buffers = [program.buffers[name] for name in program.inputs]
    return {buffer.name: to_stored(sample[buffer.source], buffer) for buffer in buffers}
