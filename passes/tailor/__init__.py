"""Kernels exchanged for the target's own: the same numbers, in fewer instructions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from ...ir.dtype import DType
from ...ir.kernel import Kernel
from ...ir.program import Buffer, Program, Role, Step
from ...targets import Target
from .dsp import with_dsp
from .fma import fuses, with_fma
from .helium import with_helium

Exchange = Callable[[Kernel, DType], Kernel | None]
"""The kernel of an instruction set that computes the same as a portable one, None where there is none. The
type is that of the first input."""


def tailor(program: Program, target: Target) -> Program:
    """``program`` with the kernels that suit ``target``'s instruction set, and the working memory that they
    take. What a program computes does not change."""
    exchanges = tuple(_exchanges(target))
    buffers, steps = dict(program.buffers), list(program.steps)
    for index, step in enumerate(steps):
        dtype = program.buffers[step.inputs[0]].dtype if step.inputs else None
        made = (exchange(step.kernel, dtype) for exchange in exchanges if dtype is not None)
        kernel = next(filter(None, made), None)
        if kernel is not None:
            steps[index], scratch = _equipped(step, kernel)
            buffers |= scratch
    return replace(program, buffers=buffers, steps=tuple(steps))


def _exchanges(target: Target) -> Iterator[Exchange]:
    """Of the target's instruction sets, those that do most at once first."""
    if target.mve:
        yield with_helium
    if target.dsp:
        yield with_dsp
    if target.fpu != "none" and not target.is_native:
        yield partial(with_fma, fused=fuses(target))


def _equipped(step: Step, kernel: Kernel) -> tuple[Step, dict[str, Buffer]]:
    words = -(-kernel.scratch() // 4)
    if not words:
        return replace(step, kernel=kernel), {}
    buffer = Buffer(f"{step.name}_work", (words,), DType.UINT32, role=Role.SCRATCH)
    return replace(step, kernel=kernel, scratch=(buffer.name,)), {buffer.name: buffer}
