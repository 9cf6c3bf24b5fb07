"""The four networks of MLPerf Tiny in small: the same blocks, fewer pixels and channels, in int8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import onnx
import onnx_ir as oir
from onnx import helper

from tinyc.ir.program import Program
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import LowerOptions, lower
from tinyc.passes.quantize import quantize
from tinyc.passes.samples import input_specs, random_samples
from tinyc.passes.schedule.order import least_peak_order
from tinyc.passes.views import eliminate_copies

from ..kernels.checks import float_model


class Net:
    """Nodes one behind the other; channels of each tensor by its name."""

    def __init__(self, *shape: int) -> None:
        self.shape = (1, *shape)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.channels = {"x": shape[0]}
        self._rng = np.random.default_rng(len(shape))

    def op(self, operator: str, *inputs: str, channels: int, **attributes: Any) -> str:
        name = f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        self.channels[name] = channels
        return name

    def weights(self, *shape: int) -> str:
        name = f"w{len(self.nodes)}"
        fan_in = int(np.prod(shape[1:]))
        self.constants[name] = self._rng.normal(0, (2 / fan_in) ** 0.5, shape).astype(np.float32)
        return name

    def conv(
        self, x: str, channels: int, kernel: Sequence[int], stride: int = 1, group: int = 1, relu: bool = True
    ) -> str:
        """Padded so that ceil(size / stride) is left, as TensorFlow does."""
        weight = self.weights(channels, self.channels[x] // group, *kernel)
        made = self.op(
            "Conv", x, weight, channels=channels, strides=[stride] * 2, group=group, auto_pad="SAME_UPPER"
        )
        return self.op("Relu", made, channels=channels) if relu else made

    def separable(self, x: str, channels: int, stride: int = 1) -> str:
        deep = self.conv(x, self.channels[x], (3, 3), stride, self.channels[x])
        return self.conv(deep, channels, (1, 1))

    def dense(self, x: str, depth: int, channels: int, relu: bool = True) -> str:
        made = self.op("Gemm", x, self.weights(channels, depth), channels=channels, transB=1)
        return self.op("Relu", made, channels=channels) if relu else made

    def classifier(self, x: str, classes: int) -> str:
        channels = self.channels[x]
        flat = self.op("Flatten", self.op("GlobalAveragePool", x, channels=channels), channels=channels)
        scores = self.dense(flat, channels, classes, relu=False)
        return self.op("Softmax", scores, channels=classes)


def kws() -> tuple[Net, str]:
    """A depthwise separable network for keywords: an odd first kernel, tensors of one size."""
    net = Net(1, 25, 10)
    x = net.conv("x", 16, (10, 4), 2)
    for _ in range(3):
        x = net.separable(x, 16)
    return net, net.classifier(x, 5)


def ic() -> tuple[Net, str]:
    """A residual network, whose short cuts are convolutions where the size changes."""
    net = Net(3, 16, 16)
    x = net.conv("x", 8, (3, 3))
    for channels, stride in ((8, 1), (16, 2), (32, 2)):
        y = net.conv(net.conv(x, channels, (3, 3), stride), channels, (3, 3), relu=False)
        short = x if stride == 1 else net.conv(x, channels, (1, 1), stride, relu=False)
        x = net.op("Relu", net.op("Add", y, short, channels=channels), channels=channels)
    return net, net.classifier(x, 5)


def vww() -> tuple[Net, str]:
    """MobileNet: large early tensors, many channels in the end."""
    net = Net(3, 24, 24)
    x = net.conv("x", 8, (3, 3), 2)
    for channels, stride in ((16, 1), (24, 2), (24, 1), (48, 2), (48, 1)):
        x = net.separable(x, channels, stride)
    return net, net.classifier(x, 2)


def ad() -> tuple[Net, str]:
    """An autoencoder of dense layers."""
    net = Net(64)
    x = "x"
    for depth, channels in ((64, 32), (32, 8), (8, 32)):
        x = net.dense(x, depth, channels)
    return net, net.dense(x, 32, 64, relu=False)


NETWORKS: dict[str, Callable[[], tuple[Net, str]]] = {"kws": kws, "ic": ic, "vww": vww, "ad": ad}


def float_model_of(name: str) -> oir.Model:
    """Canonical."""
    net, output = NETWORKS[name]()
    return canonicalize(import_model(float_model(net.nodes, {"x": net.shape}, [output], net.constants)))


@cache
def layers_of(name: str) -> Program:
    """Layer by layer, in the order of least peak, without copies: what schedules are made of."""
    model = float_model_of(name)
    quantized: oir.Model = quantize(model, random_samples(input_specs(model.graph.inputs), 4, seed=0).arrays)
    return eliminate_copies(least_peak_order(lower(quantized, name, LowerOptions())).program)
