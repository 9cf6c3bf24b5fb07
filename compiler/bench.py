"""``tinyc bench``: what each layer of a compiled library costs on the emulated board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..codegen.optimization import LEVELS, Optimize
from ..passes.samples import random_samples
from . import console
from .feeding import stored_inputs
from .folder import Library


@dataclass(frozen=True)
class LayerBench:
    """One layer: its share of one inference. ``cycles`` are modelled, None where the core has no table."""

    name: str
    operator: str
    macs: int
    instructions: int
    cycles: float | None

    @property
    def per_mac(self) -> float | None:
        """Instructions per multiply-accumulate."""
        return self.instructions / self.macs if self.macs else None


@dataclass(frozen=True)
class Bench:
    """One inference on an emulated board. Bytes; ``stack`` is the deepest use of ``<model>_run``."""

    model: str
    target: str
    toolchain: str
    optimize: Optimize
    clock_hz: int
    instructions: int
    cycles: float | None
    stack: int
    text: int
    rodata: int
    layers: tuple[LayerBench, ...]

    @property
    def milliseconds(self) -> float | None:
        """Modelled time at the board's clock."""
        return None if self.cycles is None else self.cycles / self.clock_hz * 1e3

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        plain = {key: value for key, value in vars(self).items() if key != "layers"}
        rows = [vars(layer) | {"instructions_per_mac": layer.per_mac} for layer in self.layers]
        return plain | {"milliseconds": self.milliseconds, "layers": rows}

    def show(self) -> None:
        """Prints the totals, and the layers with the dearest first."""
        facts = {
            "compiler": f"{self.toolchain}, {LEVELS[self.optimize]}",
            "instructions": f"{self.instructions:,}",
            "cycles, modelled": _number(self.cycles),
            "time, modelled": ""
            if self.milliseconds is None
            else f"{self.milliseconds:.2f} ms at {self.clock_hz / 1e6:g} MHz",
            "stack": f"{self.stack:,} B",
            "code, constants": f"{self.text:,} B, {self.rodata:,} B",
        }
        console.show_mapping(f"{self.model} on the emulated {self.target}", facts)
        ordered = sorted(self.layers, key=lambda layer: -layer.instructions)
        rows = [
            (layer.name, layer.operator, f"{layer.macs:,}", f"{layer.instructions:,}", _number(layer.cycles),
             "" if layer.per_mac is None else f"{layer.per_mac:.2f}")
            for layer in ordered
        ]  # fmt: skip
        columns = ["layer", "operator", "MACs", "instructions", "cycles", "per MAC"]
        console.show(console.table("layers", columns, rows, right=columns[2:]))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def bench(library: Library, board: str | None) -> Bench:
    """Runs one random sample of ``library`` on ``board`` (None: the one it was compiled for)."""
    target = library.board(board)
    device, toolchain = library.device(target)
    sample = next(iter(random_samples(library.inputs, 1, seed=0)))
    run = device.run(stored_inputs(library.interface, sample))
    layers = tuple(
        LayerBench(facts.name, facts.operator, facts.macs, work.instructions, work.cycles)
        for facts, work in zip(library.layers, run.layers, strict=True)
    )
    return Bench(
        library.name, target.name, toolchain.label, toolchain.optimize, target.clock_hz, run.instructions,
        run.cycles, run.stack, device.image.text, device.image.rodata, layers,
    )  # fmt: skip
