"""The report's lists: layers, buffers, tensors, and which layer runs when."""

from __future__ import annotations

from dataclasses import astuple
from itertools import groupby
from typing import Any

from ..codegen.feeding import feedings
from ..ir.lifetime import lifetimes
from ..ir.program import Program
from ..passes.schedule.cost import factor_bits, step_macs
from .measurement import Measurement
from .memory import constant_bytes, describe_storage, live_bytes
from .occupancy import Held, held
from .spikes import spikes_of
from .verification import Verification

_RUNS = 400
"""A program that changes from layer to layer more often has no list of its runs in the report."""


def layer_rows(
    program: Program, measured: Measurement | None, verification: Verification | None
) -> list[dict[str, Any]]:
    """The report's ``layers``: a row per step, in the order of the program."""
    errors = {e.step: e for e in verification.errors} if verification else {}
    live, macs = live_bytes(program), step_macs(program)
    tasks: list[list[int]] = [[] for _ in program.steps]
    for number, task in enumerate(program.tasks):
        tasks[task.step].append(number)
    rows: list[dict[str, Any]] = []
    for index, step in enumerate(program.steps):
        cost, error = measured.run.layers[index] if measured else None, errors.get(step.name)
        out, spikes = program.buffers[step.outputs[0]], spikes_of(program, step)
        once = step.kernel.cost(out.whole).macs
        rows.append({
            "index": index + 1,
            "name": step.name,
            "node": step.source,
            "operator": step.operator,
            "output_shape": list(out.shape),
            "dtype": out.dtype.value[0],
            "activation_bits": factor_bits(program, step)[0],
            "weight_bits": step.kernel.weight_bits,
            "macs": macs[index],
            "recompute_ratio": macs[index] / once if once else None,
            "spikes": spikes.to_dict() if spikes else None,
            "weights": constant_bytes(step),
            "code": measured.layer_code[index] if measured else None,
            "sram": max((live[task] for task in tasks[index]), default=0),
            "instructions": cost.instructions if cost else None,
            "cycles": None if cost is None or cost.cycles is None else round(cost.cycles),
            "lsb": error.lsb if error else None,
            "relative_error": error.relative if error else None,
            "spikes_flipped": error.flipped.to_dict() if error and error.flipped else None,
        })  # fmt: skip
    return rows


def buffer_rows(program: Program) -> list[dict[str, Any]]:
    """The report's ``buffers``: those that own memory. ``layer`` is the number of the layer that writes it
    first; ``held`` the bytes of it that are in use: first and last task, first byte and the one behind."""
    final = max(len(program.tasks), 1) - 1
    lives = {name: (life.first, life.end - 1) for name, life in lifetimes(program).items()}
    lives |= {state.before: (0, final) for state in program.states}
    parts, writers = held(program), _writers(program)
    return [
        {
            "name": name,
            "tensor": program.buffers[name].source,
            "role": program.buffers[name].role.value,
            "bytes": program.buffers[name].nbytes,
            "offset": program.offset(name),
            "first": first,
            "last": last,
            "layer": writers.get(name),
            "storage": describe_storage(program.buffers[name].storage),
            "held": [
                list(astuple(part))
                for part in parts.get(name, [Held(first, last, 0, program.buffers[name].nbytes)])
            ],
        }
        for name, (first, last) in lives.items()
    ]


def _writers(program: Program) -> dict[str, int]:
    """The number of the first layer that writes each buffer that owns memory, views counted for it."""
    found: dict[str, int] = {}
    for index, step in enumerate(program.steps, 1):
        for name in (*step.outputs, *step.scratch):
            found.setdefault(program.owner(name)[0], index)
    return found


def timeline(program: Program) -> dict[str, Any]:
    """How many tasks there are, and as ``runs`` (number of the layer, first and last task) those that follow
    one another in one layer; None where there are too many of them to look at."""
    runs: list[list[int]] = []
    for layer, tasks in groupby(enumerate(program.tasks), key=lambda pair: pair[1].step + 1):
        numbers = [number for number, _ in tasks]
        runs.append([layer, numbers[0], numbers[-1]])
    return {"tasks": len(program.tasks), "runs": runs if len(runs) <= _RUNS else None}


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
