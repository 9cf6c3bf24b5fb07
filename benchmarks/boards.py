"""One inference on every emulated core with every compiler that is installed, as tables or as JSON.

    python -m tinyc.benchmarks.boards [--json] [--models ../shared/models]

Instructions and bytes are measured, cycles and milliseconds modelled; docs/boards.md tells how.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..compiler.options import CompileOptions
from ..compiler.pipeline import Compiled, compile_model
from ..emulator.devices import build_device
from ..emulator.toolchain import Toolchain, gcc, zig
from ..ir.errors import BudgetError
from ..targets import Target, load_target
from . import mlperf
from .inputs import random_inputs

ROOT = Path(__file__).resolve().parents[1]
BOARDS = ("nucleo-g0b1re", "nucleo-f446re", "nucleo-h743zi", "nrf5340dk", "esp32-c3", "corstone-300")
"""One for each core; no board that comes with tinyc has a Cortex-M3."""
COMPARED = "nucleo-f446re"
"""The board on which compilers are set side by side."""
FLOATS = (COMPARED, "nucleo-l4r5zi")
"""Boards for models in float32: the same core, and all models fit the second one."""


@dataclass(frozen=True)
class Row:
    """One inference. ``stack``, ``code`` and ``constants`` in bytes, ``milliseconds`` at the board's clock;
    no cycles where the core has no timing table."""

    model: str
    board: str
    core: str
    compiler: str
    instructions: int
    cycles: float | None
    milliseconds: float | None
    stack: int
    code: int
    constants: int


def measure(model: str, compiled: Compiled, target: Target, toolchain: Toolchain) -> Row:
    """One inference of random numbers (seed 0) on the emulated board.

    Raises BudgetError where the image does not fit.
    """
    program = compiled.program
    layers = [step.name for step in program.steps]
    device = build_device(program, compiled.files, target, layers, toolchain)
    run = device.run(random_inputs(program))
    time = None if run.cycles is None else run.cycles / target.clock_hz * 1e3
    return Row(
        model, target.name, target.cpu, toolchain.label, run.instructions, run.cycles, time, run.stack,
        device.image.text, device.image.rodata,
    )  # fmt: skip


def rows(models: Path, boards: Sequence[str] = BOARDS) -> Iterator[Row]:
    """digits always; the MLPerf models where their folder is there."""
    if not models.is_dir():
        print(f"no MLPerf models in {models}: digits only", file=sys.stderr)
    for board in boards:
        target = load_target(board)
        own = ROOT / "models"
        calibrated = CompileOptions(
            board, calibration=own / "digits_calibration.npz", precision="int8", verify=False
        )
        compiled = {"digits": compile_model(own / "digits.onnx", calibrated)}
        for name in mlperf.NAMES if models.is_dir() else ():
            compiled[name] = compile_model(models / f"{name}_qdq.onnx", CompileOptions(board, verify=False))
        for model, library in compiled.items():
            for toolchain in _toolchains(target):
                yield measure(model, library, target, toolchain)


def float_rows(models: Path, boards: Sequence[str] = FLOATS) -> Iterator[Row]:
    """The MLPerf models in float32, each where it fits with its stack."""
    for board in boards:
        target = load_target(board)
        for name in mlperf.NAMES if models.is_dir() else ():
            compiled = compile_model(models / f"{name}_float.onnx", CompileOptions(board))
            try:
                for toolchain in _toolchains(target):
                    yield measure(f"{name}, float32", compiled, target, toolchain)
            except BudgetError as error:
                print(error, file=sys.stderr)


def _toolchains(target: Target) -> list[Toolchain]:
    return [found for find in (gcc, zig) if (found := find(target)) is not None]


def table(found: Sequence[Row]) -> str:
    """All rows as a table in Markdown."""
    names, numbers = ["model", "board", "core", "compiler"], ["instructions", "cycles", "ms", "stack"]
    head = [*names, *numbers, "code", "constants"]
    cells = [
        [
            row.model, row.board, row.core, row.compiler, f"{row.instructions:,}", _number(row.cycles, 0),
            _number(row.milliseconds, 2), f"{row.stack:,}", f"{row.code:,}", f"{row.constants:,}",
        ]
        for row in found
    ]  # fmt: skip
    return _markdown(head, cells, names=len(names))


def side_by_side(found: Sequence[Row], board: str = COMPARED) -> str:
    """The compilers on one board, a line for each model, as a table in Markdown."""
    here = [row for row in found if row.board == board]
    compilers = list(dict.fromkeys(row.compiler for row in here))
    kinds = ("instructions", "cycles", "stack", "code")
    head = ["model", *(f"{kind}, {compiler}" for kind in kinds for compiler in compilers)]
    cells: list[list[str]] = []
    for model in dict.fromkeys(row.model for row in here):
        of = {row.compiler: row for row in here if row.model == model}
        cells.append([
            model, *(_number(getattr(of[compiler], kind), 0) for kind in kinds for compiler in compilers)
        ])  # fmt: skip
    return _markdown(head, cells, names=1)


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _markdown(head: Sequence[str], cells: Sequence[Sequence[str]], names: int) -> str:
    """``names`` columns of words on the left, numbers after them."""
    widths = [max(3, *(len(line[column]) for line in (head, *cells))) for column in range(len(head))]

    def line(values: Sequence[str]) -> str:
        padded = [
            value.ljust(width) if column < names else value.rjust(width)
            for column, (value, width) in enumerate(zip(values, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if column < names else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return "\n".join([line(head), line(rule), *(line(values) for values in cells)])


def main() -> None:
    """Parses the command line and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--models", type=Path, default=ROOT.parent / "shared" / "models")
    arguments = parser.parse_args()
    found = [*rows(arguments.models), *float_rows(arguments.models)]
    if arguments.json:
        print(json.dumps([asdict(row) for row in found], indent=2))
    else:
        print(f"{table(found)}\n\nOn {COMPARED}:\n\n{side_by_side(found)}")


if __name__ == "__main__":
    main()
