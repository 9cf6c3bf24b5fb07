"""Causal convolutional networks whole and streamed: instructions for a new frame on an emulated board, and
whether the stream gives the bits of the whole window.

    python -m tinyc.benchmarks.streaming [--json] [--board nucleo-f446re]

Networks have random weights; everything is counted: layers, rings of frames, the head.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import onnx

from ..compiler.options import AUTO, CompileOptions
from ..compiler.pipeline import Compiled, compile_model
from ..emulator.machine import Machine
from ..models import wakeword

BOARD = "nucleo-f446re"

CASES: Mapping[str, Callable[[], onnx.ModelProto]] = {"wakeword": wakeword.build_model}


@dataclass(frozen=True)
class Result:
    """Of a network: multiply-accumulates and instructions of the whole window and of a call, SRAM and state
    in bytes, and whether the call that fills the window gave the whole's bits."""

    name: str
    macs: int
    instructions: int
    macs_streamed: int
    instructions_streamed: int
    fewer: float
    sram: int
    sram_streamed: int
    state: int
    same_bits: bool


def measured(name: str, model: onnx.ModelProto, board: str) -> Result:
    """``model`` of one window of (1, bins, frames) on ``board``, in int8."""
    shape = [dimension.dim_value for dimension in model.graph.input[0].type.tensor_type.shape.dim]
    samples = np.random.default_rng(2).normal(size=(16, *shape)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "samples.npz"
        np.savez(path, x=samples)
        whole, call = whole_and_call(model, CompileOptions(target=board, calibration=path, name="net"))
    facts, streamed = whole.report.to_dict(), call.report.to_dict()
    instructions, fewer = facts["compute"]["instructions"], streamed["compute"]["instructions"]
    return Result(
        name, facts["compute"]["macs_executed"], instructions, streamed["compute"]["macs_executed"], fewer,
        instructions / fewer, facts["sram"]["total"], streamed["sram"]["total"], streamed["sram"]["state"],
        same_bits(whole, call),
    )  # fmt: skip


def whole_and_call(model: onnx.ModelProto, options: CompileOptions) -> tuple[Compiled, Compiled]:
    """``model`` in int8 and its stream, with ranges of the stream, which hold for windows in all calls."""
    with tempfile.TemporaryDirectory() as folder:
        call = compile_model(model, replace(options, stream=AUTO, dump_passes=Path(folder)))
        (quantized,) = Path(folder).glob("*-quantize.onnx")
        return compile_model(quantized, options), call


def same_bits(whole: Compiled, call: Compiled, windows: int = 4) -> bool:
    """Whether the emulator gives the same for random ``windows``, whole and frame by frame from a reset."""
    source, one = whole.program, call.program
    rng, shape = np.random.default_rng(3), source.buffers[source.inputs[0]].shape
    for window in rng.integers(-128, 128, (windows, *shape)).astype(np.int8):
        wanted = Machine(source).run({source.inputs[0]: window})[source.outputs[0]]
        machine = Machine(one)
        frames = np.moveaxis(window[:, :, None], 1, 0)  # channels lie last: (1, frames, bins)
        given = [machine.run({one.inputs[0]: frame})[one.outputs[0]] for frame in frames]
        if not np.array_equal(wanted, given[-1]):
            return False
    return True


def table(results: Sequence[Result]) -> str:
    """Markdown."""
    lines = [
        "| network | MACs | instructions | MACs a call | instructions | fewer | SRAM | streamed | state | "
        "same bits |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    lines += [
        f"| {r.name} | {r.macs:,} | {r.instructions:,} | {r.macs_streamed:,} | {r.instructions_streamed:,} "
        f"| {r.fewer:.1f}× | {r.sram:,} | {r.sram_streamed:,} | {r.state:,} "
        f"| {'yes' if r.same_bits else 'no'} |"
        for r in results
    ]
    return "\n".join(lines)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--board", default=BOARD)
    arguments = parser.parse_args()
    results = [measured(name, build(), arguments.board) for name, build in CASES.items()]
    print(json.dumps([asdict(r) for r in results], indent=2) if arguments.json else table(results))


if __name__ == "__main__":
    main()
