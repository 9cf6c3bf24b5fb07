"""Layer, RMS, instance, group and Lp normalization: float32, and integers within 1 LSB."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from tinyc.ir.dtype import DType, Quant
from tinyc.ir.errors import ModelError
from tinyc.ir.window import Window
from tinyc.kernels.lanes import Lanes
from tinyc.kernels.normalize import Normalization
from tinyc.passes.import_onnx import import_model

from .checks import check, float_model, lowered, qdq_model

# operator, shape of the input, shape of scale and bias, attributes
CASES: dict[str, tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "layer, rows": ("LayerNormalization", (5, 7), (7,), {}),
    "layer, two axes": ("LayerNormalization", (3, 4, 5), (4, 5), {"axis": 1, "epsilon": 1e-3}),
    "layer, whole tensor": ("LayerNormalization", (2, 3), (2, 3), {"axis": 0}),
    "layer, shared scale": ("LayerNormalization", (3, 4, 5), (5,), {"axis": -2}),
    "layer, pixels": ("LayerNormalization", (1, 3, 4, 6), (6,), {"axis": 3}),
    "layer, one element": ("LayerNormalization", (4, 1), (1,), {}),
    "layer, long": ("LayerNormalization", (2, 768), (768,), {}),
    "rms, rows": ("RMSNormalization", (5, 7), (7,), {}),
    "rms, two axes": ("RMSNormalization", (3, 4, 5), (4, 5), {"axis": 1}),
    "instance": ("InstanceNormalization", (2, 3, 4, 5), (3,), {"epsilon": 1e-4}),
    "instance, 1-D": ("InstanceNormalization", (2, 3, 9), (3,), {}),
    "group": ("GroupNormalization", (2, 6, 4, 5), (6,), {"num_groups": 3}),
    "group, 1-D": ("GroupNormalization", (2, 4, 7), (4,), {"num_groups": 2}),
    "one group": ("GroupNormalization", (1, 3, 4, 5), (3,), {"num_groups": 1}),
}


def _constants(case: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(len(case))
    operator, _, shape, _ = CASES[case]
    found = {"s": rng.normal(size=shape).astype(np.float32), "b": rng.normal(size=shape).astype(np.float32)}
    return {"s": found["s"]} if operator == "RMSNormalization" else found


def _node(case: str, source: str = "x") -> onnx.NodeProto:
    operator, _, _, attributes = CASES[case]
    return helper.make_node(operator, [source, *_constants(case)], ["y"], "normalize", **attributes)


def _typed(model: onnx.ModelProto, case: str) -> onnx.ModelProto:
    """The model with the types that onnx.shape_inference does not find for GroupNormalization."""
    del model.graph.output[0]
    quantized = any(node.op_type == "QuantizeLinear" for node in model.graph.node)
    if quantized:
        model.graph.value_info.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, CASES[case][1]))
        model.graph.output.append(helper.make_tensor_value_info("y_q", TensorProto.INT8, CASES[case][1]))
    else:
        model.graph.output.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, CASES[case][1]))
    return model


@pytest.mark.parametrize("case", CASES)
def test_float(case: str) -> None:
    model = float_model([_node(case)], {"x": CASES[case][1]}, ["y"], _constants(case))
    check(_typed(model, case), tolerance=2e-5)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("x, y", [((0.05, 9), (0.021, -3)), ((0.0003, -128), (0.3, 100))])
def test_int8(case: str, x: tuple[float, int], y: tuple[float, int]) -> None:
    model = qdq_model([_node(case)], {"x": CASES[case][1]}, ["y"], {"x": x, "y": y}, _constants(case))
    program = check(_typed(model, case))
    assert [step.kernel.template for step in program.steps] == ["quantized_normalize"]


@pytest.mark.parametrize("case", ["instance", "group", "one group"])
def test_channels_are_normalized_where_they_lie(case: str) -> None:
    """Behind a convolution the tensor lies channel-last, and stays so."""
    shape = CASES[case][1]
    weights = np.random.default_rng(0).normal(size=(shape[1], 2, 3, 3)).astype(np.float32)
    conv = helper.make_node("Conv", ["i", "w"], ["x"], "conv", pads=[1, 1, 1, 1])
    model = float_model(
        [conv, _node(case)], {"i": (shape[0], 2, *shape[2:])}, ["y"], {**_constants(case), "w": weights}
    )
    program = check(_typed(model, case), tolerance=2e-5)
    assert [step.kernel.template for step in program.steps] == ["conv2d", "normalize"]


def test_layer_normalization_of_channels_streams() -> None:
    """Conv, Transpose, LayerNormalization over channels, Transpose, Conv: nothing is moved, pixels come in
    windows."""
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("Conv", ["x", "v"], ["c"], "project"),
        helper.make_node("QuantizeLinear", ["c", "scale", "zero"], ["c_q"], "quantize_c"),
        helper.make_node("DequantizeLinear", ["c_q", "scale", "zero"], ["c_r"], "dequantize_c"),
        helper.make_node("Transpose", ["c_r"], ["t"], "to_last", perm=[0, 2, 3, 1]),
        helper.make_node("LayerNormalization", ["t", "s", "b"], ["n"], "normalize"),
        helper.make_node("QuantizeLinear", ["n", "scale", "zero"], ["n_q"], "quantize"),
        helper.make_node("DequantizeLinear", ["n_q", "scale", "zero"], ["n_r"], "dequantize"),
        helper.make_node("Transpose", ["n_r"], ["u"], "to_first", perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["u", "w"], ["y"], "conv", pads=[1, 1, 1, 1]),
    ]
    model = qdq_model(
        nodes, {"x": (1, 3, 5, 4)}, ["y"], {"x": (0.05, 3), "y": (0.03, 5)},
        constants={
            "s": rng.normal(size=6).astype(np.float32), "b": rng.normal(size=6).astype(np.float32),
            "scale": np.float32(0.02), "zero": np.int8(-4),
        },
        dequantized={
            "v": (rng.integers(-127, 128, (6, 3, 1, 1)).astype(np.int8), np.full(6, 0.004), 0),
            "w": (rng.integers(-127, 128, (2, 6, 3, 3)).astype(np.int8), np.full(2, 0.004), 0),
        },
        stage=True,
    )  # fmt: skip
    program = check(model)
    kernels = [step.kernel.template for step in program.steps]
    assert kernels == ["table", "conv2d", "quantized_normalize", "conv2d", "table"]


def test_import_knows_the_shape_of_group_normalization() -> None:
    node, constants = _node("group"), _constants("group")
    initializers = [onnx.numpy_helper.from_array(v, n) for n, v in constants.items()]
    graph = helper.make_graph(
        [node, helper.make_node("Relu", ["y"], ["z"], "relu")], "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, CASES["group"][1])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)], initializers,
    )  # fmt: skip
    model = import_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10))
    assert [d for d in model.graph.outputs[0].shape or ()] == list(CASES["group"][1])


def test_lanes_of_equal_elements() -> None:
    """No variance: the result is the bias, whatever epsilon is."""
    for epsilon in (1e-5, 1e-12):
        node = helper.make_node("LayerNormalization", ["x", "s", "b"], ["y"], "n", epsilon=epsilon)
        constants = {"s": np.full(4, 3, np.float32), "b": np.array([0.1, -0.4, 0.5, 0], np.float32)}
        model = qdq_model([node], {"x": (3, 4)}, ["y"], {"x": (0.05, 9), "y": (0.01, 0)}, constants)
        check(model, lsb=0, samples=[{"x_q": np.array([[9] * 4, [-128] * 4, [127] * 4], np.int8)}])


@settings(max_examples=300, deadline=None)
@given(
    centred=st.booleans(), scale=st.floats(1e-4, 10), zero=st.integers(-128, 127),
    out_scale=st.floats(1e-3, 1), out_zero=st.integers(-128, 127), epsilon=st.floats(1e-12, 1e-2),
    length=st.sampled_from([1, 2, 3, 17, 256, 3000]), spread=st.integers(1, 128), gain=st.floats(0.01, 10),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_within_one_lsb_of_real_arithmetic(
    centred: bool, scale: float, zero: int, out_scale: float, out_zero: int, epsilon: float, length: int,
    spread: int, gain: float, seed: int,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    q = rng.integers(-spread, spread, (1, length)).astype(np.int8)
    gains, bias = rng.normal(size=length) * gain, rng.normal(size=length) * gain
    wanted = Normalization(Lanes.of((1, length), [1], (0, 1)), centred, epsilon, gains, bias)
    kernel = wanted.integers(Quant(scale, zero), DType.INT8, Quant(out_scale, out_zero), DType.INT8)
    if kernel is None:  # the largest gain is more than 2^11 LSB
        assert 5 * gain / out_scale > 2**11
        return
    (got,) = kernel.compute([q], Window(0, 1, 0, 1))
    x = (q.astype(np.float64) - zero) * scale
    x = x - x.mean() if centred else x
    real = (x / np.sqrt((x * x).mean() + epsilon) * gains + bias) / out_scale + out_zero
    assert np.abs(got - np.clip(real, -128, 127)).max() <= 0.6


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_lp(p: int, axis: int) -> None:
    node = helper.make_node("LpNormalization", ["x"], ["y"], "unit", p=p, axis=axis)
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    x[:, 1], x[2] = 0, 0
    check(float_model([node], {"x": x.shape}, ["y"]), samples=[{"x": x}])


def test_refusals() -> None:
    s = {"s": np.ones(4, np.float32), "b": np.ones(4, np.float32)}
    node = helper.make_node("LayerNormalization", ["x", "s", "b"], ["y", "mean"], "n")
    with pytest.raises(ModelError, match="mean or deviation"):
        lowered(float_model([node], {"x": (3, 4)}, ["y", "mean"], s))
    node = helper.make_node("LayerNormalization", ["x", "s"], ["y"], "n")
    with pytest.raises(ModelError, match=r"the scale \(s\) is computed at run time"):
        lowered(float_model([node], {"x": (3, 4), "s": (4,)}, ["y"]))
    node = helper.make_node("LpNormalization", ["x"], ["y"], "n", p=2, axis=1)
    model = float_model([node], {"x": (3, 4)}, ["y"])
    next(a for a in model.graph.node[0].attribute if a.name == "p").i = 3
    with pytest.raises(ModelError, match="p is 3"):
        lowered(model)
