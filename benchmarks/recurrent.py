"""Recurrent networks whole and streamed: instructions for a multiply-accumulate on an emulated board, and
whether the steps of a stream give the bits of the whole sequence.

    python -m tinyc.benchmarks.recurrent [--json] [--board nucleo-f446re] [--float32]

Networks have random weights; everything around their layers is counted: gates, states, copies.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..compiler.options import AUTO, CompileOptions, Precision
from ..compiler.pipeline import Compiled, compile_model
from ..emulator.machine import Machine
from ..models.recurrent import build_model

BOARD = "nucleo-f446re"
FRAMES, FEATURES = 128, 64


@dataclass(frozen=True)
class Case:
    """``layers`` of ``units`` each."""

    cell: str
    layers: int
    units: int

    @property
    def name(self) -> str:
        stack = f"{self.layers}×" if self.layers > 1 else ""
        return f"{self.cell} {stack}{self.units}"


CASES = (Case("LSTM", 2, 128), Case("GRU", 1, 128), Case("LSTM", 1, 32), Case("GRU", 1, 32))


@dataclass(frozen=True)
class Result:
    """Of a network: instructions of the whole sequence and of one step, SRAM in bytes, and whether all steps
    gave the whole sequence's bits."""

    name: str
    macs: int
    instructions: int
    per_mac: float
    per_step: int
    per_step_mac: float
    sram: int
    sram_streamed: int
    same_bits: bool
    lsb: int | None


def measured(case: Case, board: str, precision: Precision) -> Result:
    """The network of ``case`` over 128 frames of 64 features on ``board``."""
    model = build_model(case.cell, case.layers, case.units, FRAMES, FEATURES)
    samples = np.random.default_rng(2).normal(size=(8, FRAMES, 1, FEATURES)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "samples.npz"
        np.savez(path, x=samples)
        whole, step = (
            compile_model(model, CompileOptions(board, path, precision=precision, name="net", stream=stream))
            for stream in (None, AUTO)
        )
    facts, stepped = whole.report.to_dict(), step.report.to_dict()
    macs, instructions = facts["compute"]["macs_executed"], facts["compute"]["instructions"]
    per_step, step_macs = stepped["compute"]["instructions"], stepped["compute"]["macs_executed"]
    return Result(
        case.name, macs, instructions, instructions / macs, per_step, per_step / step_macs,
        facts["sram"]["total"], stepped["sram"]["total"], same_bits(whole, step),
        facts["verification"]["max_lsb_per_layer"],
    )  # fmt: skip


def same_bits(whole: Compiled, step: Compiled) -> bool:
    """Whether the emulator gives the same for a random sequence, whole and step by step."""
    source, one = whole.program, step.program
    x = source.buffers[source.inputs[0]]
    drawn = np.random.default_rng(3).integers(-128, 128, x.shape)
    sequence = (drawn / 64 if x.dtype.is_float else drawn).astype(x.dtype.numpy)
    wanted = Machine(source).run({source.inputs[0]: sequence})[source.outputs[0]]
    machine = Machine(one)
    given = [machine.run({one.inputs[0]: frame[None]})[one.outputs[0]] for frame in sequence]
    return bool(np.array_equal(wanted.reshape(len(sequence), -1), np.stack(given).reshape(len(sequence), -1)))


def table(results: Sequence[Result]) -> str:
    """Markdown."""
    lines = [
        "| network | MACs | instructions | per MAC | a step | per MAC | SRAM | streamed | same bits | LSB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---|---:|",
    ]
    lines += [
        f"| {r.name} | {r.macs:,} | {r.instructions:,} | {r.per_mac:.2f} | {r.per_step:,} | "
        f"{r.per_step_mac:.2f} | {r.sram:,} | {r.sram_streamed:,} | "
        f"{'yes' if r.same_bits else 'no'} | {r.lsb} |"
        for r in results
    ]
    return "\n".join(lines)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--board", default=BOARD)
    parser.add_argument("--float32", action="store_true", help="instead of int8")
    arguments = parser.parse_args()
    precision: Precision = "float32" if arguments.float32 else "auto"
    results = [measured(case, arguments.board, precision) for case in CASES]
    print(json.dumps([asdict(r) for r in results], indent=2) if arguments.json else table(results))


if __name__ == "__main__":
    main()
