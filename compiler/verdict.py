"""The verdict on the budget: what to tell a user whose model does not fit."""

from __future__ import annotations

from ..ir.errors import BudgetError
from ..passes.onnx_graph import quoted
from ..targets import load_target, target_names
from .memory import peak
from .report import Report


def require_fit(report: Report) -> None:
    """Raises BudgetError naming by how much, where, and what would help, where the model does not fit."""
    if report.fits:
        return
    sram, flash = report.sram_total - report.sram_budget, report.flash_total - report.flash_budget
    over: list[str] = []
    if sram > 0:
        over.append(
            f"{report.sram_total:,} bytes of SRAM where {report.sram_budget:,} are allowed, {sram:,} too many"
        )
    if flash > 0:
        over.append(
            f"{report.flash_total:,} bytes of flash where {report.flash_budget:,} are allowed, "
            f"{flash:,} too many"
        )
    raise BudgetError(
        f"Model {report.program.name} does not fit {report.target.name}: it needs {' and '.join(over)}",
        where=_where(report, sram, flash),
        remedy=_remedies(report, sram),
    )


def _where(report: Report, sram: int, flash: int) -> str:
    lines: list[str] = []
    if sram > 0 and report.program.tasks:
        top = peak(report.program)
        held = ", ".join(f"{name} {size:,}" for name, size in top.buffers[:4])
        lines.append(
            f"the peak is at layer {top.layer} (node {quoted(top.source)}), where these live: {held}"
        )
    if flash > 0:
        heaviest = max(report.to_dict()["layers"], key=lambda row: row["weights"])
        lines.append(
            f"the heaviest layer is {heaviest['name']} with {heaviest['weights']:,} bytes of weights"
        )
    return "\n".join(lines)


def _remedies(report: Report, sram: int) -> str:
    lines: list[str] = []
    floats = any(buffer.dtype.is_float for buffer in report.program.buffers.values())
    if floats:
        lines.append("quantize to int8, which takes about a quarter: --calibration SAMPLES.npz")
    fitting = [
        t for t in _boards() if t.sram_bytes >= report.sram_total and t.flash_bytes >= report.flash_total
    ]
    if fitting:
        nearest = sorted(fitting, key=lambda t: (t.sram_bytes, t.flash_bytes, t.name))[:3]
        lines.append("choose a board that it fits: " + ", ".join(f"--target {t.name}" for t in nearest))
    if sram > 0:
        lines.append("make the model's input smaller, or narrow the layer at the peak")
    return "\n".join(lines)


def _boards():
    return [load_target(name) for name in target_names() if name != "host"]
