"""report.json: everything that a compile found out, in the form that tests/report_schema.json fixes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..codegen.emit import Facts, Footprint, weight_bytes
from ..codegen.feeding import feedings
from ..codegen.optimization import LEVELS, Optimize, other
from ..ir.lifetime import lifetimes
from ..ir.program import Program
from ..passes.schedule.cost import bitops, factor_bits, step_macs
from ..targets import Target
from .accuracy import Accuracy
from .measurement import Measurement, Unmeasured
from .memory import describe_storage, live_bytes
from .mixing import MixedPrecision
from .scheduling import Schedules
from .spikes import spikes_of
from .spiking import Rates
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

    def to_dict(self) -> dict[str, Any]:
        """The content of report.json."""
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
            "sram": self._sram(),
            "flash": self._flash(),
            "compute": self._compute(),
            "accuracy": self._accuracy(),
            "verification": self._verification(),
            "toolchain": self.measurement.toolchain if self.measurement else None,
            "unmeasured": self.measured.line if isinstance(self.measured, Unmeasured) else None,
            "layers": self._layers(),
            "buffers": self._buffers(),
            "pareto": self.schedules.to_dicts(),
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
        executed = sum(self.layer_macs())
        run = self.measurement.run if self.measurement else None
        return {
            "macs_executed": executed,
            "recompute_ratio": self.schedules.recompute_ratio,
            "bitops": bitops(self.program),
            "instructions": run.instructions if run else None,
            "cycles": _rounded(run.cycles) if run else None,
            "milliseconds": self.milliseconds,
            "core": self.target.cpu,
        }

    def layer_macs(self) -> list[int]:
        """MACs that are executed for each step, those done again included."""
        return step_macs(self.program)

    def _accuracy(self) -> dict[str, Any] | None:
        a = self.accuracy
        if a is None:
            return None
        return {
            "samples": a.samples,
            "metric": a.metric,
            "reference": a.reference,
            "compiled": a.compiled,
            "agreement": a.agreement,
            "max_error": a.error,
        }

    def _verification(self) -> dict[str, Any] | None:
        v = self.verification
        if v is None:
            return None
        return {
            "host_bit_exact": v.host_bit_exact,
            "board_bit_exact": v.board_bit_exact,
            "vectors": v.vectors,
            "max_lsb_per_layer": v.max_lsb,
        }

    def _layers(self) -> list[dict[str, Any]]:
        program = self.program
        errors = {e.step: e for e in self.verification.errors} if self.verification else {}
        live = live_bytes(program)
        work = self.measurement.run.layers if self.measurement else [None] * len(program.steps)
        rows: list[dict[str, Any]] = []
        for index, (step, macs, cost) in enumerate(zip(program.steps, self.layer_macs(), work, strict=True)):
            tasks = [t for t, task in enumerate(program.tasks) if task.step == index]
            error = errors.get(step.name)
            out, spikes = program.buffers[step.outputs[0]], spikes_of(program, step)
            rows.append({
                "index": index + 1,
                "name": step.name,
                "node": step.source,
                "operator": step.operator,
                "output_shape": list(out.shape),
                "dtype": out.dtype.value[0],
                "activation_bits": factor_bits(program, step)[0],
                "weight_bits": step.kernel.weight_bits,
                "macs": macs,
                "spikes": spikes.to_dict() if spikes else None,
                "weights": sum(array.nbytes for array in step.kernel.constants().values()),
                "sram": max((live[t] for t in tasks), default=0),
                "instructions": cost.instructions if cost else None,
                "cycles": _rounded(cost.cycles) if cost else None,
                "lsb": error.lsb if error else None,
                "relative_error": error.relative if error else None,
            })  # fmt: skip
        return rows

    def _buffers(self) -> list[dict[str, Any]]:
        program, final = self.program, max(len(self.program.tasks), 1) - 1
        lives = {name: (life.first, life.end - 1) for name, life in lifetimes(program).items()}
        lives |= {state.before: (0, final) for state in program.states}
        return [
            {
                "name": name,
                "tensor": program.buffers[name].source,
                "role": program.buffers[name].role.value,
                "bytes": program.buffers[name].nbytes,
                "offset": program.offset(name),
                "first": first,
                "last": last,
                "storage": describe_storage(program.buffers[name].storage),
            }
            for name, (first, last) in lives.items()
        ]


def _rounded(cycles: float | None) -> int | None:
    return None if cycles is None else round(cycles)


def describe_tensor(program: Program, name: str) -> dict[str, Any]:
    """An input or output as the caller meets it, or a state; ``offset`` is its place in the arena, or in the
    state block.

    ``passes`` is how often a row is asked for at most, 0 where the tensor lies in the arena as a whole;
    ``in_order`` tells that rows are asked for once, from the first to the last.
    """
    buffer = program.buffers[name]
    feeding = feedings(program).get(name)
    return {
        "name": buffer.name,
        "tensor": buffer.source,
        "shape": list(buffer.shape),
        "axes": list(buffer.order or range(len(buffer.shape))),
        "dtype": buffer.dtype.value[0],
        "offset": program.offset(name),
        "passes": 0 if feeding is None else feeding.passes,
        "in_order": feeding is not None and feeding.in_order,
        "scale": None if buffer.quant is None else buffer.quant.scale,
        "zero_point": None if buffer.quant is None else buffer.quant.zero_point,
    }
