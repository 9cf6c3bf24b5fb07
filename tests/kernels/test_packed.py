"""Kernels on elements of 8, 4 and 2 bits: every width that matters, odd channel counts, every schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.codegen.emit import Facts, emit
from tinyc.emulator.devices import make_device
from tinyc.emulator.machine import Machine
from tinyc.emulator.toolchain import gcc
from tinyc.ir.dtype import DType
from tinyc.kernels.packed_words import Products
from tinyc.passes.place import place
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from .checks import check, lowered, qdq_model, samples_of
from .test_conv2d import CASES

TYPES = {2: np.dtype(ml_dtypes.int2), 4: np.dtype(ml_dtypes.int4), 8: np.dtype(np.int8)}
SCALES = {2: 0.9, 4: 0.3, 8: 0.02}
ZEROS = {2: -1, 4: 3, 8: 9}
WIDTHS = [widths for widths in product((4, 8, 2), repeat=3) if widths != (8, 8, 8)]
"""Bits of inputs, weights and outputs."""
SHAPE = (1, 7, 6, 5)
Widths = tuple[int, int, int]


def model_of(
    nodes: Sequence[onnx.NodeProto], shape: tuple[int, ...], bits: Mapping[str, int],
    weights: tuple[tuple[int, ...], int] | None = None, others: Mapping[str, np.ndarray] | None = None,
) -> onnx.ModelProto:  # fmt: skip
    """``nodes`` from inputs ``x``, ``z`` to ``y``, of so many bits each, with conversions from and to int8
    around them; random weights ``w`` of a shape and bits, with a bias ``b``."""
    dequantized: dict[str, tuple[np.ndarray, np.ndarray, int]] = {}
    if weights is not None:
        dims, width = weights
        rng = np.random.default_rng(len(str(dims)))
        limit = 2 ** (width - 1)
        scales = (rng.uniform(0.02, 0.2, dims[0]) * 2.0 ** (4 - width)).astype(np.float32)
        bias = rng.integers(-60, 60, dims[0]).astype(np.int32)
        integers = rng.integers(-limit, limit, dims).astype(TYPES[width])
        dequantized = {"w": (integers, scales, 0), "b": (bias, SCALES[bits["x"]] * scales, 0)}
    factors = {"y": 1.3}
    quants = {n: (SCALES[width] * factors.get(n, 1.0), ZEROS[width]) for n, width in bits.items()}
    return qdq_model(
        nodes, {name: shape for name in bits if name != "y"}, ["y"], quants, others, dequantized, stage=True,
        types={name: TYPES[width] for name, width in bits.items()},
    )  # fmt: skip


def convolution(case: str, widths: Widths, activation: str = "") -> onnx.ModelProto:
    shape, weights, attributes = CASES[case]
    x, w, y = widths
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c" if activation else "y"], "conv", **attributes)]
    if activation:
        nodes.append(helper.make_node(activation, ["c"], ["y"], "activation"))
    return model_of(nodes, shape, {"x": x, "y": y}, (weights, w))


def templates(model: onnx.ModelProto) -> list[str]:
    """Of the steps between the first and the last conversion, after all comparisons."""
    return [step.kernel.template for step in check(model).steps][1:-1]


@pytest.mark.parametrize(("number", "widths"), list(enumerate(WIDTHS)))
def test_convolution(number: int, widths: Widths) -> None:
    """Each case by at least one combination of widths, and each combination by a case."""
    case = list(CASES)[number % len(CASES)]
    activation = ("", "Relu")[number % 2]
    found = templates(convolution(case, widths, activation))
    converted = case in ("grouped", "depthwise, multiplier 2")  # groups that begin inside a byte
    assert converted or found in (["packed_conv2d"], ["packed_depthwise"])


@pytest.mark.parametrize("widths", [(4, 4, 4), (8, 4, 8), (2, 8, 2)], ids=str)
@pytest.mark.parametrize("case", ["pointwise", "depthwise", "grouped", "1-D depthwise, dilated"])
def test_common_widths(case: str, widths: Widths) -> None:
    found = templates(convolution(case, widths))
    begins_inside = case == "grouped" and widths[0] < 8
    assert (found in (["packed_conv2d"], ["packed_depthwise"])) != begins_inside, found


def test_groups_on_whole_bytes() -> None:
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], "conv", group=3, pads=[1, 0, 1, 1])
    for widths in ((4, 4, 4), (8, 4, 8), (4, 2, 2)):
        model = model_of([node], (1, 6, 4, 5), {"x": widths[0], "y": widths[2]}, ((12, 2, 3, 2), widths[1]))
        assert templates(model) == ["packed_conv2d"]


@pytest.mark.parametrize("widths", WIDTHS[::3], ids=str)
@pytest.mark.parametrize(("rows", "inputs", "outputs"), [(1, 37, 10), (3, 21, 9)])
def test_dense(widths: Widths, rows: int, inputs: int, outputs: int) -> None:
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "gemm", transB=1)
    model = model_of([node], (rows, inputs), {"x": widths[0], "y": widths[2]}, ((outputs, inputs), widths[1]))
    assert templates(model) == ["packed_dense"]


POOLS = {
    "MaxPool": {"kernel_shape": [2, 3], "strides": [2, 1], "pads": [1, 0, 0, 1]},
    "AveragePool": {"kernel_shape": [3, 2], "strides": [1, 2], "pads": [1, 1, 1, 0]},
}


@pytest.mark.parametrize("operator", POOLS)
@pytest.mark.parametrize("bits", [(4, 4), (2, 2), (8, 4), (4, 8), (4, 2)], ids=str)
def test_pool(operator: str, bits: tuple[int, int]) -> None:
    node = helper.make_node(operator, ["x"], ["y"], "pool", **POOLS[operator])
    (template,) = templates(model_of([node], SHAPE, {"x": bits[0], "y": bits[1]}))
    assert template in ("packed_max_pool", "packed_average_pool")


@pytest.mark.parametrize("bits", [(4, 4, 4), (2, 4, 2), (8, 4, 8), (8, 8, 4), (4, 2, 8)], ids=str)
@pytest.mark.parametrize("channels", [7, 8])
def test_sum(bits: Widths, channels: int) -> None:
    node = helper.make_node("Add", ["x", "z"], ["y"], "add")
    model = model_of([node], (1, channels, 6, 5), dict(zip("xzy", bits, strict=True)))
    assert "packed_sum" in [step.kernel.template for step in check(model).steps]


@pytest.mark.parametrize("bits", [(4, 4), (2, 4), (4, 2), (8, 2), (4, 8)], ids=str)
@pytest.mark.parametrize("shape", [SHAPE, (1, 8, 3, 5), (3, 5)], ids=str)
def test_functions_and_conversions_are_tables(bits: tuple[int, int], shape: tuple[int, ...]) -> None:
    model = model_of([helper.make_node("Sigmoid", ["x"], ["y"], "s")], shape, {"x": bits[0], "y": bits[1]})
    assert templates(model) == ["packed_table"]


@pytest.mark.parametrize(
    ("node", "others", "kernel"),
    [
        (helper.make_node("Softmax", ["x"], ["y"], "n", axis=1), {}, "quantized_softmax"),
        (helper.make_node("Slice", ["x", "begins", "ends"], ["y"], "n"),
         {"begins": np.array([0, 2]), "ends": np.array([1, 5])}, "remap"),
        (helper.make_node("Transpose", ["x"], ["y"], "n", perm=[0, 2, 3, 1]), {}, ""),
        (helper.make_node("Mul", ["x", "factor"], ["y"], "n"),
         {"factor": np.linspace(-1, 1, 5, dtype=np.float32)}, "scale"),
    ],
    ids=["softmax", "slice", "transpose", "scale"],
)  # fmt: skip
@pytest.mark.parametrize("bits", [4, 2])
def test_other_operators_get_whole_bytes(
    node: onnx.NodeProto, others: dict[str, np.ndarray], kernel: str, bits: int
) -> None:
    program = check(model_of([node], SHAPE, {"x": bits, "y": bits}, None, others))
    found = [step.kernel.template for step in program.steps]
    assert kernel in [*found, ""] and found.count("packed_table") >= 2


def test_narrowing_in_place() -> None:
    """Pixels of three int8 lie where those of three int4, two bytes, are written."""
    node = helper.make_node("MaxPool", ["x"], ["y"], "pool", kernel_shape=[16, 16])
    program = check(model_of([node], (1, 3, 16, 16), {"x": 4, "y": 4}))
    assert program.plan is not None and program.plan.arena_bytes == 16 * 16 * 3


@pytest.mark.parametrize("bits", [8, 4, 2])
@pytest.mark.parametrize("source", [DType.INT8, DType.INT4, DType.INT2])
def test_words_give_the_sums_of_products(bits: int, source: DType) -> None:
    """What the routines compute, with the extremes of both types, halves apart only every ``most`` taps."""
    rng = np.random.default_rng(bits)
    limit = 2 ** (bits - 1)
    weights = rng.choice([-limit, limit - 1], (11, 45)).astype(TYPES[bits])
    products = Products(source, weights, np.arange(11), 0)
    x = rng.choice([int(source.lowest), int(source.highest)], 45).astype(np.int64)
    x[:20] = int(source.lowest)
    if not products.halves:
        pytest.skip("both have 8 bits: there is nothing to keep apart")
    raised = np.pad(weights.astype(np.int64), ((0, 5), (0, 0))) + products.raised
    for begin in range(0, 45, products.most):
        part = slice(begin, begin + products.most)
        low, high = (raised[half::8, part] @ x[part] for half in (0, 4))
        assert np.abs(low).max() < 2**15 and np.abs(low + (high << 16)).max() < 2**31
    assert products.words.shape == (2, products.block)


@pytest.mark.parametrize("board", ["nucleo-f446re", "rpi-pico"])
@pytest.mark.parametrize(
    "widths", [(4, 4, 4), (8, 4, 8), (2, 2, 2), (4, 8, 2), (8, 8, 4), (8, 2, 8)], ids=str
)
def test_boards_agree(board: str, widths: Widths) -> None:
    """Fast kernels decline, but for those of the DSP extension for weights of 4 bits between bytes."""
    if gcc(load_target(board)) is None:
        pytest.skip("there is no cross compiler")
    target = load_target(board)
    for case in ("3x3 same", "depthwise"):
        program = lowered(convolution(case, widths))
        tailored = tailor(program, target)
        wanted = [step.kernel.template for step in program.steps]
        if target.dsp and widths == (8, 4, 8):
            wanted = [name.replace("packed_conv2d", "dsp_conv2d") for name in wanted]
        assert [step.kernel.template for step in tailored.steps] == wanted
        placed = place(tailored)
        files = emit(placed, target, Facts("0", "test.onnx", "0", 25, 0, 0, ""))
        device, _ = make_device(placed, files, target, [step.name for step in placed.steps])
        (sample,) = samples_of(convolution(case, widths), 1)
        fed = {
            name: placed.buffers[name].to_memory(array)
            for name, array in zip(placed.inputs, sample.values(), strict=True)
        }
        (name,) = placed.outputs
        np.testing.assert_array_equal(device.run(fed).outputs[name], Machine(placed).run(fed)[name])
