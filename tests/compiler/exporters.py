"""Networks written by hand the way exporters write them, with random weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Dims = Sequence[int | str | None]


class Graph:
    """Collects nodes. Methods take and return names of tensors."""

    def __init__(self, opset: int, seed: int = 0) -> None:
        self.opset = opset
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, dims: Dims, kind: int = TensorProto.FLOAT) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, dims))
        return name

    def node(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """PyTorch's naming: /Conv_3_output_0."""
        made = name or f"/{operator}_{len(self.nodes)}_output_0"
        self.nodes.append(
            helper.make_node(operator, inputs, [made], f"/{operator}_{len(self.nodes)}", **attributes)
        )
        return made

    def weight(self, array: Any, name: str = "") -> str:
        """An initializer."""
        made = name or f"onnx::weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), made))
        return made

    def constant(self, value: Any, dtype: type = np.float32) -> str:
        """A Constant node."""
        return self.node("Constant", value=numpy_helper.from_array(np.asarray(value, dtype)))

    def normal(self, *shape: int) -> str:
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 4
        return self.weight((self.rng.normal(size=shape) / np.sqrt(fan_in)).astype(np.float32))

    def conv(self, x: str, shape: Sequence[int], **attributes: Any) -> str:
        """A convolution with bias, kernel_shape given as exporters do."""
        return self.node(
            "Conv", x, self.normal(*shape), self.normal(shape[0]), kernel_shape=list(shape[2:]), **attributes
        )

    def model(self, **outputs: tuple[str, Dims] | tuple[str, Dims, int]) -> onnx.ModelProto:
        """Outputs by the name that the caller sees: (tensor, dimensions[, element type])."""
        infos: list[onnx.ValueInfoProto] = []
        for name, (tensor, dims, *kind) in outputs.items():
            for node in self.nodes:  # exporters rename the last tensor
                node.input[:] = [name if n == tensor else n for n in node.input]
                node.output[:] = [name if n == tensor else n for n in node.output]
            infos.append(helper.make_tensor_value_info(name, kind[0] if kind else TensorProto.FLOAT, dims))
        graph = helper.make_graph(self.nodes, "main_graph", self.inputs, infos, self.weights)
        version = helper.OP_SET_ID_VERSION_MAP[("ai.onnx", self.opset)]
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=version
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def _batch_norm(g: Graph, x: str, channels: int) -> str:
    statistics = [g.rng.uniform(0.5, 1.5, channels).astype(np.float32) for _ in range(4)]
    return g.node("BatchNormalization", x, *map(g.weight, statistics), epsilon=1e-5, momentum=0.9)


def pytorch_cnn() -> onnx.ModelProto:
    """Conv2d, BatchNorm2d, ReLU, MaxPool2d, Dropout, Flatten, Linear with dynamic_axes={0: 'batch'}."""
    g = Graph(opset=13)
    x = g.input("input.1", ["batch", 3, 17, 13])
    for depth, width, stride in ((3, 8, 1), (8, 12, 2)):
        x = g.conv(x, (width, depth, 3, 3), strides=[stride] * 2, pads=[1] * 4, dilations=[1, 1], group=1)
        x = g.node("Relu", _batch_norm(g, x, width))
        x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4, ceil_mode=0)
    x = g.node("Dropout", g.node("Flatten", x, axis=1))
    x = g.node("Relu", g.node("Gemm", x, g.normal(16, 24), g.normal(16), alpha=1.0, beta=1.0, transB=1))
    x = g.node("Gemm", x, g.normal(10, 16), g.normal(10), alpha=1.0, beta=1.0, transB=1)
    return g.model(logits=(x, ["batch", 10]))


def pytorch_view() -> onnx.ModelProto:
    """x.view(x.size(0), -1) with a dynamic batch: Shape, Gather, Unsqueeze, Concat, Reshape; F.pad."""
    g = Graph(opset=17)
    x = g.input("x", ["N", 2, 9, 7])
    padded = g.node(
        "Pad", x, g.constant([0, 0, 1, 0, 0, 0, 2, 1], np.int64), g.constant(0.0), mode="constant"
    )
    y = g.node("LeakyRelu", g.conv(padded, (6, 2, 4, 3), strides=[2, 2], pads=[0] * 4), alpha=0.1)
    y = g.node(
        "AveragePool", y, kernel_shape=[2, 2], strides=[1, 1], pads=[0] * 4, ceil_mode=0, count_include_pad=1
    )
    size = g.node("Gather", g.node("Shape", y), g.constant(0, np.int64), axis=0)
    size = g.node("Unsqueeze", size, g.constant([0], np.int64))
    y = g.node("Reshape", y, g.node("Concat", size, g.constant([-1], np.int64), axis=0))
    y = g.node("Gemm", y, g.normal(5, 48), g.normal(5), transB=1)
    return g.model(y=(g.node("LogSoftmax", y, axis=1), ["N", 5]))


def keras_cnn() -> onnx.ModelProto:
    """tf2onnx: channel-last, a Transpose before and behind each convolution, MatMul + Add, SAME padding."""
    g = Graph(opset=15)
    x = g.input("input_1", ["unk__8", 15, 11, 3])
    for depth, width in ((3, 8), (8, 8)):
        y = g.node("Transpose", x, perm=[0, 3, 1, 2])
        y = g.conv(y, (width, depth, 3, 3), strides=[2, 2], auto_pad="SAME_UPPER")
        x = g.node("Transpose", y, perm=[0, 2, 3, 1])
        x = g.node("Add", g.node("Mul", x, g.normal(width)), g.normal(width))
        x = g.node("Relu", x)
    pooled = g.node("GlobalAveragePool", g.node("Transpose", x, perm=[0, 3, 1, 2]))
    x = g.node("Squeeze", pooled, g.weight(np.array([2, 3])))
    x = g.node(
        "Add", g.node("MatMul", x, g.weight(g.rng.normal(size=(8, 4)).astype(np.float32))), g.normal(4)
    )
    return g.model(dense=(g.node("Softmax", x, axis=-1), ["unk__8", 4]))


def keras_flatten() -> onnx.ModelProto:
    """tf2onnx: Flatten of a channel-last tensor is a Reshape, so the order of the features matters."""
    g = Graph(opset=13)
    x = g.node("Transpose", g.input("x", [None, 8, 6, 1]), perm=[0, 3, 1, 2])
    x = g.node("Relu", g.conv(x, (5, 1, 3, 3), pads=[1] * 4))
    x = g.node("Transpose", g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), perm=[0, 2, 3, 1])
    x = g.node("Reshape", x, g.weight(np.array([-1, 60])))
    return g.model(out=(g.node("Add", g.node("MatMul", x, g.normal(60, 3)), g.normal(3)), [None, 3]))


def sklearn_mlp() -> onnx.ModelProto:
    """skl2onnx, MLPClassifier with zipmap=False: label and probabilities."""
    g = Graph(opset=17)
    x = g.node("Cast", g.input("X", [None, 6]), to=TensorProto.FLOAT)
    for depth, width in ((6, 12), (12, 9)):
        weight = g.weight(g.rng.normal(size=(depth, width)).astype(np.float32) / 3)
        x = g.node("Relu", g.node("Add", g.node("MatMul", x, weight), g.normal(1, width)))
    x = g.node(
        "Add", g.node("MatMul", x, g.weight(g.rng.normal(size=(9, 3)).astype(np.float32))), g.normal(1, 3)
    )
    scores = g.node("Softmax", x, axis=1)
    label = g.node("Cast", g.node("ArgMax", scores, axis=1, keepdims=0), to=TensorProto.INT64)
    return g.model(label=(label, [None], TensorProto.INT64), probabilities=(scores, [None, 3]))


def _linear(g: Graph, x: str, depth: int, width: int) -> str:
    """nn.Linear of a tensor of rank 3: MatMul and Add, the bias first."""
    return g.node("Add", g.normal(width), g.node("MatMul", x, g.weight(
        (g.rng.normal(size=(depth, width)) / np.sqrt(depth)).astype(np.float32))))  # fmt: skip


def _layer_norm(g: Graph, x: str, width: int) -> str:
    """nn.LayerNorm before opset 17."""
    centred = g.node("Sub", x, g.node("ReduceMean", x, axes=[-1], keepdims=1))
    variance = g.node("ReduceMean", g.node("Pow", centred, g.constant(2.0)), axes=[-1], keepdims=1)
    deviation = g.node("Sqrt", g.node("Add", variance, g.constant(1e-5)))
    scaled = g.node(
        "Mul", g.node("Div", centred, deviation), g.weight(g.rng.uniform(0.5, 1.5, width).astype(np.float32))
    )
    return g.node("Add", scaled, g.normal(width))


def _gelu(g: Graph, x: str) -> str:
    """nn.GELU before opset 20."""
    erf = g.node("Erf", g.node("Div", x, g.constant(np.sqrt(2.0))))
    return g.node("Mul", g.node("Mul", x, g.node("Add", erf, g.constant(1.0))), g.constant(0.5))


def transformer_block() -> onnx.ModelProto:
    """nn.TransformerEncoderLayer(norm_first=False) with two heads, written out."""
    g = Graph(opset=14)
    length, width, heads = 7, 12, 2
    x = g.input("x", [1, length, width])

    def split(y: str, perm: list[int]) -> str:
        parts = g.node("Reshape", y, g.constant([1, length, heads, width // heads], np.int64))
        return g.node("Transpose", parts, perm=perm)

    query, key, value = (_linear(g, x, width, width) for _ in range(3))
    scores = g.node("MatMul", split(query, [0, 2, 1, 3]), split(key, [0, 2, 3, 1]))
    scores = g.node("Div", scores, g.constant(np.sqrt(width / heads)))
    mixed = g.node("MatMul", g.node("Softmax", scores, axis=-1), split(value, [0, 2, 1, 3]))
    mixed = g.node(
        "Reshape", g.node("Transpose", mixed, perm=[0, 2, 1, 3]), g.constant([1, length, width], np.int64)
    )
    y = _layer_norm(g, g.node("Add", x, _linear(g, mixed, width, width)), width)
    hidden = _linear(g, _gelu(g, _linear(g, y, width, 20)), 20, width)
    return g.model(y=(_layer_norm(g, g.node("Add", y, hidden), width), [1, length, width]))


def inverted_residual() -> onnx.ModelProto:
    """MobileNetV2: expand, depthwise, project, add; ReLU6 as Clip with Constant bounds."""
    g = Graph(opset=12)

    def relu6(x: str) -> str:
        return g.node("Clip", x, g.constant(0.0), g.constant(6.0))

    def block(x: str, stride: int) -> str:
        y = relu6(g.conv(x, (18, 6, 1, 1)))
        y = relu6(g.conv(y, (18, 1, 3, 3), group=18, strides=[stride] * 2, pads=[1] * 4))
        return g.conv(y, (6, 18, 1, 1))

    x = g.input("image", ["batch_size", 3, 21, 15])
    x = relu6(g.conv(x, (6, 3, 3, 3), strides=[2, 2], pads=[1] * 4))
    x = g.node("Add", x, block(x, 1))
    x = block(x, 2)
    x = g.node("Add", x, block(x, 1))
    x = g.node("Flatten", g.node("GlobalAveragePool", x), axis=1)
    return g.model(scores=(g.node("Gemm", x, g.normal(7, 6), g.normal(7), transB=1), ["batch_size", 7]))


def squeeze_excitation() -> onnx.ModelProto:
    """MobileNetV3: hard-swish written out and as HardSigmoid with Mul, SE by ReduceMean."""
    g = Graph(opset=14)

    def hard_swish(x: str) -> str:
        shifted = g.node("Clip", g.node("Add", x, g.constant(3.0)), g.constant(0.0), g.constant(6.0))
        return g.node("Div", g.node("Mul", x, shifted), g.constant(6.0))

    x = g.input("x", [1, 4, 12, 10])
    x = hard_swish(g.conv(x, (8, 4, 3, 3), pads=[1] * 4, strides=[2, 2]))
    y = g.conv(x, (8, 1, 5, 5), group=8, pads=[2] * 4)
    y = g.node("Mul", y, g.node("HardSigmoid", y, alpha=1 / 6, beta=0.5))
    gate = g.node("Relu", g.conv(g.node("ReduceMean", y, axes=[2, 3], keepdims=1), (4, 8, 1, 1)))
    gate = g.node("HardSigmoid", g.conv(gate, (8, 4, 1, 1)), alpha=1 / 6, beta=0.5)
    return g.model(y=(g.node("Add", x, g.conv(g.node("Mul", gate, y), (8, 8, 1, 1))), [1, 8, 6, 5]))


def silu_cnn() -> onnx.ModelProto:
    """YOLO: convolutions with SiLU as Sigmoid and Mul, a residual, and QuickGELU."""
    g = Graph(opset=13)

    def silu(x: str) -> str:
        return g.node("Mul", x, g.node("Sigmoid", x))

    x = silu(g.conv(g.input("images", [1, 3, 13, 11]), (8, 3, 3, 3), strides=[2, 2], pads=[1] * 4))
    x = g.node("Add", x, silu(g.conv(x, (8, 8, 3, 3), pads=[1] * 4)))
    y = g.conv(x, (6, 8, 1, 1))
    y = g.node("Mul", y, g.node("Sigmoid", g.node("Mul", y, g.constant(1.702))))
    return g.model(y=(g.conv(y, (4, 6, 1, 1)), [1, 4, 7, 6]))


def conv1d() -> onnx.ModelProto:
    """A causal, dilated 1-D network over a time series, with a gated block."""
    g = Graph(opset=16)
    x = g.input("signal", [1, 3, 50])
    for depth, width, dilation in ((3, 8, 1), (8, 8, 2), (8, 8, 4)):
        y = g.conv(x, (width, depth, 3), dilations=[dilation], pads=[2 * dilation, 0])
        x = g.node("Relu", _batch_norm(g, y, width))
    gated = g.node("Mul", g.node("Tanh", g.conv(x, (8, 8, 1))), g.node("Sigmoid", g.conv(x, (8, 8, 1))))
    x = g.node("MaxPool", g.node("Add", x, gated), kernel_shape=[2], strides=[2])
    x = g.node("AveragePool", x, kernel_shape=[5], strides=[5])
    x = g.node("Gemm", g.node("Flatten", x), g.normal(4, 40), g.normal(4), transB=1)
    return g.model(y=(g.node("Softmax", x, axis=1), [1, 4]))


def unet() -> onnx.ModelProto:
    """Down twice; up once by ConvTranspose and once by Resize; skips by Concat."""
    g = Graph(opset=13)

    def double(x: str, depth: int, width: int) -> str:
        y = g.node("Relu", g.conv(x, (width, depth, 3, 3), pads=[1] * 4))
        return g.node("Relu", g.conv(y, (width, width, 3, 3), pads=[1] * 4))

    pool: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}
    top = double(g.input("x", [1, 1, 16, 12]), 1, 4)
    middle = double(g.node("MaxPool", top, **pool), 4, 6)
    bottom = double(g.node("MaxPool", middle, **pool), 6, 8)
    up = g.node("ConvTranspose", bottom, g.normal(8, 6, 2, 2), g.normal(6), **pool)
    up = double(g.node("Concat", up, middle, axis=1), 12, 6)
    sizes = g.constant([1.0, 1.0, 2.0, 2.0])
    how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    up = g.node("Resize", up, "", sizes, mode="nearest", **how)
    up = double(g.node("Concat", up, top, axis=1), 10, 4)
    return g.model(mask=(g.node("Sigmoid", g.conv(up, (1, 4, 1, 1))), [1, 1, 16, 12]))


def text_classifier() -> onnx.ModelProto:
    """nn.Embedding of token numbers, mean over the words, two outputs."""
    g = Graph(opset=17)
    tokens = g.input("tokens", [1, 9], TensorProto.INT64)
    words = g.node("Gather", g.weight(g.rng.normal(size=(3, 8)).astype(np.float32)), tokens, axis=0)
    pooled = g.node("ReduceMean", words, axes=[1], keepdims=0)
    logits = g.node("Gemm", pooled, g.normal(4, 8), g.normal(4), transB=1)
    return g.model(logits=(logits, [1, 4]), words=(words, [1, 9, 8]))


def two_inputs() -> onnx.ModelProto:
    """An image and a vector, late fusion; the image's features are an output as well."""
    g = Graph(opset=17)
    image, vector = g.input("image", [1, 1, 9, 9]), g.input("vector", [1, 5])
    x = g.node("Relu", g.conv(image, (4, 1, 3, 3), strides=[2, 2]))
    features = g.node("Flatten", x)
    other = g.node("Tanh", g.node("Gemm", vector, g.normal(6, 5), g.normal(6), transB=1))
    joined = g.node("Concat", features, other, axis=1)
    y = g.node("Gemm", joined, g.normal(3, 70), g.normal(3), transB=1)
    return g.model(y=(y, [1, 3]), features=(features, [1, 64]))


NETWORKS: list[Callable[[], onnx.ModelProto]] = [
    pytorch_cnn, pytorch_view, keras_cnn, keras_flatten, sklearn_mlp, transformer_block, inverted_residual,
    squeeze_excitation, silu_cnn, conv1d, unet, text_classifier, two_inputs,
]  # fmt: skip
