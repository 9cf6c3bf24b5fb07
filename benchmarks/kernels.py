"""Instructions for a multiply-accumulate of each fast kernel over a grid of shapes, on an emulated board.

    python -m tinyc.benchmarks.kernels [--json] [--board nucleo-f446re]

A layer's own function is counted with all that it calls: widening, requantization and edges included. Beside
it is the portable kernel of the same layer. ``floor`` is what products and their sums alone take. Where the
core has an FPU a second table follows, for float32.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import onnx_ir as oir
from onnx import NodeProto, TensorProto, helper, numpy_helper, shape_inference

from ..codegen.emit import Facts, emit
from ..emulator.board import LayerWork
from ..emulator.devices import make_device
from ..ir.errors import BudgetError
from ..ir.program import Program
from ..passes.attention import ATTENTION, attention_functions
from ..passes.lower import LowerOptions, lower
from ..passes.onnx_graph import FUSED_DOMAIN
from ..passes.place import place
from ..passes.tailor import tailor
from ..passes.tailor.fma import fuses
from ..targets import Target, load_target
from .inputs import random_inputs

BOARD = "nucleo-f446re"
_OPSET = 25


@dataclass(frozen=True)
class Case:
    """A layer: the shape of its input (NCHW, or vector), of its weights (OIHW, or matrix), and attributes.
    Another ``operator`` than these two has a second input instead of weights, or none (an empty shape)."""

    name: str
    input: tuple[int, ...]
    weights: tuple[int, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    operator: str = ""


def _attention(length: int, heads: int, width: int, **attributes: Any) -> Case:
    """Its second input is keys and values."""
    causal = ", causal" if "reach" in attributes else ""
    name = f"attention, {length} tokens, {heads} of {width}{causal}"
    shape = (1, heads, length, width)
    attributes = {"reach": length, "scale": width**-0.5, "perm": [0, 1, 3, 2]} | attributes
    return Case(name, shape, shape, attributes, ATTENTION)


def _same(kernel: int = 3) -> dict[str, Any]:
    return {"pads": [kernel // 2] * 4}


def _depthwise(channels: int, rows: int, columns: int, **attributes: Any) -> Case:
    step = f", stride {attributes['strides'][0]}" if "strides" in attributes else ""
    kernel = 2 * attributes["pads"][-1] + 1 if len(set(attributes["pads"])) == 1 else 3
    name = f"depthwise {kernel}×{kernel}{step}, {rows}×{columns}×{channels}"
    weights = (channels, 1, kernel, kernel)
    return Case(name, (1, channels, rows, columns), weights, {"group": channels, **attributes})


def _pointwise(inputs: int, outputs: int, rows: int, columns: int) -> Case:
    name = f"pointwise {inputs} → {outputs}, {rows}×{columns}"
    return Case(name, (1, inputs, rows, columns), (outputs, inputs, 1, 1))


def _dense(inputs: int, outputs: int) -> Case:
    return Case(f"dense {inputs} → {outputs}", (1, inputs), (outputs, inputs))


CASES = (
    *(_pointwise(*shape) for shape in ((64, 64, 25, 5), (8, 16, 48, 48), (16, 32, 24, 24), (57, 30, 6, 6))),
    _depthwise(64, 25, 5, **_same()),
    _depthwise(32, 24, 24, **_same()),
    _depthwise(19, 6, 6, **_same()),
    _depthwise(32, 24, 24, pads=[0, 0, 1, 1], strides=[2, 2]),
    _depthwise(32, 24, 24, **_same(5)),
    _depthwise(16, 24, 24, strides=[3, 3], **_same(3)),
    Case("3×3, 4 groups, 16×16×64 → 64", (1, 64, 16, 16), (64, 16, 3, 3), {"group": 4, **_same()}),
    Case(
        "3×3, columns dilated, 16×16×32 → 32", (1, 32, 16, 16), (32, 32, 3, 3),
        {"dilations": [2, 2], "pads": [2, 2, 2, 2]},
    ),
    Case("3×3, 32×32×16 → 16", (1, 16, 32, 32), (16, 16, 3, 3), _same()),
    Case("3×3, 8×8×64 → 64", (1, 64, 8, 8), (64, 64, 3, 3), _same()),
    Case("3×3, 32×32×3 → 16", (1, 3, 32, 32), (16, 3, 3, 3), _same()),
    Case(
        "10×4, stride 2, 49×10×1 → 64", (1, 1, 49, 10), (64, 1, 10, 4),
        {"strides": [2, 2], "pads": [4, 1, 5, 1]},
    ),
    *(_dense(*shape) for shape in ((128, 128), (640, 128), (8, 128), (13, 7))),
    Case("product of 64×32 and 32×64", (2, 64, 32), (2, 32, 64), operator="MatMul"),
    *(_attention(*shape) for shape in ((128, 2, 32), (128, 1, 64), (128, 1, 128), (64, 2, 15))),
    _attention(128, 2, 32, reach=0),
    Case("sum, 16×16×32", (1, 16, 16, 32), (1, 16, 16, 32), operator="Add"),
    Case("product, 16×16×32", (1, 16, 16, 32), (1, 16, 16, 32), operator="Mul"),
    Case("average 25×5×64", (1, 64, 25, 5), (), {"kernel_shape": [25, 5]}, "AveragePool"),
    Case("average 3×3, 24×24×16", (1, 16, 24, 24), (), {"kernel_shape": [3, 3], **_same()}, "AveragePool"),
    Case("maximum 3×3, 24×24×16", (1, 16, 24, 24), (), {"kernel_shape": [3, 3], **_same()}, "MaxPool"),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """For a multiply-accumulate of a layer, or for an operation on an element where it has none: instructions
    and modelled cycles by the fast kernel; instructions for ``wide`` weights, and by the portable kernel."""

    kernel: str
    macs: int
    instructions: int
    per_mac: float
    cycles: float | None
    wide: float
    portable: float
    floor: float


@dataclass(frozen=True)
class FloatRow:
    """The same of a layer on float32, by the fast kernel and by the portable one."""

    kernel: str
    macs: int
    instructions: int
    per_mac: float
    portable: float
    floor: float


def model_of(case: Case, wide: bool = False) -> Program:
    """The layer on int8, with random weights (seed 0): as trained ones are spread, or ``wide``, so that those
    of two channels cannot be one number in large layers."""
    rng = np.random.default_rng(0)
    spread = 127 if wide else 30
    values: dict[str, Any] = {
        "w_q": np.clip(np.round(rng.normal(0, spread, case.weights)), -127, 127).astype(np.int8),
        "w_s": rng.uniform(0.002, 0.01, case.weights[:1]).astype(np.float32),
        "x_s": np.float32(0.05), "x_z": np.int8(-128), "y_s": np.float32(0.2), "y_z": np.int8(-128),
    }  # fmt: skip
    if case.operator:
        values.pop("w_q")
        values["w_s"] = np.float32(0.04)
    if case.operator == "MaxPool":
        values |= {"y_s": values["x_s"], "y_z": values["x_z"]}
    nodes = [
        helper.make_node("DequantizeLinear", ["x_q", "x_s", "x_z"], ["x"]),
        *([helper.make_node("DequantizeLinear", ["w_q", "w_s"], ["w"], axis=0)] if case.weights else []),
        _node(case, _inputs(case), "y"),
        helper.make_node("QuantizeLinear", ["y", "y_s", "y_z"], ["y_q"]),
    ]
    return _lowered(case, nodes, ("x_q", "y_q"), TensorProto.INT8, values)


def float_model_of(case: Case) -> Program:
    """The layer on float32 with a Relu, and random weights (seed 0)."""
    weights = np.random.default_rng(0).normal(size=case.weights).astype(np.float32)
    nodes = [_node(case, ["x", "w"], "sum"), helper.make_node("Relu", ["sum"], ["y"], "relu")]
    return _lowered(case, nodes, ("x", "y"), TensorProto.FLOAT, {"w": weights})


def _inputs(case: Case) -> list[str]:
    if case.operator == ATTENTION:
        return ["x", "w", "w"]
    return ["x", "w"] if case.weights else ["x"]


def _node(case: Case, inputs: list[str], output: str) -> NodeProto:
    if case.operator:
        domain = FUSED_DOMAIN if case.operator == ATTENTION else ""
        return helper.make_node(case.operator, inputs, [output], "layer", domain=domain, **case.attributes)
    if len(case.input) == 2:
        return helper.make_node("Gemm", inputs, [output], "layer", transB=1, **case.attributes)
    return helper.make_node("Conv", inputs, [output], "layer", **case.attributes)


def _lowered(
    case: Case, nodes: list[NodeProto], ends: tuple[str, str], kind: int, values: dict[str, Any]
) -> Program:
    """The program of ``nodes``; ``ends`` are the names of its input and output, ``kind`` is their type."""
    inputs = {ends[0]: case.input} | ({"w_q": case.weights} if case.operator and case.weights else {})
    graph = helper.make_graph(
        nodes, "layer",
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(ends[1], kind, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=11)
    if any(node.domain for node in nodes):
        model.functions.extend(attention_functions())
        model.opset_import.append(helper.make_opsetid(FUSED_DOMAIN, 1))
    inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    return lower(oir.serde.deserialize_model(inferred), "layer", LowerOptions())


def floor_of(target: Target) -> float:
    """Instructions for a multiply-accumulate: VMLADAVA does sixteen, SMLAD two, other cores multiply and add
    apart; in Thumb two multiplications make four products, whose sums take four instructions more."""
    if target.mve:
        return 1 / 16
    if target.dsp:
        return 0.5
    return 2.0 if target.is_riscv else 1.5


def count(program: Program, target: Target) -> LayerWork:
    """The layer with the most work, on random inputs (seed 0)."""
    placed = place(program)
    files = emit(placed, target, Facts("0", "layer.onnx", "0", _OPSET, 0, 0, ""))
    device, _ = make_device(placed, files, target, [step.name for step in placed.steps])
    return max(device.run(random_inputs(placed)).layers, key=lambda layer: layer.instructions)


def measure(case: Case, target: Target) -> Row:
    """A case by each of the kernels."""
    program = model_of(case)
    macs = _macs(program)
    fast, portable = count(tailor(program, target), target), count(program, target)
    wide = count(tailor(model_of(case, wide=True), target), target)
    per_mac, wider, slower = (round(work.instructions / macs, 3) for work in (fast, wide, portable))
    cycles = None if fast.cycles is None else round(fast.cycles / macs, 3)
    return Row(case.name, macs, fast.instructions, per_mac, cycles, wider, slower, floor_of(target))


def measure_float(case: Case, target: Target) -> FloatRow:
    """A case on float32 by each of the kernels. Raises BudgetError where it does not fit the board."""
    program = float_model_of(case)
    macs = _macs(program)
    fast = count(tailor(program, target), target).instructions
    portable = count(program, target).instructions
    floor = 1.0 if fuses(target) else 2.0
    return FloatRow(case.name, macs, fast, round(fast / macs, 3), round(portable / macs, 3), floor)


def float_rows(target: Target) -> Iterator[FloatRow]:
    """The cases that fit the board on float32."""
    for case in (case for case in CASES if not case.operator):
        try:
            yield measure_float(case, target)
        except BudgetError as error:
            print(f"{case.name}, float32: {error}", file=sys.stderr)


def _macs(program: Program) -> int:
    """Operations on elements, where there are no multiply-accumulates."""
    costs = [step.kernel.cost(program.buffers[step.outputs[0]].whole) for step in program.steps]
    return sum(cost.macs for cost in costs) or sum(cost.operations for cost in costs)


def float_table(found: list[FloatRow]) -> str:
    """The rows as a table in Markdown."""
    head = "| kernel, float32 | MACs | instructions | per MAC | portable | floor |"
    lines = [
        f"| {r.kernel} | {r.macs:,} | {r.instructions:,} | {r.per_mac:.2f} | {r.portable:.2f} | {r.floor} |"
        for r in found
    ]
    return "\n".join([head, "|---|---:|---:|---:|---:|---:|", *lines])


def table(found: list[Row]) -> str:
    """The rows as a table in Markdown."""
    head = "| kernel | MACs | instructions | per MAC | cycles | wide weights | portable | floor |"
    rule = "|---|---:|---:|---:|---:|---:|---:|---:|"
    few = ".3f" if any(r.floor < 0.1 for r in found) else ".2f"
    lines = [
        f"| {r.kernel} | {r.macs:,} | {r.instructions:,} | {r.per_mac:{few}} "
        f"| {'–' if r.cycles is None else f'{r.cycles:.2f}'} | {r.wide:{few}} "
        f"| {r.portable:.2f} | {r.floor} |"
        for r in found
    ]
    return "\n".join([head, rule, *lines])


def main() -> None:
    """Parses the command line and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--board", default=BOARD)
    arguments = parser.parse_args()
    target = load_target(arguments.board)
    found = [measure(case, target) for case in CASES]
    floats = list(float_rows(target)) if target.fpu != "none" else []
    if arguments.json:
        print(json.dumps([asdict(row) for row in (*found, *floats)], indent=2))
    else:
        print("\n\n".join([table(found), *([float_table(floats)] if floats else [])]))


if __name__ == "__main__":
    main()
