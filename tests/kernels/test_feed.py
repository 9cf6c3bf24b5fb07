"""Inputs that are fed row by row: the emulator, C on this computer, and the emulated board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.codegen.emit import Facts, GoldenVector, emit
from tinyc.emulator.devices import build_device, obstacle
from tinyc.emulator.host import HostModel, run_selftest
from tinyc.emulator.machine import Machine
from tinyc.emulator.toolchain import find_toolchain
from tinyc.ir.errors import VerificationError
from tinyc.ir.program import Program
from tinyc.passes.place import place
from tinyc.passes.schedule.build import build
from tinyc.passes.schedule.feed import feed_by_rows
from tinyc.passes.schedule.segment import Grid, Segment
from tinyc.passes.validate import validate
from tinyc.targets import load_target

from .checks import OPSET, lowered, qdq_model


def model(shape: Sequence[int] = (1, 3, 11, 7)) -> onnx.ModelProto:
    """Two convolutions on int8 that look at three rows each; 1-D where the shape is."""
    rng = np.random.default_rng(0)
    spatial = len(shape) - 2
    taps = [3] * spatial
    attributes = {"kernel_shape": taps, "pads": [1] * 2 * spatial, "strides": [2] + [1] * (spatial - 1)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], "first", **attributes),
        helper.make_node("QuantizeLinear", ["a", "a_scale", "a_zero"], ["a_q"], "quantize"),
        helper.make_node("DequantizeLinear", ["a_q", "a_scale", "a_zero"], ["a_f"], "dequantize"),
        helper.make_node("Conv", ["a_f", "v"], ["y"], "second", **(attributes | {"strides": [1] * spatial})),
    ]
    weights = {
        name: (rng.integers(-127, 128, (5, channels, *taps)).astype(np.int8), np.float32(0.01), 0)
        for name, channels in (("w", shape[1]), ("v", 5))
    }
    quants = {"x": (0.05, 9), "y": (0.11, -3)}
    constants = {"a_scale": np.float32(0.2), "a_zero": np.int8(4)}
    return qdq_model(nodes, {"x": shape}, ["y"], quants, constants, weights)


def fed(layers: Program, how: str) -> Program:
    """The model fed by rows: as one stream, in patches, or layer by layer with rows asked for all at once."""
    program = feed_by_rows(layers, again=how == "patches")
    if how == "layers":
        return place(program)
    _, columns, _ = program.buffers[program.outputs[0]].grid
    grid = Grid(2, min(columns, 2)) if how == "patches" else Grid()
    return place(build(program, [Segment(0, len(program.steps), grid)]))


def library(program: Program, target: str) -> dict[str, str]:
    inputs = stimuli(program)[0]
    golden = GoldenVector(inputs, Machine(program).run(inputs))
    return emit(program, load_target(target), Facts("0", "test.onnx", "0", OPSET, 0, 0, ""), golden)


def stimuli(program: Program) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(3)
    return [
        {n: rng.integers(-128, 128, program.buffers[n].shape).astype(np.int8) for n in program.inputs}
        for _ in range(2)
    ]


@pytest.mark.parametrize("how", ["layers", "stream", "patches"])
@pytest.mark.parametrize("shape", [(1, 3, 11, 7), (1, 1, 9, 6), (1, 2, 21)], ids=["rows", "grey", "1-D"])
def test_all_executions_are_fed_the_same(shape: Sequence[int], how: str) -> None:
    layers = lowered(model(shape))
    program = fed(layers, how)
    validate(program)
    inputs = stimuli(program)
    plain = Machine(place(layers))
    wanted = [
        plain.run({n: a.reshape(layers.buffers[n].shape) for n, a in sample.items()}) for sample in inputs
    ]
    emulated = [Machine(program).run(sample) for sample in inputs]
    files = library(program, "host")
    with HostModel(program, files) as host:
        compiled = host.run(inputs)
    run_selftest(program, files)
    for sample in zip(wanted, emulated, compiled, strict=True):
        for name in program.outputs:
            first, *others = (np.asarray(result[name]).reshape(-1) for result in sample)
            for other in others:
                np.testing.assert_array_equal(other, first)


@pytest.mark.parametrize("target", ["nucleo-f446re", "sifive-hifive1", "corstone-300"])
@pytest.mark.parametrize("how", ["stream", "patches"])
def test_the_image_is_not_in_the_boards_memory(how: str, target: str) -> None:
    board = load_target(target)
    if reason := obstacle(board):
        pytest.skip(reason.what)
    program = fed(lowered(model((1, 3, 40, 30))), how)
    toolchain = find_toolchain(board)
    assert toolchain is not None and program.plan is not None
    device = build_device(
        program, library(program, target), board, [step.name for step in program.steps], toolchain
    )
    (sample, _) = stimuli(program)
    run = device.run(sample)
    for name, want in Machine(program).run(sample).items():
        np.testing.assert_array_equal(run.outputs[name], want)
    assert device.image.symbols["tinyc_arena"].size == program.plan.arena_bytes
    assert program.plan.arena_bytes < 40 * 30 * 3 + program.buffers[program.outputs[0]].nbytes
    assert run.touched == run.variables + run.stack


def test_the_header_tells_how_rows_are_asked_for() -> None:
    layers = lowered(model())
    once, again = (library(fed(layers, how), "host")["test.h"] for how in ("stream", "patches"))
    assert "#define TEST_IN_X_Q_PASSES     1u" in once
    assert "each row is asked\n * for once, from the first to the last" in once
    assert "#define TEST_IN_X_Q_PASSES     1u" not in again and "have to be the same every time" in again
    assert "TEST_IN_X_Q_OFFSET" not in once and "test_in_x_q(" not in once
    assert "typedef void (*test_rows_x_q)(void *context, uint32_t y0, uint32_t n, int8_t *rows);" in once


def test_rows_out_of_order_do_not_pass() -> None:
    """The harness checks the promise that each row is asked for once, in order."""
    program = fed(lowered(model()), "stream")
    feeds = [i for i, task in enumerate(program.tasks) if program.steps[task.step].name.startswith("feed")]
    tasks = list(program.tasks)
    first, second = feeds[:2]
    tasks[first], tasks[second] = tasks[second], tasks[first]
    swapped = replace(program, tasks=tuple(tasks))
    files = emit(swapped, load_target("host"), Facts("0", "test.onnx", "0", OPSET, 0, 0, ""))
    complaint = pytest.raises(VerificationError, match="row 1 of x_q was asked for where row 0 is next")
    with HostModel(swapped, files) as host, complaint:
        host.run(stimuli(program))
