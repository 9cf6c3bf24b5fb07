"""QDQ models: exactly the same integers, signed inside, and nothing requantized to itself."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as oir
import pytest

from ..onnx_text import build, canonical, normal, only, operand, operators, stored

S = {"s": np.array(0.05, np.float32), "z": np.array(120, np.uint8)}
R = {"r": np.array(0.1, np.float32), "o": np.array(3, np.uint8)}
WEIGHTS = {
    "w": np.random.default_rng(0).integers(0, 255, (6, 4, 3, 3), np.uint8),
    "ws": np.array(0.02, np.float32),
    "wz": np.array(130, np.uint8),
    "b": np.arange(-300, 300, 100, dtype=np.int32),
    "bs": np.array(0.001, np.float32),
}
CONV = """c = DequantizeLinear(a, s, z) d = DequantizeLinear(w, ws, wz) e = DequantizeLinear(b, bs)
f = Conv(c, d, e) g = Relu(f) h = QuantizeLinear(g, r, o)"""


def unsigned_values(model: oir.Model) -> set[str]:
    """Names of the unsigned tensors that the model still has."""
    values = [output for node in model.graph for output in node.outputs]
    values += [*model.graph.inputs, *model.graph.initializers.values()]
    return {str(value.name) for value in values if value.dtype in (oir.DataType.UINT8, oir.DataType.UINT16)}


def test_float_model_quantized_inside() -> None:
    body = f"a = QuantizeLinear(x, s, z) {CONV} y = DequantizeLinear(h, r, o)"
    model = canonical(build("float[1,4,6,6] x", body, {**S, **R, **WEIGHTS}), exact=True)
    assert unsigned_values(model) == set()
    first, last = (node for node in model.graph if node.op_type == "QuantizeLinear")
    for node, zero_point in ((first, 120 - 128), (last, 3 - 128)):
        assert stored(node, 2) == zero_point and stored(node, 2).dtype == np.int8


def test_inputs_and_outputs_keep_their_type() -> None:
    body = f"a = Identity(x) {CONV} y = Identity(h)"
    model = canonical(
        build("uint8[1,4,6,6] x", body, {**S, **R, **WEIGHTS}, outputs="uint8[1,6,4,4] y"), exact=True
    )
    assert operators(model) == (
        "DequantizeLinear QuantizeLinear DequantizeLinear DequantizeLinear DequantizeLinear Conv Relu "
        "QuantizeLinear DequantizeLinear QuantizeLinear"
    )
    assert [value.name for value in model.graph.outputs] == ["y"]
    border = model.graph[0]
    assert (stored(border, 1), stored(border, 2)) == (np.float32(0.05), 120)
    assert unsigned_values(model) == {"x", "y", operand(border, 2).name, operand(model.graph[-1], 2).name}


MOVING = {
    "pool": "b = MaxPool<kernel_shape=[2,2], pads=[1,0,0,1]>(a)",
    "pad with its zero point": "p = Constant<value_ints=[0,0,1,1,0,0,1,1]>() b = Pad(a, p, z)",
    "pad with zero": "p = Constant<value_ints=[0,0,1,1,0,0,1,1]>() b = Pad(a, p)",
    "reflecting pad": 'p = Constant<value_ints=[0,0,1,1,0,0,1,1]>() b = Pad<mode="reflect">(a, p)',
    "concat with a constant": "b = Concat<axis=1>(a, k)",
    "split and join": "t, u = Split<axis=1>(a) b = Concat<axis=2>(u, t)",
    "reshape and transpose": """n = Constant<value_ints=[6,6,4,1]>() c = Reshape(a, n)
    b = Transpose<perm=[3,2,0,1]>(c)""",
    "gather": "i = Constant<value_ints=[1,0]>() b = Gather<axis=1>(a, i)",
    "depth to space": "b = DepthToSpace<blocksize=2>(a)",
}


@pytest.mark.parametrize("name", MOVING)
@pytest.mark.parametrize("border", ["inside", "input", "output"])
def test_moving_operators_commute_with_the_offset(name: str, border: str) -> None:
    body, inputs, outputs = MOVING[name], "float[1,4,6,6] x", "y"
    body = ("a = Identity(x) " if border == "input" else "a = QuantizeLinear(x, s, z) ") + body
    if border == "input":
        inputs = "uint8[1,4,6,6] x"
    body += " y = Identity(b)" if border == "output" else " y = DequantizeLinear(b, s, z)"
    weights = {**S, "k": np.arange(36, dtype=np.uint8).reshape(1, 1, 6, 6)} if "k)" in body else S
    model = canonical(build(inputs, body, weights, outputs=outputs, opset=17), exact=True)
    borders = {"inside": set(), "input": {"x"}, "output": {"y"}}[border]
    zero_points = {
        str(operand(node, 2).name)
        for node in model.graph
        if "Quant" in node.op_type or "quant" in node.op_type
    }
    assert unsigned_values(model) - zero_points == borders


def test_integer_arithmetic_stays_unsigned() -> None:
    body = """a = QuantizeLinear(x, s, z) b = Cast<to=6>(a) c = DequantizeLinear(a, s, z)
    d = Cast<to=1>(b) y = Add(c, d)"""
    model = canonical(build("float[4] x", body, S), exact=True)
    assert unsigned_values(model) == {"a", "z"}


def test_zero_points_that_are_left_out() -> None:
    body = "a = QuantizeLinear(x, s) y = DequantizeLinear(a, s)"
    model = canonical(build("float[4] x", body, {"s": S["s"]}), exact=True)
    assert unsigned_values(model) == set()
    assert [stored(node, 2) for node in model.graph] == [-128, -128]


def test_sixteen_bits() -> None:
    weights = {"s": np.array(0.001, np.float32), "z": np.array(30000, np.uint16)}
    body = "b = DequantizeLinear(x, s, z) c = Relu(b) y = QuantizeLinear(c, s, z)"
    model = canonical(build("uint16[500] x", body, weights, opset=21), exact=True)
    assert unsigned_values(model) - {"x", "y"} == {
        str(operand(node, 2).name) for node in (model.graph[0], model.graph[-1])
    }


def test_per_channel_weights() -> None:
    weights = {
        **S,
        "w": WEIGHTS["w"],
        "ws": np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06], np.float32),
        "wz": np.array([0, 100, 128, 200, 255, 3], np.uint8),
    }
    body = """a = QuantizeLinear(x, s, z) c = DequantizeLinear(a, s, z)
    d = DequantizeLinear<axis=0>(w, ws, wz) y = Conv(c, d)"""
    model = canonical(build("float[1,4,6,6] x", body, weights), exact=True)
    assert unsigned_values(model) == set()


def test_requantization_to_the_same_integers_goes() -> None:
    weights = {
        "s": S["s"],
        "z": np.array(7, np.int8),
        "t": np.array(0.05, np.float32),
        "u": np.array(8, np.int8),
    }
    same = """a = QuantizeLinear(x, s, z) b = DequantizeLinear(a, s, z) c = QuantizeLinear(b, t, z)
    y = DequantizeLinear(c, t, z)"""
    model = canonical(build("float[9] x", same, {k: weights[k] for k in "szt"}), exact=True)
    assert operators(model) == "QuantizeLinear DequantizeLinear"
    other = same.replace("t, z", "t, u")
    model = canonical(build("float[9] x", other, weights), exact=True)
    assert operators(model).split().count("QuantizeLinear") == 2


PADS = {
    "of integers": """p = Constant<value_ints=[0,0,1,1,0,0,1,1]>() q = Pad(a, p, z)
    c = DequantizeLinear(q, s, z)""",
    "of reals, quantized again": """p = Constant<value_ints=[0,0,1,1,0,0,1,1]>() m = DequantizeLinear(a, s, z)
    n = Pad(m, p) q = QuantizeLinear(n, s, z) c = DequantizeLinear(q, s, z)""",
}


@pytest.mark.parametrize("name", PADS)
@pytest.mark.parametrize("layer", ["Conv(c, d)", "AveragePool<kernel_shape=[3,3]>(c)"])
def test_pads_in_front_of_quantized_layers(name: str, layer: str) -> None:
    body = f"a = QuantizeLinear(x, s, z) {PADS[name]} d = DequantizeLinear(w, ws, wz) y = {layer}"
    weights = {**S, **{key: WEIGHTS[key] for key in ("w", "ws", "wz")}}
    model = canonical(build("float[1,4,6,6] x", body, weights))
    assert "Pad" not in operators(model)
    assert only(model, layer.split("(")[0].split("<")[0]).attributes["pads"].value == (1, 1, 1, 1)


def test_quantized_float_weights_become_integers() -> None:
    """As PyTorch exports them: QuantizeLinear of float weights in the graph."""
    weights = {
        **S,
        "w": normal(6, 4, 3, 3, scale=0.3),
        "ws": np.array(0.01, np.float32),
        "wz": np.array(0, np.int8),
    }
    body = """a = QuantizeLinear(x, s, z) c = DequantizeLinear(a, s, z) d = QuantizeLinear(w, ws, wz)
    e = DequantizeLinear(d, ws, wz) y = Conv(c, e)"""
    model = canonical(build("float[1,4,6,6] x", body, weights), exact=True)
    dequantize = operand(only(model, "Conv"), 1).producer()
    assert dequantize is not None and stored(dequantize, 0).dtype == np.int8


def test_quantizers_of_microsofts_domain() -> None:
    body = """a = com.microsoft.QuantizeLinear(x, s, z) c = com.microsoft.DequantizeLinear(a, s, z)
    y = com.microsoft.Gelu(c)"""
    proto = build("float[1,40] x", body, S, imports=', "com.microsoft" : 1')
    model = canonical(proto)
    assert operators(model) == "QuantizeLinear DequantizeLinear Gelu"
    assert all(node.domain == "" for node in model.graph)
    assert set(model.opset_imports) == {""}


def test_gelus_of_microsofts_domain() -> None:
    body = """a = com.microsoft.FastGelu(x, b) c = com.microsoft.QuickGelu<alpha=1.5>(a)
    y = com.microsoft.FastGelu(c)"""
    model = canonical(build("float[3,8] x", body, {"b": normal(8)}, imports=', "com.microsoft" : 1'))
    assert operators(model) == "Add Gelu Swish Gelu"


def test_narrow_integers_pass() -> None:
    """Weights of 4 and 2 bits stay as they are."""
    proto = build(
        "float[2,8] x",
        "d = DequantizeLinear(w, ws) e = DequantizeLinear(v, ws) f = MatMul(x, d) y = MatMul(f, e)",
        {"ws": np.array(0.1, np.float32)},
        opset=25,
    )
    for name, kind, shape, number in (
        ("w", onnx.TensorProto.INT4, (8, 4), 3),
        ("v", onnx.TensorProto.INT2, (4, 4), 1),
    ):
        proto.graph.initializer.append(
            onnx.helper.make_tensor(name, kind, shape, [number, -number] * (shape[0] * shape[1] // 2))
        )
    model = canonical(proto)
    kinds = [operand(node, 0).dtype for node in model.graph if node.op_type == "DequantizeLinear"]
    assert kinds == [oir.DataType.INT4, oir.DataType.INT2]
    assert operators(model).split().count("Gemm") == 2
