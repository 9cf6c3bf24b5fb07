"""Models of every age are brought to one opset and mean the same."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.defs
import onnx_ir as oir
import pytest

from tinyc.ir.errors import ModelError
from tinyc.passes.import_onnx import import_model, unknown_operators
from tinyc.passes.onnx_graph import OPSET

from .onnx_text import assert_same, build, canonical, normal, operators, positive

X = "float[2,3,4,6] x"
STATISTICS = {"g": normal(3), "b": normal(3, seed=1), "m": normal(3, seed=2), "v": positive(3)}
SCALES = {"s": np.array([1, 1, 2, 1.5], np.float32)}
INDICES = {
    "i": np.array([1, 1], np.int64),
    "j": np.array([3, -1], np.int64),
    "k": np.array([-1, 2], np.int64),
}

OLD_FORMS = {
    # name: (first opset, last opset of this form, inputs, body, weights)
    "logic": (
        7, OPSET, X, "a = Greater(x, s) b = Less(x, t) c = And(a, b) d = Not(c) y = Cast<to=1>(d)",
        {"s": np.array(-0.5, np.float32), "t": np.array(1, np.float32)},
    ),
    "Clip with attributes": (8, 10, X, "y = Clip<min=-1.0, max=2.0>(x)", {}),
    "Clip with one attribute": (8, 10, X, "y = Clip<max=2.0>(x)", {}),
    "Clip with operands": (11, OPSET, X, "y = Clip(x, , u)", {"u": np.array(2, np.float32)}),
    "Pad with attributes": (8, 10, X, "y = Pad<pads=[0,0,1,2,0,0,0,1], value=1.5>(x)", {}),
    "Pad with zeros": (8, 10, X, "y = Pad<pads=[0,0,1,2,0,0,0,1]>(x)", {}),
    "Pad by reflection": (8, 10, X, 'y = Pad<mode="reflect", pads=[0,0,1,2,0,0,0,1]>(x)', {}),
    "Slice with attributes": (8, 9, X, "y = Slice<starts=[1,-4], ends=[3,1000], axes=[1,3]>(x)", {}),
    "Slice without axes": (8, 9, X, "y = Slice<starts=[0,1], ends=[1,9]>(x)", {}),
    "Slice with operands": (10, OPSET, X, "y = Slice(x, i, j, k)", INDICES),
    "Split with attribute": (8, 12, X, "y, z = Split<axis=3, split=[2,4]>(x)", {}),
    "Split evenly": (8, 17, X, "y, z = Split<axis=2>(x)", {}),
    "Split in a number of parts": (18, OPSET, X, "y, z = Split<axis=2, num_outputs=2>(x)", {}),
    "Squeeze with attribute": (8, 12, "float[2,1,3,1] x", "y = Squeeze<axes=[1,3]>(x)", {}),
    "Squeeze of everything": (8, OPSET, "float[2,1,3,1] x", "y = Squeeze(x)", {}),
    "Unsqueeze with attribute": (8, 12, "float[2,3] x", "y = Unsqueeze<axes=[0,3]>(x)", {}),
    "ReduceMean with attribute": (8, 17, X, "y = ReduceMean<axes=[1,3]>(x)", {}),
    "ReduceMax without keepdims": (8, 17, X, "y = ReduceMax<axes=[2], keepdims=0>(x)", {}),
    "ReduceSum with attribute": (8, 12, X, "y = ReduceSum<axes=[0,2]>(x)", {}),
    "ReduceSum with operand": (13, OPSET, X, "y = ReduceSum(x, i)", {"i": np.array([0, -1], np.int64)}),
    "ReduceMin of everything": (8, OPSET, X, "y = ReduceMin(x)", {}),
    "Reduce with an empty operand": (18, OPSET, X, "y = ReduceL2(x, i)", {"i": np.zeros(0, np.int64)}),
    "Dropout with attribute": (8, 11, X, "a = Dropout<ratio=0.3>(x) y = Relu(a)", {}),
    "Upsample with attribute": (8, 8, X, "y = Upsample<scales=[1.0,1.0,2.0,3.0]>(x)", {}),
    "Upsample with operand": (9, 9, X, "y = Upsample(x, s)", SCALES),
    "Upsample linearly": (9, 9, X, 'y = Upsample<mode="linear">(x, s)', SCALES),
    "first Resize": (10, 10, X, "y = Resize(x, s)", SCALES),
    "first Resize, linear": (10, 10, X, 'y = Resize<mode="linear">(x, s)', SCALES),
    "Resize by scales": (11, OPSET, X, "y = Resize(x, r, s)", {"r": np.zeros(0, np.float32), **SCALES}),
    "Resize to sizes": (
        13, OPSET, X, 'y = Resize<mode="linear">(x, , , n)', {"n": np.array([2, 3, 7, 9], np.int64)},
    ),
    "Softmax of a matrix": (8, 12, X, "y = Softmax(x)", {}),
    "Softmax from an axis on": (8, 12, X, "y = Softmax<axis=2>(x)", {}),
    "Softmax along the last axis": (8, 12, X, "y = Softmax<axis=3>(x)", {}),
    "Softmax from a negative axis": (11, 12, X, "y = Softmax<axis=-2>(x)", {}),
    "LogSoftmax of a matrix": (8, 12, "float[3,5] x", "y = LogSoftmax(x)", {}),
    "LogSoftmax from an axis on": (8, 12, X, "y = LogSoftmax<axis=1>(x)", {}),
    "Softmax along an axis": (13, OPSET, X, "y = Softmax<axis=1>(x)", {}),
    "BatchNormalization, spatial": (8, 8, X, "y = BatchNormalization<spatial=1>(x, g, b, m, v)", STATISTICS),
    "BatchNormalization": (
        8, OPSET, X, "y = BatchNormalization<epsilon=0.01, momentum=0.5>(x, g, b, m, v)", STATISTICS,
    ),
    "pooling": (8, OPSET, X, 'y = AveragePool<kernel_shape=[2,3], auto_pad="SAME_UPPER">(x)', {}),
    "Conv": (8, OPSET, X, "y = Conv<strides=[2,1]>(x, w)", {"w": normal(5, 3, 2, 2)}),
    "Gemm": (8, OPSET, "float[3,5] x", "y = Gemm(x, w, b)", {"w": normal(5, 4), "b": normal(4)}),
    "PRelu": (8, OPSET, X, "y = PRelu(x, w)", {"w": normal(3, 1, 1)}),
    "sums and means": (8, OPSET, X, "a = Sum(x, x, x) b = Mean(a, x) y = Max(b, x, a)", {}),
    "DepthToSpace without mode": (8, OPSET, "float[1,8,2,3] x", "y = DepthToSpace<blocksize=2>(x)", {}),
    "ArgMax": (8, OPSET, X, "y = ArgMax<axis=1>(x)", {}),
    "Reshape": (8, OPSET, X, "y = Reshape(x, i)", {"i": np.array([0, -1], np.int64)}),
    "Flatten": (8, OPSET, X, "y = Flatten<axis=2>(x)", {}),
    "Concat": (8, OPSET, X, "y = Concat<axis=1>(x, x)", {}),
    "quantizers": (
        10, OPSET, X, "a = QuantizeLinear(x, s, z) y = DequantizeLinear(a, s, z)",
        {"s": np.array(0.1, np.float32), "z": np.array(3, np.uint8)},
    ),
}  # fmt: skip


def opsets(first: int, last: int) -> list[int]:
    """The opsets of the range that are tried: its ends, and the milestones between them."""
    return sorted({first, last, *(n for n in (7, 8, 9, 11, 13, 17, 21, OPSET) if first <= n <= last)})


@pytest.mark.parametrize(
    ("name", "opset"), [(name, opset) for name, case in OLD_FORMS.items() for opset in opsets(*case[:2])]
)
def test_old_and_new_forms_mean_the_same(name: str, opset: int) -> None:
    _, _, inputs, body, weights = OLD_FORMS[name]
    outputs = "y, z" if "y, z" in body else "y"
    proto = build(inputs, body, weights, outputs=outputs, opset=opset)
    model = import_model(proto)
    assert model.opset_imports == {"": OPSET}
    assert model.metadata_props["tinyc.source_opset"] == str(opset)
    assert all(
        value.shape is not None and value.shape.is_static() for n in model.graph for value in n.outputs
    )
    assert_same(model, proto)
    canonical(proto)


def network(opset: int) -> onnx.ModelProto:
    """A small network that every opset can express."""
    weights = {
        "v": normal(8, 3, 3, 3), "w": normal(8, 1, 3, 3), "h": normal(8, 5), "k": normal(5),
        "g": normal(8), "b": normal(8, seed=1), "m": normal(8, seed=2), "n": positive(8),
    }  # fmt: skip
    body = """c = Conv<strides=[2,2], auto_pad="SAME_UPPER">(x, v) d = BatchNormalization(c, g, b, m, n)
    e = Relu(d) f = Conv<group=8, pads=[1,1,1,1]>(e, w) i = Add(f, e) p = GlobalAveragePool(i)
    q = Flatten(p) r = Gemm(q, h, k) y = Softmax<axis=1>(r)"""
    return build("float[1,3,9,9] x", body, weights, opset=opset)


@pytest.mark.parametrize("opset", [8, 9, 11, 13, 17, 21, 25])
def test_a_network_of_each_opset(opset: int) -> None:
    assert operators(canonical(network(opset))) == "Conv Relu Conv Add AveragePool Reshape Gemm Softmax"


@pytest.mark.parametrize("opset", range(OPSET + 1, onnx.defs.onnx_opset_version() + 1))
def test_newer_opsets_than_tinycs_own(opset: int) -> None:
    """ONNX Runtime does not run these yet: the same network of an older opset says what is right."""
    model = import_model(network(opset))
    assert_same(model, network(OPSET))
    assert model.opset_imports == {"": OPSET}


def test_newer_form_with_the_old_meaning() -> None:
    body = 'a = SpaceToDepth<blocksize=2, mode="DCR">(x) y = DepthToSpace<blocksize=2>(a)'
    model = import_model(build("float[1,2,4,4] x", body, opset=28))
    assert_same(model, build("float[1,2,4,4] x", body.replace(', mode="DCR"', ""), opset=OPSET))


def test_newer_form_with_a_new_meaning_is_refused() -> None:
    proto = build("float[1,2,4,4] x", '[fold] y = SpaceToDepth<blocksize=2, mode="CRD">(x)', opset=28)
    with pytest.raises(ModelError, match="SpaceToDepth is newer than tinyc knows it") as e:
        import_model(proto)
    assert "'fold'" in str(e.value) and "export the model with opset 25" in str(e.value)


@pytest.mark.parametrize("opset", [24, 25])
def test_swish_becomes_what_onnx_runtime_runs(opset: int) -> None:
    body = "a = Swish(x) y = Swish<alpha=1.5>(a)"
    model = canonical(build("float[2,5] x", body, opset=24))
    assert operators(model) == "Swish Swish"
    assert operators(import_model(build("float[2,5] x", body, opset=opset))) == "Sigmoid Mul Mul Sigmoid Mul"


TRAINING = {
    "BatchNormalization": (17, "y, a, b = BatchNormalization<training_mode=1>(x, g, b0, m, v)"),
    "old BatchNormalization": (9, "y, a, b, c, d = BatchNormalization(x, g, b0, m, v) z = Add(a, c)"),
    "Dropout": (17, "y = Dropout(x, r, t)"),
}


@pytest.mark.parametrize("name", TRAINING)
def test_training_mode_is_refused(name: str) -> None:
    opset, body = TRAINING[name]
    weights = {"g": normal(3), "b0": normal(3), "m": normal(3), "v": positive(3)}
    if name == "Dropout":
        weights = {"r": np.array(0.5, np.float32), "t": np.array(True)}
    outputs = "y, z" if "z =" in body else "y"
    with pytest.raises(ModelError, match="is in training mode") as e:
        import_model(build(X, body, weights, outputs=outputs, opset=opset))
    assert "model.eval()" in str(e.value)


def test_normalization_per_position_is_refused() -> None:
    with pytest.raises(ModelError, match="spatial=0 is not supported") as e:
        import_model(build(X, "y = BatchNormalization<spatial=0>(x, g, b, m, v)", STATISTICS, opset=8))
    assert "opset 9 or newer" in str(e.value)


def test_unknown_operators_pass_to_be_listed_together() -> None:
    body = """a = Relu(x) [first] b = my.domain.Magic<k=3>(a) c = Mul(b, b) [second] d = Frobnicate(c)
    [third] e = my.domain.Magic(d) y = Neg(e)"""
    model = import_model(build("float[2,3] x", body, imports=', "my.domain" : 1'))
    assert unknown_operators(model) == [
        ("Magic", "my.domain", "first"),
        ("Frobnicate", "", "second"),
        ("Magic", "my.domain", "third"),
    ]


def test_domains_that_no_node_uses_are_dropped() -> None:
    model = import_model(build("float[2,3] x", "y = Relu(x)", imports=', "ai.onnx.ml" : 3, "my.domain" : 1'))
    assert model.opset_imports == {"": OPSET}


def test_the_long_name_of_onnxs_domain() -> None:
    proto = build("float[2,3] x", "y = Relu(x)")
    proto.opset_import[0].domain = "ai.onnx"
    proto.graph.node[0].domain = "ai.onnx"
    assert operators(import_model(proto)) == "Relu"


WIDENED = {
    "Celu": ("y = Celu(x)", {}),
    "Einsum": ('y = Einsum<equation="ij,ij->i">(x, x)', {}),
    "OneHot": (
        "h = OneHot(i, d, v) y = Add(h, x)",
        {
            "i": np.array([0, 2], np.int64),
            "d": np.array(3, np.int64),
            "v": np.array([0, 1], np.float32),
        },
    ),
}


@pytest.mark.parametrize("name", WIDENED)
def test_operators_that_only_gained_types_pass(name: str) -> None:
    assert onnx.defs.get_schema(name, 28).since_version > OPSET
    body, weights = WIDENED[name]
    model = import_model(build("float[2,3] x", body, weights, opset=28))
    assert model.graph.outputs[0].dtype == oir.DataType.FLOAT
    assert_same(model, build("float[2,3] x", body, weights, opset=OPSET))
