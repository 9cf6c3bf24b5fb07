"""Layers by the micro-kernels for Arm's DSP extension: the same numbers on the host and on a Cortex-M4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.codegen.emit import Facts, emit
from tinyc.codegen.optimization import Optimize
from tinyc.emulator.devices import build_device
from tinyc.emulator.machine import Machine
from tinyc.emulator.toolchain import find_toolchain
from tinyc.ir.program import Program
from tinyc.passes.place import place
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from .checks import OPSET, agree, lowered, qdq_model, reference, samples_of
from .schedules import can_be_windowed, patches, stream_rows

M4 = "nucleo-f446re"


def layer(
    operator: str, shape: Sequence[int], weights: Sequence[int], attributes: dict, activation: str | None,
    apart: bool = False, y_scale: float = 0.11, largest: int = 127,
) -> onnx.ModelProto:
    """The operator on int8, between two requantizations. Weights that have to stay ``apart`` hold a pair that
    is no 16-bit number; others are ``largest`` at most."""
    rng = np.random.default_rng(sum(weights))
    integers = rng.integers(-largest, largest + 1, weights).astype(np.int8)
    if apart:
        integers[0], integers[1] = -1, -128
    scales, x_scale = rng.uniform(0.002, 0.02, weights[0]), 0.05
    most = 16 * largest
    bias = (rng.integers(-most, most, weights[0]).astype(np.int32), x_scale * scales.astype(np.float32), 0)
    nodes = [helper.make_node(operator, ["x", "w", "b"], ["sum" if activation else "y"], "op", **attributes)]
    if activation:
        bounds = ["low", "high"] if activation == "Clip" else []
        nodes.append(helper.make_node(activation, ["sum", *bounds], ["y"], "activation"))
    return qdq_model(
        nodes, {"x": shape}, ["y"], {"x": (x_scale, 9), "y": (y_scale, -3)},
        constants={"low": np.float32(-1.5), "high": np.float32(4.0)} if activation == "Clip" else {},
        dequantized={"w": (integers, scales, 0), "b": bias}, stage=True,
    )  # fmt: skip


def tailored(model: onnx.ModelProto, template: str) -> Program:
    program = tailor(lowered(model), load_target(M4))
    assert [step.kernel.template for step in program.steps].count(template) == 1
    return program


def check_all(model: onnx.ModelProto, template: str, every: bool) -> None:
    """Under every schedule on the host; on the board layer by layer, or under ``every`` schedule too."""
    program = tailored(model, template)
    samples = samples_of(model)
    expected = reference(model, samples)
    variants = [program]
    if can_be_windowed(program):
        variants += [stream_rows(program), patches(program, 2, 3)]
    for variant in variants:
        agree(variant, samples, expected)
    for variant in variants if every else variants[:1]:
        check_on_board(variant, optimize="speed" if every else "size")


def check_on_board(program: Program, find=find_toolchain, optimize: Optimize = "speed") -> None:
    """Asserts that the board computes what the emulator does, on random bytes."""
    target = load_target(M4)
    toolchain = find(target)
    if toolchain is None:
        pytest.skip("no cross compiler for a Cortex-M4 on this machine")
    placed = place(program)
    files = emit(placed, target, Facts("0", "test.onnx", "0", OPSET, 0, 0, ""))
    toolchain = replace(toolchain, optimize=optimize)
    device = build_device(placed, files, target, [step.name for step in placed.steps], toolchain)
    given = _random_inputs(placed)
    wanted, run = Machine(placed).run(given), device.run(given)
    for name in placed.outputs:
        np.testing.assert_array_equal(run.outputs[name], wanted[name])


def _random_inputs(program: Program) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        name: rng.integers(-128, 128, program.buffers[name].shape).astype(np.int8) for name in program.inputs
    }
