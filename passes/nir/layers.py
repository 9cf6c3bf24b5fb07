"""NIR's layers without state as ONNX operators. Shapes are NIR's: without the batch axis, channels first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_builder import GraphBuilder
from .network import PASS, NirNode

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Tensor:
    """A value of shape (1, *``shape``)."""

    value: oir.Value
    shape: Shape


def require_shape(node: NirNode, fits: bool, found: Shape, wanted: str) -> None:
    """Raises ModelError where the shape of what comes into a node does not fit it."""
    if not fits:
        raise ModelError(
            "A node of the NIR network does not fit its input",
            where=node.where,
            why=f"it gets {'×'.join(map(str, found)) or 'one number'}, and takes {wanted}",
            remedy="write the file again with the framework that the network comes from; "
            "a Flatten may be missing",
        )


def _dense(graph: GraphBuilder, node: NirNode, x: Tensor) -> Tensor:
    weight = node.numbers("weight")
    require_shape(node, weight.ndim == 2 and x.shape == weight.shape[1:], x.shape, f"{weight.shape[-1:]}")
    operands = [graph.weight(f"{node.name}.weight", weight.astype(np.float32))]
    if node.kind == "Affine":
        operands.append(_bias(graph, node, len(weight)))
    return Tensor(graph.op("Gemm", node.name, [x.value, *operands], transB=1), weight.shape[:1])


def _bias(graph: GraphBuilder, node: NirNode, channels: int) -> oir.Value:
    bias = node.numbers("bias").reshape(-1)
    require_shape(node, len(bias) == channels, bias.shape, f"a bias of {channels}")
    return graph.weight(f"{node.name}.bias", bias.astype(np.float32))


def _conv(graph: GraphBuilder, node: NirNode, x: Tensor) -> Tensor:
    weight = node.numbers("weight")
    kernel, groups = weight.shape[2:], node.integers("groups", 1)[0]
    axes = 1 if node.kind == "Conv1d" else 2
    channels = weight.shape[1] * groups if weight.ndim == axes + 2 else -1
    fits = len(x.shape) == axes + 1 and x.shape[0] == channels and groups > 0 and len(weight) % groups == 0
    require_shape(node, fits, x.shape, f"{channels} channels and {axes} more axes")
    strides, dilations = (node.integers(name, axes) for name in ("stride", "dilation"))
    pads = _pads(node, kernel, dilations)
    span = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    shape = (len(weight), *_positions(node, x.shape[1:], span, strides, pads))
    filters = graph.weight(f"{node.name}.weight", weight.astype(np.float32))
    value = graph.op(
        "Conv", node.name, [x.value, filters, _bias(graph, node, len(weight))],
        dilations=dilations, group=groups, kernel_shape=list(kernel), pads=pads, strides=strides,
    )  # fmt: skip
    return Tensor(value, shape)


def _pads(node: NirNode, kernel: Sequence[int], dilations: Sequence[int]) -> list[int]:
    """ONNX's pads: those before each axis, then those behind."""
    if (mode := node.text("padding")) is None:
        return node.integers("padding", len(kernel)) * 2
    same = mode == "same"
    total = [d * (k - 1) if same else 0 for k, d in zip(kernel, dilations, strict=True)]
    return [n // 2 for n in total] + [n - n // 2 for n in total]


def _positions(
    node: NirNode, size: Sequence[int], span: Sequence[int], strides: Sequence[int], pads: Sequence[int]
) -> list[int]:
    """How often windows of ``span`` fit along each axis."""
    axes = len(size)
    valid = min(strides) > 0 and min(span) > 0 and min(pads) >= 0
    counts = [
        (n + pads[i] + pads[i + axes] - span[i]) // strides[i] + 1 if valid else 0 for i, n in enumerate(size)
    ]
    require_shape(node, min(counts) > 0, tuple(size), f"windows of {list(span)} at strides {list(strides)}")
    return counts


def _pool(graph: GraphBuilder, node: NirNode, x: Tensor) -> Tensor:
    """Sums are a convolution by ones, exact for spikes, where a mean times its count would round."""
    require_shape(node, len(x.shape) == 3, x.shape, "channels and 2 more axes")
    kernel, strides, padding = (node.integers(name, 2) for name in ("kernel_size", "stride", "padding"))
    pads = padding * 2
    shape = (x.shape[0], *_positions(node, x.shape[1:], kernel, strides, pads))
    window = {"kernel_shape": kernel, "pads": pads, "strides": strides}
    if node.kind == "AvgPool2d":
        value = graph.op("AveragePool", node.name, [x.value], count_include_pad=1, **window)
    else:
        ones = graph.weight(f"{node.name}.ones", np.ones((x.shape[0], 1, *kernel), np.float32))
        value = graph.op("Conv", node.name, [x.value, ones], group=x.shape[0], dilations=[1, 1], **window)
    return Tensor(value, shape)


def _flatten(graph: GraphBuilder, node: NirNode, x: Tensor) -> Tensor:
    axes = len(x.shape)
    ends = [node.integers(name, 1)[0] for name in ("start_dim", "end_dim")]
    first, last = (n + axes if n < 0 else n for n in ends)
    require_shape(node, 0 <= first <= last < axes, x.shape, "axes {} to {}".format(*ends))
    shape = (*x.shape[:first], prod(x.shape[first : last + 1]), *x.shape[last + 1 :])
    target = graph.weight(f"{node.name}.shape", np.array([1, *shape], np.int64))
    return Tensor(graph.op("Reshape", node.name, [x.value, target]), shape)


def _scale(graph: GraphBuilder, node: NirNode, x: Tensor) -> Tensor:
    factor = graph.weight(f"{node.name}.scale", fitted(node, node.numbers("scale"), x.shape))
    return Tensor(graph.op("Mul", node.name, [x.value, factor]), x.shape)


def _threshold(graph: GraphBuilder, node: NirNode, x: Tensor) -> Tensor:
    threshold = graph.weight(f"{node.name}.threshold", fitted(node, node.numbers("threshold"), x.shape))
    above = graph.op("Greater", node.name, [x.value, threshold])
    return Tensor(graph.op("Cast", node.name, [above], to=int(oir.DataType.FLOAT)), x.shape)


def _pass(graph: GraphBuilder, node: NirNode, x: Tensor) -> Tensor:
    return x


Layer = Callable[[GraphBuilder, NirNode, Tensor], Tensor]
LAYERS: Mapping[str, Layer] = {
    "Affine": _dense,
    "Linear": _dense,
    "Conv1d": _conv,
    "Conv2d": _conv,
    "SumPool2d": _pool,
    "AvgPool2d": _pool,
    "Flatten": _flatten,
    "Scale": _scale,
    "Threshold": _threshold,
    PASS: _pass,
}


def fitted(node: NirNode, parameter: np.ndarray, shape: Shape) -> np.ndarray:
    """A parameter as float32 for values of (1, *``shape``): one element, or one per channel, or of ``shape``;
    the first of these that holds all of it."""
    require_shape(node, parameter.size == 1 or parameter.shape == shape, shape, f"{parameter.shape}")
    values = np.broadcast_to(parameter.astype(np.float32).reshape(parameter.shape or (1,)), shape)
    per_channel = values[(slice(None), *(slice(0, 1) for _ in shape[1:]))]
    if (values != per_channel).any():
        return values
    return per_channel.reshape(-1)[:1].reshape(()) if np.unique(per_channel).size == 1 else per_channel
