"""Other schedules of a layer-by-layer program, to prove that kernels honour windows and storages."""

from __future__ import annotations

from dataclasses import replace

from tinyc.ir.program import Program, Rows, Task, Tile
from tinyc.ir.window import Window


def can_be_windowed(program: Program) -> bool:
    """True where every step can compute windows and every tensor has a grid."""
    grids = all(
        len(b.shape) in (3, 4) and b.shape[0] == 1 and b.alias is None for b in program.buffers.values()
    )
    return grids and all(step.kernel.windowed for step in program.steps)


def _producers(program: Program) -> dict[str, int]:
    return {step.outputs[0]: index for index, step in enumerate(program.steps)}


def stream_rows(program: Program) -> Program:
    """Every step advances a row at a time, as soon as its rows exist; tensors inside are rings of rows."""
    producers = _producers(program)
    done = [0] * len(program.steps)
    tasks: list[Task] = []

    def rows_needed(index: int, operand: int, y: int) -> tuple[int, int]:
        step = program.steps[index]
        source = program.buffers[step.inputs[operand]]
        columns = program.buffers[step.outputs[0]].grid[1]
        window = step.kernel.needs(operand, Window(y, y + 1, 0, columns)).clip(*source.grid[:2])
        return window.y0, window.y1

    def advance(index: int, upto: int) -> None:
        step = program.steps[index]
        columns = program.buffers[step.outputs[0]].grid[1]
        for y in range(done[index], upto):
            for operand, name in enumerate(step.inputs):
                if name in producers:
                    advance(producers[name], rows_needed(index, operand, y)[1])
            tasks.append(Task(index, Window(y, y + 1, 0, columns)))
            done[index] = y + 1

    for name in program.outputs:
        advance(producers[name], program.buffers[name].grid[0])
    inner = [name for name in producers if name not in program.outputs]
    rings = {name: _ring(program, tasks, name, rows_needed) for name in inner}
    buffers = {
        name: replace(buffer, storage=Rows(rings[name])) if name in rings else buffer
        for name, buffer in program.buffers.items()
    }
    return replace(program, tasks=tuple(tasks), buffers=buffers, plan=None)


def _ring(program: Program, tasks: list[Task], name: str, rows_needed) -> int:
    """The fewest rows that keep each row of ``name`` until its last reader, found by replaying the tasks."""
    last_read: dict[int, int] = {}
    for time, task in enumerate(tasks):
        assert task.window is not None
        for operand, source in enumerate(program.steps[task.step].inputs):
            if source == name:
                begin, end = rows_needed(task.step, operand, task.window.y0)
                last_read.update({y: time for y in range(begin, end)})
    made = {
        t.window.y0: time
        for time, t in enumerate(tasks)
        if program.steps[t.step].outputs[0] == name and t.window
    }
    count = 1
    while any(y + count in made and last_read.get(y, -1) > made[y + count] for y in made):
        count += 1
    return count


def patches(program: Program, height: int, width: int) -> Program:
    """The output is computed patch by patch; what lies inside is recomputed for each, in tiles."""
    producers = _producers(program)
    (output,) = program.outputs
    rows, columns, _ = program.buffers[output].grid
    regions: list[dict[str, Window]] = []
    for y in range(0, rows, height):
        for x in range(0, columns, width):
            region = {output: Window(y, min(y + height, rows), x, min(x + width, columns))}
            for step in reversed(program.steps):
                for operand, name in enumerate(step.inputs):
                    if name in producers and step.outputs[0] in region:
                        need = step.kernel.needs(operand, region[step.outputs[0]]).clip(
                            *program.buffers[name].grid[:2]
                        )
                        region[name] = _hull(region.get(name, need), need)
            regions.append(region)
    inner = [name for name in producers if name != output]
    buffers = dict(program.buffers)
    for name in inner:
        tall = max(max(r[name].height for r in regions), 1)
        wide = max(max(r[name].width for r in regions), 1)
        buffers[name] = replace(buffers[name], storage=Tile(tall, wide))
    tasks = [
        Task(
            index, region[step.outputs[0]],
            {n: region[n].x0 for n in (*step.inputs, *step.outputs) if n in inner},
        )
        for region in regions
        for index, step in enumerate(program.steps)
        if region[step.outputs[0]].pixels > 0
    ]  # fmt: skip
    return replace(program, tasks=tuple(tasks), buffers=buffers, plan=None)


def _hull(a: Window, b: Window) -> Window:
    return Window(min(a.y0, b.y0), max(a.y1, b.y1), min(a.x0, b.x0), max(a.x1, b.x1))
