"""How each figure of the report came about, so that nobody takes a model for a measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

Origin = Literal[
    "planned", "measured on the emulated board", "measured on this computer", "modelled", "estimated"
]
"""planned: follows exactly from the program; measured: by running the C; modelled: instructions of that run
by the core's table of timings; estimated: from the kernels' own counts, before there is any C."""

_PLANNED = (
    "model.macs", "sram.arena", "sram.state", "sram.lower_bound", "sram.layer_by_layer",
    "compute.macs_executed", "compute.recompute_ratio", "compute.bitops", "layers.macs",
    "layers.recompute_ratio", "layers.weights", "layers.sram", "layers.spikes.dense_macs",
    "layers.spikes.state_bytes", "buffers.bytes", "pareto.arena", "pareto.macs", "pareto.recompute_ratio",
    "mixed_precision.front.flash", "mixed_precision.front.bitops",
)  # fmt: skip
_TOTALS = ("sram.total", "sram.static", "flash.total", "flash.weights")
"""With what only a board shows, where there was a run on one."""
_BOARD = ("sram.stack", "flash.code", "compute.instructions", "layers.code", "layers.instructions")
_COMPUTER = (
    "accuracy.reference", "accuracy.compiled", "accuracy.agreement", "accuracy.max_error",
    "accuracy.interval", "accuracy.confusion", "layers.lsb", "layers.relative_error", "layers.spikes_flipped",
    "layers.spikes.firing_rate", "mixed_precision.value", "mixed_precision.drop",
    "mixed_precision.front.accuracy", "mixed_precision.patches.shares", "spiking.calibration",
    "spiking.evaluation",
)  # fmt: skip
_MODELLED = ("compute.cycles", "compute.milliseconds", "layers.cycles")
_ESTIMATED = (
    "pareto.cycles", "layers.spikes.synaptic_operations", "mixed_precision.expected_drop",
    "mixed_precision.front.sram", "mixed_precision.front.cycles",
)  # fmt: skip


def origins(report: Mapping[str, Any]) -> dict[str, Origin]:
    """Of every figure in ``report`` that is not null, by its path; items of lists have no number."""
    totals: Origin = "estimated"
    if report["sram"]["method"] == "measured":
        totals = "measured on the emulated board"
    table: dict[str, Origin] = {
        **dict.fromkeys(_PLANNED, "planned"),
        **dict.fromkeys(_TOTALS, totals),
        **dict.fromkeys(_BOARD, "measured on the emulated board"),
        **dict.fromkeys(_COMPUTER, "measured on this computer"),
        **dict.fromkeys(_MODELLED, "modelled"),
        **dict.fromkeys(_ESTIMATED, "estimated"),
    }
    return {path: origin for path, origin in table.items() if _is_there(report, path.split("."))}


def _is_there(value: Any, path: Sequence[str]) -> bool:
    if value is None or not path:
        return value is not None
    items: list[Any] = value if isinstance(value, list) else [value]
    return any(_is_there(item[path[0]], path[1:]) for item in items)
