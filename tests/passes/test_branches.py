"""If is the branch that a constant condition chooses, or a selection of what both of its branches compute."""

from __future__ import annotations

import onnx
import onnx.parser
import pytest

from tinyc.ir.errors import ModelError
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import lower

from .onnx_text import assert_same, operators

SIMPLE = """t = Less (a, b)
    y = If (t) <then_branch = one () => ({p} p) {{ p = {one} }},
        else_branch = two () => ({q} q) {{ q = {two} }}>"""
CAPTURED = """d = Mul (x, w) t = Less (a, b)
    y = If (t) <then_branch = one () => (float[2,3] p)
            <float[3] v = {1.0, 2.0, 3.0}> { e = Add (d, v) p = Relu (e) },
        else_branch = two () => (float[2,3] q) { e = Sub (x, d) q = Tanh (e) }>"""
NESTED = """t = Less (a, b) u = Less (x, w)
    f = ReduceMax <keepdims = 0> (x) r = Less (f, b)
    y, z = If (t) <then_branch = one () => (float[2,3] p, bool[2,3] m) {
            p = If (r) <then_branch = inner () => (float[2,3] i) { i = Exp (x) },
                else_branch = other () => (float[2,3] j) { h = Neg (x) j = Mul (h, w) }>
            m = Not (u) },
        else_branch = two () => (float[2,3] q, bool[2,3] n) { q = Add (x, w) n = Identity (u) }>"""
OF_SHAPES = """s = Shape (x) n = Size (s) k = Constant <value_int = {rank}> () t = Equal (n, k)
    v = Less (a, b)
    y = If (t) <then_branch = one () => (float[2,3] p) {{ p = Relu (x) }},
        else_branch = two () => (float[2,3] q) {{
            q = If (v) <then_branch = inner () => (float[2,3] i) {{ i = Exp (x) }},
                else_branch = other () => (float[2,3] j) {{ j = Neg (x) }}> }}>"""
INPUTS = "float[2,3] x, float[3] w, float a, float b"


def model(body: str, outputs: str = "float[2,3] y", inputs: str = INPUTS) -> onnx.ModelProto:
    return onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g ({inputs}) => ({outputs}) {{ {body} }}'
    )


def of_branches(one: str, two: str, p: str = "float[2,3]", q: str = "float[2,3]") -> str:
    return SIMPLE.format(one=one, two=two, p=p, q=q)


@pytest.mark.parametrize(
    ("body", "outputs", "wheres"),
    [
        (of_branches("Relu (x)", "Neg (x)"), "float[2,3] y", 1),
        (of_branches("Identity (x)", "Neg (x)"), "float[2,3] y", 1),
        (CAPTURED, "float[2,3] y", 1),
        (NESTED, "float[2,3] y, bool[2,3] z", 3),
        (OF_SHAPES.format(rank=3), "float[2,3] y", 1),
        (OF_SHAPES.format(rank=2), "float[2,3] y", 0),
    ],
    ids=["simple", "pass through", "captured", "nested", "branch of a constant", "constant"],
)
def test_the_same_as_onnx_runtime(body: str, outputs: str, wheres: int) -> None:
    proto = model(body, outputs)
    imported = import_model(proto)
    assert operators(imported).split().count("Where") == wheres
    assert "If" not in operators(imported)
    assert_same(imported, proto)
    lower(canonicalize(imported), "net")


def test_unknown_operators_in_a_branch_are_named() -> None:
    proto = model(of_branches("my.Frobnicate (x)", "Neg (x)"), "float[2,3] y")
    proto.opset_import.append(onnx.helper.make_opsetid("my", 1))
    with pytest.raises(ModelError, match="Frobnicate"):
        lower(canonicalize(import_model(proto)), "net")


def test_an_if_without_a_branch_is_refused() -> None:
    proto = model(of_branches("Relu (x)", "Neg (x)"))
    del proto.graph.node[1].attribute[1]
    with pytest.raises(ModelError, match="does not know: If"):
        lower(canonicalize(import_model(proto)), "net")


def test_a_condition_of_one_element_is_a_scalar() -> None:
    body = of_branches("Neg (x)", "Exp (x)", "float", "float")
    proto = model(body, "float y", "float x, float[1] a, float[1] b")
    imported = import_model(proto)
    assert imported.graph.outputs[0].shape is not None and imported.graph.outputs[0].shape.rank() == 0
    assert_same(imported, proto)


def test_the_branch_that_is_not_taken_leaves_nothing() -> None:
    body = OF_SHAPES.format(rank=2)
    imported = import_model(model(body))
    assert operators(imported) == "Relu Identity"
    assert {len(value.uses()) for value in imported.graph.inputs if value.name != "x"} == {0}


@pytest.mark.parametrize(
    ("one", "two", "p", "q", "words"),
    [
        ("Relu (x)", "Neg (w)", "float[2,3]", "float[3]", "float [2, 3] and float [3]"),
        ("Relu (w)", "Cast <to = 7> (w)", "float[3]", "int64[3]", "float [3] and int64 [3]"),
    ],
)
def test_branches_that_differ_are_refused(one: str, two: str, p: str, q: str, words: str) -> None:
    with pytest.raises(ModelError) as caught:
        import_model(model(of_branches(one, two, p, q), "y"))
    assert words in str(caught.value) and "choose in the firmware" in str(caught.value)
