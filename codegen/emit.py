"""The emitted files, as text by file name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from math import inf
from typing import Any, cast

import jinja2
import numpy as np

from ..ir.invariant import run_once
from ..ir.program import Buffer, Program, Step, Task
from ..targets import Target
from .calls import Caller, first_repeated
from .feeding import feedings
from .layout import c_comment, c_node, wrapped
from .literals import c_array, c_float, c_int, c_lowest, c_signed, c_type
from .operands import StepView
from .optimization import LEVELS, Optimize, other
from .states import initial_bytes, resets

_HELPER = re.compile(r"\btinyc_(\w+)")
"""What emitted C calls of ``runtime_c``: the name of the section behind the prefix."""


@dataclass(frozen=True)
class Inference:
    """An inference of a rate-coded network: at most ``steps`` time steps, or until the greatest element of
    the first output leads by more than ``lead``, in units of that output; None where it has no two elements.
    """

    steps: int
    lead: int | float | None


@dataclass(frozen=True)
class Stream:
    """A call of a streamed model takes ``frames``; answers of the first ``warm_up`` calls are of frames that
    have not all come."""

    frames: int
    warm_up: int


@dataclass(frozen=True)
class Facts:
    """What the header says of the model beyond its program."""

    version: str
    model_file: str
    sha256: str
    opset: int
    parameters: int
    macs: int
    options: str
    optimize: Optimize = "speed"
    inference: Inference | None = None
    stream: Stream | None = None


@dataclass(frozen=True)
class GoldenVector:
    """Inputs and outputs (by buffer name) that ``<model>_selftest`` replays: of ``steps`` runs, the first of
    them after a reset, one behind the other."""

    inputs: Mapping[str, np.ndarray]
    outputs: Mapping[str, np.ndarray]
    steps: int = 1

    @classmethod
    def of(
        cls, inputs: Sequence[Mapping[str, np.ndarray]], outputs: Sequence[Mapping[str, np.ndarray]]
    ) -> GoldenVector:
        """Of consecutive runs."""
        return cls(_joined(inputs), _joined(outputs), len(inputs))

    def tolerance(self, output: str) -> float:
        """How far a float output may lie from the golden one: 1e-5 of its range."""
        magnitudes = np.abs(self.outputs[output])
        return 1e-5 * max(float(magnitudes[np.isfinite(magnitudes)].max(initial=0.0)), 1e-6)


def _joined(runs: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([run[name].reshape(-1) for run in runs]) for name in runs[0]}


@dataclass(frozen=True)
class Footprint:
    """What the emulated board measured, in bytes: the deepest stack of ``<model>_run``, variables besides
    the arena, code and constants in flash. ``code_otherwise`` is the code optimized for the other of speed
    and size, ``total_otherwise`` with its constants, None where no board holds it. ``source`` says how (board
    and compiler)."""

    stack: int
    static: int
    code: int
    code_otherwise: int | None
    total_otherwise: int | None
    constants: int
    source: str


@dataclass(frozen=True)
class Symbol:
    """A constant array in flash: its C name, the array, and the macro that says where it goes."""

    name: str
    array: np.ndarray
    place: str


@dataclass(frozen=True)
class Layer:
    """A step with everything that its function's text needs."""

    index: int
    step: StepView
    source: Step
    symbols: Mapping[str, Symbol]
    body: str
    macs: int


@cache
def environment() -> jinja2.Environment:
    """Templates of this package. Undefined names are errors; macros are known to every template."""
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("tinyc.codegen"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        lstrip_blocks=False,
        autoescape=False,
    )
    known = cast("dict[str, Any]", env.globals)
    known["inf"] = inf
    for function in (c_int, c_float, c_lowest, c_signed, c_type, c_array, c_comment, c_node):
        env.filters[function.__name__] = function
    macros = env.get_template("macros.j2").module
    known.update({name: getattr(macros, name) for name in dir(macros) if not name.startswith("_")})
    return env


def emit(
    program: Program, target: Target, facts: Facts, golden: GoldenVector | None = None,
    sram_budget: int | None = None,
) -> dict[str, str]:  # fmt: skip
    """The C library of a placed program, with its CMake file: text by file name. Deterministic.

    ``sram_budget`` is what the header holds the plan against, in bytes; None: all of the target's.
    """
    context = _context(program, target, facts, golden)
    names = {
        "model.c.j2": f"{program.name}.c",
        "weights.h.j2": f"{program.name}_weights.h",
        "weights.c.j2": f"{program.name}_weights.c",
        "CMakeLists.txt.j2": "CMakeLists.txt",
    }
    if golden is not None:
        names["selftest.c.j2"] = f"{program.name}_selftest.c"
    made = {
        name: wrapped(environment().get_template(source).render(context)) for source, name in names.items()
    }
    made["tinyc_runtime.h"] = runtime_header(made[f"{program.name}.c"])
    made[f"{program.name}.h"] = emit_header(program, target, facts, sram_budget)
    return made


def emit_header(
    program: Program, target: Target, facts: Facts, sram_budget: int | None = None,
    footprint: Footprint | None = None,
) -> str:  # fmt: skip
    """The header alone, with what was measured: the C that was measured does not change by it."""
    context = interface(program) | {
        "program": program,
        "plan": program.plan,
        "target": target,
        "facts": facts,
        "weight_bytes": weight_bytes(program),
        "sram_budget": target.sram_bytes if sram_budget is None else sram_budget,
        "footprint": footprint,
        "level": LEVELS[facts.optimize],
        "otherwise": other(facts.optimize),
        "layout_of": _layout_of,
        "meaning_of": _meaning_of,
        "states": [program.buffers[state.before] for state in program.states],
    }
    return wrapped(environment().get_template("model.h.j2").render(context))


def emit_harness(program: Program) -> str:
    """A host program that feeds the model from standard input; see its comment."""
    return environment().get_template("harness.c.j2").render(interface(program))


def emit_selftest_main(program: Program) -> str:
    """A host program that runs ``<model>_selftest`` and says what it found."""
    return environment().get_template("selftest_main.c.j2").render(interface(program))


def weight_bytes(program: Program) -> int:
    """Bytes of constant arrays in flash."""
    constants = (array for step in program.steps for array in step.kernel.constants().values())
    return sum(array.nbytes for array in constants) + initial_bytes(program)


def interface(program: Program) -> dict[str, Any]:
    """What templates know of a model from outside: its name, its inputs, those fed by rows, its outputs."""
    return {
        "name": program.name,
        "NAME": program.name.upper(),
        "inputs": [program.buffers[name] for name in program.inputs],
        "outputs": [program.buffers[name] for name in program.outputs],
        "fed": feedings(program),
        "stateful": bool(program.states),
        "holds": bool(run_once(program)),
    }


def _context(program: Program, target: Target, facts: Facts, golden: GoldenVector | None) -> dict[str, Any]:
    tasks: dict[int, list[Task]] = defaultdict(list)
    for task in program.tasks:
        tasks[task.step].append(task)
    layers = [_layer(program, index, tasks[index]) for index in range(len(program.steps))]
    body = Caller(program, [layer.step for layer in layers]).body()
    first = first_repeated(program, body) if facts.inference else 0
    reset = resets(program)
    initials = [Symbol(r.symbol, r.values, "TINYC_WEIGHTS_ATTR") for r in reset if r.fill is None]
    return interface(program) | {
        "program": program,
        "plan": program.plan,
        "facts": facts,
        "level": LEVELS[facts.optimize],
        "layers": layers,
        "resets": reset,
        "initials": initials,
        "symbols": [*initials, *(symbol for layer in layers for symbol in layer.symbols.values())],
        "once": body[:first],
        "body": body[first:],
        "golden": golden,
        "weight_bytes": weight_bytes(program),
        "traffic": partial(_traffic, program),
    }


def _layout_of(buffer: Buffer) -> str:
    shape = " × ".join(str(d) for d in buffer.shape) or "one"
    return f"{shape} {buffer.dtype.c}"


def _meaning_of(buffer: Buffer) -> str:
    if buffer.quant is None:
        return ""
    zero = buffer.quant.zero_point
    shifted = "q" if zero == 0 else f"(q {'-' if zero > 0 else '+'} {abs(zero)})"
    return f"; real = {shifted} * {buffer.quant.scale:.7g}"


def _traffic(program: Program, layer: Layer) -> str:
    """Shapes and places of a layer's operands: ``in 25×5×64 at arena + 0``."""
    step = layer.source

    def one(label: str, name: str) -> str:
        shape = "×".join(str(d) for d in program.buffers[name].shape) or "1"
        block = "state" if program.persists(name) else "arena"
        return f"{label} {shape} at {block} + {program.offset(name)}"

    parts = [one(op.name, name) for op, name in zip(layer.step.operands, program.operands(step), strict=True)]
    return ", ".join(parts)


def _layer(program: Program, index: int, tasks: Sequence[Task]) -> Layer:
    step = program.steps[index]
    view = StepView.of(program, step, tasks)
    symbols = {
        key: Symbol(f"{program.name}_{step.name}_{key}", array, _place(key))
        for key, array in step.kernel.constants().items()
    }
    template = environment().get_template(f"kernels/{step.kernel.template}.c.j2")
    body = template.render(
        k=step.kernel, step=view, const={key: symbol.name for key, symbol in symbols.items()}
    )
    whole = program.buffers[step.outputs[0]].whole
    macs = step.kernel.cost(whole).macs
    return Layer(index + 1, view, step, symbols, body.strip("\n"), macs)


def _place(key: str) -> str:
    return "TINYC_TABLES_ATTR" if key.startswith("table") else "TINYC_WEIGHTS_ATTR"


def runtime_header(text: str) -> str:
    """tinyc_runtime.h with the sections of ``runtime_c`` that ``text`` calls, and those that these call."""
    sections = _runtime_sections()
    ordered: list[str] = []
    seen: set[str] = set()

    def require(caller: str) -> None:
        for name in sorted(sections.keys() & set(_HELPER.findall(caller))):
            if name not in seen:
                seen.add(name)
                require(sections[name])
                ordered.append(name)

    require(text)
    return environment().get_template("runtime.h.j2").render(sections=[sections[name] for name in ordered])


@cache
def _runtime_sections() -> Mapping[str, str]:
    return {
        entry.name.removesuffix(".h"): entry.read_text(encoding="utf-8")
        for entry in files("tinyc.runtime_c").iterdir()
        if entry.name.endswith(".h")
    }
