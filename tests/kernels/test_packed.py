"""Kernels on elements of 8, 4 and 2 bits: every width that matters, odd channel counts, every schedule."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.ir.dtype import DType
from tinyc.kernels.packed_words import Products
from tinyc.passes.tailor import tailor
from tinyc.targets import load_target

from .boards import check_on_board
from .checks import check, lowered
from .test_conv2d import CASES
from .widths import TYPES, WIDTHS, Widths, model_of, narrow_convolution, narrow_matrix

PICO = "rpi-pico"
SHAPE = (1, 7, 6, 5)


def convolution(case: str, widths: Widths, activation: str = "") -> onnx.ModelProto:
    return narrow_convolution(*CASES[case], widths, activation)


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


@pytest.mark.parametrize(("widths", "template"), [((8, 4, 8), "packed_dense"), ((4, 4, 8), "packed_conv2d")])
def test_taps_that_are_the_whole_input(widths: Widths, template: str) -> None:
    """A dense layer, unless each pixel begins a byte: then there may be gaps in between."""
    assert templates(narrow_convolution((1, 5, 3), (7, 5, 3), {}, widths, "")) == [template]


@pytest.mark.parametrize("widths", [(4, 4, 16), (8, 2, 16)], ids=str)
@pytest.mark.parametrize("case", ["pointwise", "depthwise", "1-D depthwise, dilated"])
def test_outputs_of_16_bits(case: str, widths: Widths) -> None:
    (template,) = templates(convolution(case, widths))
    assert template == ("packed_depthwise" if "depthwise" in case else "packed_conv2d")


def test_dense_outputs_of_16_bits() -> None:
    assert templates(narrow_matrix(3, 21, 9, (4, 4, 16))) == ["packed_dense"]


def test_groups_on_whole_bytes() -> None:
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], "conv", group=3, pads=[1, 0, 1, 1])
    for widths in ((4, 4, 4), (8, 4, 8), (4, 2, 2)):
        model = model_of([node], (1, 6, 4, 5), {"x": widths[0], "y": widths[2]}, ((12, 2, 3, 2), widths[1]))
        assert templates(model) == ["packed_conv2d"]


@pytest.mark.parametrize("widths", WIDTHS[::3], ids=str)
@pytest.mark.parametrize(("rows", "inputs", "outputs"), [(1, 37, 10), (3, 21, 9)])
def test_dense(widths: Widths, rows: int, inputs: int, outputs: int) -> None:
    model = narrow_matrix(rows, inputs, outputs, widths)
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


@pytest.mark.parametrize("bits", [(4, 4, 4), (2, 2, 2), (2, 4, 2), (8, 4, 8), (8, 8, 4), (4, 2, 8)], ids=str)
@pytest.mark.parametrize("channels", [7, 8])
def test_sum(bits: Widths, channels: int) -> None:
    model = _sum("Add", bits, (1, channels, 6, 5))
    assert "packed_sum" in [step.kernel.template for step in check(model).steps]


@pytest.mark.parametrize("bits", [4, 2])
def test_sum_by_table(bits: int) -> None:
    """Runs in whole bytes."""
    program = check(_sum("Sub", (bits, bits, bits), (1, 3, 5, 12)))
    assert "packed_pairs" in [step.kernel.template for step in program.steps]
    check_on_board(program, PICO)


def _sum(operator: str, bits: Widths, shape: tuple[int, ...]) -> onnx.ModelProto:
    node = helper.make_node(operator, ["x", "z"], ["y"], "sum")
    return model_of([node], shape, dict(zip("xzy", bits, strict=True)))


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


@pytest.mark.parametrize(
    "widths", [(4, 4, 4), (8, 4, 8), (2, 2, 2), (4, 8, 2), (8, 8, 4), (8, 2, 8)], ids=str
)
@pytest.mark.parametrize("case", ["3x3 same", "depthwise"])
def test_board_agrees(case: str, widths: Widths) -> None:
    """A core without a fast form."""
    program = lowered(convolution(case, widths))
    assert tailor(program, load_target(PICO)).steps == program.steps
    check_on_board(program, PICO)
