"""Other schedules of a layer-by-layer program, to prove that kernels honour windows and storages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tinyc.ir.program import Buffer, Frame, Program, Role, Rows, Step, Task, Tile
from tinyc.ir.window import Window
from tinyc.kernels.slide import Slide


def can_be_windowed(program: Program) -> bool:
    """True where every step can compute windows and every tensor has a grid."""
    tensors = [b for b in program.buffers.values() if b.role is not Role.SCRATCH]
    grids = all(len(b.shape) in (3, 4) and b.shape[0] == 1 and b.alias is None for b in tensors)
    return grids and all(step.kernel.windowed for step in program.steps)


def _producers(program: Program) -> dict[str, int]:
    return {step.outputs[0]: index for index, step in enumerate(program.steps)}


Regions = Sequence[Mapping[str, Window]]
"""For each region of the output, one after the other, what is computed of each tensor."""


def rows_alone(program: Program, upward: bool = False) -> Program:
    """Layer by layer, every step row by row, from the first row to the last or the other way."""
    tasks: list[Task] = []
    for index, step in enumerate(program.steps):
        whole = program.buffers[step.outputs[0]].whole
        rows = [replace(whole, y0=y, y1=y + 1) for y in range(whole.y1)]
        tasks += [Task(index, row) for row in (reversed(rows) if upward else rows)]
    return replace(program, tasks=tuple(tasks), plan=None)


def stream_rows(program: Program, upward: bool = False) -> Program:
    """Every step advances a row at a time, as soon as its rows exist; tensors inside are rings of rows."""
    whole = {name: program.buffers[name].whole for name in _producers(program)}
    tasks, rows = _streams(program, [whole], upward)
    rings = {n: replace(program.buffers[n], storage=Rows(rows[n])) for n in rows if n not in program.outputs}
    tasks = [replace(task, origins={}) for task in tasks]
    return replace(program, tasks=tuple(tasks), buffers={**program.buffers, **rings}, plan=None)


def stream_frames(program: Program, upward: bool = False) -> Program:
    """Row streams through frames: each slides by a row whenever the next one has no slot."""
    streamed = stream_rows(program, upward)
    frames, steps, tasks = dict[str, Buffer](), list(program.steps), list[Task]()
    for name, buffer in streamed.buffers.items():
        if isinstance(buffer.storage, Rows) and buffer.pixels_stored[0] < buffer.grid[0]:
            frames[name] = replace(buffer, storage=Frame(*buffer.pixels_stored))
    shift = -1 if upward else 1
    tops = {n: b.grid[0] - b.pixels_stored[0] if upward else 0 for n, b in frames.items()}
    slides: dict[str, int] = {}
    for task in streamed.tasks:
        step, window = program.steps[task.step], task.window
        assert window is not None
        for name in frames.keys() & set(step.outputs):
            height, columns = frames[name].pixels_stored[0], frames[name].grid[1]
            while not tops[name] <= window.y0 < tops[name] + height:
                before, tops[name] = tops[name], tops[name] + shift
                kept = Window(max(before, tops[name]), min(before, tops[name]) + height, 0, columns)
                if kept.pixels and name not in slides:
                    slides[name] = len(steps)
                    kernel = Slide(shift, frames[name].pixel_bytes)
                    steps.append(Step(f"slide_{name}", kernel, (name,), (name,)))
                if kept.pixels:
                    tasks.append(Task(slides[name], kept, {name: 0}, {name: tops[name]}))
        used = [name for name in (*step.inputs, *step.outputs) if name in frames]
        tasks.append(replace(task, origins=dict.fromkeys(used, 0), tops={name: tops[name] for name in used}))
    buffers = {**streamed.buffers, **frames}
    return replace(program, steps=tuple(steps), tasks=tuple(tasks), buffers=buffers, plan=None)


def column_tiles(program: Program, width: int, upward: bool = False) -> Program:
    """Row streams through one tile of columns of the output after the other; tensors inside are tiles."""
    (output,) = program.outputs
    rows, _, _ = program.buffers[output].grid
    regions = _regions(program, rows, width)
    tasks, kept = _streams(program, regions, upward)
    return replace(program, tasks=tuple(tasks), buffers=_tiles(program, regions, kept), plan=None)


def patches(program: Program, height: int, width: int) -> Program:
    """The output is computed patch by patch; what lies inside is recomputed for each, in tiles."""
    regions = _regions(program, height, width)
    rows = {name: max(region[name].height for region in regions) for name in _producers(program)}
    tasks = [
        Task(index, region[step.outputs[0]], _origins(program, region, step))
        for region in regions
        for index, step in enumerate(program.steps)
        if region[step.outputs[0]].pixels > 0
    ]
    return replace(program, tasks=tuple(tasks), buffers=_tiles(program, regions, rows), plan=None)


def _regions(program: Program, height: int, width: int) -> Regions:
    """The output in patches, and what each needs of the other tensors."""
    producers = _producers(program)
    (output,) = program.outputs
    rows, columns, _ = program.buffers[output].grid
    regions: list[Mapping[str, Window]] = []
    for y in range(0, rows, height):
        for x in range(0, columns, width):
            region = {output: Window(y, min(y + height, rows), x, min(x + width, columns))}
            for step in reversed(program.steps):
                for operand, name in enumerate(step.inputs):
                    if name in producers and name not in step.outputs:
                        need = program.needed(step, operand, region[step.outputs[0]])
                        region[name] = _hull(region.get(name, need), need)
            regions.append(region)
    return regions


def _streams(program: Program, regions: Regions, upward: bool) -> tuple[list[Task], dict[str, int]]:
    """The tasks of all regions, row by row, and how many rows of each tensor have to be kept."""
    tasks: list[Task] = []
    rows = dict.fromkeys(_producers(program), 1)
    for region in regions:
        order = _row_order(program, region, upward)
        tasks += [
            Task(index, window, _origins(program, region, program.steps[index])) for index, window in order
        ]
        for name in rows:
            rows[name] = max(rows[name], _rows_kept(program, order, name))
    return tasks, rows


def _origins(program: Program, region: Mapping[str, Window], step: Step) -> dict[str, int]:
    """The first column of the operands that are tiles, if tensors inside are."""
    inner = _producers(program).keys() - set(program.outputs)
    return {name: region[name].x0 for name in (*step.inputs, *step.outputs) if name in inner}


def _tiles(program: Program, regions: Regions, rows: Mapping[str, int]) -> dict[str, Buffer]:
    """Buffers in which the tensors inside are tiles of so many rows."""
    buffers = dict(program.buffers)
    for name in _producers(program).keys() - set(program.outputs):
        width = max(max(region[name].width for region in regions), 1)
        buffers[name] = replace(buffers[name], storage=Tile(max(rows[name], 1), width))
    return buffers


def _row_order(program: Program, region: Mapping[str, Window], upward: bool) -> list[tuple[int, Window]]:
    """The rows of a region as they are wanted: each calls for those that it reads."""
    producers = _producers(program)
    done = dict.fromkeys(producers, 0)
    order: list[tuple[int, Window]] = []

    def advance(name: str, count: int) -> None:
        index, whole = producers[name], region[name]
        step = program.steps[index]
        while done[name] < count:
            y = whole.y1 - 1 - done[name] if upward else whole.y0 + done[name]
            row = replace(whole, y0=y, y1=y + 1)
            for operand, source in enumerate(step.inputs):
                need = program.needed(step, operand, row)
                if source in producers and source != name and need.pixels:
                    advance(source, region[source].y1 - need.y0 if upward else need.y1 - region[source].y0)
            order.append((index, row))
            done[name] += 1

    for name in program.outputs:
        advance(name, region[name].height)
    return order


def _rows_kept(program: Program, order: Sequence[tuple[int, Window]], name: str) -> int:
    """The most rows of ``name`` from the oldest that is still read to the newest."""
    last: dict[int, int] = {}
    for time, (index, row) in enumerate(order):
        step = program.steps[index]
        for operand, source in enumerate(step.inputs):
            if source == name:
                need = program.needed(step, operand, row)
                last.update(dict.fromkeys(range(need.y0, need.y1), time))
    made = [(time, row.y0) for time, (index, row) in enumerate(order) if name in program.steps[index].outputs]
    kept = [
        max([abs(y - old) + 1 for earlier, old in made[:n] if last.get(old, earlier) > time], default=1)
        for n, (time, y) in enumerate(made)
    ]
    return max(kept, default=1)


def _hull(a: Window, b: Window) -> Window:
    return Window(min(a.y0, b.y0), max(a.y1, b.y1), min(a.x0, b.x0), max(a.x1, b.x1))
