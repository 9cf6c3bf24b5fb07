"""L2MU, a Legendre Memory Unit made wholly of leaky integrate-and-fire neurons, one time step a call.

After Leto, Urgese, Macii and Fra, "A LIF-based Legendre Memory Unit" (arXiv 2407.04076). With spikes x of the
input and, from the step before, h of the hidden state and m of the memory, populations of LIF neurons are

    u = LIF(e_x x + e_h h + e_m m)        one neuron per memory unit
    m = LIF(A m + B u)                    ``order`` neurons per memory unit, A and B shared by all units
    h = LIF(W_x x + W_h h + W_m m)        from the new m

A and B are the Legendre memory's (``lmu.py``). Spikes subtract the threshold at the next step, and no layer
but the output has a bias, as in the paper. All state is explicit: see ``GraphBuilder``.

``DIGITS`` reads an image row by row; a row's 8 grey levels become spikes in a population of their own, and
the outputs are leaky integrators. The packaged ``l2mu_digits.onnx`` (66,587 parameters) recognises 97.2 % of
the evaluation images of ``digits.py``, with 8.9 % of its neurons spiking in a step. ``BRAILLE`` has the size
that the paper gives for 7 Braille letters: spikes of 12 taxels in, spikes of 7 classes out, 119,083
parameters with A and B among them.

``PLAIN`` is the network that this comes from, a Legendre Memory Unit without spikes (Voelker, Kajić and
Eliasmith, NeurIPS 2019): ReLU behind the encoder, u linear, the memory linear (``LinearMemory``), and

    h = tanh(W_x x + W_h h + W_m m)

``python -m tinyc.models.l2mu digits -o l2mu_digits.onnx`` trains the network again (extra ``train``), with
``--plain`` the one without spikes; ``braille`` writes one with random weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
import onnx_ir as oir

from ..passes.onnx_builder import GraphBuilder
from .digits import CLASSES, load_split, rows_of
from .extras import training_packages
from .lmu import discrete_memory
from .stepping import described

Array = np.ndarray[Any, Any]
Weights = Mapping[str, Array]

OPSET = 18
_SEED = 1


@dataclass(frozen=True)
class Leak:
    """A population's decay β per step and threshold Θ."""

    beta: float
    threshold: float


@dataclass(frozen=True)
class Cell:
    """Sizes of a Legendre Memory Unit: ``inputs`` values in, ``hidden`` values out, θ in steps."""

    inputs: int
    units: int
    order: int
    theta: float
    hidden: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The weights by name, as (outputs, inputs)."""
        memory = self.units * self.order
        return {
            "e_x": (self.units, self.inputs),
            "e_h": (self.units, self.hidden),
            "e_m": (self.units, memory),
            "A": (self.order, self.order),
            "B": (self.order, 1),
            "W_x": (self.hidden, self.inputs),
            "W_h": (self.hidden, self.hidden),
            "W_m": (self.hidden, memory),
        }

    def memory(self) -> dict[str, Array]:
        """A and B, float32; they are not trained."""
        a, b = discrete_memory(self.order, self.theta)
        return {"A": a.astype(np.float32), "B": b.astype(np.float32)}


@dataclass(frozen=True)
class SpikingCell(Cell):
    """The same with neurons: spikes in, spikes out."""

    u: Leak
    m: Leak
    h: Leak


# β = 1 − 2^−k, so that decay is a shift. With eight neurons per unit, a unit's spikes are a byte.
ROWS = PIXELS = 8
ENCODER = Leak(0.5, 1.0)
DIGITS = SpikingCell(64, 8, 8, ROWS, 192, u=Leak(0.75, 1.0), m=Leak(0.5, 0.15), h=Leak(0.75, 1.0))
READOUT_BETA = 0.875

PLAIN = Cell(32, 4, 8, ROWS, 64)

BRAILLE = SpikingCell(12, 70, 7, 10.0, 120, u=Leak(0.8, 0.2), m=Leak(0.2, 0.4), h=Leak(0.45, 0.65))
BRAILLE_OUTPUT = Leak(0.6, 0.15)
BRAILLE_CLASSES = 7


class _Network:
    """Layers of a step model."""

    def __init__(self, name: str, weights: Weights) -> None:
        self.graph = GraphBuilder(name)
        self._weights = weights

    def linear(self, name: str, x: oir.Value) -> oir.Value:
        """W x, and + b where ``name`` is a layer with ``.weight`` and ``.bias``."""
        parts = [part for part in (name, f"{name}.weight", f"{name}.bias") if part in self._weights]
        operands = [self.graph.weight(part, self._weights[part]) for part in parts]
        return self.graph.op("Gemm", name, [x, *operands], transB=1)

    def lif(self, name: str, current: oir.Value, shape: Sequence[int | str], leak: Leak) -> oir.Value:
        """The spikes of a population of that shape."""
        return self.graph.neurons("LIF", name, current, shape, vars(leak))

    def plain_cell(self, cell: Cell, x: oir.Value) -> oir.Value:
        """The hidden state for ``x``, without spikes."""
        units, graph = ["batch", cell.units, cell.order], self.graph
        h, m = graph.input("h", ["batch", cell.hidden]), graph.input("memory.m", units)
        flat = graph.op("Flatten", "m.flat", [m], axis=1)
        u = self._sum("u", self.linear("e_x", x), self.linear("e_h", h), self.linear("e_m", flat))
        new_m = graph.memory("memory", self._column(u), m, self._weights["A"], self._weights["B"])
        flat = graph.op("Flatten", "m_next.flat", [new_m], axis=1)
        drive = self._sum("h.drive", self.linear("W_x", x), self.linear("W_h", h), self.linear("W_m", flat))
        new_h = graph.op("Tanh", "h", [drive])
        graph.keep(h, new_h)
        return new_h

    def cell(self, cell: SpikingCell, x: oir.Value) -> oir.Value:
        """The spikes of the hidden state for input spikes ``x``."""
        units, graph = ["batch", cell.units, cell.order], self.graph
        h, m = graph.input("h", ["batch", cell.hidden]), graph.input("m", units)
        flat = graph.op("Flatten", "m.flat", [m], axis=1)
        drive = self._sum("u.drive", self.linear("e_x", x), self.linear("e_h", h), self.linear("e_m", flat))
        u = self.lif("u", drive, units[:2], cell.u)
        column = self._column(u)
        drive = self._sum("m.drive", self._of_units("A", m), self._of_units("B", column))
        new_m = self.lif("m", drive, units, cell.m)
        flat = graph.op("Flatten", "m_next.flat", [new_m], axis=1)
        drive = self._sum("h.drive", self.linear("W_x", x), self.linear("W_h", h), self.linear("W_m", flat))
        new_h = self.lif("h", drive, ["batch", cell.hidden], cell.h)
        graph.keep(h, new_h)
        graph.keep(m, new_m)
        return new_h

    def _column(self, u: oir.Value) -> oir.Value:
        """One input for each memory unit, (batch, units, 1)."""
        return self.graph.op("Unsqueeze", "u.column", [u, self.graph.weight("u.column.axes", np.array([2]))])

    def _of_units(self, name: str, x: oir.Value) -> oir.Value:
        """W applied to each memory unit of ``x`` (batch, units, inputs)."""
        return self.graph.op("MatMul", name, [x, self.graph.weight(name, self._weights[name].T)])

    def _sum(self, scope: str, first: oir.Value, *others: oir.Value) -> oir.Value:
        for i, other in enumerate(others):
            first = self.graph.op("Add", f"{scope}.{i}", [first, other])
        return first


def build_digits(weights: Weights) -> onnx.ModelProto:
    """One step of ``DIGITS``: ``row`` (batch, 8) float32 to ``logits`` (batch, 10) float32.

    ``weights`` are ``DIGITS.shapes()`` and ``weight`` and ``bias`` of ``encoder`` and ``output``.
    """
    net = _Network("l2mu_digits", weights)
    row = net.graph.input("row", ["batch", PIXELS])
    x = net.lif("encoder", net.linear("encoder", row), ["batch", DIGITS.inputs], ENCODER)
    current = net.linear("output", net.cell(DIGITS, x))
    logits = net.graph.neurons("LI", "output", current, ["batch", CLASSES], {"beta": READOUT_BETA})
    return net.graph.model({"logits": logits}, OPSET)


def build_plain(weights: Weights) -> onnx.ModelProto:
    """One step of ``PLAIN``; inputs, outputs and ``weights`` as ``build_digits`` has them."""
    net = _Network("lmu_digits", weights)
    row = net.graph.input("row", ["batch", PIXELS])
    x = net.graph.op("Relu", "encoder", [net.linear("encoder", row)])
    logits = net.linear("output", net.plain_cell(PLAIN, x))
    return net.graph.model({"logits": logits}, OPSET)


def build_braille(weights: Weights) -> onnx.ModelProto:
    """One step of ``BRAILLE``: ``taxels`` (batch, 12) bool to ``spikes`` (batch, 7), float32 of 0 and 1.

    ``weights`` are ``BRAILLE.shapes()`` and ``output.weight`` and ``output.bias``.
    """
    net = _Network("l2mu_braille", weights)
    taxels = net.graph.input("taxels", ["batch", BRAILLE.inputs], oir.DataType.BOOL)
    x = net.graph.op("Cast", "taxels", [taxels], to=int(oir.DataType.FLOAT))
    current = net.linear("output", net.cell(BRAILLE, x))
    spikes = net.lif("output", current, ["batch", BRAILLE_CLASSES], BRAILLE_OUTPUT)
    return net.graph.model({"spikes": spikes}, OPSET)


def random_braille_weights() -> dict[str, Array]:
    """Weights for ``build_braille`` from a fixed seed, each uniform with variance 1 / inputs."""
    random = np.random.default_rng(_SEED)
    shapes = BRAILLE.shapes() | {
        "output.weight": (BRAILLE_CLASSES, BRAILLE.hidden),
        "output.bias": (BRAILLE_CLASSES,),
    }
    drawn = {
        name: random.uniform(-1, 1, shape).astype(np.float32) * np.float32((3 / shape[-1]) ** 0.5)
        for name, shape in shapes.items()
    }
    return drawn | BRAILLE.memory()


_FILE = click.Path(path_type=Path, dir_okay=False)
_OUTPUT = click.option("-o", "--output", type=_FILE, required=True, metavar="FILE.onnx")


@click.group(help="Write a Legendre Memory Unit of leaky integrate-and-fire neurons as ONNX.")
def main() -> None:
    """One command for each network."""


@main.command(help="Train the network that reads digits row by row.")
@click.option("--plain", is_flag=True, help="The network without spikes.")
@_OUTPUT
@click.option("--calibration", type=_FILE, metavar="X.npz", help="Write the calibration sequences here.")
@click.option("--evaluate", type=_FILE, metavar="Y.npz", help="Write the evaluation sequences here.")
def digits(plain: bool, output: Path, calibration: Path | None, evaluate: Path | None) -> None:
    """Trains, writes the model and, where asked for, the data, and prints how well it reads."""
    with training_packages():
        from .l2mu_training import train, train_plain

        split = load_split()
        build, trained = (build_plain, train_plain) if plain else (build_digits, train)
        model = build(trained(split.train_x, split.train_y))
    onnx.save(model, output)
    if calibration:
        images, labels = split.calibration
        np.savez_compressed(calibration, x=rows_of(images), y=labels)
    rows = rows_of(split.evaluation_x)
    if evaluate:
        np.savez_compressed(evaluate, x=rows, y=split.evaluation_y)
    click.echo(f"{output}: {described(model, rows, split.evaluation_y)}")


@main.command(help="Write the network of the published Braille reader with random weights.")
@_OUTPUT
def braille(output: Path) -> None:
    """Writes the model; always the same bytes."""
    onnx.save(build_braille(random_braille_weights()), output)
    click.echo(f"{output}: L2MU of the published Braille size, random weights")


if __name__ == "__main__":
    main()
