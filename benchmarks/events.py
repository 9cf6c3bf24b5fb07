"""Layers whose inputs are spikes, by the rate of spikes, on an emulated board: the measured curve beside that
of the model of costs by which the compiler decides.

    python -m tinyc.benchmarks.events [--json] [--board nucleo-f446re]

Instructions and cycles are those of a layer's own function with all that it calls, for a multiply-accumulate
of the int8 layer of the same shape, which is beside them: finding spikes and writing currents are included.
Where the target has a form that takes all weights, the break-even is the rate from which it takes less.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

import numpy as np

from ..codegen.emit import Facts, emit
from ..emulator.board import LayerWork
from ..emulator.devices import Device, make_device
from ..ir.program import Program
from ..kernels.event import EventLayer
from ..kernels.event_conv2d import event_convolution
from ..kernels.event_dense import EventDense
from ..kernels.sliding import Sliding
from ..passes.place import place
from ..passes.tailor import tailor
from ..targets import Target, load_target
from . import kernels
from .spikes import spikes_at, spiking_program

BOARD = "nucleo-f446re"
RATES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Shares of inputs that spike."""
ALWAYS = 1.0
"""The rate for which a form of all weights is taken, where there is one."""


@dataclass(frozen=True)
class Case:
    """A dense layer, or a 3 × 3 convolution of ``size`` rows and columns."""

    inputs: int
    outputs: int
    size: int = 0
    groups: int = 1

    @property
    def name(self) -> str:
        if not self.size:
            return f"dense {self.inputs} → {self.outputs}"
        kind = "depthwise 3×3" if self.groups > 1 else "3×3"
        return f"{kind}, {self.size}×{self.size}×{self.inputs} → {self.outputs}"

    @property
    def macs(self) -> int:
        """Of the layer on int8; taps that fall into padding count."""
        each = self.inputs // self.groups * self.outputs
        return 9 * self.size**2 * each if self.size else each

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the spikes."""
        return (1, self.size, self.size, self.inputs) if self.size else (1, self.inputs)

    @property
    def int8(self) -> kernels.Case:
        """The layer on int8."""
        if not self.size:
            return kernels.Case(self.name, self.shape, (self.outputs, self.inputs))
        weights = (self.outputs, self.inputs // self.groups, 3, 3)
        attributes = {"group": self.groups, "pads": [1] * 4}
        return kernels.Case(self.name, (1, self.inputs, self.size, self.size), weights, attributes)

    def program(self, rate: float | None) -> Program:
        """The layer with random weights (seed 0), spread as trained ones are."""
        rng = np.random.default_rng(0)
        depth = self.inputs // self.groups
        dims = (self.outputs, 3, 3, depth) if self.size else (self.outputs, depth)
        weights = np.clip(np.round(rng.normal(0, 30, dims)), -127, 127).astype(np.int8)
        bias, out = rng.integers(-500, 500, self.outputs), (*self.shape[:-1], self.outputs)
        kernel: EventLayer
        if self.size:
            size = (self.size, self.size)
            sliding = Sliding((3, 3), (1, 1), (1, 1), (1, 1), size, size)
            kernel = event_convolution(sliding, self.groups, weights, bias, rate)
        else:
            kernel = EventDense.of(out, weights, bias, rate)
        return spiking_program(kernel, self.shape, out, kernel.dtype)


CASES = (
    Case(128, 128), Case(256, 128), Case(512, 64), Case(128, 10), Case(16, 16, 8), Case(32, 32, 8),
    Case(32, 32, 8, groups=32),
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """At one rate, for a multiply-accumulate of the dense layer: instructions and modelled cycles as counted,
    and the cycles that the model of costs expects."""

    rate: float
    instructions: float
    cycles: float | None
    predicted: float


@dataclass(frozen=True)
class Curve:
    """A layer. ``int8`` and ``int8_cycles`` are what the int8 layer takes. ``all_weights`` is the form that
    takes all of them, None where the target has none for it. Break-evens are rates: in instructions and
    cycles as counted, and in cycles as the model expects; None where events are cheaper at all rates."""

    layer: str
    macs: int
    currents: str
    int8: float
    int8_cycles: float | None
    events: tuple[Point, ...]
    all_weights: Point | None
    instructions_even: float | None
    cycles_even: float | None
    predicted_even: float | None


class Layer:
    """A program's second step on a board."""

    def __init__(self, program: Program, target: Target) -> None:
        placed = place(program)
        files = emit(placed, target, Facts("0", "layer.onnx", "0", 25, 0, 0, ""))
        self._device: Device = make_device(placed, files, target, [step.name for step in placed.steps])[0]
        self._buffer, self._shape = placed.buffers["y"], placed.buffers["x"].shape
        kernel = placed.steps[1].kernel
        assert isinstance(kernel, EventLayer)
        self.kernel = kernel

    def point(self, rate: float, macs: int) -> Point:
        """Counted with as many spikes as ``rate`` says."""
        work: LayerWork = self._device.run(spikes_at(rate, self._shape)).layers[1]
        expected = replace(self.kernel, rate=rate).cost(self._buffer.whole).cycles
        cycles = None if work.cycles is None else round(work.cycles / macs, 4)
        return Point(rate, round(work.instructions / macs, 4), cycles, round(expected / macs, 4))


def measure(case: Case, target: Target, rates: Sequence[float] = RATES) -> Curve:
    """A layer at all rates, and by the other form at one: its cost is that of any."""
    events = Layer(tailor(case.program(None), target), target)
    points = tuple(events.point(rate, case.macs) for rate in rates)
    other = Layer(tailor(case.program(ALWAYS), target), target)
    every = None if type(other.kernel) is type(events.kernel) else other.point(ALWAYS, case.macs)
    int8 = kernels.count(tailor(kernels.model_of(case.int8), target), target)
    evens = (None, None, None)
    if every is not None:
        evens = (
            crossing([(p.rate, p.instructions) for p in points], every.instructions),
            crossing([(p.rate, p.cycles or 0.0) for p in points], every.cycles or 0.0),
            crossing([(p.rate, p.predicted) for p in points], every.predicted),
        )
    return Curve(
        case.name, case.macs, events.kernel.dtype.name.lower(), round(int8.instructions / case.macs, 3),
        None if int8.cycles is None else round(int8.cycles / case.macs, 3), points, every, *evens,
    )  # fmt: skip


def crossing(points: Sequence[tuple[float, float]], level: float) -> float | None:
    """The rate at which a curve that rises reaches ``level``, between its points a straight line."""
    for (x0, y0), (x1, y1) in pairwise(points):
        if y0 <= level <= y1 and y1 > y0:
            return round(x0 + (x1 - x0) * (level - y0) / (y1 - y0), 3)
    return None


def table(curve: Curve) -> str:
    """A layer's curve in Markdown: a line for each rate."""
    every, head = curve.all_weights, "| rate | instructions | cycles | predicted |"
    lines = [head, "|---:|---:|---:|---:|"]
    lines += [f"| {100 * p.rate:.0f} % {_cells(p)}" for p in curve.events]
    if every is not None:
        lines.append(f"| all weights {_cells(every)}")
    lines.append(f"| int8 layer | {curve.int8:.3f} | {_number(curve.int8_cycles)} | |")
    title = f"{curve.layer}, currents {curve.currents}"
    if every is not None:
        even = (curve.instructions_even, curve.cycles_even, curve.predicted_even)
        title += "; break-even at " + ", ".join(
            f"{'no rate' if rate is None else f'{100 * rate:.0f} %'} ({what})"
            for rate, what in zip(even, ("instructions", "cycles", "predicted"), strict=True)
        )
    return "\n".join([title, "", *lines])


def _cells(point: Point) -> str:
    return f"| {point.instructions:.3f} | {_number(point.cycles)} | {point.predicted:.3f} |"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def main() -> None:
    """Parses the command line and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--board", default=BOARD)
    arguments = parser.parse_args()
    target = load_target(arguments.board)
    found = [measure(case, target) for case in CASES]
    if arguments.json:
        print(json.dumps([asdict(curve) for curve in found], indent=2))
    else:
        print("\n\n".join(table(curve) for curve in found))


if __name__ == "__main__":
    main()
