"""Attention in the forms that exporters write it, and in ONNX's own; what is not attention stays as it is."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir
import pytest

from tinyc.passes.onnx_graph import shape_of

from ..onnx_text import assert_same, build, canonical, normal, only, operators

QKV = "float[1,3,5,4] q, float[1,3,5,4] k, float[1,3,5,6] v"
ROOT = {"r": np.array(2.0, np.float32), "h": np.array(0.5**0.5, np.float32)}
MASK = np.triu(np.full((5, 5), -np.inf, np.float32), 1)
CAUSAL = {"m": MASK, "b": MASK == 0, "hidden": np.array(-1e9, np.float32)}

FORMS = {
    # name: (body, weights, reach)
    "quotient": ("t = Transpose<perm=[0,1,3,2]>(k) s = MatMul(q, t) d = Div(s, r)", ROOT, 4),
    "roots on both sides": (
        "a = Mul(q, h) t = Transpose<perm=[0,1,3,2]>(k) c = Mul(t, h) d = MatMul(a, c)", ROOT, 4,
    ),
    "no scale": ("t = Transpose<perm=[0,1,3,2]>(k) d = MatMul(q, t)", {}, 4),
    "added mask": ("t = Transpose<perm=[0,1,3,2]>(k) s = MatMul(q, t) x = Div(s, r) d = Add(x, m)",
                   ROOT | CAUSAL, 0),
    "chosen mask": ("t = Transpose<perm=[0,1,3,2]>(k) s = MatMul(q, t) x = Div(s, r) d = Where(b, x, hidden)",
                    ROOT | CAUSAL, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_decomposed_attention_becomes_one_node(name: str) -> None:
    body, weights, reach = FORMS[name]
    used = {key: array for key, array in weights.items() if f"{key})" in body or f"({key}," in body}
    model = canonical(build(QKV, f"{body} w = Softmax<axis=-1>(d) y = MatMul(w, v)", used))
    assert operators(model) == "Attention"
    node = only(model, "Attention")
    assert node.attributes.get_int("reach", -1) == reach
    assert node.attributes.get_float("scale", 0) == pytest.approx(1.0 if name == "no scale" else 0.5)


def test_heads_of_a_projection_are_only_relabelled() -> None:
    body = """
        a = Reshape(q, split) b = Transpose<perm=[0,2,1,3]>(a)
        c = Reshape(k, split) t = Transpose<perm=[0,2,3,1]>(c)
        e = Reshape(v, split) f = Transpose<perm=[0,2,1,3]>(e)
        s = MatMul(b, t) d = Div(s, r) w = Softmax<axis=-1>(d) h = MatMul(w, f)
        g = Transpose<perm=[0,2,1,3]>(h) y = Reshape(g, joined)
    """
    weights = {"split": np.array([1, 7, 3, 4]), "joined": np.array([1, 7, 12]), "r": ROOT["r"]}
    model = canonical(build("float[1,7,12] q, float[1,7,12] k, float[1,7,12] v", body, weights))
    assert {"Attention", "Reshape", "Transpose"} == set(operators(model).split())


@pytest.mark.parametrize("causal", [0, 1])
def test_the_operator_of_onnx(causal: int) -> None:
    body = f"y = Attention<q_num_heads=2, kv_num_heads=2, is_causal={causal}>(q, k, v)"
    model = canonical(build("float[1,5,8] q, float[1,5,8] k, float[1,5,8] v", body, opset=23))
    assert only(model, "Attention").domain == "tinyc"
    assert only(model, "Attention").attributes.get_int("reach", -1) == (0 if causal else 4)


def test_a_cache_of_keys_and_values_lies_before_what_is_new() -> None:
    body = "y, keys, values = Attention<is_causal=1>(q, k, v, , past_k, past_v)"
    inputs = "float[1,2,1,4] q, float[1,2,1,4] k, float[1,2,1,4] v, "
    inputs += "float[1,2,6,4] past_k, float[1,2,6,4] past_v"
    model = canonical(build(inputs, body, opset=23, outputs="y, keys, values"))
    assert sorted(operators(model).split()) == ["Attention", "Concat", "Concat"]
    assert only(model, "Attention").attributes.get_int("reach", -1) == 6


PADDED = np.array([[0, 0, 0, 0, -np.inf]], np.float32)
UNEVEN = np.where(np.eye(5, k=1) + np.eye(5, k=-2) > 0, np.float32(-1e9), np.float32(0))
SCORES = "t = Transpose<perm=[0,1,3,2]>(k) s = MatMul(q, t) "
BERT = {"one": np.array(1, np.float32), "low": np.array(-3.4e38, np.float32), "axes": np.array([1, 2])}

MASKED = {
    # name: (what is given besides, body, weights, reach, shape of what is seen)
    "keys that are padding": ("", f"{SCORES} x = Add(s, m)", {"m": PADDED}, 3, (1, 5)),
    "keys between": ("", f"{SCORES} x = Add(s, m)", {"m": PADDED[:, ::-1]}, 4, (1, 5)),
    "each query its own keys": ("", f"{SCORES} x = Add(s, m)", {"m": UNEVEN}, 4, (5, 5)),
    "booleans": (", bool[5,5] m", f"{SCORES} x = Where(m, s, low)", {"low": BERT["low"]}, 4, (5, 5)),
    "numbers chosen by booleans": (
        ", bool[1,5] m", f"{SCORES} e = Where(m, low, zeros) u = Unsqueeze(e, axes) x = Add(s, u)",
        {"low": BERT["low"], "axes": BERT["axes"], "zeros": np.zeros((1, 5), np.float32)}, 4, (1, 5),
    ),
    "booleans for each head alike": (
        ", bool[1,5] m",
        f"{SCORES} u = Unsqueeze(m, axes) e = Expand(u, heads) x = Where(e, s, low)",
        {"low": BERT["low"], "axes": BERT["axes"], "heads": np.array([1, 3, 1, 5])}, 4, (1, 5),
    ),
    "booleans that hide, and a causal mask": (
        ", bool[1,1,1,5] m", f"{SCORES} c = Add(s, causal) some = And(m, few) x = Where(some, low, c)",
        {"low": BERT["low"], "causal": MASK, "few": PADDED != 0}, 0, (1, 5),
    ),
    "numbers made of them": (
        ", bool[1,5] m",
        f"{SCORES} u = Unsqueeze(m, axes) c = Cast<to=1>(u) d = Sub(one, c) e = Mul(d, low) x = Add(s, e)",
        BERT, 4, (1, 5),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MASKED)
def test_masks_become_booleans(name: str) -> None:
    given, body, weights, reach, seen = MASKED[name]
    model = canonical(build(QKV + given, f"{body} w = Softmax<axis=-1>(x) y = MatMul(w, v)", weights))
    node = next(node for node in model.graph if node.domain == "tinyc")
    assert node.attributes.get_int("reach", -1) == reach
    assert (shape_of(node.inputs[3]) if node.op_type == "MaskedAttention" else None) == seen


@pytest.mark.parametrize("mask", ["bool[5,5] m", "bool[1,1,5,5] m"])
def test_the_operator_of_onnx_with_a_mask(mask: str) -> None:
    body = "y = Attention<q_num_heads=2, kv_num_heads=2>(q, k, v, m)"
    inputs = f"float[1,5,8] q, float[1,5,8] k, float[1,5,8] v, {mask}"
    model = canonical(build(inputs, body, opset=23))
    assert "MaskedAttention" in operators(model) and "Softmax" not in operators(model)


def test_heads_of_rank_three_share_a_mask() -> None:
    """As PyTorch folds heads into samples: three of them, alike masked."""
    body = """t = Transpose<perm=[0,2,1]>(k) s = MatMul(q, t) x = Add(s, m)
    w = Softmax<axis=-1>(x) y = MatMul(w, v)"""
    inputs = "float[3,5,4] q, float[3,5,4] k, float[3,5,6] v"
    proto = build(inputs, body, {"m": UNEVEN})
    model = canonical(proto)
    masked = next(node for node in model.graph if node.op_type == "MaskedAttention")
    assert [shape_of(value) for value in masked.inputs] == [(1, 3, 5, 4), (1, 3, 5, 4), (1, 3, 5, 6), (5, 5)]
    assert_same(model, proto)


@pytest.mark.parametrize("mask", ["bool[2,1,1,5]", "bool[1,3,1,5]"])
def test_masks_of_each_sample_or_head_stay(mask: str) -> None:
    inputs = f"float[2,3,5,4] q, float[2,3,5,4] k, float[2,3,5,6] v, {mask} m"
    body = f"{SCORES} x = Where(m, s, low) w = Softmax<axis=-1>(x) y = MatMul(w, v)"
    assert "Softmax" in operators(canonical(build(inputs, body, {"low": BERT["low"]})))


KEPT = {
    "numbers for each pair of positions": "x = Add(s, m)",
    "scores that are read": "x = Mul(s, h) z = Neg(x)",
    "weights along another axis": "x = Mul(s, h)",
}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_not_attention_stays(name: str) -> None:
    axis = 2 if name == "weights along another axis" else -1
    weights = {"m": normal(5, 5)} if "m)" in KEPT[name] else {"h": ROOT["h"]}
    body = f"t = Transpose<perm=[0,1,3,2]>(k) s = MatMul(q, t) {KEPT[name]}"
    outputs = "y, z" if "z =" in body else "y"
    text = f"{body} w = Softmax<axis={axis}>(x) y = MatMul(w, v)"
    model = canonical(build(QKV, text, weights, outputs=outputs))
    assert "Softmax" in operators(model)


def test_it_can_be_imported_again() -> None:
    body = "t = Transpose<perm=[0,1,3,2]>(k) s = MatMul(q, t) w = Softmax<axis=-1>(s) y = MatMul(w, v)"
    again = canonical(oir.to_proto(canonical(build(QKV, body))))
    assert operators(again) == "Attention"


@pytest.mark.parametrize("softmax", ["Softmax", "LogSoftmax"])
def test_an_index_needs_no_probabilities(softmax: str) -> None:
    body = f"p = {softmax}<axis=1>(x) y = ArgMax<axis=-1, keepdims=0>(p)"
    assert operators(canonical(build("float[2,5] x", body))) == "ArgMax"
    other = f"p = {softmax}<axis=0>(x) y = ArgMax<axis=1>(p)"
    assert operators(canonical(build("float[2,5] x", other))) == f"{softmax} ArgMax"


def test_a_scale_behind_a_product_is_in_its_weights() -> None:
    weights = {"w": normal(4, 6), "b": normal(6), "s": np.array(-1.5, np.float32)}
    model = canonical(build("float[1,3,4] x", "m = MatMul(x, w) a = Add(m, b) y = Mul(a, s)", weights))
    assert operators(model) == "MatMul Add"
    del weights["b"]
    model = canonical(build("float[1,3,4] x", "m = MatMul(x, w) y = Mul(m, s)", weights))
    assert operators(model) == "MatMul"
