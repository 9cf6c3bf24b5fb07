"""A causal convolutional network that listens for a wake word: 30 frames of 40 mel bins.

The architecture is a small temporal convolutional network: a first layer over all bins, residual blocks of a
dilated depthwise layer and a pointwise one, a mean over time, a dense layer. Every layer pads on the left
alone, so its states follow the frames. The weights are random (He): the network is for studies of memory and
time, which trained weights would not change.

    python -m tinyc.models.wakeword -o wakeword.onnx
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import onnx
import onnx_ir as oir

from ..passes.onnx_builder import GraphBuilder

OPSET = 17
FRAMES, BINS = 30, 40
CHANNELS, KERNEL, DILATIONS = 64, 5, (1, 2, 4)
CLASSES = ("wake word", "other words", "silence")
_SEED = 5


def build_model() -> onnx.ModelProto:
    """The network: ``x`` (1, 40, 30) float32 to ``scores`` (1, 3). Its receptive field is 33 frames."""
    graph, rng = GraphBuilder("wakeword"), np.random.default_rng(_SEED)

    def convolution(name: str, x: oir.Value, shape: tuple[int, int, int], dilation: int = 1) -> oir.Value:
        """A causal layer with weights of ``shape`` (outputs, inputs of a group, taps)."""
        outputs, inputs, taps = shape
        weights = rng.normal(size=shape) * np.sqrt(2 / (inputs * taps))
        bias = rng.normal(size=outputs) * 0.1
        operands = [
            graph.weight(f"{name}.weight", weights.astype(np.float32)),
            graph.weight(f"{name}.bias", bias.astype(np.float32)),
        ]
        return graph.op(
            "Conv", name, [x, *operands], kernel_shape=[taps], dilations=[dilation],
            pads=[(taps - 1) * dilation, 0], group=outputs if inputs == 1 else 1,
        )  # fmt: skip

    x = graph.input("x", [1, BINS, FRAMES])
    x = graph.op("Relu", "first", [convolution("first", x, (CHANNELS, BINS, KERNEL))])
    for number, dilation in enumerate(DILATIONS):
        block = f"block{number}"
        y = convolution(f"{block}.depthwise", x, (CHANNELS, 1, KERNEL), dilation)
        y = graph.op("Relu", f"{block}.depthwise", [y])
        y = convolution(f"{block}.pointwise", y, (CHANNELS, CHANNELS, 1))
        x = graph.op("Relu", block, [graph.op("Add", block, [x, y])])
    x = graph.op("Flatten", "mean", [graph.op("GlobalAveragePool", "mean", [x])], axis=1)
    head = rng.normal(size=(len(CLASSES), CHANNELS)) / np.sqrt(CHANNELS)
    operands = [
        graph.weight("head.weight", head.astype(np.float32)),
        graph.weight("head.bias", np.zeros(len(CLASSES), np.float32)),
    ]
    return graph.model({"scores": graph.op("Gemm", "head", [x, *operands], transB=1)}, OPSET)


@click.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE.onnx"
)
def main(output: Path) -> None:
    """Writes the model; always the same bytes."""
    onnx.save(build_model(), output)
    click.echo(f"{output}: {FRAMES} frames × {BINS} bins, random weights")


if __name__ == "__main__":
    main()
