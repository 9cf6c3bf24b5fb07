"""MobileNetV2 (Sandler et al., arXiv 1801.04381, table 2) with random weights from a fixed seed.

``python -m tinyc.models.mobilenetv2 --width 0.35 --size 144 -o m.onnx``. Layers and names are torchvision's:
channels by ``make_divisible``, the last convolution 1,280 wide for widths up to 1, padding on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import onnx
from onnx import numpy_helper

from .convnet import Array, ConvNet, make_divisible


@dataclass(frozen=True)
class Stage:
    """``depth`` inverted residuals, of which the first has the stride; ``channels`` at width 1."""

    expansion: int
    channels: int
    depth: int
    stride: int


STEM = 32
HEAD = 1280
STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
)


def build_model(width: float, size: int, classes: int = 1000) -> onnx.ModelProto:
    """``input`` (1, 3, ``size``, ``size``) float32 to ``output`` (1, ``classes``) float32.

    ``width`` multiplies the channels of all layers (the last convolution's only where it is above 1).
    """
    net = ConvNet("mobilenetv2", size)
    x = net.conv_relu6("features.0", net.input, make_divisible(STEM * width), 3, 2)
    index = 1
    for stage in STAGES:
        for block in range(stage.depth):
            stride = stage.stride if block == 0 else 1
            channels = make_divisible(stage.channels * width)
            x = net.inverted_residual(f"features.{index}", x, channels, 3, stride, stage.expansion)
            index += 1
    x = net.conv_relu6(f"features.{index}", x, make_divisible(HEAD * max(1.0, width)), 1)
    return net.classifier(x, classes)


def with_weights(model: onnx.ModelProto, weights: Mapping[str, Array]) -> onnx.ModelProto:
    """A copy of ``model`` with the initializers that ``weights`` names, as PyTorch does, replaced."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for tensor in copy.graph.initializer:
        if tensor.name in weights:
            tensor.CopyFrom(numpy_helper.from_array(weights[tensor.name], tensor.name))
    return copy


@click.command(help="Write MobileNetV2 with random weights as ONNX.")
@click.option("--width", type=click.FloatRange(0.05, 4), default=1.0, show_default=True)
@click.option("--size", type=click.IntRange(1, 1024), default=224, show_default=True, help="Pixels.")
@click.option("--classes", type=click.IntRange(1), default=1000, show_default=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE.onnx"
)
def main(width: float, size: int, classes: int, output: Path) -> None:
    """Writes the model; the same options give the same bytes."""
    onnx.save(build_model(width, size, classes), output)
    click.echo(f"{output}: MobileNetV2, width {width:g}, {size}×{size}, random weights")


if __name__ == "__main__":
    main()
