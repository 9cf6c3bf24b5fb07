"""What ``<model>_reset`` does: the initial value of every state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ir.program import Buffer, Program


@dataclass(frozen=True)
class Reset:
    """``nbytes`` of ``buffer``, from ``offset`` in the state block on: all of them are to be ``fill``, or,
    where that is None, ``values`` again and again, which are the constant ``symbol``."""

    buffer: Buffer
    offset: int
    nbytes: int
    fill: int | None
    symbol: str
    values: np.ndarray


def resets(program: Program) -> list[Reset]:
    """One for each state of a placed program, in order."""
    made: list[Reset] = []
    for state in program.states:
        buffer, values = program.buffers[state.before], np.frombuffer(state.initial, np.uint8)
        fill = int(values[0]) if (values == values[0]).all() else None
        pixels = values.reshape(-1, buffer.pixel_bytes)
        if (pixels == pixels[0]).all():
            values = pixels[0]
        symbol = f"{program.name}_initial_{buffer.name}"
        offset = program.offset(buffer.name)
        made.append(Reset(buffer, offset, buffer.nbytes, fill, symbol, values))
    return made


def initial_bytes(program: Program) -> int:
    """Bytes of flash that initial values take."""
    return sum(reset.values.nbytes for reset in resets(program) if reset.fill is None)
