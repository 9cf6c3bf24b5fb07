"""Micro-kernels on emulated boards: what the NumPy emulator computes, under every schedule."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np
import onnx
import pytest

from tinyc.benchmarks.inputs import random_inputs
from tinyc.codegen.emit import Facts, emit
from tinyc.codegen.optimization import Optimize
from tinyc.emulator.devices import Device, build_device
from tinyc.emulator.machine import Machine
from tinyc.emulator.qemu import CPUS, EMULATOR, find_qemu
from tinyc.emulator.toolchain import Toolchain, find_toolchain
from tinyc.ir.program import Program
from tinyc.passes.place import place
from tinyc.passes.tailor import tailor
from tinyc.targets import Target, load_target

from .checks import OPSET, agree, lowered, reference, samples_of
from .schedules import can_be_windowed, patches, stream_rows

M0, M4, M7, M55 = "nucleo-g0b1re", "nucleo-f446re", "nucleo-h743zi", "corstone-300"
RV32 = "esp32-c3"

Find = Callable[[Target], Toolchain | None]
"""A way to a compiler, or none on this machine."""


def sampled(cases: Collection[str], *quick: str) -> list[object]:
    """All cases as parameters of a test; those that are not ``quick`` carry the mark ``slow``."""
    assert set(quick) <= set(cases)
    return [pytest.param(case, marks=() if case in quick else pytest.mark.slow) for case in cases]


def tailored(model: onnx.ModelProto, board: str, template: str) -> Program:
    """The model as the board gets it; one step, and no more, is of the kernel ``template``."""
    program = tailor(lowered(model), load_target(board))
    assert [step.kernel.template for step in program.steps].count(template) == 1
    return program


def other_schedules(program: Program) -> list[Program]:
    """In rows that stream and in patches, where the program's kernels can compute windows."""
    return [stream_rows(program), patches(program, 2, 3)] if can_be_windowed(program) else []


def check_all(model: onnx.ModelProto, board: str, template: str) -> None:
    """Under every schedule on the host; layer by layer on the board, compiled for speed."""
    program = tailored(model, board, template)
    check_on_host(model, program, *other_schedules(program))
    check_on_board(program, board)


def check_layer(model: onnx.ModelProto, board: str, template: str) -> None:
    """Layer by layer on the host and on the board, compiled for size."""
    program = tailored(model, board, template)
    check_on_host(model, program)
    check_on_board(program, board, optimize="size")


def check_on_host(model: onnx.ModelProto, *programs: Program) -> None:
    """Asserts that emulator, host and ONNX Runtime agree on the model."""
    samples = samples_of(model)
    expected = reference(model, samples)
    for program in programs:
        agree(program, samples, expected)


def check_on_board(
    program: Program, board: str, find: Find = find_toolchain, optimize: Optimize = "speed"
) -> None:
    """Asserts that the board computes what the emulator does on random inputs: floats up to rounding,
    all else bit for bit."""
    placed = place(program)
    device, given = device_of(placed, board, find, optimize), random_inputs(placed)
    wanted, run = Machine(placed).run(given), device.run(given)
    for name in placed.outputs:
        if placed.buffers[name].dtype.is_float:
            span = max(float(np.abs(wanted[name]).max(initial=0.0)), 1e-6)
            np.testing.assert_allclose(run.outputs[name], wanted[name], rtol=1e-5, atol=1e-5 * span)
        else:
            np.testing.assert_array_equal(run.outputs[name], wanted[name])


def check_schedules(program: Program, board: str) -> None:
    """Asserts the same under the program's other schedules, of which there have to be some."""
    variants = other_schedules(program)
    assert variants
    for variant in variants:
        check_on_board(variant, board)


def device_of(
    placed: Program, board: str, find: Find = find_toolchain, optimize: Optimize = "speed"
) -> Device:
    """The emulated board with the program on it; skips the test where this machine lacks what it takes."""
    target = load_target(board)
    toolchain = find(target)
    if toolchain is None:
        pytest.skip(f"no such cross compiler for {target.cpu} on this machine")
    if target.cpu in CPUS and find_qemu() is None:
        pytest.skip(f"needs {EMULATOR}, which is not installed")
    files = emit(placed, target, Facts("0", "test.onnx", "0", OPSET, 0, 0, ""))
    toolchain = replace(toolchain, optimize=optimize)
    return build_device(placed, files, target, [step.name for step in placed.steps], toolchain)
