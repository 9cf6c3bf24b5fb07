"""Pointwise convolutions that lead to a mean over the whole image, pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.emulator.machine import Machine
from tinyc.ir.program import Alias, Program, Rows, Task
from tinyc.ir.window import Window
from tinyc.passes.place import place
from tinyc.passes.schedule.reductions import flatten_grid, split_reductions
from tinyc.passes.tailor import tailor
from tinyc.passes.validate import validate
from tinyc.targets import load_target

from ..kernels.checks import agree, float_model, lowered, qdq_model, reference, samples_of

SHAPE = (1, 4, 5, 3)
PIXELS = 15


def network(operator: str = "AveragePool", kernels: Sequence[int] = (3, 1, 1)) -> onnx.ModelProto:
    """int8: convolutions of 4, 6 and 16 channels by these kernels, and a pool over all that is left."""
    rng = np.random.default_rng(0)
    nodes, weights, source, channels = [], {}, "x", 4
    for number, (kernel, width) in enumerate(zip(kernels, (4, 6, 16), strict=True)):
        values = rng.integers(-127, 128, (width, channels, kernel, kernel)).astype(np.int8)
        weights[f"w{number}"] = (values, np.full(width, 0.01, np.float32), 0)
        pads = [kernel // 2] * 4
        conv, quantized, quant = f"conv{number}", f"q{number}", [f"s{number}", f"z{number}"]
        nodes += [
            helper.make_node("Conv", [source, f"w{number}"], [conv], conv, pads=pads),
            helper.make_node("QuantizeLinear", [conv, *quant], [quantized], quantized),
            helper.make_node("DequantizeLinear", [quantized, *quant], [f"f{number}"], f"d{number}"),
        ]
        source, channels = f"f{number}", width
    nodes.append(helper.make_node(operator, [source], ["y"], "pool", kernel_shape=SHAPE[2:]))
    constants = {f"s{n}": np.float32(0.3 * 3**n) for n in range(3)}
    constants |= {f"z{n}": np.int8(n - 4) for n in range(3)}
    quants = {"x": (0.02, 3), "y": (2.7, -2)}
    return qdq_model(nodes, {"x": SHAPE}, ["y"], quants, constants, weights)


def by_pixels(program: Program) -> Program:
    """The steps from the view on advance together; each tensor inside keeps one pixel."""
    (view,) = (name for name, buffer in program.buffers.items() if buffer.alias)
    begin = next(index for index, step in enumerate(program.steps) if view in step.inputs)
    end = len(program.steps) - 1
    inside = [program.steps[index].outputs[0] for index in range(begin, end)]
    buffers = {n: replace(b, storage=Rows(1)) if n in inside else b for n, b in program.buffers.items()}
    tasks = [task for task in program.tasks if task.step < begin]
    tasks += [Task(index, Window(y, y + 1, 0, 1)) for y in range(PIXELS) for index in range(begin, end)]
    tasks += [task for task in program.tasks if task.step == end]
    return replace(program, buffers=buffers, tasks=tuple(tasks))


@pytest.mark.parametrize("operator", ["AveragePool", "MaxPool"])
def test_pixel_by_pixel_gives_the_same_bytes(operator: str) -> None:
    model = network(operator)
    program = lowered(model)
    flat = split_reductions(flatten_grid(program))
    samples = samples_of(model)
    expected = reference(model, samples)
    pixels = by_pixels(flat)
    for variant in (flatten_grid(program), flat, pixels):
        agree(variant, samples, expected)
        placed = place(variant)
        validate(placed)
        for sample in samples:
            fed = {"x_q": program.buffers["x_q"].to_memory(sample["x_q"])}
            mine, whole = Machine(placed).run(fed), Machine(place(program)).run(fed)
            np.testing.assert_array_equal(mine["y_q"], whole["y_q"])
    arenas = [plan.arena_bytes for plan in (place(program).plan, place(pixels).plan) if plan]
    assert arenas == [92 + PIXELS * 16, PIXELS * 4 + 92]  # the last convolution whole; now the first two


def test_the_last_convolution_reads_a_view() -> None:
    program = flatten_grid(lowered(network()))
    _, middle, last, pool = program.steps
    view = program.buffers[last.inputs[0]]
    assert view.alias == Alias(middle.outputs[0])
    shapes = [program.buffers[step.outputs[0]].shape for step in program.steps]
    assert view.shape == (1, PIXELS, 1, 6)
    assert shapes == [(1, 5, 3, 4), (1, 5, 3, 6), (1, PIXELS, 1, 16), (1, 1, 1, 16)]
    assert pool.inputs == last.outputs


def test_working_memory_goes_with_the_kernel_that_took_it() -> None:
    program = tailor(lowered(network()), load_target("nucleo-f446re"))
    assert program.steps[-1].scratch
    split = split_reductions(program)
    assert [step.scratch for step in split.steps[-2:]] == [(), ()]
    assert set(program.buffers) - set(split.buffers) == set(program.steps[-1].scratch)


def test_nothing_to_flatten() -> None:
    program = lowered(network(kernels=(1, 1, 3)))
    assert flatten_grid(program) is program


def test_a_tensor_with_other_readers_stays() -> None:
    weights = np.ones((3, 4, 1, 1), np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
        helper.make_node("AveragePool", ["c"], ["y"], "pool", kernel_shape=SHAPE[2:]),
    ]
    alone = lowered(float_model(nodes, {"x": SHAPE}, ["y"], {"w": weights}))
    assert flatten_grid(alone) is not alone
    given_out = lowered(float_model(nodes, {"x": SHAPE}, ["y", "c"], {"w": weights}))
    assert flatten_grid(given_out) is given_out
    nodes.append(helper.make_node("Neg", ["c"], ["n"], "neg"))
    read = lowered(float_model(nodes, {"x": SHAPE}, ["y", "n"], {"w": weights}))
    assert flatten_grid(read) is read
