"""LMUFormer: convolutional patch embedding, Legendre memory, convolutional channel mixer; plain and spiking.

After Liu, Datta, Li and Beerel, "LMUFormer: Low Complexity Yet Powerful Spiking Model With Legendre Memory
Units" (arXiv 2402.04882). Its layers and their order are the paper's, of one block:

- embedding: four convolutions over 3 steps, and one more whose result is added to the last one's;
- memory: one feature u drives a Legendre memory m (``lmu.py``); h sees m and the input; a projection of h is
  added to the input;
- mixer: two pointwise convolutions, four times as wide between; their result is added to their input;
- head: a dense layer, and the mean over all steps.

The spiking network has batch normalization and LIF neurons (τ = 2 steps, reset to zero at once) in front of
each convolution but the first, so that they see spikes, and what is added up stays analog ("membrane
shortcut"). The Legendre memory itself stays linear: spikes in, and LIF neurons behind it.

Convolutions see the past alone (the paper's see one step ahead as well, each of which would delay the answer
by a step), so that ``build_step`` is a network of one time step with explicit state, see ``GraphBuilder``.
After the last of ``Size.steps`` steps its logits are the mean. ``build_sequence`` is the same network over a
whole sequence by other means: see ``lmuformer_graphs.py``. Weights are trained, or random, for studies of
memory and time, and such that all layers are in use.

``python -m tinyc.models.lmuformer digits --spiking -o lmuformer_digits_spiking.onnx`` trains again what reads
digits row by row (extra ``train``); ``random`` writes a network of any size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import click
import numpy as np
import onnx

from .digits import load_split, rows_of
from .extras import training_packages
from .lmuformer_graphs import Steps, WholeSequence
from .lmuformer_layers import Array, Layers, Size
from .stepping import described

Weights = Mapping[str, Array]
RANDOM: Weights = MappingProxyType({})

DIGITS = Size(inputs=8, channels=28, order=16, ratio=2, classes=10, steps=8)
"""Reads an image of 8×8 pixels row by row."""

Value = TypeVar("Value")
Network = Callable[[Layers[Any]], Any]
"""A network behind given layers: their value of the logits."""


def plain(layers: Layers[Value]) -> Value:
    """LMUFormer: ReLU in front of batch normalization in the embedding, GELU within the mixer."""
    width = layers.size.channels
    x = layers.input()
    for i in range(4):
        x = layers.relu(f"embedding.{i}.act", layers.temporal(f"embedding.{i}.conv", x, width))
        x = layers.norm(f"embedding.{i}.norm", x)
    x = layers.add("embedding.add", x, layers.temporal("embedding.position", x, width))

    u = layers.relu("memory.u.act", layers.pointwise("memory.u", x, 1))
    h = layers.pointwise("memory.h", layers.join("memory.join", layers.memory(u), x), width)
    h = layers.pointwise("memory.projection", layers.relu("memory.h.act", h), width)
    x = layers.add("memory.add", x, layers.norm("memory.norm", h))

    y = layers.pointwise("mixer.0", x, width * layers.size.ratio)
    y = layers.gelu("mixer.0.act", layers.norm("mixer.0.norm", y))
    y = layers.norm("mixer.1.norm", layers.pointwise("mixer.1", y, width))
    return layers.head(layers.add("mixer.add", x, layers.relu("mixer.1.act", y)))


def spiking(layers: Layers[Value]) -> Value:
    """Spiking LMUFormer with membrane shortcuts: every convolution but the first sees spikes."""
    width = layers.size.channels
    x = layers.temporal("embedding.0.conv", layers.input(), width)
    for i in range(1, 4):
        x = layers.temporal(f"embedding.{i}.conv", layers.spikes(f"embedding.{i}", x), width)
    position = layers.temporal("embedding.position.conv", layers.spikes("embedding.position", x), width)
    x = layers.add("embedding.add", x, position)

    seen = layers.spikes("memory", x)
    u = layers.spikes("memory.u", layers.pointwise("memory.u.conv", seen, 1))
    m = layers.spikes("memory.m", layers.memory(u))
    h = layers.pointwise("memory.h.conv", layers.join("memory.join", m, seen), width)
    h = layers.pointwise("memory.projection", layers.spikes("memory.h", h), width)
    x = layers.add("memory.add", x, layers.norm("memory.projection.norm", h))

    y = layers.pointwise("mixer.0.conv", layers.spikes("mixer.0", x), width * layers.size.ratio)
    y = layers.pointwise("mixer.1.conv", layers.spikes("mixer.1", y), width)
    return layers.head(layers.spikes("head", layers.add("mixer.add", x, y)))


def build_step(size: Size, network: Network, trained: Weights = RANDOM) -> onnx.ModelProto:
    """A step of ``plain`` or ``spiking``: ``frame`` (batch, inputs) to ``logits`` (batch, classes, 1).

    ``trained`` holds parameters by name; those that it lacks are random.
    """
    layers = Steps(f"lmuformer_{network.__name__}", size, trained)
    return layers.model(network(layers))


def build_sequence(size: Size, network: Network, trained: Weights = RANDOM) -> onnx.ModelProto:
    """The same over a sequence: ``frames`` (batch, inputs, steps) to ``logits`` (batch, classes, steps)."""
    layers = WholeSequence(f"lmuformer_{network.__name__}_sequence", size, trained)
    return layers.model(network(layers))


_OUTPUT = click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE.onnx"
)
_SPIKING = click.option("--spiking", "spikes", is_flag=True, help="The spiking version.")


def _positive(name: str, help: str) -> Callable[..., Any]:
    default = getattr(Size(), name.removeprefix("--"))
    return click.option(name, type=click.IntRange(1, 4096), default=default, show_default=True, help=help)


@click.group(help="Write LMUFormer as ONNX.")
def main() -> None:
    """One command for random weights, one for trained ones."""


@main.command("random", help="Write it with random weights: one time step, with state.")
@_SPIKING
@click.option("--sequence", is_flag=True, help="All steps of a sequence in one call, without state.")
@_positive("--inputs", "Features per step.")
@_positive("--channels", "Between the layers.")
@_positive("--order", "Coefficients of the memory.")
@_positive("--ratio", "Width of the mixer, in channels.")
@_positive("--classes", "Of the head.")
@_positive("--steps", "Of a sequence, and what the memory holds of it.")
@_OUTPUT
def random_weights(spikes: bool, sequence: bool, output: Path, **sizes: int) -> None:
    """Writes the model; the same options give the same bytes."""
    size = Size(**sizes)
    build, network = build_sequence if sequence else build_step, spiking if spikes else plain
    model = build(size, network)
    onnx.save(model, output)
    parameters = sum(int(np.prod(weight.dims)) for weight in model.graph.initializer)
    click.echo(f"{output}: LMUFormer, {network.__name__}, {parameters} numbers of random weights, {size}")


@main.command(help="Train the network that reads digits row by row.")
@_SPIKING
@_OUTPUT
def digits(spikes: bool, output: Path) -> None:
    """Trains, writes the model, and prints its accuracy."""
    network = spiking if spikes else plain
    with training_packages():
        from .lmuformer_training import train

        split = load_split()
        model = build_step(DIGITS, network, train(DIGITS, network, split.train_x, split.train_y))
    onnx.save(model, output)
    click.echo(f"{output}: {described(model, rows_of(split.evaluation_x), split.evaluation_y)}")


if __name__ == "__main__":
    main()
