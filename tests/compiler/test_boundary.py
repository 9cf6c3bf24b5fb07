"""The model's edge: inputs and outputs that are constants, scalars, views, quantized, transposed."""

from __future__ import annotations

import re

import numpy as np
import onnx
import pytest

from tinyc.ir.dtype import DType, Quant
from tinyc.ir.errors import ModelError, UsageError
from tinyc.ir.program import Program, Role
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import LowerOptions, lower

from ..passes.onnx_text import build, random_feeds
from .agreement import float_graph_agrees, merged_host_agrees, near, planned, quantized_graph_agrees, run

CONSTANTS = {
    "s": np.float32(0.05), "z": np.int8(3), "s2": np.float32(0.02), "z2": np.int8(-7), "zu": np.uint8(130),
    "s16": np.float32(0.0002), "z16": np.int16(30), "z32": np.int32(0), "pixel": np.int8(-128),
    "c": np.arange(6, dtype=np.float32).reshape(2, 3), "column": np.arange(4, dtype=np.float32).reshape(4, 1),
    "w": np.arange(12, dtype=np.float32).reshape(4, 3, 1, 1), "four": np.full((1, 1, 1, 1), 2, np.float32),
    "k1": np.arange(6, dtype=np.float32).reshape(2, 3, 1), "i": np.arange(4),
    "b": np.array([True, False, True]), "shape": np.array([3, 2]), "row": np.full((1, 1), 0.25, np.float32),
    "w8": np.arange(6, dtype=np.float32).reshape(2, 3, 1, 1) / 4, "flat": np.array([80]),
    "half": np.array([2, 40]), "m5": np.float32(-5), "m1": np.float32(-1), "p1": np.float32(1.5),
    "p3": np.float32(3), "bias": np.array([[[1, 2, 3]]], np.float32),
}  # fmt: skip


def model(inputs: str, body: str, outputs: str) -> onnx.ModelProto:
    """``Q`` and ``DQ`` stand for QuantizeLinear and DequantizeLinear."""
    words = set(re.findall(r"\w+", f"{body} {outputs}"))
    known = {name: np.asarray(array) for name, array in CONSTANTS.items() if name in words}
    spelt = body.replace("DQ(", "DequantizeLinear(").replace("Q(", "QuantizeLinear(")
    return build(inputs, spelt, known, outputs=outputs, opset=21)


FLOAT = {
    "constant_output": ("float[2,3] x", "y = Relu(x)  k = Identity(c)", "float[2,3] y, float[2,3] k"),
    "nothing_but_a_constant": ("float[2,3] x", "k = Identity(c)", "float[2,3] k"),
    "initializer_as_output": ("float[2,3] x", "y = Add(x, c)", "float[2,3] y, float[2,3] c"),
    "whole_numbers_and_truths": (
        "float[2,3] x", "y = Relu(x)  k = Identity(i)  l = Identity(b)", "float[2,3] y, int64[4] k, bool[3] l"
    ),
    "input_as_output": ("float[2,3] x", "y = Relu(x)", "float[2,3] x, float[2,3] y"),
    "no_nodes": ("float[2,3] x", "", "float[2,3] x"),
    "identity": ("float[2,3] x", "y = Identity(x)", "float[2,3] y"),
    "identity_twice": ("float[2,3] x", "y = Identity(x)  v = Identity(x)", "float[2,3] y, float[2,3] v"),
    "views_of_the_input": (
        "float[2,3] x", "y = Reshape(x, shape)  v = Transpose(x)", "float[3,2] y, float[3,2] v"
    ),
    "scalar": ("float x", "y = Exp(x)", "float y"),
    "scalar_against_matrix": ("float x, float[2,3] v", "y = Mul(x, v)", "float[2,3] y"),
    "transposed": (
        "float[1,3,4,5] x",
        "a = Conv(x, w)  d = Transpose<perm = [0, 2, 3, 1]>(a)"
        "e = Transpose<perm = [0, 3, 2, 1]>(a)  f = Transpose<perm = [3, 1, 2, 0]>(a)",
        "float[1,4,5,4] d, float[1,5,4,4] e, float[5,4,4,1] f, float[1,4,4,5] a",
    ),
    "only_transposed": (
        "float[1,3,4,5] x", "a = Conv(x, w)  y = Transpose<perm = [0, 2, 3, 1]>(a)", "float[1,4,5,4] y"
    ),
    "batch": ("float[3,3,4,5] x", "a = Conv(x, w)  y = MaxPool<kernel_shape = [1, 2], strides = [3, 3]>(a)",
              "float[3,4,2,2] y"),
    "operand_of_higher_rank": (
        "float[1,3,5] x", "a = Conv(x, k1)  y = Add(a, four)  v = Relu(a)", "float[1,1,2,5] y, float[1,2,5] v"
    ),
    "bias_that_adds_an_axis": (
        "float[4,2] x", "a = MatMul(x, c)  y = Add(a, bias)", "float[1,4,3] y"
    ),
    "names_that_lowering_makes_up": (
        "float[1,3,4,5] x",
        't = Conv(x, w)  a = Reshape(t, flat)  "t in order (0, 1, 2, 3)" = Relu(t)  e = Reshape(t, half)'
        'u = Neg("t in order (0, 1, 2, 3)")',
        "float[80] a, float[2,40] e, float[1,4,4,5] u",
    ),
    "operand_of_lower_rank": (
        "float[1,3,4,5] x, float[4,5] u", "a = Conv(x, w)  t = Add(a, u)  y = Mul(column, t)",
        "float[1,4,4,5] y",
    ),
    "input_that_nobody_reads": ("float[2,3] x, float[7] u", "y = Relu(x)", "float[2,3] y"),
    "names_of_c": ("float[2,3] out", "in = Relu(out)", "float[2,3] in"),
    "truths": ("float[2,3] x", "y = Greater(x, c)  v = Not(y)", "bool[2,3] y, bool[2,3] v"),
    "whole_numbers": ("int64[2,3] x", "y = Add(x, x)  v = Cast<to = 1>(y)", "int64[2,3] y, float[2,3] v"),
    "six_axes": (
        "float[1,2,2,2,2,3] x", "y = Transpose<perm = [5, 4, 3, 2, 1, 0]>(x)  v = Relu(y)",
        "float[3,2,2,2,2,1] v"
    ),
}  # fmt: skip

A_B = "a = DQ(x, s, z)  b_ = DQ(x, s2, z2)"
QUANTIZED = {
    "wide_to_narrow": (
        "int16[2,3] x", "a = DQ(x, s16, z16)  y = Q(a, s, z)", "int8[2,3] y"
    ),
    "narrow_to_wide": (
        "int8[2,3] x", "a = DQ(x, s, z)  y = Q(a, s16, z16)", "int16[2,3] y"
    ),
    "int32_to_narrow": (
        "int32[2,3] x", "a = DQ(x, s, z32)  y = Q(a, s2, z2)", "int8[2,3] y"
    ),
    "another_scale": ("int8[2,3] x", "a = DQ(x, s, z)  y = Q(a, s2, z2)", "int8[2,3] y"),
    "bounds_upon_bounds": (
        "int8[1,3,4,5] x",
        "a = DQ(x, s, z)  t = Conv(a, w8)  u = Clip(t, m5, p3)  v = Relu(u)  r = Clip(v, m5, p1)"
        "y = Q(r, s2, z2)",
        "int8[1,2,4,5] y",
    ),
    "bounds_that_miss_each_other": (
        "int8[1,3,4,5] x",
        "a = DQ(x, s, z)  t = Conv(a, w8)  u = Clip(t, m5, m1)  v = Relu(u)  y = Q(v, s2, z2)"
        "o = Conv(a, w)  r = Relu(o)  l = Clip(r, m5, m1)  k = Q(l, s2, z2)",
        "int8[1,2,4,5] y, int8[1,4,4,5] k",
    ),
    "gated_by_its_own_function": (
        "int8[2,3] x", "a = DQ(x, s, z)  t = Tanh(a)  u = Exp(t)  v = Div(a, u)  y = Q(v, s2, z2)",
        "int8[2,3] y",
    ),
    "function_of_16_bits": (
        "int16[2,3] x", "a = DQ(x, s16, z16)  t = Tanh(a)  y = Q(t, s2, z2)", "int8[2,3] y"
    ),
    "sum_of_16_bits": (
        "int16[2,3] x", "a = DQ(x, s16, z16)  t = Add(a, a)  y = Q(t, s16, z16)",
        "int16[2,3] y",
    ),
    "function_that_adds_an_axis": (
        "int8[3] x", "a = DQ(x, s, z)  t = Mul(a, row)  y = Q(t, s2, z2)", "int8[1,3] y"
    ),
    "input_quantized_twice_alike": (
        "float[2,3] x", "y = Q(x, s, z)  v = Q(x, s, z)", "int8[2,3] y, int8[2,3] v"
    ),
    "input_quantized_in_two_ways": (
        "float[2,3] x", "y = Q(x, s, z)  v = Q(x, s2, z2)", "int8[2,3] y, int8[2,3] v"
    ),
    "input_read_in_two_ways": ("int8[2,3] x", A_B, "float[2,3] a, float[2,3] b_"),
    "sum_of_two_readings": (
        "int8[2,3] x", A_B + "t = Add(a, b_)  y = Q(t, s, z)", "int8[2,3] y"
    ),
    "reading_and_input_as_outputs": (
        "int8[2,3] x", "a = DQ(x, s, z)", "float[2,3] a, int8[2,3] x"
    ),
    "unsigned_input_as_output": (
        "uint8[2,3] x", "a = DQ(x, s, zu)", "float[2,3] a, uint8[2,3] x"
    ),
    "quantized_input_as_output": (
        "float[2,3] x", "q = Q(x, s, z)  y = DQ(q, s, z)", "float[2,3] x, float[2,3] y"
    ),
    "both_sides_of_a_pair": (
        "float[2,3] x", "y = Q(x, s, z)  v = DQ(y, s, z)", "int8[2,3] y, float[2,3] v"
    ),
    "quantized_constant_as_output": (
        "float[2,3] x", "q = Q(c, s, z)  k = DQ(q, s, z)  y = Add(x, k)",
        "float[2,3] y, float[2,3] k",
    ),
    "sum_of_quantized_constants": (
        "float[2,3] x", "q = Q(c, s, z)  k = DQ(q, s, z)  l = Add(k, k)  y = Add(x, l)",
        "float[2,3] y",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FLOAT)
def test_float(case: str):
    float_graph_agrees(model(*FLOAT[case]))


@pytest.mark.parametrize("case", QUANTIZED)
def test_quantized(case: str):
    quantized_graph_agrees(model(*QUANTIZED[case]))


def test_as_c():
    merged_host_agrees([model(*case) for case in (*FLOAT.values(), *QUANTIZED.values())])


def lowered(case: tuple[str, str, str], options: LowerOptions) -> Program:
    return lower(canonicalize(import_model(model(*case))), "net", options)


def test_a_transposed_output_tells_its_order():
    """The bytes of the convolution are the transposed output's: nothing is moved, and the buffer says so."""
    program = lowered(FLOAT["only_transposed"], LowerOptions())
    (output,) = (program.buffers[name] for name in program.outputs)
    assert [step.kernel.template for step in program.steps] == ["conv2d"]
    assert (output.shape, output.order, output.role) == ((1, 4, 5, 4), (0, 1, 2, 3), Role.OUTPUT)


def test_images_are_handed_over_channel_last_unless_the_model_s_own_layout_is_asked_for():
    case = ("float[1,3,4,5] x", "y = Conv(x, w)", "float[1,4,4,5] y")
    last, own = lowered(case, LowerOptions(True)), lowered(case, LowerOptions(False))
    assert [last.buffers[n].shape for n in (*last.inputs, *last.outputs)] == [(1, 4, 5, 3), (1, 4, 5, 4)]
    assert [own.buffers[n].shape for n in (*own.inputs, *own.outputs)] == [(1, 3, 4, 5), (1, 4, 4, 5)]
    assert [step.kernel.template for step in own.steps] == ["transpose", "conv2d", "transpose"]


PIXELS = (
    "float[2,3] x",
    "q = Q(x, s, pixel)  a = DQ(q, s, pixel)  t = Tanh(a)  y = Q(t, s2, z2)",
    "int8[2,3] y",
)


@pytest.mark.parametrize("dtype", [DType.INT8, DType.UINT8, DType.FLOAT32])
def test_an_input_that_the_model_quantizes_is_taken_as_asked(dtype: DType):
    program = lowered(PIXELS, LowerOptions(input_dtype=dtype))
    (source,) = (program.buffers[name] for name in program.inputs)
    assert source.dtype is dtype
    zeros = {DType.INT8: Quant(float(np.float32(0.05)), -128), DType.UINT8: Quant(float(np.float32(0.05)), 0)}
    assert source.quant == zeros.get(dtype)
    feed = random_feeds(import_model(model(*PIXELS)))
    (found,) = run(planned(program), [feed])
    (wanted,) = run(planned(lowered(PIXELS, LowerOptions())), [feed])
    near(found["y"], wanted["y"])


def test_raw_pixels_need_a_zero_point_that_fits():
    case = ("float[2,3] x", "q = Q(x, s, z)  y = DQ(q, s, z)", "float[2,3] y")
    with pytest.raises(UsageError, match="--input-dtype uint8 does not fit"):
        lowered(case, LowerOptions(input_dtype=DType.UINT8))


def test_an_integer_output_says_what_it_means():
    """The DequantizeLinear behind an output is left to the caller."""
    case = ("float[2,3] x", "q = Q(x, s, z)  y = DQ(q, s, z)", "float[2,3] y")
    program = lowered(case, LowerOptions())
    (output,) = (program.buffers[name] for name in program.outputs)
    assert output.dtype is DType.INT8
    assert output.quant == Quant(float(np.float32(0.05)), 3)


def test_tensors_without_elements_are_left_out():
    case = (
        "float[2,3] x",
        "e = Slice(x, empty, empty)  y = Concat<axis = 0>(x, e)",
        "float[2,3] y",
    )
    proto = model(*case)
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1]), "empty"))
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    (found,) = run(planned(lower(canonicalize(import_model(proto)), "net")), [{"x": x}])
    np.testing.assert_array_equal(found["y"], x)


def test_an_output_without_elements_is_refused():
    proto = model("float[2,3] x", "y = Slice(x, empty, empty)", "float[0,3] y")
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1]), "empty"))
    with pytest.raises(ModelError, match="no elements") as caught:
        lower(canonicalize(import_model(proto)), "net")
    assert "Slice" in caught.value.where


@pytest.mark.parametrize("kind", ["double", "float16", "bfloat16"])
def test_other_floating_point_types_are_stored_as_float32(kind: str):
    case = (f"{kind}[2,3] x", "d = Add(x, x) y = Relu(d)", f"{kind}[2,3] y")
    program = planned(lowered(case, LowerOptions()))
    assert {buffer.dtype for buffer in program.buffers.values()} == {DType.FLOAT32}
    x = np.array([[-1.5, 0, 0.25], [1, 3, -8]], np.float32)
    (found,) = run(program, [{"x": x}])
    np.testing.assert_array_equal(found["y"], 2 * np.maximum(x, 0))
