"""Kernels exchanged for the target's own: the same numbers, in fewer instructions."""

from __future__ import annotations

from dataclasses import replace

from ..ir.dtype import DType
from ..ir.kernel import Kernel
from ..ir.program import Buffer, Program, Role, Step
from ..kernels.conv2d import Conv2D
from ..kernels.dense import Dense
from ..kernels.depthwise import DepthwiseConv2D
from ..kernels.dsp_conv2d import DspConv2D
from ..kernels.dsp_dense import DspDense
from ..kernels.dsp_depthwise import DspDepthwise
from ..targets import Target


def tailor(program: Program, target: Target) -> Program:
    """``program`` with the kernels that suit ``target``'s instruction set, and the working memory that they
    take. What a program computes does not change."""
    if not target.dsp:
        return program
    buffers, steps = dict(program.buffers), list(program.steps)
    for index, step in enumerate(steps):
        kernel = _with_dsp(step.kernel, program.buffers[step.inputs[0]].dtype) if step.inputs else None
        if kernel is not None:
            steps[index], scratch = _equipped(step, kernel)
            buffers |= scratch
    return replace(program, buffers=buffers, steps=tuple(steps))


def _with_dsp(kernel: Kernel, dtype: DType) -> Kernel | None:
    """The kernel by Arm's DSP extension, None where there is none for it; ``dtype`` is its input's."""
    if type(kernel) is Conv2D:
        return DspConv2D.of(kernel, dtype)
    if type(kernel) is DepthwiseConv2D:
        return DspDepthwise.of(kernel, dtype)
    if type(kernel) is Dense:
        return DspDense.of(kernel, dtype)
    return None


def _equipped(step: Step, kernel: Kernel) -> tuple[Step, dict[str, Buffer]]:
    words = -(-kernel.scratch() // 4)
    if not words:
        return replace(step, kernel=kernel), {}
    buffer = Buffer(f"{step.name}_work", (words,), DType.UINT32, role=Role.SCRATCH)
    return replace(step, kernel=kernel, scratch=(buffer.name,)), {buffer.name: buffer}
