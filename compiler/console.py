"""What commands print: tables for people, nothing superfluous when piped."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..codegen.emit import Footprint
from ..codegen.optimization import LEVELS, other
from ..ir.names import printable
from ..passes.mixed_precision import Patches
from .dumps import PassEffect
from .measurement import Unmeasured
from .output import PAGE
from .patching import PatchWork
from .report import Report
from .spikes import described


def print_json(data: object) -> None:
    """One JSON document on standard output."""
    json.dump(data, sys.stdout, indent=2)
    sys.stdout.write("\n")


def print_text(text: str) -> None:
    """Text as it is, for other programs."""
    sys.stdout.write(text)


@contextmanager
def progress() -> Generator[Callable[[str], None], None, None]:
    """A spinner with the stage's name on a terminal; silent when standard error is piped."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda stage: None
        return
    with console.status("starting") as status:
        yield lambda stage: status.update(stage)


def kilobytes(count: int) -> str:
    """``12,345 B (12.1 KiB)``"""
    return f"{count:,} B ({count / 1024:.1f} KiB)"


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()
) -> Table:
    """A plain rich table; columns named in ``right`` are aligned right."""
    made = Table(
        title=_text(title) if title else None,
        title_justify="left",
        box=None,
        pad_edge=False,
        show_header=any(columns),
        header_style="bold",
    )
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(_text(cell) for cell in row))
    return made


def _text(cell: object) -> Text:
    """A cell as plain text: names from a model are neither markup nor control characters."""
    if isinstance(cell, Text):
        return cell
    return Text("" if cell is None else printable(str(cell)))


def show(*renderables: object) -> None:
    """Prints to standard output, wide enough for a pipe."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=120, color_system=None)
    for renderable in renderables:
        console.print(_text(renderable) if isinstance(renderable, str) else renderable, highlight=False)


def show_report(report: Report, folder: str, effects: Sequence[PassEffect]) -> None:
    """The table and the verdict at the end of a compile."""
    facts = report.facts
    rows: list[tuple[object, ...]] = [
        ("model", report.program.name, f"{facts.parameters:,} parameters, {facts.macs:,} MACs"),
        *_memory_rows(report),
        *_time_row(report),
        *_calibration_row(report),
        *_mixed_rows(report),
        *_spiking_rows(report),
        *_accuracy_row(report),
        *_verification_row(report),
        ("output", folder, f"{PAGE} shows it"),
        ("verdict", Text("fits", "green") if report.fits else Text("does not fit", "red"), ""),
    ]
    show(table(f"tinyc {facts.version}, {report.target.title}", ["", "", ""], rows))
    if effects:
        show(
            table(
                "passes",
                ["pass", "moved the output by"],
                [(e.name, f"{e.error:.2e} of its range") for e in effects],
            )
        )


def _memory_rows(report: Report) -> list[tuple[str, str, str]]:
    plan, measurement = report.program.plan, report.measurement
    assert plan is not None
    proof = "proved minimal for this order" if plan.proved_optimal else f"lower bound {plan.lower_bound:,}"
    sram = f"{report.method}: arena {report.arena:,} ({proof})"
    sram += f", state {report.state:,}" if report.state else ""
    flash = f"{report.method}: weights {report.constants:,}"
    if measurement is not None:
        footprint = measurement.footprint
        sram += f", stack {footprint.stack:,}"
        sram += f", variables {footprint.static:,}" if footprint.static else ""
        flash += f", code {footprint.code:,} ({measurement.toolchain})"
    rows = [
        ("SRAM", f"{kilobytes(report.sram_total)} of {report.sram_budget:,}", sram),
        ("flash", f"{kilobytes(report.flash_total)} of {report.flash_budget:,}", flash),
    ]
    if measurement is not None:
        rows.append(_code_row(report, measurement.footprint))
    if isinstance(report.measured, Unmeasured):
        rows.append(("not counted", "stack and code", report.measured.line))
    return rows


def _code_row(report: Report, footprint: Footprint) -> tuple[str, str, str]:
    """What the code is optimized for, and how much it were otherwise."""
    goal, otherwise = report.facts.optimize, footprint.code_otherwise
    alternative = "" if otherwise is None else f"--optimize {other(goal)}: {kilobytes(otherwise)}"
    return "code", kilobytes(footprint.code), f"for {goal}, {LEVELS[goal]}; {alternative}".rstrip("; ")


def _time_row(report: Report) -> list[tuple[str, str, str]]:
    """One inference at the board's clock."""
    measurement, milliseconds = report.measurement, report.milliseconds
    if measurement is None:
        return []
    run, clock = measurement.run, f"{report.target.clock_hz / 1e6:g} MHz"
    counted = f"{run.instructions:,} instructions"
    if milliseconds is None:
        return [("time", "not modelled", counted)]
    return [("time", f"{milliseconds:,.2f} ms at {clock}", f"modelled: {run.cycles:,.0f} cycles; {counted}")]


def _calibration_row(report: Report) -> list[tuple[str, str, str]]:
    return [] if report.calibration is None else [("int8 ranges", report.calibration, "")]


def _patch_rows(patches: Patches, work: PatchWork | None) -> list[tuple[object, ...]]:
    """The map of positions, or how many percent of samples have outliers there, beside what it means."""
    grid, end, classes = patches.stage.grid, patches.stage.end, patches.classes
    beyond = f"values beyond {classes.mean:.3g} ± {classes.reach:.3g}"
    if work is None:
        told = [
            f"{classes.wide} of {grid.regions} patches keep 8 bits (#) in the first {end} layers:",
            beyond,
            f"in more than {classes.threshold:.0%} of samples",
        ]
        drawn = classes.drawn().splitlines()
    else:
        first = f"patches keep 8 bits in the first {end} layers if they hold {beyond}:"
        told = [first, *work.described()]
        drawn = [" ".join(f"{share:4.0%}" for share in row) for row in classes.shares]
    lines = zip_longest(drawn, told, fillvalue="")
    return [("patches" if not index else "", *line) for index, line in enumerate(lines)]


def _spiking_rows(report: Report) -> list[tuple[object, ...]]:
    lines = [None if report.rates is None else report.rates.described(), described(report.program)]
    said = [line for line in lines if line is not None]
    return [("spiking" if index == 0 else "", "", line) for index, line in enumerate(said)]


def _mixed_rows(report: Report) -> list[tuple[object, ...]]:
    if report.mixed is None:
        return []
    rows: list[tuple[object, ...]] = [("mixed precision", "", report.mixed.described())]
    if report.mixed.patches is not None:
        rows += _patch_rows(report.mixed.patches, report.mixed.work)
    if (slowed := report.mixed.slowed()) is not None:
        rows.append(("", "", slowed))
    if report.mixed.warning is not None:
        rows.append(("", Text("warning", "yellow"), report.mixed.warning))
    return rows


def _accuracy_row(report: Report) -> list[tuple[str, str, str]]:
    a = report.accuracy
    if a is None:
        return []
    if a.compiled is None or a.reference is None:
        return [("agreement", f"{a.agreement:.2%}", f"with the model as it came, on {a.samples} samples")]
    return [
        (
            "accuracy",
            f"{a.compiled:.2%}",
            f"the model as it came: {a.reference:.2%}; {a.samples} samples, agreement {a.agreement:.2%}",
        )
    ]


def _verification_row(report: Report) -> list[tuple[str, str, str]]:
    v = report.verification
    if v is None:
        return [("verification", "skipped", "--no-verify")]
    same = "emulator = C" if v.board_bit_exact is None else "emulator = C = board"
    exact = v.host_bit_exact and v.board_bit_exact is not False
    agreed = f"{same}, every byte" if exact else f"{same} within 1e-5"
    bound = "" if v.max_lsb is None else f"; each layer within {v.max_lsb} LSB of ONNX Runtime"
    flipped = "" if v.flipped is None else f"; {v.flipped.count:,} of {v.flipped.spikes:,} spikes flipped"
    left = f"; {v.left_out} more left out, where rounding decides about spikes" if v.left_out else ""
    return [("verification", agreed, f"{v.vectors} vectors{bound}{flipped}{left}")]


def show_mapping(title: str, data: Mapping[str, Any]) -> None:
    """Names and values, one a line."""
    show(table(title, ["", ""], list(data.items())))
