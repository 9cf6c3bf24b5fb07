"""Activities from windows of a 6-axis inertial sensor: convolutions, a bidirectional LSTM, a dense layer.

The kind of network that arXiv 2302.06037 runs on microcontrollers, in sizes of our own; the data are
synthetic: gravity in a random direction, a motion for each class, noise.

    python -m tinyc.models.inertial -o inertial.onnx --calibration calibration.npz --evaluate evaluation.npz
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx

from ..passes.onnx_builder import GraphBuilder
from .extras import training_packages

Array = np.ndarray[Any, Any]

OPSET = 17
CLASSES = ("still", "walk", "run", "shake", "turn")
CHANNELS, FRAMES = 6, 128
"""Acceleration in g, then angular rate in rad/s, at 50 Hz."""
FILTERS, KERNEL, POOL = (24, 32), 5, 2
UNITS = 32
_RATE = 50.0
_SEEDS = {"train": 11, "calibration": 12, "evaluation": 13}
_MOTIONS: dict[str, tuple[float, float, float, float]] = {
    "still": (0.0, 0.0, 0.0, 0.0),
    "walk": (1.8, 0.25, 0.5, 0.3),
    "run": (2.8, 0.8, 1.2, 0.3),
    "shake": (6.0, 1.0, 0.4, 0.2),
    "turn": (0.5, 0.05, 2.5, 0.1),
}
"""Of each class: frequency in Hz, amplitude in g and in rad/s, and the share of the second harmonic."""


def windows(split: str, count: int) -> tuple[Array, Array]:
    """``count`` windows (n, 6, 128) float32 and their classes (n,); always the same for a ``split`` (train,
    calibration or evaluation)."""
    rng = np.random.default_rng(_SEEDS[split])
    labels = rng.integers(0, len(CLASSES), count)
    return np.stack([_window(rng, CLASSES[label]) for label in labels]).astype(np.float32), labels


def _window(rng: np.random.Generator, activity: str) -> Array:
    frequency, force, turning, harmonic = _MOTIONS[activity]
    time = np.arange(FRAMES) / _RATE
    phase = 2 * np.pi * (frequency * rng.uniform(0.8, 1.25) * time + rng.uniform())
    strength = rng.uniform(0.5, 1.4)
    wave = np.sin(phase) + harmonic * np.sin(2 * phase + rng.uniform(0, 2 * np.pi))
    directions = rng.normal(size=(3, 3))
    gravity, push, axis = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    acceleration = gravity[:, None] + strength * force * push[:, None] * wave
    rotation = strength * turning * axis[:, None] * np.cos(phase)
    noise = rng.normal(size=(CHANNELS, FRAMES)) * np.repeat([0.08, 0.15], 3)[:, None]
    return np.concatenate([acceleration, rotation]) + noise


def build_model(weights: Mapping[str, Array]) -> onnx.ModelProto:
    """The network of ``weights``, which ``inertial_training.train`` gives: ``x`` (1, 6, 128) to ``scores``
    (1, 5)."""
    graph = GraphBuilder("inertial")
    x = graph.input("x", [1, CHANNELS, FRAMES])
    for layer in range(len(FILTERS)):
        operands = [graph.weight(f"conv{layer}.{n}", weights[f"conv{layer}.{n}"]) for n in ("weight", "bias")]
        x = graph.op("Conv", f"conv{layer}", [x, *operands], kernel_shape=[KERNEL], pads=[KERNEL // 2] * 2)
        x = graph.op("Relu", f"conv{layer}", [x])
        x = graph.op("MaxPool", f"conv{layer}", [x], kernel_shape=[POOL], strides=[POOL])
    x = graph.op("Transpose", "frames", [x], perm=[2, 0, 1])
    operands = [graph.weight(f"lstm.{n}", weights[f"lstm.{n}"]) for n in ("W", "R", "B")]
    x = graph.op("LSTM", "lstm", [x, *operands], hidden_size=UNITS, direction="bidirectional")
    x = graph.op("ReduceMean", "mean", [x], axes=[0], keepdims=0)
    x = graph.op("Flatten", "mean", [graph.op("Transpose", "mean", [x], perm=[1, 0, 2])], axis=1)
    head = [graph.weight(f"head.{n}", weights[f"head.{n}"]) for n in ("weight", "bias")]
    return graph.model({"scores": graph.op("Gemm", "head", [x, *head], transB=1)}, OPSET)


_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("-o", "--output", type=_FILE, required=True, metavar="FILE.onnx")
@click.option("--calibration", type=_FILE, metavar="X.npz", help="Write 64 calibration windows here.")
@click.option("--evaluate", type=_FILE, metavar="Y.npz", help="Write 500 evaluation windows here.")
def main(output: Path, calibration: Path | None, evaluate: Path | None) -> None:
    """Trains the network, writes it and, where asked for, the data."""
    with training_packages():
        from .inertial_training import train

        model = build_model(train(*windows("train", 1500)))
    onnx.save(model, output)
    for path, split, count in ((calibration, "calibration", 64), (evaluate, "evaluation", 500)):
        if path:
            x, y = windows(split, count)
            np.savez_compressed(path, x=x, y=y)
    click.echo(f"{output}: {len(CLASSES)} activities from windows of {FRAMES} × {CHANNELS}")


if __name__ == "__main__":
    main()
