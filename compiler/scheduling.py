"""Which schedule a compile takes: the front of those worth having, and the user's choice among them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..codegen.emit import weight_bytes
from ..ir.errors import ModelError, UsageError
from ..ir.program import Program, Task
from ..passes.hold import hold_invariants
from ..passes.schedule import Point, layer_by_layer, placed_front
from ..passes.schedule.cost import executed
from ..passes.schedule.feed import feed_by_rows
from ..passes.schedule.lazy import least_memory
from ..passes.schedule.order import least_peak_order
from ..passes.schedule.selection import model_macs
from ..passes.settle import settle_states
from ..passes.shift import shift_states
from ..passes.tailor import tailor
from ..passes.views import eliminate_copies
from ..targets import Target
from .memory import describe_storage
from .options import CompileOptions, InputMode


@dataclass(frozen=True)
class Schedules:
    """The front, from the fastest to the one with the least memory, and the index of the one to take.

    ``layers`` is the program that all are made of, one whole layer after the other, with kernels that need
    the least working memory. ``negotiable``: a smaller one may be taken instead, where the choice was to fit
    a budget.
    """

    layers: Program
    points: tuple[Point, ...]
    chosen: int
    negotiable: bool = False

    @property
    def program(self) -> Program:
        """Placed."""
        return self.points[self.chosen].program

    @property
    def recompute_ratio(self) -> float:
        """MACs that the chosen schedule executes, to those of the model."""
        return self.points[self.chosen].macs / max(model_macs(self.layers), 1)

    @property
    def layer_by_layer(self) -> int:
        """Arena bytes of the fastest schedule, which runs one whole layer after the other (but branches of
        patches region by region)."""
        return self.points[0].arena

    @property
    def input_passes(self) -> int:
        """How often the rows of an input are asked for; 0 where inputs lie in the arena whole."""
        return self.points[self.chosen].input_passes

    def to_dicts(self) -> list[dict[str, Any]]:
        """The front as the report lists it; ``point`` is the number that ``--pareto`` takes."""
        base = max(model_macs(self.layers), 1)
        return [
            {
                "point": number,
                "chosen": number == self.chosen + 1,
                "schedule": self.describe(point),
                "arena": point.arena,
                "macs": point.macs,
                "recompute_ratio": point.macs / base,
                "cycles": round(point.cycles),
                "input_passes": point.input_passes,
            }
            for number, point in enumerate(self.points, 1)
        ]

    def describe(self, point: Point) -> str:
        """How it runs, and whether it does without the target's own instructions."""
        portable = executed(self.points[0].program).spared and not executed(point.program).spared
        return f"{point.describe()}, portable kernels" if portable else point.describe()

    def least(self) -> int:
        """Arena bytes, estimated, of the schedule with the least SRAM."""
        return least_memory(self.layers).nbytes

    def least_if_fed(self) -> int | None:
        """The same with the input fed row by row; None where that is not possible, or done already."""
        if self.input_passes:
            return None
        try:
            return least_memory(feed_by_rows(self.layers, again=False)).nbytes
        except ModelError:
            return None

    def smaller(self) -> Schedules | None:
        """The next point, which takes less memory; None where there is none, or the user chose this one."""
        following = self.chosen + 1
        return replace(self, chosen=following) if self.negotiable and following < len(self.points) else None

    def lighter(self, flash_budget: int) -> Schedules | None:
        """The next point whose constants take fewer bytes of flash, and not more than the budget; None as for
        ``smaller``."""
        limit = min(weight_bytes(self.program) - 1, flash_budget)
        following = range(self.chosen + 1, len(self.points) if self.negotiable else 0)
        found = (index for index in following if weight_bytes(self.points[index].program) <= limit)
        index = next(found, None)
        return None if index is None else replace(self, chosen=index)


def ordered(layers: Program, input_mode: InputMode = "buffer") -> Program:
    """``layers``, which run layer by layer, as schedules are made of them: in the order of least peak,
    without copies, with states shifted and settled, and with inputs fed as asked."""
    program = settle_states(eliminate_copies(least_peak_order(shift_states(layers)).program))
    if input_mode == "buffer":
        return program
    return feed_by_rows(program, again=input_mode == "reread")


def make_schedules(
    layers: Program, target: Target, options: CompileOptions, sram_budget: int, repeated: bool = False
) -> Schedules:
    """Schedules of ``layers``, which run layer by layer, on ``target``, with the choice that ``options`` ask
    for.

    Where time steps are ``repeated`` with the same inputs, what depends on these alone is kept, save in
    schedules behind those, which take less memory than all of them. UsageError where ``options`` ask for a
    point that does not exist.
    """
    plain = ordered(layers, options.input_mode)
    program = hold_invariants(plain) if repeated and options.input_mode == "buffer" else plain
    fast = settle_states(tailor(program, target))
    if options.schedule == "fast" and options.pareto is None:
        return Schedules(program, (layer_by_layer(fast),), 0)
    points = _front(program, fast)
    if program is not plain:
        others = _front(plain, settle_states(tailor(plain, target)))
        points += tuple(point for point in others if point.planned < points[-1].planned)
    negotiable = options.schedule == "fit" and options.pareto is None
    return Schedules(program, points, _choice(points, options, sram_budget), negotiable)


def _front(program: Program, fast: Program) -> tuple[Point, ...]:
    """Of ``program`` as it is and with the target's kernels."""
    forms = (fast, program) if any(step.scratch for step in fast.steps) else (fast,)
    return tuple(placed_front(*forms))


def _choice(points: tuple[Point, ...], options: CompileOptions, sram_budget: int) -> int:
    if options.pareto is not None:
        if not 1 <= options.pareto <= len(points):
            listed = "\n".join(f"{n}: {p.arena:,} bytes, {p.describe()}" for n, p in enumerate(points, 1))
            raise UsageError(
                f"There is no schedule {options.pareto} on the front of this model",
                why=f"it has {len(points)}:\n{listed}",
                remedy=f"choose --pareto 1 to --pareto {len(points)}",
            )
        return options.pareto - 1
    if options.schedule == "min-sram":
        return len(points) - 1
    fitting = (index for index, p in enumerate(points) if p.planned <= sram_budget)
    return next(fitting, len(points) - 1)


def describe_schedule(program: Program) -> dict[str, Any]:
    """Every task in order, and how each buffer is stored: what ``--schedule-dump`` writes."""
    return {
        "steps": [step.name for step in program.steps],
        "buffers": {
            name: {"shape": list(buffer.shape), "storage": describe_storage(buffer.storage)}
            for name, buffer in program.buffers.items()
        },
        "tasks": [_describe_task(program, task) for task in program.tasks],
    }


def _describe_task(program: Program, task: Task) -> dict[str, Any]:
    window = program.window(task)
    return {
        "step": program.steps[task.step].name,
        "rows": [window.y0, window.y1],
        "columns": [window.x0, window.x1],
        **({"origins": dict(task.origins)} if task.origins else {}),
        **({"tops": dict(task.tops)} if task.tops else {}),
        **({"when": {"flag": [when.y, when.x], "is": when.value}} if (when := task.when) else {}),
    }
