"""Instructions for a multiply-accumulate, or an element, of kernels on 8, 4 and 2 bits, on an emulated board.

    python -m tinyc.benchmarks.packed [--json] [--board nucleo-f446re]

Unpacking, requantization and edges are included. A compile takes the kernels of the board's instruction set
where there are any; the second table has what it takes on a core without them: the portable ones.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
import onnx_ir as oir
from onnx import TensorProto, helper, numpy_helper, shape_inference

from ..codegen.emit import Facts, emit
from ..emulator.devices import make_device
from ..ir.program import Program
from ..passes.lower import lower
from ..passes.place import place
from ..passes.tailor import tailor
from ..targets import Target, load_target
from .inputs import random_inputs

BOARD = "nucleo-f446re"
WIDTHS = ((8, 8, 8), (8, 4, 8), (8, 2, 8), (4, 8, 4), (4, 4, 4), (2, 2, 2))
"""Bits of input, weights and output; where there are no weights, those of equal widths."""
_TYPES: Mapping[int, Any] = {16: np.int16, 8: np.int8, 4: ml_dtypes.int4, 2: ml_dtypes.int2}
_OPSET = 25
X_SCALE = 0.25
Widths = tuple[int, int, int]


@dataclass(frozen=True)
class Case:
    """A layer: its operator, the shape of its inputs (NCHW, or vector), of its weights, and attributes."""

    name: str
    operator: str
    input: tuple[int, ...]
    weights: tuple[int, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)


_HALVED = {"kernel_shape": [2, 2], "strides": [2, 2]}
CASES = (
    Case("pointwise 64 → 64, 12×5", "Conv", (1, 64, 12, 5), (64, 64, 1, 1)),
    Case("3×3, 12×12×16 → 16", "Conv", (1, 16, 12, 12), (16, 16, 3, 3), {"pads": [1] * 4}),
    Case("depthwise 3×3, 10×5×64", "Conv", (1, 64, 10, 5), (64, 1, 3, 3), {"group": 64, "pads": [1] * 4}),
    Case("dense 128 → 128", "Gemm", (1, 128), (128, 128), {"transB": 1}),
    Case("MaxPool 2×2, 8×8×32", "MaxPool", (1, 32, 8, 8), (), _HALVED),
    Case("AveragePool 2×2, 8×8×32", "AveragePool", (1, 32, 8, 8), (), _HALVED),
    Case("Add, 8×8×32", "Add", (1, 32, 8, 8)),
)


def program_of(case: Case, widths: Widths) -> Program:
    """The layer with random weights (seed 0), outputs in steps of 0.5."""
    rng, limit = np.random.default_rng(0), 2 ** (widths[1] - 1)
    integers = rng.integers(-limit, limit, case.weights) if case.weights else None
    scales = rng.uniform(0.02, 0.2, case.weights[:1])
    return quantized(case, widths, integers, scales, 0.5)


def quantized(
    case: Case, widths: Widths, integers: np.ndarray | None, scales: np.ndarray, y_scale: float
) -> Program:
    """The layer with these weights, inputs in steps of ``X_SCALE``, between the conversions from and to the
    caller's int8."""
    x, w, y = widths
    names = ["x", "z"] if case.operator == "Add" else ["x"]
    values: dict[str, Any] = {}
    nodes = [node for name in names for node in _pair(name, name, x, X_SCALE, values)]
    operands = [f"{name}_dq" for name in names]
    if integers is not None:
        values |= {"w_q": integers.astype(_TYPES[w]), "w_s": scales.astype(np.float32)}
        nodes.append(helper.make_node("DequantizeLinear", ["w_q", "w_s"], ["w"], axis=0))
        operands.append("w")
    nodes.append(helper.make_node(case.operator, operands, ["y"], "layer", **case.attributes))
    nodes += _pair("y", "y", y, y_scale, values)
    graph = helper.make_graph(
        nodes, "layer",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, case.input) for name in names],
        [helper.make_tensor_value_info("y_dq", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=13)
    inferred = shape_inference.infer_shapes(model, strict_mode=True)
    return lower(oir.serde.deserialize_model(inferred), "layer")


def _pair(name: str, source: str, bits: int, scale: float, values: dict[str, Any]) -> list[Any]:
    """QuantizeLinear and DequantizeLinear behind a tensor."""
    values[f"{name}_s"], values[f"{name}_zero"] = np.float32(scale), np.array(1).astype(_TYPES[bits])
    parameters = [f"{name}_s", f"{name}_zero"]
    return [
        helper.make_node("QuantizeLinear", [source, *parameters], [f"{name}_q"], f"q_{name}"),
        helper.make_node("DequantizeLinear", [f"{name}_q", *parameters], [f"{name}_dq"], f"dq_{name}"),
    ]


@dataclass(frozen=True)
class Row:
    """A layer at one choice of widths: instructions by what it computes, of the board's ``own`` kernel and of
    the ``portable`` one; the same where there is none of its own."""

    case: str
    widths: Widths
    own: float
    portable: float


def rows(target: Target, cases: Sequence[Case] = CASES) -> list[Row]:
    """Every case at all widths that it can have."""
    found: list[Row] = []
    for case in cases:
        for widths in WIDTHS:
            if case.weights or len(set(widths)) == 1:
                portable = program_of(case, widths)
                programs = tailor(portable, target), portable
                found.append(Row(case.name, widths, *(measure(p, target) for p in programs)))
    return found


def measure(program: Program, target: Target) -> float:
    """Instructions of the layer's function by what it computes."""
    placed = place(program)
    files = emit(placed, target, Facts("0", "layer.onnx", "0", _OPSET, 0, 0, ""))
    device, _ = make_device(placed, files, target, [step.name for step in placed.steps])
    run = device.run(random_inputs(placed))
    index = next(i for i, step in enumerate(placed.steps) if step.source == "layer")
    cost = placed.steps[index].kernel.cost(placed.buffers[placed.steps[index].outputs[0]].whole)
    return run.layers[index].instructions / (cost.macs or cost.operations)


def table(board: str, found: Sequence[Row]) -> str:
    """Two tables in Markdown, a row per case: with the board's own kernels, and with portable ones."""
    heads = " | ".join(", ".join(map(str, widths)) for widths in WIDTHS)
    lines: list[str] = []
    for kind in ("own", "portable"):
        counts = {(row.case, row.widths): f"{getattr(row, kind):.2f}" for row in found}
        lines += ["", f"| {board}, {kind} kernels | {heads} |", "|---|" + "---:|" * len(WIDTHS)]
        for name in dict.fromkeys(row.case for row in found):
            lines.append(f"| {name} | {' | '.join(counts.get((name, w), '') for w in WIDTHS)} |")
    return "\n".join(lines[1:])


def main() -> None:
    """Parses the command line and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", default=BOARD)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = rows(load_target(arguments.board))
    as_json = arguments.json
    print(json.dumps([asdict(row) for row in found], indent=1) if as_json else table(arguments.board, found))


if __name__ == "__main__":
    main()
