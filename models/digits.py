"""A small CNN for handwritten digits: the data, the training, the ONNX file.

The images are scikit-learn's copy of the UCI test set "Optical Recognition of Handwritten Digits"
(E. Alpaydin and C. Kaynak, 1998): 1,797 grey images of 8×8 pixels with 17 levels, here scaled to 0..1 and
laid out as (n, 1, 8, 8). A stratified split with a fixed seed keeps ``EVALUATION_IMAGES`` of them for
evaluation; training sees only the others, and ``CALIBRATION_IMAGES`` of those serve as calibration data.
The packaged ``digits.onnx`` (7,498 trained parameters) recognises 99.4 % of the evaluation images.

``python -m tinyc.models.digits -o digits.onnx`` trains the network again (it needs the extra ``train``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx

from ..passes.onnx_builder import GraphBuilder
from .extras import training_packages

Array = np.ndarray[Any, Any]

CLASSES = 10
EVALUATION_IMAGES = 540
CALIBRATION_IMAGES = 128
OPSET = 18


@dataclass(frozen=True)
class ConvBlock:
    """A convolution without bias, batch normalization, ReLU and, where ``pooled``, 2×2 max pooling."""

    name: str
    inputs: int
    outputs: int
    kernel: int
    groups: int = 1
    pooled: bool = False


NETWORK = (
    ConvBlock("stem", 1, 16, 3),
    ConvBlock("body.0.depthwise", 16, 16, 3, groups=16),
    ConvBlock("body.0.pointwise", 16, 32, 1, pooled=True),
    ConvBlock("body.1.depthwise", 32, 32, 3, groups=32),
    ConvBlock("body.1.pointwise", 32, 32, 1),
)
NORM_PARAMETERS = ("weight", "bias", "running_mean", "running_var")
FEATURES = 32 * 4 * 4


@dataclass(frozen=True)
class Split:
    """Images as float32 (n, 1, 8, 8) from 0 to 1, labels as int64 (n,)."""

    train_x: Array
    train_y: Array
    evaluation_x: Array
    evaluation_y: Array

    @property
    def calibration(self) -> tuple[Array, Array]:
        """Images and labels of the first training images; the split has shuffled them."""
        return self.train_x[:CALIBRATION_IMAGES], self.train_y[:CALIBRATION_IMAGES]


def load_split() -> Split:
    """The digits, split once and for all."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = (np.asarray(part) for part in load_digits(return_X_y=True))
    images = (pixels / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    parts = train_test_split(
        images, labels.astype(np.int64), test_size=EVALUATION_IMAGES, random_state=0, stratify=labels
    )
    train_x, evaluation_x, train_y, evaluation_y = (np.asarray(part) for part in parts)
    return Split(train_x, train_y, evaluation_x, evaluation_y)


def rows_of(images: Array) -> Array:
    """Images (n, 1, 8, 8) as sequences of rows (n, 8, 8): samples, steps, pixels."""
    return np.ascontiguousarray(images[:, 0])


def build_model(weights: Mapping[str, Array]) -> onnx.ModelProto:
    """The network as ONNX: ``image`` (batch, 1, 8, 8) float32 to ``logits`` (batch, 10) float32.

    ``weights`` are named as in PyTorch: ``stem.conv.weight``, ``stem.norm.running_mean``, ``head.bias``, ...
    """
    graph = GraphBuilder("digits")
    value = graph.input("image", ["batch", 1, 8, 8])
    for block in NETWORK:
        kernel = graph.weight(f"{block.name}.conv.weight", weights[f"{block.name}.conv.weight"])
        value = graph.op(
            "Conv",
            f"{block.name}.conv",
            [value, kernel],
            dilations=[1, 1],
            group=block.groups,
            kernel_shape=[block.kernel] * 2,
            pads=[block.kernel // 2] * 4,
            strides=[1, 1],
        )
        names = [f"{block.name}.norm.{part}" for part in NORM_PARAMETERS]
        norm = [graph.weight(name, weights[name]) for name in names]
        value = graph.op("BatchNormalization", f"{block.name}.norm", [value, *norm], epsilon=1e-5)
        value = graph.op("Relu", f"{block.name}.act", [value])
        if block.pooled:
            value = graph.op("MaxPool", f"{block.name}.pool", [value], kernel_shape=[2, 2], strides=[2, 2])
    value = graph.op("Flatten", "flatten", [value], axis=1)
    head = [graph.weight(name, weights[name]) for name in ("head.weight", "head.bias")]
    value = graph.op("Gemm", "head", [value, *head], transB=1)
    return graph.model({"logits": value}, OPSET)


def accuracy(model: onnx.ModelProto, images: Array, labels: Array) -> float:
    """The share of images, from 0 to 1, whose largest logit in ONNX Runtime is the label."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    logits = np.asarray(session.run(["logits"], {"image": images})[0])
    return float(np.mean(logits.argmax(axis=1) == labels))


_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(help="Train the digits network and write it as ONNX.")
@click.option("-o", "--output", type=_FILE, required=True, metavar="FILE.onnx")
@click.option("--calibration", type=_FILE, metavar="X.npz", help="Write the calibration images here.")
@click.option("--evaluate", type=_FILE, metavar="Y.npz", help="Write the evaluation images here.")
def main(output: Path, calibration: Path | None, evaluate: Path | None) -> None:
    """Trains, writes the model and, where asked for, the data, and prints the accuracy."""
    with training_packages():
        from .digits_training import train

        split = load_split()
        model = build_model(train(split.train_x, split.train_y))
    onnx.save(model, output)
    if calibration:
        images, labels = split.calibration
        np.savez_compressed(calibration, x=images, y=labels)
    if evaluate:
        np.savez_compressed(evaluate, x=split.evaluation_x, y=split.evaluation_y)
    share = accuracy(model, split.evaluation_x, split.evaluation_y)
    click.echo(f"{output}: {share:.4f} of {len(split.evaluation_y)} evaluation images right")


if __name__ == "__main__":
    main()
