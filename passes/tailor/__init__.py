"""Kernels exchanged for the target's own: the same numbers, in fewer instructions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...ir.dtype import DType
from ...ir.kernel import Kernel
from ...ir.program import Buffer, Program, Role, Step
from ...targets import Target
from .dsp import DSP
from .exchange import Exchanges
from .fma import float_tiles
from .helium import HELIUM
from .tile import PAIRS, TILES


def tailor(program: Program, target: Target) -> Program:
    """``program`` with the kernels that suit ``target``'s instruction set, and the working memory that they
    take. What a program computes does not change."""
    families = tuple(_families(target))
    buffers, steps = dict(program.buffers), list(program.steps)
    for index, step in enumerate(steps):
        named = step.inputs[:1] if step.kernel.led else step.inputs
        dtypes = {program.buffers[name].dtype for name in named}
        kernel = _exchanged(step.kernel, dtypes.pop(), families) if len(dtypes) == 1 else None
        if kernel is not None:
            for name in step.scratch:
                del buffers[name]
            steps[index], scratch = _equipped(step, kernel)
            buffers |= scratch
    return replace(program, buffers=buffers, steps=tuple(steps))


def _exchanged(kernel: Kernel, dtype: DType, families: Sequence[Exchanges]) -> Kernel | None:
    made = (exchange(kernel, dtype) for family in families for exchange in family.get(type(kernel), ()))
    return next(filter(None, made), None)


def _families(target: Target) -> Iterator[Exchanges]:
    """Of the target's instruction sets, those that do most at once first."""
    if target.mve:
        yield HELIUM
    if target.dsp:
        yield DSP
    elif not target.mve and target.isa.startswith("armv"):
        yield PAIRS
    elif target.is_riscv and "m" in target.isa:
        yield TILES
    if target.fpu != "none" and not target.is_native:
        yield float_tiles(target)


def _equipped(step: Step, kernel: Kernel) -> tuple[Step, dict[str, Buffer]]:
    words = -(-kernel.scratch() // 4)
    if not words:
        return replace(step, kernel=kernel, scratch=()), {}
    buffer = Buffer(f"{step.name}_work", (words,), DType.UINT32, role=Role.SCRATCH)
    return replace(step, kernel=kernel, scratch=(buffer.name,)), {buffer.name: buffer}
