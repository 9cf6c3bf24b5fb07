"""report.json: everything that a compile found out, in the form that tests/report_schema.json fixes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..codegen.emit import Facts, Footprint, weight_bytes
from ..codegen.optimization import LEVELS, Optimize, other
from ..ir.errors import BudgetError
from ..ir.program import Program
from ..passes.schedule.cost import bitops, step_macs
from ..targets import Target
from .accuracy import Accuracy
from .measurement import Measurement, Unmeasured
from .mixing import MixedPrecision
from .origins import origins
from .rows import buffer_rows, describe_tensor, layer_rows, timeline
from .scheduling import Schedules
from .spiking import Rates
from .verdict import refusal
from .verification import Verification


@dataclass(frozen=True)
class Report:
    """What the user reads. Bytes are bytes; a figure that was not measured is None."""

    schedules: Schedules
    target: Target
    facts: Facts
    sram_budget: int
    flash_budget: int
    calibration: str | None
    mixed: MixedPrecision | None
    rates: Rates | None
    removed_channels: int
    measured: Measurement | Unmeasured
    verification: Verification | None
    accuracy: Accuracy | None
    reproduction: Mapping[str, Any]
    """See ``reproduce.reproduction``."""
    files: tuple[str, ...]

    @property
    def program(self) -> Program:
        """As it was scheduled and placed."""
        return self.schedules.program

    @property
    def arena(self) -> int:
        """Bytes."""
        return self.schedules.points[self.schedules.chosen].arena

    @property
    def state(self) -> int:
        """Bytes that persist between runs."""
        assert self.program.plan is not None
        return self.program.plan.state_bytes

    @property
    def measurement(self) -> Measurement | None:
        """The run on the emulated board; None: the totals hold what is planned, and nothing else."""
        return self.measured if isinstance(self.measured, Measurement) else None

    @property
    def footprint(self) -> Footprint | None:
        """What that run found out about memory."""
        return self.measurement.footprint if self.measurement else None

    @property
    def sram_total(self) -> int:
        """Bytes that the firmware must set aside: arena and state, and as measured variables and stack."""
        measured = self.footprint.static + self.footprint.stack if self.footprint else 0
        return self.arena + self.state + measured

    @property
    def flash_total(self) -> int:
        """Bytes of constants, and as measured of code."""
        return self.constants + (self.footprint.code if self.footprint else 0)

    @property
    def flash_if_shared(self) -> int | None:
        """The total with layers that share their code; None where that was not measured, or takes no less."""
        if self.footprint is None or self.facts.optimize == "size":
            return None
        total = self.footprint.total_otherwise
        return None if total is None or total >= self.flash_total else total

    @property
    def constants(self) -> int:
        """Bytes of weights and tables in flash; as measured with what else the code reads from there."""
        return self.footprint.constants if self.footprint else weight_bytes(self.program)

    @property
    def method(self) -> str:
        """How the totals came about."""
        return "measured" if self.measurement else "estimated"

    @property
    def milliseconds(self) -> float | None:
        """Modelled time of one inference at the board's clock."""
        if self.measurement is None or self.measurement.run.cycles is None:
            return None
        return self.measurement.run.cycles / self.target.clock_hz * 1e3

    @property
    def fits(self) -> bool:
        return self.sram_total <= self.sram_budget and self.flash_total <= self.flash_budget

    @cached_property
    def refusal(self) -> BudgetError | None:
        """Why it does not fit, and what to do; None where it does."""
        return refusal(self)

    def to_dict(self) -> dict[str, Any]:
        """The content of report.json."""
        content = self._content()
        return content | {"origins": origins(content)}

    def _content(self) -> dict[str, Any]:
        program, run = self.program, self.measurement
        return {
            "tinyc": self.facts.version,
            "model": self._model(),
            "target": {
                "name": self.target.name,
                "cpu": self.target.cpu,
                "sram_bytes": self.target.sram_bytes,
                "flash_bytes": self.target.flash_bytes,
            },
            "options": self.facts.options,
            "optimize": self.facts.optimize,
            "calibration": self.calibration,
            "mixed_precision": None if self.mixed is None else self.mixed.to_dict(),
            "spiking": None if self.rates is None else self.rates.to_dict(),
            "refusal": self._refusal(),
            "sram": self._sram(),
            "flash": self._flash(),
            "compute": self._compute(),
            "accuracy": None if self.accuracy is None else self.accuracy.to_dict(),
            "verification": self._verification(),
            "toolchain": self.measurement.toolchain if self.measurement else None,
            "unmeasured": self.measured.line if isinstance(self.measured, Unmeasured) else None,
            "layers": layer_rows(program, run, self.verification),
            "buffers": buffer_rows(program),
            "timeline": timeline(program),
            "pareto": self.schedules.to_dicts(),
            "reproduce": dict(self.reproduction),
            "files": list(self.files),
        }

    def _model(self) -> dict[str, Any]:
        facts, program = self.facts, self.program
        return {
            "name": program.name,
            "file": facts.model_file,
            "sha256": facts.sha256,
            "opset": facts.opset,
            "parameters": facts.parameters,
            "macs": facts.macs,
            "removed_channels": self.removed_channels,
            "inputs": [describe_tensor(program, name) for name in program.inputs],
            "outputs": [describe_tensor(program, name) for name in program.outputs],
            "states": [describe_tensor(program, state.before) for state in program.states],
        }

    def _refusal(self) -> dict[str, str] | None:
        found = self.refusal
        return None if found is None else {"what": found.what, "where": found.where, "remedy": found.remedy}

    def _sram(self) -> dict[str, Any]:
        plan = self.program.plan
        assert plan is not None
        return {
            "total": self.sram_total,
            "budget": self.sram_budget,
            "fits": self.sram_total <= self.sram_budget,
            "method": self.method,
            "arena": plan.arena_bytes,
            "state": self.state,
            "static": self.footprint.static if self.footprint else 0,
            "stack": self.footprint.stack if self.footprint else None,
            "lower_bound": plan.lower_bound,
            "proved_optimal": plan.proved_optimal,
            "layer_by_layer": self.schedules.layer_by_layer,
            "input_mode": "rows" if self.schedules.input_passes else "buffer",
            "input_passes": self.schedules.input_passes,
        }

    def _flash(self) -> dict[str, Any]:
        return {
            "total": self.flash_total,
            "budget": self.flash_budget,
            "fits": self.flash_total <= self.flash_budget,
            "method": self.method,
            "code": self.footprint.code if self.footprint else None,
            "code_by_goal": self.code_by_goal(),
            "weights": self.constants,
        }

    def code_by_goal(self) -> dict[Optimize, int | None]:
        """Bytes of code optimized for speed and for size, whichever was asked for."""
        chosen, footprint = self.facts.optimize, self.footprint
        code = (None, None) if footprint is None else (footprint.code, footprint.code_otherwise)
        both = dict(zip((chosen, other(chosen)), code, strict=True))
        return {goal: both[goal] for goal in LEVELS}

    def _compute(self) -> dict[str, Any]:
        run = self.measurement.run if self.measurement else None
        return {
            "macs_executed": sum(step_macs(self.program)),
            "recompute_ratio": self.schedules.recompute_ratio,
            "bitops": bitops(self.program),
            "instructions": run.instructions if run else None,
            "cycles": None if run is None or run.cycles is None else round(run.cycles),
            "milliseconds": self.milliseconds,
            "core": self.target.cpu,
            "clock_hz": self.target.clock_hz,
        }

    def _verification(self) -> dict[str, Any] | None:
        v = self.verification
        if v is None:
            return None
        return {
            "host_bit_exact": v.host_bit_exact,
            "board_bit_exact": v.board_bit_exact,
            "vectors": v.vectors,
            "left_out": v.left_out,
            "max_lsb_per_layer": v.max_lsb,
            "spikes_flipped": None if v.flipped is None else v.flipped.to_dict(),
        }
