"""Inputs that are delivered row by row, so that the image is never in SRAM as a whole."""

from __future__ import annotations

from dataclasses import replace

from ...ir.errors import ModelError
from ...ir.program import Buffer, Program, Step, Task
from ...kernels.feed import Feed
from .segment import has_rows


def feed_by_rows(program: Program, again: bool) -> Program:
    """``program``, which runs layer by layer, with a step for each image or series among its inputs that asks
    the caller for rows; ``again``: also for rows that it had before.

    Raises ModelError where no input is read by rows.
    """
    obstacles: list[str] = []
    for name in program.inputs:
        seen = _as_read(program, name)
        obstacle = _obstacle(program, seen)
        if obstacle is None:
            program = _fed(_renamed(program, seen, name), name, again)
        else:
            obstacles.append(f"input {program.buffers[name].source!r}: {obstacle}")
    if len(obstacles) == len(program.inputs):
        raise ModelError(
            "No input of this model can be fed row by row",
            why="\n".join(obstacles),
            remedy="leave --input-mode out: the input lies in the arena as a whole",
        )
    return program


def _as_read(program: Program, name: str) -> str:
    """The input, or the view of all of it that takes its place where nothing else reads it."""
    views = [b for b in program.buffers.values() if b.alias is not None and b.alias.parent == name]
    read = any(name in step.inputs for step in program.steps) or name in program.outputs
    if len(views) == 1 and not read and views[0].nbytes == program.buffers[name].nbytes:
        return _as_read(program, views[0].name)
    return name


def _obstacle(program: Program, name: str) -> str | None:
    """Why rows of a tensor cannot be delivered one by one."""
    buffer = program.buffers[name]
    if not has_rows(buffer) or buffer.grid[0] == 1:
        return f"its shape {tuple(buffer.shape)} has no rows"
    if name in program.outputs:
        return "it is an output too"
    if any(other.alias is not None and other.alias.parent == name for other in program.buffers.values()):
        return "parts of it are read in place"
    for step in program.steps:
        if name in step.inputs and not step.kernel.windowed:
            return f"layer {step.name} (node {step.source!r}, {step.operator}) reads it as a whole"
    return None


def _renamed(program: Program, seen: str, name: str) -> Program:
    """``program`` whose input has the shape in which it is read."""
    if seen == name:
        return program
    given, view = program.buffers[name], program.buffers[seen]
    between = seen
    buffers = dict(program.buffers)
    while between != name:
        alias = buffers.pop(between).alias
        assert alias is not None
        between = alias.parent
    buffers[name] = replace(given, shape=view.shape, order=())
    steps = tuple(
        replace(step, inputs=tuple(name if operand == seen else operand for operand in step.inputs))
        for step in program.steps
    )
    return replace(program, buffers=buffers, steps=steps)


def _fed(program: Program, name: str, again: bool) -> Program:
    buffer = program.buffers[name]
    step = Step(
        f"feed_{name}", Feed(_row_elements(buffer), again), (), (name,),
        operator="input, row by row", source=buffer.source,
    )  # fmt: skip
    steps = (step, *program.steps)
    return replace(program, steps=steps, tasks=tuple(Task(index) for index in range(len(steps))))


def _row_elements(buffer: Buffer) -> int:
    _, columns, channels = buffer.grid
    return columns * channels
