"""Frames: rows that slide through a stream instead of rotating in rings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.codegen.calls import Caller, StreamTable
from tinyc.codegen.emit import Facts, emit
from tinyc.codegen.operands import StepView
from tinyc.emulator.host import HostModel
from tinyc.emulator.machine import Machine
from tinyc.ir.errors import VerificationError
from tinyc.ir.program import Frame, Program, Rows
from tinyc.ir.window import Window
from tinyc.passes.place import place
from tinyc.passes.schedule import Grid, Segment, build
from tinyc.passes.validate import validate
from tinyc.targets import load_target

from ..kernels.checks import lowered, qdq_model, samples_of

ROWS, COLUMNS, CHANNELS = 14, 9, 3


def pooled(kernel: int, stride: int = 1, dilation: int = 1, pads: Sequence[int] = (0, 0)) -> onnx.ModelProto:
    """A table, a maximum over ``kernel`` rows and 2 columns, and a table."""
    node = helper.make_node(
        "MaxPool", ["x"], ["y"], kernel_shape=[kernel, 2], strides=[stride, 1], dilations=[dilation, 1],
        pads=[pads[0], 0, pads[1], 1],
    )  # fmt: skip
    quants = {"x": (0.1, 3), "y": (0.1, 3)}
    return qdq_model([node], {"x": [1, CHANNELS, ROWS, COLUMNS]}, ["y"], quants, stage=True)


def framed(program: Program, grid: Grid, upward: bool) -> Program:
    placed = place(build(program, [Segment(0, len(program.steps), grid, upward, framed=True)]), seconds=0)
    validate(placed)
    return placed


def frames(program: Program) -> list[Frame]:
    return [b.storage for b in program.buffers.values() if isinstance(b.storage, Frame)]


def tables(program: Program) -> list[StreamTable]:
    tasks = [[task for task in program.tasks if task.step == index] for index in range(len(program.steps))]
    views = [StepView.of(program, step, mine) for step, mine in zip(program.steps, tasks, strict=True)]
    return [part for part in Caller(program, views).body() if isinstance(part, StreamTable)]


def agree(framed: Program, layers: Program, model: onnx.ModelProto, as_c: bool) -> None:
    """The bytes of layer by layer."""
    (name,) = layers.inputs
    fed = [{name: layers.buffers[name].to_memory(next(iter(s.values())))} for s in samples_of(model, 2)]
    wanted = [dict(Machine(place(layers, seconds=0)).run(sample)) for sample in fed]
    found: Sequence[dict[str, np.ndarray]] = [dict(Machine(framed).run(sample)) for sample in fed]
    if as_c:
        files = emit(framed, load_target("host"), Facts("0", "test.onnx", "0", 25, 0, 0, ""))
        with HostModel(framed, files) as host:
            found = [*found, *(dict(outputs) for outputs in host.run(fed))]
    for mine, want in zip(found, wanted * (len(found) // len(wanted)), strict=True):
        np.testing.assert_array_equal(mine[layers.outputs[0]], want[layers.outputs[0]])


KERNELS = [
    (1, 1, 1, (0, 0)), (2, 1, 1, (0, 0)), (2, 1, 1, (1, 0)), (3, 1, 1, (1, 1)), (3, 2, 1, (1, 1)),
    (3, 2, 1, (0, 1)), (3, 3, 1, (1, 1)), (4, 3, 1, (3, 0)), (4, 1, 1, (0, 3)), (5, 1, 1, (2, 2)),
    (5, 2, 1, (2, 2)), (3, 1, 2, (2, 2)), (3, 2, 2, (2, 1)), (2, 3, 4, (0, 3)), (6, 2, 1, (5, 0)),
    (7, 1, 1, (3, 3)), (7, 2, 1, (0, 6)), (7, 3, 1, (3, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("kernel", "stride", "dilation", "pads"), KERNELS)
def test_kernels_read_frames(kernel: int, stride: int, dilation: int, pads: tuple[int, int]) -> None:
    """Downward and upward, whole rows, column tiles and patches; all of it as tables in C."""
    model = pooled(kernel, stride, dilation, pads)
    layers = lowered(model)
    extent = (kernel - 1) * dilation + 1
    for grid, upward in ((Grid(), False), (Grid(), True), (Grid(1, 3), False), (Grid(2, 2), True)):
        program = framed(layers, grid, upward)
        found = frames(program)
        assert [frame.height for frame in found] == ([extent] if extent > stride else []), (grid, upward)
        assert len(tables(program)) == 1
        agree(program, layers, model, as_c=grid == Grid() and kernel in (3, 4, 7))


def test_c_of_tiles_and_patches() -> None:
    model = pooled(5, 2, 1, (2, 2))
    layers = lowered(model)
    for grid, upward in ((Grid(1, 3), True), (Grid(2, 2), False)):
        agree(framed(layers, grid, upward), layers, model, as_c=True)


def test_what_slides_are() -> None:
    """Of 3 rows, 1 is read again with stride 2; above the first row there is nothing to move."""
    program = framed(lowered(pooled(3, 2, 1, (1, 1))), Grid(), False)
    (slide,) = [index for index, step in enumerate(program.steps) if step.kernel.slides]
    assert slide == len(program.steps) - 1
    tasks = [task for task in program.tasks if task.step == slide]
    assert [task.window for task in tasks] == [Window(y, y + 1, 0, COLUMNS) for y in range(1, 12, 2)]
    (name,) = program.steps[slide].inputs
    assert [task.tops[name] for task in tasks] == list(range(1, 12, 2))
    kernel = program.steps[slide].kernel
    assert kernel.cost(Window(1, 2, 0, COLUMNS)).operations == COLUMNS


def test_free_slots_hold_other_tensors() -> None:
    """Three poolings in a chain: rings take all their rows always, frames share the last."""
    nodes = [
        helper.make_node("MaxPool", [f"x{i}"], [f"x{i + 1}"], kernel_shape=[3, 1], pads=[1, 0, 1, 0])
        for i in range(4)
    ]  # fmt: skip
    quants = {"x0": (0.1, 3), "x4": (0.1, 3)}
    layers = lowered(qdq_model(nodes, {"x0": [1, CHANNELS, ROWS, COLUMNS]}, ["x4"], quants, stage=True))
    segment = Segment(0, len(layers.steps), Grid())
    rings, slid = (place(build(layers, [replace(segment, framed=f)]), seconds=2) for f in (False, True))
    assert any(isinstance(b.storage, Rows) for b in rings.buffers.values()) and len(frames(slid)) >= 3
    assert rings.plan and slid.plan and slid.plan.arena_bytes < rings.plan.arena_bytes


# ---- wrong tops are found ----


def broken(change: str) -> Program:
    program = framed(lowered(pooled(3, 1, 1, (1, 1))), Grid(), False)
    tasks = list(program.tasks)
    at = next(i for i, task in enumerate(tasks) if program.steps[task.step].kernel.slides)
    ((name, top),) = tasks[at].tops.items()
    if change == "left out":
        del tasks[at]
    elif change == "moved":
        tasks[at] = replace(tasks[at], tops={name: top + 1})
    else:
        tasks[at] = replace(tasks[at], tops={})
    return replace(program, tasks=tuple(tasks))


@pytest.mark.parametrize(
    ("change", "words"),
    [("left out", "should hold"), ("moved", "are not inside the frame's 3"), ("none", "gives no top")],
)
def test_wrong_tops(change: str, words: str) -> None:
    with pytest.raises(VerificationError) as caught:
        validate(broken(change))
    assert words in str(caught.value)
