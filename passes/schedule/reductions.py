"""Means and maxima over whole images as steps that advance row by row, or pixel by pixel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ...ir.kernel import Kernel
from ...ir.program import Alias, Buffer, Full, Program, Role, Rows, Step, Task
from ...ir.window import Window
from ...kernels.conv2d import Conv2D
from ...kernels.pool import AveragePool, MaxPool
from ...kernels.running import Finished, Running, covers
from ...kernels.running_max import split_max
from ...kernels.running_sum import split_mean
from ...kernels.sliding import Sliding


def flatten_grid(program: Program) -> Program:
    """``program`` with the pixels of an image in one column where pointwise convolutions lead to a pool over
    all of it: what advances row by row then advances pixel by pixel.

    No byte changes its place; the first convolution reads a view of its input.
    """
    for step in program.steps:
        chain = _pointwise_chain(program, step)
        if chain:
            program = _flattened(program, chain)
    return program


def split_reductions(program: Program) -> Program:
    """``program`` with every AveragePool and MaxPool over a whole image as two steps: one that keeps a single
    row (of sums, or of maxima) and is run row by row, and one that makes the result of it.

    The bytes of the results stay the same. ``program`` must run layer by layer, unplaced; ValueError where it
    does not.
    """
    if list(program.tasks) != [Task(index) for index in range(len(program.steps))]:
        raise ValueError(f"program {program.name} does not run layer by layer")
    buffers = dict(program.buffers)
    steps: list[Step] = []
    tasks: list[Task] = []
    for step in program.steps:
        pair = _pair(program, step)
        if pair is None:
            steps.append(step)
            tasks.append(Task(len(steps) - 1))
            continue
        running, finished = pair
        source = program.buffers[step.inputs[0]]
        rows = source.grid[0]
        shape = (1, rows, *(1,) * (len(source.shape) - 3), running.channels)
        held = _unused(f"{step.name}_so_far", buffers)
        buffers[held] = Buffer(held, shape, running.dtype, Rows(1))
        name = f"{running.template}_of_{step.name}"
        steps.append(replace(step, name=name, kernel=running, inputs=(source.name, held), outputs=(held,)))
        steps.append(replace(step, kernel=finished, inputs=(held,)))
        tasks += [Task(len(steps) - 2, Window(y, y + 1, 0, 1)) for y in range(rows)]
        tasks.append(Task(len(steps) - 1, Window(0, 1, 0, 1)))  # reads the last row, not all
    return replace(program, buffers=buffers, steps=tuple(steps), tasks=tuple(tasks))


def _pair(program: Program, step: Step) -> tuple[Running, Finished] | None:
    match step.kernel:
        case AveragePool():
            return split_mean(step.kernel, program.buffers[step.inputs[0]].dtype)
        case MaxPool():
            return split_max(step.kernel)
        case _:
            return None


def _pointwise_chain(program: Program, pool: Step) -> Sequence[Step]:
    """The convolutions that only lead to ``pool``, and ``pool``; empty where nothing is to be flattened."""
    if not isinstance(pool.kernel, AveragePool | MaxPool) or not covers(pool.kernel.sliding):
        return []
    if pool.kernel.sliding.input[1] == 1:
        return []
    producers = {name: step for step in program.steps for name in step.outputs}
    uses = Counter(program.owner(name)[0] for step in program.steps for name in step.inputs)
    uses.update(program.owner(name)[0] for name in program.outputs)
    chain = [pool]
    while (maker := producers.get(chain[0].inputs[0])) is not None:
        held = program.buffers[maker.outputs[0]]
        alone = held.role is Role.ACTIVATION and held.alias is None and uses[held.name] == 1
        if not (alone and held.storage == Full() and _is_pointwise(maker.kernel)):
            break
        chain.insert(0, maker)
    return chain if len(chain) > 1 else []


def _is_pointwise(kernel: Kernel) -> bool:
    if not isinstance(kernel, Conv2D):
        return False
    s = kernel.sliding
    return s == replace(s, kernel=(1, 1), stride=(1, 1), pads=(0, 0), output=s.input, batch=1)


def _flattened(program: Program, chain: Sequence[Step]) -> Program:
    buffers = dict(program.buffers)
    first = buffers[chain[0].inputs[0]]
    view = replace(
        _in_one_column(first), name=_unused(f"{first.name}_pixels", buffers), role=Role.ACTIVATION,
        alias=Alias(first.name),
    )  # fmt: skip
    buffers[view.name] = view
    made: dict[str, Step] = {}
    for step in chain:
        made[step.name] = replace(step, kernel=_over_one_column(step.kernel))
        if step is not chain[-1]:
            buffers[step.outputs[0]] = _in_one_column(buffers[step.outputs[0]])
    made[chain[0].name] = replace(made[chain[0].name], inputs=(view.name,))
    steps = tuple(made.get(step.name, step) for step in program.steps)
    return replace(program, buffers=buffers, steps=steps)


def _in_one_column(buffer: Buffer) -> Buffer:
    rows, columns, channels = buffer.grid
    return replace(buffer, shape=(1, rows * columns, 1, channels))


def _over_one_column(kernel: Kernel) -> Kernel:
    match kernel:
        case Conv2D(sliding):
            pixels = (sliding.input[0] * sliding.input[1], 1)
            return replace(kernel, sliding=replace(sliding, input=pixels, output=pixels))
        case MaxPool(sliding):
            return replace(kernel, sliding=_over_all(sliding))
        case AveragePool(sliding):
            (count,) = kernel.epilogues
            rows, columns = np.array([count]), np.array([1])
            return replace(kernel, sliding=_over_all(sliding), row_counts=rows, column_counts=columns)
        case _:
            raise TypeError(f"{type(kernel).__name__} is no part of a chain")


def _over_all(sliding: Sliding) -> Sliding:
    """The window that holds exactly the pixels of ``sliding``'s input, in one column."""
    pixels = (sliding.input[0] * sliding.input[1], 1)
    return Sliding(pixels, (1, 1), (1, 1), (0, 0), pixels, (1, 1))


def _unused(wanted: str, taken: Mapping[str, Buffer]) -> str:
    """``wanted``, or a name like it that no buffer has."""
    while wanted in taken:
        wanted += "_"
    return wanted
