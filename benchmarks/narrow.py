"""Instructions and modelled cycles of the fast kernels on inputs, weights and outputs of 8, 4 and 2 bits.

    python -m tinyc.benchmarks.narrow [--board nucleo-f446re]

For a multiply-accumulate, or for an operation on an element where there is none; unpacking, requantization,
packing and edges included. Weights and inputs are random (seed 0), outputs span their range.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import onnx_ir as oir
from onnx import NodeProto, TensorProto, helper, numpy_helper, shape_inference

from ..codegen.emit import Facts, emit
from ..emulator.devices import make_device
from ..ir.program import Program
from ..passes.lower import lower
from ..passes.place import place
from ..passes.tailor import tailor
from ..targets import Target, load_target
from .inputs import random_inputs
from .kernels import BOARD, CASES, Case

WIDTHS = ((8, 8, 8), (8, 4, 8), (8, 2, 8), (4, 8, 4), (4, 4, 4), (4, 4, 8), (2, 2, 2))
"""Bits of input, weights and output; where there are no weights, those of equal widths."""
NAMES = (
    "pointwise 64 → 64, 25×5",
    "pointwise 16 → 32, 24×24",
    "depthwise 3×3, 25×5×64",
    "depthwise 3×3, 24×24×32",
    "depthwise 3×3, stride 2, 24×24×32",
    "3×3, 8×8×64 → 64",
    "3×3, 4 groups, 16×16×64 → 64",
    "dense 128 → 128",
    "dense 640 → 128",
    "sum, 16×16×32",
    "average 25×5×64",
    "average 3×3, 24×24×16",
    "maximum 3×3, 24×24×16",
)
_TYPES: dict[int, Any] = {8: np.int8, 4: ml_dtypes.int4, 2: ml_dtypes.int2}
_OPSET = 25
_X_SCALE = 0.25
Widths = tuple[int, int, int]


@dataclass(frozen=True)
class Cell:
    """A layer at some widths: the kernel's template, what it counted and what its cost model says."""

    template: str
    instructions: float
    cycles: float | None
    modelled: float


def program_of(case: Case, widths: Widths) -> Program:
    """The layer between the conversions from and to the caller's int8."""
    rng, (x, w, y) = np.random.default_rng(0), widths
    names = ["x", "z"] if case.operator == "Add" else ["x"]
    values: dict[str, Any] = {}
    nodes = [node for name in names for node in _pair(name, x, _X_SCALE, values)]
    operands = [f"{name}_dq" for name in names]
    scale = _X_SCALE * (1.5 if case.operator == "Add" else 1.0)
    if not case.operator:
        limit = 2 ** (w - 1)
        integers = np.clip(np.round(rng.normal(0, limit / 4, case.weights)), -limit + (w == 8), limit - 1)
        values |= {"w_q": integers.astype(_TYPES[w]), "w_s": np.full(case.weights[0], 0.1, np.float32)}
        values["w_s"] *= rng.uniform(0.5, 1.0, case.weights[0]).astype(np.float32)
        nodes.append(helper.make_node("DequantizeLinear", ["w_q", "w_s"], ["w"], axis=0))
        operands.append("w")
        spread = np.sqrt(np.prod(case.weights[1:])) * integers.std() * 0.1 * _X_SCALE * 2**x / np.sqrt(12)
        scale = float(3 * spread / 2 ** (y - 1))
    attributes: dict[str, Any] = case.attributes | ({"transB": 1} if len(case.input) == 2 else {})
    operator = case.operator or ("Gemm" if len(case.input) == 2 else "Conv")
    nodes.append(helper.make_node(operator, operands, ["y"], "layer", **attributes))
    nodes += _pair("y", y, scale, values)
    graph = helper.make_graph(
        nodes, "layer",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, case.input) for name in names],
        [helper.make_tensor_value_info("y_dq", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=13)
    inferred = shape_inference.infer_shapes(model, strict_mode=True)
    return lower(oir.serde.deserialize_model(inferred), "layer")


def _pair(name: str, bits: int, scale: float, values: dict[str, Any]) -> list[NodeProto]:
    """QuantizeLinear and DequantizeLinear behind a tensor."""
    values |= {f"{name}_s": np.float32(scale), f"{name}_zero": np.array(-1).astype(_TYPES[bits])}
    parameters = [f"{name}_s", f"{name}_zero"]
    return [
        helper.make_node("QuantizeLinear", [name, *parameters], [f"{name}_q"], f"q_{name}"),
        helper.make_node("DequantizeLinear", [f"{name}_q", *parameters], [f"{name}_dq"], f"dq_{name}"),
    ]


def measure(case: Case, widths: Widths, target: Target) -> Cell:
    """The layer's function on the emulated board."""
    placed = place(tailor(program_of(case, widths), target))
    files = emit(placed, target, Facts("0", "layer.onnx", "0", _OPSET, 0, 0, ""))
    device, _ = make_device(placed, files, target, [step.name for step in placed.steps])
    index = next(i for i, step in enumerate(placed.steps) if step.source == "layer")
    work, step = device.run(random_inputs(placed)).layers[index], placed.steps[index]
    cost = step.kernel.cost(placed.buffers[step.outputs[0]].whole)
    count = cost.macs or cost.operations
    cycles = None if work.cycles is None else work.cycles / count
    return Cell(step.kernel.template, work.instructions / count, cycles, cost.cycles / count)


def cells(case: Case, target: Target) -> Iterator[Cell | None]:
    """One for each of ``WIDTHS``."""
    for widths in WIDTHS:
        suits = not case.operator or len(set(widths)) == 1
        yield measure(case, widths, target) if suits else None


def line(cell: Cell | None) -> str:
    """Instructions and cycles; a star where the kernel is portable C."""
    if cell is None:
        return ""
    star = "" if cell.template.startswith("dsp") else "*"
    cycles = "" if cell.cycles is None else f" / {cell.cycles:.2f}"
    return f"{cell.instructions:.2f}{cycles}{star}"


def table(target: Target) -> Iterator[str]:
    """Lines of a table in Markdown."""
    yield f"| {target.name} | {' | '.join(', '.join(map(str, widths)) for widths in WIDTHS)} |"
    yield "|---|" + "---:|" * len(WIDTHS)
    for case in CASES:
        if case.name in NAMES:
            yield f"| {case.name} | {' | '.join(map(line, cells(case, target)))} |"


def main() -> None:
    """Parses the command line and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", default=BOARD)
    for text in table(load_target(parser.parse_args().board)):
        print(text, flush=True)


if __name__ == "__main__":
    main()
