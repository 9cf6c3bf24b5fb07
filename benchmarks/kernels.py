"""Instructions for a multiply-accumulate of each fast kernel over a grid of shapes, on an emulated board.

    python -m tinyc.benchmarks.kernels [--json] [--board nucleo-f446re]

A layer's own function is counted with all that it calls: widening, requantization and edges included. Beside
it is the portable kernel of the same layer. ``floor`` is what the multiplications alone take.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import onnx_ir as oir
from onnx import TensorProto, helper, numpy_helper, shape_inference

from ..codegen.emit import Facts, emit
from ..emulator.devices import make_device
from ..ir.program import Program
from ..passes.lower import LowerOptions, lower
from ..passes.place import place
from ..passes.tailor import tailor
from ..targets import Target, load_target

BOARD = "nucleo-f446re"
FLOOR = 0.5
"""SMLAD does two."""
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
    Case("sum, 16×16×32", (1, 16, 16, 32), (1, 16, 16, 32), operator="Add"),
    Case("product, 16×16×32", (1, 16, 16, 32), (1, 16, 16, 32), operator="Mul"),
    Case("average 25×5×64", (1, 64, 25, 5), (), {"kernel_shape": [25, 5]}, "AveragePool"),
    Case("average 3×3, 24×24×16", (1, 16, 24, 24), (), {"kernel_shape": [3, 3], **_same()}, "AveragePool"),
    Case("maximum 3×3, 24×24×16", (1, 16, 24, 24), (), {"kernel_shape": [3, 3], **_same()}, "MaxPool"),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """Instructions for a multiply-accumulate of a layer by the fast kernel, the same for ``wide`` weights,
    and by the portable kernel; for an operation on an element where it has no multiply-accumulates."""

    kernel: str
    macs: int
    instructions: int
    per_mac: float
    wide: float
    portable: float
    floor: float = FLOOR


def model_of(case: Case, wide: bool = False) -> Program:
    """The layer on int8, with random weights (seed 0): as trained ones are spread, or ``wide``, so that those
    of two channels cannot be one number in large layers."""
    operator = case.operator or ("Gemm" if len(case.input) == 2 else "Conv")
    rng = np.random.default_rng(0)
    spread = 127 if wide else 30
    values: dict[str, Any] = {
        "w_q": np.clip(np.round(rng.normal(0, spread, case.weights)), -127, 127).astype(np.int8),
        "w_s": rng.uniform(0.002, 0.01, case.weights[:1]).astype(np.float32),
        "x_s": np.float32(0.05), "x_z": np.int8(-128), "y_s": np.float32(0.2), "y_z": np.int8(-128),
    }  # fmt: skip
    attributes: dict[str, Any] = case.attributes | ({"transB": 1} if operator == "Gemm" else {})
    if case.operator:
        values.pop("w_q")
        values["w_s"] = np.float32(0.04)
    if operator == "MaxPool":
        values |= {"y_s": values["x_s"], "y_z": values["x_z"]}
    inputs = {"x": case.input} | ({"w": case.weights} if case.operator and case.weights else {})
    nodes = [
        helper.make_node("DequantizeLinear", ["x_q", "x_s", "x_z"], ["x"]),
        helper.make_node("DequantizeLinear", ["w_q", "w_s"], ["w"], axis=0),
        helper.make_node(operator, ["x", "w"] if case.weights else ["x"], ["y"], operator, **attributes),
        helper.make_node("QuantizeLinear", ["y", "y_s", "y_z"], ["y_q"]),
    ]
    graph = helper.make_graph(
        nodes if case.weights else [n for n in nodes if "w_q" not in n.input], "layer",
        [helper.make_tensor_value_info(f"{n}_q", TensorProto.INT8, shape) for n, shape in inputs.items()],
        [helper.make_tensor_value_info("y_q", TensorProto.INT8, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=11)
    inferred = shape_inference.infer_shapes(model, strict_mode=True)
    return lower(oir.serde.deserialize_model(inferred), "layer", LowerOptions())


def count(program: Program, target: Target) -> int:
    """Instructions of the layer with the most work, on random bytes (seed 0)."""
    placed = place(program)
    files = emit(placed, target, Facts("0", "layer.onnx", "0", _OPSET, 0, 0, ""))
    device, _ = make_device(placed, files, target, [step.name for step in placed.steps])
    rng = np.random.default_rng(0)
    shapes = {name: placed.buffers[name].shape for name in placed.inputs}
    run = device.run({name: rng.integers(-128, 128, s).astype(np.int8) for name, s in shapes.items()})
    return max(layer.instructions for layer in run.layers)


def measure(case: Case, target: Target) -> Row:
    """A case by each of the kernels."""
    program = model_of(case)
    costs = [s.kernel.cost(program.buffers[s.outputs[0]].whole) for s in program.steps]
    macs = sum(cost.macs for cost in costs) or sum(cost.operations for cost in costs)
    fast, portable = count(tailor(program, target), target), count(program, target)
    wide = count(tailor(model_of(case, wide=True), target), target)
    return Row(case.name, macs, fast, *(round(n / macs, 3) for n in (fast, wide, portable)))


def table(found: list[Row]) -> str:
    """The rows as a table in Markdown."""
    head = "| kernel | MACs | instructions | per MAC | wide weights | portable | floor |"
    rule = "|---|---:|---:|---:|---:|---:|---:|"
    lines = [
        f"| {r.kernel} | {r.macs:,} | {r.instructions:,} | {r.per_mac:.2f} | {r.wide:.2f} | {r.portable:.2f} "
        f"| {r.floor} |"
        for r in found
    ]
    return "\n".join([head, rule, *lines])


def main() -> None:
    """Parses the command line and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--board", default=BOARD)
    arguments = parser.parse_args()
    found = [measure(case, load_target(arguments.board)) for case in CASES]
    print(json.dumps([asdict(row) for row in found], indent=2) if arguments.json else table(found))


if __name__ == "__main__":
    main()
