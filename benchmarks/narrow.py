"""Instructions and modelled cycles of the fast kernels on inputs, weights and outputs of 16 to 2 bits.

    python -m tinyc.benchmarks.narrow [--board nucleo-f446re]

For a multiply-accumulate, or for an operation on an element where there is none; unpacking, requantization,
packing and edges included. Weights and inputs are random (seed 0), outputs span their range.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..codegen.emit import Facts, emit
from ..emulator.devices import make_device
from ..ir.program import Program
from ..passes.place import place
from ..passes.tailor import tailor
from ..targets import Target, load_target
from . import packed
from .inputs import random_inputs
from .kernels import BOARD, CASES, Case
from .packed import Widths

WIDTHS = ((8, 8, 8), (8, 4, 8), (8, 2, 8), (4, 8, 4), (4, 4, 4), (4, 4, 8), (2, 2, 2), (16, 8, 16))
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
_OPSET = 25


@dataclass(frozen=True)
class Cell:
    """A layer at some widths: the kernel's template, what it counted and what its cost model says."""

    template: str
    instructions: float
    cycles: float | None
    modelled: float


def program_of(case: Case, widths: Widths) -> Program:
    """The layer with weights as trained ones are spread, and with outputs that span their range."""
    rng, (x, w, y) = np.random.default_rng(0), widths
    operator = case.operator or ("Gemm" if len(case.input) == 2 else "Conv")
    attributes = case.attributes | ({"transB": 1} if operator == "Gemm" else {})
    layer = packed.Case(case.name, operator, case.input, () if case.operator else case.weights, attributes)
    if not layer.weights:
        y_scale = packed.X_SCALE * (1.5 if operator == "Add" else 1.0)
        return packed.quantized(layer, widths, None, np.ones(0), y_scale)
    limit = 2 ** (w - 1)
    integers = np.clip(np.round(rng.normal(0, limit / 4, layer.weights)), -limit + (w == 8), limit - 1)
    scales = rng.uniform(0.05, 0.1, layer.weights[0])
    spread = np.sqrt(np.prod(layer.weights[1:])) * integers.std() * 2**x / np.sqrt(12)
    y_scale = float(3 * spread * scales.max() * packed.X_SCALE / 2 ** (y - 1))
    return packed.quantized(layer, widths, integers, scales, y_scale)


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
        x, w, y = widths
        suits = not case.operator or (x == y and w == min(x, 8))
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
