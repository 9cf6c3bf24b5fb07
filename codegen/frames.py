"""Frames in a stream: their first row as it follows from the row that their reader computes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..ir.program import Frame, Program
from .regions import Stream


@dataclass(frozen=True)
class Top:
    """The frame begins with row ``y * stride + first``, where row y is what step ``reader`` computes next."""

    reader: int
    stride: int
    first: int

    def text(self, counter: str, slid: int) -> str:
        """C of the row that lies first, or of the one ``slid`` rows before."""
        scaled = counter if self.stride == 1 else f"{counter} * {self.stride}"
        offset = self.first - slid
        return f"{scaled} {'-' if offset < 0 else '+'} {abs(offset)}" if offset else scaled


def tops(program: Program, stream: Stream) -> Mapping[str, Top] | None:
    """The frames that the steps of ``stream`` use; None where some task finds one elsewhere."""
    found: dict[str, Top] = {}
    for step in stream.steps:
        for name in program.steps[step].outputs:
            if isinstance(program.buffers[name].storage, Frame) and name not in found:
                top = _top(program, stream, name)
                if top is None:
                    return None
                found[name] = top
    return found if _hold(program, stream, found) else None


def _top(program: Program, stream: Stream, name: str) -> Top | None:
    """As the first task of the frame's reader has it."""
    users = [step for step in stream.steps if name in program.steps[step].inputs]
    strides = [abs(program.steps[step].kernel.slides) for step in users if program.steps[step].kernel.slides]
    readers = [step for step in users if not program.steps[step].kernel.slides]
    if len(strides) != 1 or len(readers) != 1:
        return None
    block = next(block for block in stream.blocks if block.step == readers[0])
    return Top(readers[0], strides[0], block.task.tops[name] - strides[0] * block.window.y0)


def _hold(program: Program, stream: Stream, found: Mapping[str, Top]) -> bool:
    """True where counters that begin anew in each pass, and advance by each block, give all tasks' tops."""
    blocks = iter(stream.blocks)
    for part in stream.passes:
        coming = {step: block.window.y0 for step, block in part.first.items()}
        for step in part.order:
            block = next(blocks)
            for name, row in block.task.tops.items():
                top = found[name]
                if coming.get(top.reader, -1) < 0 or row != coming[top.reader] * top.stride + top.first:
                    return False
            coming[step] += -block.window.height if stream.upward else block.window.height
    return True
