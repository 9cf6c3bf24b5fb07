"""A folder that ``tinyc compile`` wrote: its C compiled and run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..codegen.optimization import LEVELS, Optimize
from ..emulator.devices import Device, make_device
from ..emulator.host import HostModel, run_selftest
from ..emulator.toolchain import Toolchain
from ..ir.dtype import DType, Quant
from ..ir.errors import UsageError
from ..ir.program import Buffer, MemoryPlan, Program, Role, State, Step
from ..ir.values import to_real
from ..kernels.feed import Feed
from ..passes.samples import InputSpec, load_samples, load_sequences
from ..targets import Target, load_target, target_names
from .feeding import stored_inputs
from .output import written_files


@dataclass(frozen=True)
class LayerFacts:
    """A layer as the report names it; MACs of one inference."""

    name: str
    operator: str
    macs: int


@dataclass(frozen=True)
class TargetFacts:
    """What the report tells of the board that a library was compiled for; bytes."""

    name: str
    cpu: str
    sram_bytes: int
    flash_bytes: int


@dataclass(frozen=True)
class Library:
    """The files of a compiled model, and its interface as ``report.json`` describes it."""

    interface: Program
    files: Mapping[str, str]
    target: TargetFacts
    layers: tuple[LayerFacts, ...]
    optimize: Optimize

    @property
    def name(self) -> str:
        return self.interface.name

    @property
    def inputs(self) -> list[InputSpec]:
        """What each input takes, in the model's own order of axes."""
        return [_spec(self.interface.buffers[name]) for name in self.interface.inputs]

    def run(self, samples: Path) -> dict[str, np.ndarray]:
        """Real outputs on this computer by graph output name, samples on the first axis; time steps on the
        second, where the model has states."""
        with HostModel(self.interface, self.files) as host:
            return self._real(host.run_sequences(self._stored(samples)))

    def board(self, named: str | None) -> Target:
        """The board of that name or file; None: the one that the library was compiled for.

        Raises UsageError where that was a target file of the user's own: the folder does not hold it.
        """
        if named is not None:
            return load_target(named)
        if self.target.name in target_names():
            target = load_target(self.target.name)
            if TargetFacts(target.name, target.cpu, target.sram_bytes, target.flash_bytes) == self.target:
                return target
        raise UsageError(
            f"{self.name} was compiled for a target file of your own, {self.target.name}",
            remedy="name the file: --on FILE.toml for tinyc run, --target FILE.toml for tinyc bench",
        )

    def run_on_board(self, samples: Path, named: str | None = None) -> dict[str, np.ndarray]:
        """The same on an emulated board; see ``board``."""
        device, _ = self.device(self.board(named))
        sequences = [device.run_steps(sequence) for sequence in self._stored(samples)]
        return self._real([[run.outputs for run in sequence] for sequence in sequences])

    def device(self, target: Target) -> tuple[Device, Toolchain]:
        """The library on an emulated board; see ``make_device`` for what is refused."""
        names = [layer.name for layer in self.layers]
        return make_device(self.interface, self.files, target, names, self.optimize)

    def _stored(self, samples: Path) -> list[list[dict[str, np.ndarray]]]:
        """Sequences; of a model without states each sample is one of a single step."""
        if self.interface.states:
            loaded = load_sequences(samples, self.inputs)
        else:
            loaded = ([sample] for sample in load_samples(samples, self.inputs))
        return [[stored_inputs(self.interface, sample) for sample in sequence] for sequence in loaded]

    def _real(self, sequences: Sequence[Sequence[Mapping[str, np.ndarray]]]) -> dict[str, np.ndarray]:
        real: dict[str, np.ndarray] = {}
        for buffer in (self.interface.buffers[name] for name in self.interface.outputs):
            steps = [[to_real(run[buffer.name], buffer) for run in sequence] for sequence in sequences]
            real[buffer.source] = np.stack(steps) if self.interface.states else np.concatenate(steps)
        return real

    def selftest(self) -> None:
        """Replays the golden vector; VerificationError where an output differs."""
        run_selftest(self.interface, self.files)


def load_folder(folder: Path) -> Library:
    """Reads a folder; UsageError where tinyc did not write it."""
    from .commands import read_json

    report = read_json(folder / "report.json")
    try:
        model = report["model"]
        inputs = [_buffer(entry, Role.INPUT) for entry in model["inputs"]]
        outputs = [_buffer(entry, Role.OUTPUT) for entry in model["outputs"]]
        held = [_buffer(entry, Role.STATE) for entry in model["states"]]
        feeds = tuple(_feed(entry) for entry in model["inputs"] if entry["passes"])
        name, target = str(model["name"]), TargetFacts(**report["target"])
        layers = tuple(LayerFacts(row["name"], row["operator"], row["macs"]) for row in report["layers"])
        plan, optimize = _plan(report), _optimize(report)
    except (KeyError, TypeError) as error:
        raise UsageError(
            "The report is not one that this version of tinyc wrote",
            where=str(folder / "report.json"),
            why=f"it lacks {error}",
            remedy="compile the model again",
        ) from error
    interface = Program(
        name,
        {b.name: b for b in inputs + outputs + held},
        feeds,
        (),
        tuple(b.name for b in inputs),
        tuple(b.name for b in outputs),
        plan,
        states=tuple(State(b.name, b.name, bytes(b.nbytes)) for b in held),  # the C has the initial values
    )
    return Library(interface, _sources(folder), target, layers, optimize)


def _optimize(report: Mapping[str, Any]) -> Optimize:
    """KeyError for one that there is not."""
    known: dict[str, Optimize] = {goal: goal for goal in LEVELS}
    return known[report["optimize"]]


def _feed(entry: Mapping[str, Any]) -> Step:
    """What delivers the rows of an input."""
    elements = prod(entry["shape"]) // entry["shape"][1]
    return Step(f"feed_{entry['name']}", Feed(elements, again=not entry["in_order"]), (), (entry["name"],))


def _plan(report: Mapping[str, Any]) -> MemoryPlan:
    """Where the arena's buffers lie."""
    sram = report["sram"]
    offsets = {row["name"]: int(row["offset"]) for row in report["buffers"]}
    offsets |= {
        entry["name"]: int(entry["offset"])
        for key in ("inputs", "outputs", "states")
        for entry in report["model"][key]
    }
    return MemoryPlan(
        offsets, sram["arena"], sram["lower_bound"], sram["proved_optimal"], 4, sram["state"], 4
    )


def _sources(folder: Path) -> dict[str, str]:
    """The C that tinyc wrote, by plain file name: packages keep it in sub-folders."""
    paths = [folder / name for name in sorted(written_files(folder)) if name.endswith((".c", ".h"))]
    return {path.name: path.read_text(encoding="utf-8") for path in paths if path.is_file()}


def _spec(buffer: Buffer) -> InputSpec:
    logical = buffer.from_memory(np.empty(buffer.shape)).shape
    return InputSpec(buffer.source, logical, buffer.dtype.numpy, buffer.quant)


def _buffer(entry: Mapping[str, Any], role: Role) -> Buffer:
    quant = None if entry["scale"] is None else Quant(float(entry["scale"]), int(entry["zero_point"]))
    return Buffer(
        entry["name"], tuple(entry["shape"]), DType.named(entry["dtype"]), quant=quant, role=role,
        source=entry["tensor"], order=tuple(entry["axes"]),
    )  # fmt: skip
