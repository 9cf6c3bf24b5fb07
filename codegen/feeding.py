"""Inputs whose rows the emitted C asks the caller for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ..ir.program import Program
from ..kernels.feed import Feed

FEED_ORIGIN = 0x60000000
"""Where the emulated boards keep the images of such inputs: memory that no device of theirs has, so that SRAM
holds the model alone."""
_ALIGNMENT = 64


@dataclass(frozen=True)
class Feeding:
    """An input of ``rows`` rows of ``elements`` elements each, of which each is asked for up to ``passes``
    times; ``in_order``: once, from the first to the last. All of it is ``nbytes`` long and lies at
    ``address`` on an emulated board."""

    rows: int
    elements: int
    passes: int
    in_order: bool
    nbytes: int
    address: int


def feedings(program: Program) -> dict[str, Feeding]:
    """By name of the input buffer."""
    found: dict[str, Feeding] = {}
    address = FEED_ORIGIN
    for index, step in enumerate(program.steps):
        if not isinstance(step.kernel, Feed):
            continue
        buffer = program.buffers[step.outputs[0]]
        rows, columns, channels = buffer.grid
        nbytes = buffer.batch * rows * columns * buffer.pixel_bytes
        asked = _asked(program, index)
        in_order = not step.kernel.again or asked == list(range(rows))
        passes = max(Counter(asked).values(), default=1)
        found[buffer.name] = Feeding(rows, columns * channels, passes, in_order, nbytes, address)
        address += -(-nbytes // _ALIGNMENT) * _ALIGNMENT
    return found


def _asked(program: Program, index: int) -> list[int]:
    """The rows that step ``index`` asks for."""
    windows = [program.window(task) for task in program.tasks if task.step == index]
    return [y for window in windows for y in range(window.y0, window.y1)]
