"""MobileNetV2 that tells drawn shapes apart: the data, the training, the ONNX file.

Pictures are drawn by ``drawing``, so nothing is downloaded. Those for training, calibration and evaluation
come from seeds of their own; those for training vary more, so that the network does not trust hue and texture
alone. ``python -m tinyc.models.shapes -o shapes.onnx`` trains it (which needs the extra ``train`` and about
ten minutes of one core); of the evaluation pictures it gets 86 % right.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx

from .drawing import SHAPES, draw
from .extras import training_packages
from .mobilenetv2 import build_model, with_weights

Array = np.ndarray[Any, Any]

WIDTH = 0.35
SIZE = 96
"""Pixels of the pictures, both ways."""


@dataclass(frozen=True)
class Part:
    """Pictures for one purpose: how many, the seed that they are drawn from, and how much they vary."""

    count: int
    seed: int
    variety: float

    def draw(self) -> tuple[Array, Array]:
        """Pictures (n, 3, SIZE, SIZE) float32 from -1 to 1, labels (n,) int64."""
        return draw(self.count, SIZE, self.seed, self.variety)


TRAINING = Part(6000, 1, 1.0)
CALIBRATION = Part(128, 2, 0.3)
EVALUATION = Part(1000, 3, 0.3)


def train_model() -> onnx.ModelProto:
    """The trained network: ``input`` (1, 3, SIZE, SIZE) float32 to ``output`` (1, 10) float32.

    Raises ModuleNotFoundError without PyTorch.
    """
    from .mobilenetv2_training import train

    weights = train(*TRAINING.draw(), WIDTH)
    return with_weights(build_model(WIDTH, SIZE, len(SHAPES)), weights)


def accuracy(model: onnx.ModelProto, pictures: Array, labels: Array) -> float:
    """The share of pictures, from 0 to 1, whose largest output in ONNX Runtime is the label."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    scores = [np.asarray(session.run(["output"], {"input": picture[None]})[0]) for picture in pictures]
    return float(np.mean(np.concatenate(scores).argmax(axis=1) == labels))


_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(help="Train MobileNetV2 on drawn shapes and write it as ONNX.")
@click.option("-o", "--output", type=_FILE, required=True, metavar="FILE.onnx")
@click.option("--calibration", type=_FILE, metavar="X.npz", help="Write the calibration pictures here.")
@click.option("--evaluate", type=_FILE, metavar="Y.npz", help="Write the evaluation pictures here.")
def main(output: Path, calibration: Path | None, evaluate: Path | None) -> None:
    """Trains, writes the model and, where asked for, the data, and prints the accuracy."""
    with training_packages():
        model = train_model()
    onnx.save(model, output)
    if calibration:
        _save(calibration, *CALIBRATION.draw())
    pictures, labels = EVALUATION.draw()
    if evaluate:
        _save(evaluate, pictures, labels)
    share = accuracy(model, pictures, labels)
    click.echo(f"{output}: {share:.4f} of {len(labels)} evaluation pictures right")


def _save(path: Path, pictures: Array, labels: Array) -> None:
    np.savez_compressed(path, x=pictures, y=labels)


if __name__ == "__main__":
    main()
