"""Means and maxima over whole images as steps that advance row by row, or pixel by pixel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ...ir.kernel import Kernel
from ...ir.program import Alias, Buffer, Full, Program, Role, Rows, Step, Task
from ...ir.window import Window
from ...kernels.conv2d import Conv2D
from ...kernels.packed_running import packed_pair
from ...kernels.pool import AveragePool, MaxPool
from ...kernels.running import Finished, Running, covers
from ...kernels.running_max import split_max
from ...kernels.running_sum import split_mean
from ...kernels.sliding import Sliding


def forms_of(program: Program) -> list[Program]:
    """``program``, which runs layer by layer, with its reductions split; also with its last pointwise layer
    seen pixel by pixel, where there is one."""
    flat = flatten_grid(program)
    return [split_reductions(form) for form in ([program] if flat is program else [program, flat])]


def flatten_grid(program: Program) -> Program:
    """``program`` with the pixels of an image in one column where a pointwise convolution leads to a pool
    over all of it: what advances row by row then advances pixel by pixel.

    No byte changes its place; the convolution reads a view of its input. To be called before
    ``split_reductions``, which leaves no such pools.
    """
    for step in program.steps:
        convolution = _pointwise_before(program, step)
        if convolution is not None:
            program = _flattened(program, convolution, step)
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
        for unused in step.scratch:
            del buffers[unused]
        step = replace(step, scratch=())
        steps.append(replace(step, name=name, kernel=running, inputs=(source.name, held), outputs=(held,)))
        steps.append(replace(step, kernel=finished, inputs=(held,)))
        tasks += [Task(len(steps) - 2, Window(y, y + 1, 0, 1)) for y in range(rows)]
        tasks.append(Task(len(steps) - 1, Window(0, 1, 0, 1)))  # reads the last row, not all
    return replace(program, buffers=buffers, steps=tuple(steps), tasks=tuple(tasks))


def _pair(program: Program, step: Step) -> tuple[Running, Finished] | None:
    match step.kernel:
        case AveragePool():
            pair = split_mean(step.kernel, program.buffers[step.inputs[0]].dtype)
        case MaxPool():
            pair = split_max(step.kernel)
        case _:
            return None
    is_packed = any(program.buffers[name].dtype.is_packed for name in (*step.inputs, *step.outputs))
    return packed_pair(*pair) if pair is not None and is_packed else pair


def _pointwise_before(program: Program, pool: Step) -> Step | None:
    """The convolution that only leads to ``pool``; None where nothing is to be flattened."""
    if not isinstance(pool.kernel, AveragePool | MaxPool) or not covers(pool.kernel.sliding):
        return None
    if pool.kernel.sliding.input[1] == 1:
        return None
    maker = next((step for step in program.steps if pool.inputs[0] in step.outputs), None)
    if maker is None or not _is_pointwise(maker.kernel):
        return None
    uses = Counter(program.owner(name)[0] for step in program.steps for name in step.inputs)
    uses.update(program.owner(name)[0] for name in program.results)
    held = program.buffers[maker.outputs[0]]
    alone = held.role is Role.ACTIVATION and held.alias is None and uses[held.name] == 1
    return maker if alone and held.storage == Full() else None


def _is_pointwise(kernel: Kernel) -> bool:
    if not isinstance(kernel, Conv2D):
        return False
    s = kernel.sliding
    return s == replace(s, kernel=(1, 1), stride=(1, 1), pads=(0, 0), output=s.input, batch=1)


def _flattened(program: Program, convolution: Step, pool: Step) -> Program:
    buffers = dict(program.buffers)
    first = buffers[convolution.inputs[0]]
    view = replace(
        _in_one_column(first), name=_unused(f"{first.name}_pixels", buffers), role=Role.ACTIVATION,
        alias=Alias(first.name),
    )  # fmt: skip
    buffers[view.name] = view
    buffers[pool.inputs[0]] = _in_one_column(buffers[pool.inputs[0]])
    made = {
        convolution.name: replace(
            convolution, kernel=_over_one_column(convolution.kernel), inputs=(view.name,)
        ),
        pool.name: replace(pool, kernel=_over_one_column(pool.kernel)),
    }
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
            raise TypeError(f"{type(kernel).__name__} is neither convolution nor pool")


def _over_all(sliding: Sliding) -> Sliding:
    """The window that holds exactly the pixels of ``sliding``'s input, in one column."""
    pixels = (sliding.input[0] * sliding.input[1], 1)
    return Sliding(pixels, (1, 1), (1, 1), (0, 0), pixels, (1, 1))


def _unused(wanted: str, taken: Mapping[str, Buffer]) -> str:
    """``wanted``, or a name like it that no buffer has."""
    while wanted in taken:
        wanted += "_"
    return wanted
