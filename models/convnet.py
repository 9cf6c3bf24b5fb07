"""Convolutional networks with random weights, block by block, as PyTorch's exporter writes them.

The networks are for studies of memory and time, which trained weights would not change. Activations stay in
range as in a trained network: weights are He-scaled, and the statistics of each batch normalization are those
that its input has where the elements of the tensors are independent and normally distributed.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import onnx
import onnx_ir as oir

from ..passes.onnx_builder import GraphBuilder

Array = np.ndarray[Any, Any]

OPSET = 17
_SEED = 1
_QUANTILES = np.array([NormalDist().inv_cdf((i + 0.5) / 64) for i in range(64)])
_DIGITS = 4
"""Statistics are rounded, so that the order in which a machine sums does not show."""


def make_divisible(channels: float, divisor: int = 8) -> int:
    """The nearest multiple of ``divisor``, not more than 10 % below ``channels`` (MobileNet's rule)."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


@dataclass(frozen=True)
class Features:
    """A tensor (1, C, H, W) of the network, with mean and variance of each channel, float64 (C,)."""

    value: oir.Value
    mean: Array
    variance: Array

    @property
    def channels(self) -> int:
        return len(self.mean)


class ConvNet:
    """Collects the layers of a network whose ``input`` is (1, 3, ``size``, ``size``) float32."""

    def __init__(self, name: str, size: int) -> None:
        self._graph = GraphBuilder(name)
        self._random = np.random.default_rng(_SEED)
        self.input = Features(self._graph.input("input", [1, 3, size, size]), np.zeros(3), np.ones(3))
        bounds = {"relu6.min": 0.0, "relu6.max": 6.0}
        self._bounds = [self._graph.weight(name, np.array(v, np.float32)) for name, v in bounds.items()]

    def conv(
        self, scope: str, x: Features, channels: int, kernel: int, stride: int = 1, *, groups: int = 1
    ) -> Features:
        """Convolution without bias, padded by half its kernel; batch normalization: ``scope``.0 and .1."""
        fan_in = x.channels // groups * kernel**2
        shape = (channels, x.channels // groups, kernel, kernel)
        weights = self._random.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)
        value = self._graph.op(
            "Conv",
            f"{scope}.0",
            [x.value, self._graph.weight(f"{scope}.0.weight", weights)],
            dilations=[1, 1],
            group=groups,
            kernel_shape=[kernel] * 2,
            pads=[kernel // 2] * 4,
            strides=[stride] * 2,
        )
        return self._norm(f"{scope}.1", value, *_moments_behind(weights.astype(np.float64), x, groups))

    def _norm(self, scope: str, value: oir.Value, mean: Array, variance: Array) -> Features:
        gain = self._random.uniform(0.5, 1.5, len(mean))
        offset = self._random.normal(0, 0.3, len(mean))
        parts = {"weight": gain, "bias": offset, "running_mean": mean, "running_var": variance}
        norm = [
            self._graph.weight(f"{scope}.{part}", np.round(array, _DIGITS).astype(np.float32))
            for part, array in parts.items()
        ]
        value = self._graph.op("BatchNormalization", scope, [value, *norm], epsilon=1e-5, momentum=0.9)
        return Features(value, offset, gain**2)

    def relu6(self, scope: str, x: Features) -> Features:
        """min(max(x, 0), 6), a Clip."""
        drawn = np.clip(x.mean + np.sqrt(x.variance) * _QUANTILES[:, None], 0, 6)
        value = self._graph.op("Clip", scope, [x.value, *self._bounds])
        return Features(value, drawn.mean(axis=0), drawn.var(axis=0))

    def conv_relu6(
        self, scope: str, x: Features, channels: int, kernel: int, stride: int = 1, *, groups: int = 1
    ) -> Features:
        """``conv`` and ReLU6: ``scope``.0, .1 and .2."""
        return self.relu6(f"{scope}.2", self.conv(scope, x, channels, kernel, stride, groups=groups))

    def inverted_residual(
        self, scope: str, x: Features, channels: int, kernel: int, stride: int, expansion: int
    ) -> Features:
        """MobileNetV2's block (arXiv 1801.04381, table 1): 1×1 convolution to ``expansion`` times the
        channels (none where that is 1), depthwise, 1×1 to ``channels``; a residual where the shapes agree."""
        hidden, y, parts = x.channels * expansion, x, iter(range(3))
        if expansion != 1:
            y = self.conv_relu6(f"{scope}.conv.{next(parts)}", y, hidden, 1)
        y = self.conv_relu6(f"{scope}.conv.{next(parts)}", y, hidden, kernel, stride, groups=hidden)
        y = self.conv(f"{scope}.conv.{next(parts)}", y, channels, 1)
        if stride != 1 or channels != x.channels:
            return y
        value = self._graph.op("Add", scope, [x.value, y.value])
        return Features(value, x.mean + y.mean, x.variance + y.variance)

    def classifier(self, x: Features, classes: int) -> onnx.ModelProto:
        """Global mean and a dense layer: the model, whose ``output`` is (1, ``classes``) float32."""
        value = self._graph.op("GlobalAveragePool", "pool", [x.value])
        value = self._graph.op("Flatten", "flatten", [value], axis=1)
        weights = self._random.normal(0, np.sqrt(1 / x.channels), (classes, x.channels)).astype(np.float32)
        bias = self._random.normal(0, 0.1, classes).astype(np.float32)
        parts = {"classifier.weight": weights, "classifier.bias": bias}
        value = self._graph.op(
            "Gemm", "classifier", [value, *(self._graph.weight(*part) for part in parts.items())], transB=1
        )
        return self._graph.model({"output": value}, OPSET)


def _moments_behind(weights: Array, x: Features, groups: int) -> tuple[Array, Array]:
    """Mean and variance of each output channel of a convolution by ``weights`` (O, I / groups, K, K)."""
    per_group = len(weights) // groups
    sources = np.arange(x.channels).reshape(groups, -1).repeat(per_group, axis=0)
    mean = (weights.sum(axis=(2, 3)) * x.mean[sources]).sum(axis=1)
    variance = ((weights**2).sum(axis=(2, 3)) * x.variance[sources]).sum(axis=1)
    return mean, variance
