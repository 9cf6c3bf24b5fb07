"""The verdict on the budget: what to tell a user whose model does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ir.errors import BudgetError
from ..passes.onnx_graph import quoted
from ..targets import Target, load_target, target_names
from .memory import constant_bytes, peak

if TYPE_CHECKING:
    from .report import Report


def require_fit(report: Report) -> None:
    """Raises the report's refusal where the model does not fit."""
    if report.refusal is not None:
        raise report.refusal


def refusal(report: Report) -> BudgetError | None:
    """By how much, where, and what would help; None where the model fits."""
    if report.fits:
        return None
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
    return BudgetError(
        f"Model {report.program.name} does not fit {report.target.name}: it needs {' and '.join(over)}",
        where=_where(report, sram, flash),
        remedy=_remedies(report, sram, flash),
    )


def _where(report: Report, sram: int, flash: int) -> str:
    lines: list[str] = []
    if sram > 0 and report.program.tasks:
        top = peak(report.program)
        held = ", ".join(f"{name} {size:,}" for name, size in top.buffers[:4])
        lines.append(
            f"the peak is at layer {top.layer} (node {quoted(top.source)}), where these live: {held}"
        )
        lines[-1] += f"; the state takes {report.state:,}" if report.state else ""
        if report.footprint is not None:
            lines[-1] += f"; the deepest stack takes {report.footprint.stack:,}"
    if flash > 0:
        heaviest = max(report.program.steps, key=constant_bytes)
        lines.append(
            f"the heaviest layer is {heaviest.name} with {constant_bytes(heaviest):,} bytes of weights"
        )
        if report.footprint is not None:
            lines[-1] += f"; code takes {report.footprint.code:,}"
    return "\n".join(lines)


def _remedies(report: Report, sram: int, flash: int) -> str:
    """What to type or to change, the cheapest first."""
    lines: list[str] = []
    floats = any(buffer.dtype.is_float for buffer in report.program.buffers.values())
    if sram > 0:
        lines += _other_schedules(report)
    if flash > 0:
        lines += _smaller_code(report)
    if _holds(report.target, report):
        lines.append(_wider_budget(report, sram, flash))
    if floats:
        quarter = f"{report.sram_total // 4:,} bytes of SRAM, {report.flash_total // 4:,} of flash"
        lines.append(f"quantize to int8, which takes about a quarter ({quarter}): --calibration SAMPLES.npz")
    if not _holds(report.target, report):
        lines += _other_boards(report, floats)
    if sram > 0:
        lines.append("make the model's input smaller, or narrow the layer at the peak")
    return "\n".join(lines)


def _other_schedules(report: Report) -> list[str]:
    """Schedules that need less, and the input delivered in another way."""
    schedules, least = report.schedules, report.schedules.least()
    lines: list[str] = []
    if least < report.arena:
        lines.append(f"take the smallest schedule: --schedule min-sram (arena of about {least:,} bytes)")
    fed = schedules.least_if_fed()
    if fed is not None and fed < least:
        lines.append(
            f"feed the image row by row, so that it never lies in SRAM as a whole: --input-mode rows "
            f"(arena of about {fed:,} bytes)"
        )
    return lines


def _smaller_code(report: Report) -> list[str]:
    """Routines shared by layers, where that takes less than what was asked for."""
    total, size = report.flash_if_shared, report.code_by_goal()["size"]
    if total is None:
        return []
    found = f"code of {size:,} bytes, {total:,} of flash in all"
    return [f"let layers share their routines: --optimize size ({found})"]


def _wider_budget(report: Report, sram: int, flash: int) -> str:
    """For a budget below what the board has."""
    options = [f"--sram-budget {report.sram_total}"] if sram > 0 else []
    options += [f"--flash-budget {report.flash_total}"] if flash > 0 else []
    board = report.target
    return (
        f"allow what it needs, {' '.join(options)}: {board.name} has {board.sram_bytes:,} bytes of SRAM "
        f"and {board.flash_bytes:,} of flash"
    )


def _other_boards(report: Report, floats: bool) -> list[str]:
    """The smallest boards that have the room, and floating-point hardware where that is computed in."""
    known = [load_target(name) for name in target_names() if name != "host"]
    fitting = [board for board in known if _holds(board, report) and (board.fpu != "none" or not floats)]
    nearest = sorted(fitting, key=lambda board: (board.sram_bytes, board.flash_bytes, board.name))[:3]
    listed = ", ".join(f"--target {board.name}" for board in nearest)
    return [f"choose a board that it fits: {listed}"] if nearest else []


def _holds(board: Target, report: Report) -> bool:
    return board.sram_bytes >= report.sram_total and board.flash_bytes >= report.flash_total
