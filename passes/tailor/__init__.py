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
from .tile import with_pairs, with_tiles

Exchange = Callable[[Kernel, DType], Kernel | None]
"""The kernel of an instruction set that computes the same as a portable one, None where there is none. The
type is that of the first input."""


def tailor(program: Program, target: Target) -> Program:
    """``program`` with the kernels that suit ``target``'s instruction set, and the working memory that they
    take. What a program computes does not change."""
    exchanges = tuple(_exchanges(target))
    buffers, steps = dict(program.buffers), list(program.steps)
    for index, step in enumerate(steps):
        dtypes = {program.buffers[name].dtype for name in step.inputs}
        made = (exchange(step.kernel, *dtypes) for exchange in exchanges if len(dtypes) == 1)
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
    elif not target.mve and target.isa.startswith("armv"):
        yield with_pairs
    elif target.is_riscv and "m" in target.isa:
        yield with_tiles
    if target.fpu != "none" and not target.is_native:
        yield partial(with_fma, fused=fuses(target))


def _equipped(step: Step, kernel: Kernel) -> tuple[Step, dict[str, Buffer]]:
    words = -(-kernel.scratch() // 4)
    if not words:
        return replace(step, kernel=kernel), {}
    buffer = Buffer(f"{step.name}_work", (words,), DType.UINT32, role=Role.SCRATCH)
    return replace(step, kernel=kernel, scratch=(buffer.name,)), {buffer.name: buffer}
