"""Random graphs, in which rules meet in ways that no table foresees, keep their outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx.helper as helper
import onnx_ir as oir
import pytest

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model

from ..onnx_text import run

Shape = tuple[int, ...]


class Sketch:
    """A graph that grows: nodes, initializers, and the values to build on with their shapes."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.shapes: dict[str, Shape] = {"x": (1, self.below(4) + 1, self.below(5) + 2, self.below(5) + 2)}
        self.quantized = False

    def below(self, limit: int) -> int:
        return int(self.random.integers(limit))

    def normal(self, *shape: int) -> np.ndarray:
        return self.random.standard_normal(shape).astype(np.float32)

    def constant(self, array: np.ndarray | np.generic) -> str:
        name = f"c{len(self.initializers)}"
        self.initializers.append(oir.to_proto(oir.Tensor(np.asarray(array), name=name)))
        return name

    def integers(self, *numbers: int) -> str:
        return self.constant(np.array(numbers, np.int64))

    def add(self, operator: str, inputs: list[str], shape: Shape | list[int], **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], f"n{len(self.nodes)}", **attributes))
        self.shapes[name] = tuple(shape)
        return name

    def pick(self) -> tuple[str, Shape]:
        """A value, the latest ones more often."""
        names = list(self.shapes)
        name = names[max(0, len(names) - 1 - int(self.random.exponential(1.5)))]
        return name, self.shapes[name]

    def proto(self) -> onnx.ModelProto:
        outputs = list(self.shapes)[1:]
        kept = [name for name in outputs[:-1] if self.random.random() < 0.1] + outputs[-1:]
        graph = helper.make_graph(
            self.nodes,
            "sketch",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, self.shapes["x"])],
            [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in kept],
            self.initializers,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def unary(s: Sketch) -> None:
    x, shape = s.pick()
    s.add(s.random.choice(["Relu", "Neg", "Sigmoid", "Identity", "LeakyRelu", "HardSwish"]), [x], shape)


def clip(s: Sketch) -> None:
    x, shape = s.pick()
    s.add("Clip", [x, s.constant(np.float32(s.below(2) - 1)), s.constant(np.float32(s.below(6)))], shape)


def binary(s: Sketch) -> None:
    x, shape = s.pick()
    small = [dim if s.below(2) else 1 for dim in shape][s.below(len(shape) + 1) :]
    other = s.constant(np.abs(s.normal(*small)) + np.float32(0.5))
    same = [name for name, found in s.shapes.items() if found == shape]
    if s.below(3) == 0:
        s.add("Add", [x, s.random.choice(same)], shape)
        return
    operator = str(s.random.choice(["Add", "Sub", "Mul", "Div", "Max", "Min"]))
    s.add(operator, [other, x] if s.below(3) == 0 and operator != "Div" else [x, other], shape)


def transpose(s: Sketch) -> None:
    x, shape = s.pick()
    perm = [int(axis) for axis in s.random.permutation(len(shape))]
    if len(shape) == 4 and s.below(3):
        perm = [0, 3, 1, 2] if s.below(2) else [0, 2, 3, 1]
    s.add("Transpose", [x], [shape[axis] for axis in perm], perm=perm)


def reshape(s: Sketch) -> None:
    x, shape = s.pick()
    axis = s.below(len(shape) + 1)
    if s.below(2) and len(shape) < 5:
        s.add("Unsqueeze", [x, s.integers(axis)], [*shape[:axis], 1, *shape[axis:]])
    elif s.below(2) and 1 in shape[1:]:
        axis = shape.index(1, 1)
        s.add("Squeeze", [x, s.integers(axis)], [*shape[:axis], *shape[axis + 1 :]])
    else:
        rows = int(np.prod(shape[:axis]))
        s.add("Flatten", [x], [rows, int(np.prod(shape)) // rows], axis=axis)


def join(s: Sketch) -> None:
    x, shape = s.pick()
    axis = s.below(len(shape))
    s.add("Concat", [x, x], [*shape[:axis], 2 * shape[axis], *shape[axis + 1 :]], axis=axis - len(shape))


def cut(s: Sketch) -> None:
    x, shape = s.pick()
    axis = s.below(len(shape))
    step = int(s.random.choice([1, 2, -1]))
    ends = (shape[axis] - 1, -(2**31)) if step < 0 else (0, 2**31)
    length = len(range(0, shape[axis], abs(step)))
    operands = [s.integers(number) for number in (*ends, axis, step)]
    s.add("Slice", [x, *operands], [*shape[:axis], length, *shape[axis + 1 :]])


def pad(s: Sketch) -> None:
    x, shape = s.pick()
    if len(shape) != 4 or np.prod(shape) > 3000:
        return
    numbers = [0, 0, s.below(2), s.below(2), 0, 0, s.below(2), s.below(2)]
    s.add("Pad", [x, s.integers(*numbers)], [d + numbers[i] + numbers[i + 4] for i, d in enumerate(shape)])


def convolution(s: Sketch) -> None:
    x, shape = s.pick()
    if len(shape) != 4 or min(shape[2:]) < 2:
        return
    group = shape[1] if s.below(3) == 0 else 1
    filters = shape[1] if group > 1 else s.below(4) + 1
    weights = s.constant(s.normal(filters, shape[1] // group, 2, 2) / 2)
    bias = [s.constant(s.normal(filters))] if s.below(2) else []
    size = [dim // 2 for dim in shape[2:]]
    s.add("Conv", [x, weights, *bias], [shape[0], filters, *size], strides=[2, 2], group=group)


def pool(s: Sketch) -> None:
    x, shape = s.pick()
    if len(shape) == 4 and min(shape[2:]) >= 2:
        size = [-(-dim // 2) for dim in shape[2:]]
        operator = str(s.random.choice(["MaxPool", "AveragePool"]))
        s.add(operator, [x], [*shape[:2], *size], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)


def normalization(s: Sketch) -> None:
    x, shape = s.pick()
    if len(shape) >= 2:
        parameters = [s.normal(shape[1]) for _ in range(3)] + [np.abs(s.normal(shape[1])) + np.float32(0.5)]
        s.add("BatchNormalization", [x, *map(s.constant, parameters)], shape)


def reduction(s: Sketch) -> None:
    x, shape = s.pick()
    axes = sorted({s.below(len(shape)), s.below(len(shape))})
    if len(axes) < len(shape):
        operator = str(s.random.choice(["ReduceMean", "ReduceMax", "ReduceSum"]))
        rest = [dim for axis, dim in enumerate(shape) if axis not in axes]
        s.add(operator, [x, s.integers(*axes)], rest, keepdims=0)


def product(s: Sketch) -> None:
    x, shape = s.pick()
    if len(shape) == 2:
        columns = s.below(5) + 1
        y = s.add("MatMul", [x, s.constant(s.normal(shape[1], columns) / 2)], [shape[0], columns])
        s.add("Add", [s.constant(s.normal(columns)), y], [shape[0], columns])


def softmax(s: Sketch) -> None:
    x, shape = s.pick()
    s.add("Softmax", [x], shape, axis=s.below(len(shape)))


def quantization(s: Sketch) -> None:
    x, shape = s.pick()
    scale = s.constant(np.float32(s.random.uniform(0.02, 0.2)))
    zero = s.constant(np.uint8(s.below(256)) if s.below(2) else np.int8(s.below(256) - 128))
    stored = s.add("QuantizeLinear", [x, scale, zero], shape)
    del s.shapes[stored]
    s.add("DequantizeLinear", [stored, scale, zero], shape)
    s.quantized = True


STEPS: tuple[Callable[[Sketch], None], ...] = (
    unary, unary, clip, binary, binary, binary, transpose, transpose, transpose, reshape, join, cut, pad,
    convolution, convolution, pool, normalization, reduction, product, softmax, quantization,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(150))
def test_random_graphs_keep_their_outputs(seed: int) -> None:
    sketch = Sketch(seed)
    for _ in range(4 + sketch.below(16)):
        STEPS[sketch.below(len(STEPS))](sketch)
    if not sketch.nodes:
        return
    proto = sketch.proto()
    model = canonicalize(import_model(proto))
    onnx.checker.check_model(oir.to_proto(model), full_check=True)
    feeds = {"x": 2 * sketch.normal(*sketch.shapes["x"])}
    # Behind a quantizer, rounding of the seventh digit may tip a value over to the next integer.
    tolerance = 0.05 if sketch.quantized else 2e-5
    for expected, found in zip(run(proto, feeds), run(model, feeds), strict=True):
        assert found.shape == expected.shape
        scale = max(float(np.abs(expected).max(initial=0)), 1e-3)
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)
