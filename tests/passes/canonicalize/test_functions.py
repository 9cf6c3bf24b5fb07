"""Decomposed activation functions and normalizations, in the forms that exporters write them."""

from __future__ import annotations

import math
from itertools import count

import numpy as np
import onnx_ir as oir
import pytest

from ..onnx_text import build, canonical, normal, only, operators, positive

X = "float[2,5] x"


def constants(**numbers: float) -> dict[str, np.ndarray]:
    return {name: np.array(number, np.float32) for name, number in numbers.items()}


GELU_TANH = constants(c=0.044715, r=math.sqrt(2 / math.pi), one=1, half=0.5, three=3)

FUNCTIONS = {
    # name: (body, constants, operator)
    "hard-swish: x * clip(x + 3) / 6": (
        "a = Add(x, t) b = Clip(a, z, s) c = Mul(x, b) y = Div(c, s)", constants(t=3, z=0, s=6), "HardSwish",
    ),
    "hard-swish: x * (clip(x + 3) / 6)": (
        "a = Add(t, x) b = Clip(a, z, s) c = Div(b, s) y = Mul(c, x)", constants(t=3, z=0, s=6), "HardSwish",
    ),
    "hard-swish: x * relu6(x + 3) * 0.1667": (
        "a = Add(x, t) r = Relu(a) b = Min(r, s) c = Mul(x, b) y = Mul(c, k)", constants(t=3, s=6, k=1 / 6),
        "HardSwish",
    ),
    "hard-swish: x * HardSigmoid": (
        "a = HardSigmoid<alpha=0.16666667, beta=0.5>(x) y = Mul(x, a)", {}, "HardSwish",
    ),
    "hard sigmoid": ("""a = Add(x, t) b = Clip(a, z, s) y = Div(b, s)""",
    constants(t=3, z=0, s=6), "HardSigmoid"),
    "gelu of PyTorch": (
        "a = Div(x, r) b = Erf(a) c = Add(b, one) d = Mul(x, c) y = Mul(d, half)",
        constants(r=math.sqrt(2), one=1, half=0.5), "Gelu",
    ),
    "gelu, half first": (
        "a = Mul(x, r) b = Erf(a) c = Add(one, b) d = Mul(x, half) y = Mul(c, d)",
        constants(r=math.sqrt(0.5), one=1, half=0.5), "Gelu",
    ),
    "gelu, halves inside": (
        "a = Mul(x, r) b = Erf(a) c = Mul(b, half) d = Add(c, half) y = Mul(x, d)",
        constants(r=math.sqrt(0.5), half=0.5), "Gelu",
    ),
    "gelu by tanh": (
        """a = Pow(x, three) b = Mul(a, c) d = Add(x, b) e = Mul(d, r) f = Tanh(e) g = Add(f, one)
        h = Mul(x, half) y = Mul(h, g)""",
        GELU_TANH, "Gelu",
    ),
    "gelu by tanh, cube by products": (
        """a = Mul(x, x) i = Mul(a, x) b = Mul(c, i) d = Add(x, b) e = Mul(d, r) f = Tanh(e)
        g = Add(f, one) h = Mul(x, g) y = Mul(h, half)""",
        GELU_TANH, "Gelu",
    ),
    "gelu by tanh, factored": (
        """a = Mul(x, x) b = Mul(a, c) d = Add(b, one) e = Mul(x, r) i = Mul(e, d) f = Tanh(i)
        g = Add(f, one) h = Mul(x, half) y = Mul(h, g)""",
        GELU_TANH, "Gelu",
    ),
    "mish": ("a = Softplus(x) b = Tanh(a) y = Mul(x, b)", {}, "Mish"),
    "mish, softplus decomposed": (
        "a = Exp(x) b = Add(a, one) c = Log(b) d = Tanh(c) y = Mul(d, x)", constants(one=1), "Mish",
    ),
    "sigmoid": ("a = Neg(x) b = Exp(a) c = Add(b, one) y = Reciprocal(c)", constants(one=1), "Sigmoid"),
    "softplus": ("a = Exp(x) b = Add(a, one) y = Log(b)", constants(one=1), "Softplus"),
    "softsign": ("a = Abs(x) b = Add(a, one) y = Div(x, b)", constants(one=1), "Softsign"),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_decomposed_functions(name: str) -> None:
    body, weights, expected = FUNCTIONS[name]
    model = canonical(build(X, body, weights))
    assert operators(model) == expected
    if expected == "Gelu":
        wanted = "tanh" if "tanh" in name else "none"
        assert only(model, "Gelu").attributes["approximate"].value == wanted


OTHERS = {
    "another slope": ("a = HardSigmoid<alpha=0.2>(x) y = Mul(x, a)", {}, "HardSigmoid Mul"),
    "a gate that others read": ("a = Sigmoid(x) b = Mul(x, a) y = Add(a, b)", {}, "Sigmoid Mul Add"),
    "a gate that is nearly a step": (
        "a = Mul(x, k) b = Sigmoid(a) y = Mul(x, b)", constants(k=1000), "Mul Sigmoid Mul",
    ),
    "a gate with an offset": (
        "a = Add(x, k) b = Sigmoid(a) y = Mul(x, b)", constants(k=0.01), "Add Sigmoid Mul",
    ),
    "a bound far away": (
        "a = Div(x, r) b = Erf(a) c = Add(b, one) d = Mul(x, c) e = Mul(d, half) y = Clip(e, low, high)",
        constants(r=math.sqrt(2), one=1, half=0.5, low=-900, high=900), "Gelu Clip",
    ),
    "a value that others read": (
        "a = Add(x, t) b = Clip(a, z, s) c = Mul(x, b) d = Div(c, s) y = Add(d, b)", constants(t=3, z=0, s=6),
        "Add Clip Mul Mul Add",
    ),
    "two variables": ("""a = Exp(x) b = Neg(x) c = Mul(a, b) y = Mul(c, k)""",
    {"k": normal(5)}, "Exp Neg Mul Mul"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_other_functions_stay(name: str) -> None:
    body, weights, expected = OTHERS[name]
    assert operators(canonical(build(X, body, weights))) == expected


SWISH = {
    # name: (body, constants, alpha)
    "silu": ("a = Sigmoid(x) y = Mul(x, a)", {}, 1.0),
    "silu, gate first": ("a = Sigmoid(x) y = Mul(a, x)", {}, 1.0),
    "silu as a quotient": ("a = Neg(x) b = Exp(a) c = Add(one, b) y = Div(x, c)", constants(one=1), 1.0),
    "silu by tanh": (
        "a = Mul(x, h) b = Tanh(a) c = Add(b, one) d = Mul(x, c) y = Mul(d, h)", constants(h=0.5, one=1), 1.0,
    ),
    "quick gelu": ("a = Mul(x, k) b = Sigmoid(a) y = Mul(x, b)", constants(k=1.702), 1.702),
    "falling gate": ("a = Neg(x) b = Sigmoid(a) y = Mul(x, b)", {}, -1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", SWISH)
def test_silu_becomes_one_call_of_a_function_in_the_model(name: str) -> None:
    body, weights, alpha = SWISH[name]
    model = canonical(build(X, body, weights))
    (node,) = model.graph
    assert (node.domain, node.op_type) == ("tinyc", "Swish")
    assert node.attributes["alpha"].value == np.float32(alpha)
    assert list(model.functions) == [("tinyc", "Swish", "")]


def test_a_model_with_fused_silu_can_be_imported_again() -> None:
    model = canonical(build(X, "a = Mul(x, k) b = Sigmoid(a) y = Mul(x, b)", constants(k=1.702)))
    again = canonical(oir.to_proto(model))
    assert operators(again) == "Swish"
    assert again.graph[0].attributes["alpha"].value == np.float32(1.702)


def test_models_without_silu_bring_no_function() -> None:
    model = canonical(build(X, "y = Sigmoid(x)"))
    assert not model.functions and set(model.opset_imports) == {""}


def test_several_silus_share_one_function() -> None:
    body = "[s1] a = Sigmoid(x) b = Mul(x, a) c = Mul(b, k) [s2] d = Sigmoid(c) e = Mul(b, d) y = Neg(e)"
    model = canonical(build(X, body, constants(k=1.5)))
    assert operators(model) == "Swish Swish Neg"
    assert [node.name for node in model.graph][:2] == ["s1", "s2"]
    assert len(model.functions) == 1


def test_fused_function_is_named_after_what_defines_it() -> None:
    body = (
        "[div] a = Div(x, r) [erf] b = Erf(a) [add] c = Add(b, one) [mul] d = Mul(x, c) [half] y = Mul(d, h)"
    )
    model = canonical(build(X, body, constants(r=math.sqrt(2), one=1, h=0.5)))
    assert [(node.name, node.outputs[0].name) for node in model.graph] == [("erf", "y")]


SEQUENCE = "float[2,3,8] x"
GAMMA_BETA = {"g": normal(8), "b": normal(8, seed=1)}
CENTRED = "m = ReduceMean<axes=[-1]>(x) d = Sub(x, m)"

NORMALIZATIONS = {
    "PyTorch": (
        f"""{CENTRED} p = Pow(d, two) v = ReduceMean<axes=[-1]>(p) e = Add(v, eps) s = Sqrt(e)
        n = Div(d, s) o = Mul(n, g) y = Add(o, b)""",
        {**GAMMA_BETA, **constants(two=2, eps=1e-5)}, "LayerNormalization", True,
    ),
    "without scale and offset": (
        f"{CENTRED} p = Mul(d, d) v = ReduceMean<axes=[2]>(p) e = Add(v, eps) s = Sqrt(e) y = Div(d, s)",
        constants(eps=1e-12), "LayerNormalization", False,
    ),
    "Keras: x * inverse + (beta - mean * inverse)": (
        f"""{CENTRED} p = Mul(d, d) v = ReduceMean<axes=[2]>(p) e = Add(v, eps) s = Sqrt(e)
        r = Reciprocal(s) i = Mul(r, g) j = Mul(x, i) k = Mul(m, i) l = Sub(b, k) y = Add(j, l)""",
        {**GAMMA_BETA, **constants(eps=1e-3)}, "LayerNormalization", True,
    ),
    "mean of squares less square of mean": (
        """m = ReduceMean<axes=[-1]>(x) q = Mul(x, x) r = ReduceMean<axes=[-1]>(q) t = Mul(m, m)
        v = Sub(r, t) e = Add(v, eps) s = Sqrt(e) d = Sub(x, m) n = Div(d, s) y = Mul(n, g)""",
        {"g": GAMMA_BETA["g"], **constants(eps=1e-3)}, "LayerNormalization", False,
    ),
    "over two axes": (
        """m = ReduceMean<axes=[1,2]>(x) d = Sub(x, m) p = Mul(d, d) v = ReduceMean<axes=[1,2]>(p)
        e = Add(v, eps) s = Sqrt(e) n = Div(d, s) y = Mul(n, g)""",
        {"g": normal(3, 8), **constants(eps=1e-5)}, "LayerNormalization", False,
    ),
    "root mean square": (
        """p = Pow(x, two) v = ReduceMean<axes=[-1]>(p) e = Add(v, eps) s = Sqrt(e) r = Reciprocal(s)
        n = Mul(x, r) y = Mul(n, g)""",
        {"g": GAMMA_BETA["g"], **constants(two=2, eps=1e-6)}, "RMSNormalization", False,
    ),
    "root mean square by a power": (
        """p = Mul(x, x) v = ReduceMean<axes=[-1]>(p) e = Add(v, eps) r = Pow(e, k) n = Mul(x, r)
        y = Mul(g, n)""",
        {"g": GAMMA_BETA["g"], **constants(k=-0.5, eps=1e-6)}, "RMSNormalization", False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_decomposed_normalizations(name: str) -> None:
    body, weights, expected, offset = NORMALIZATIONS[name]
    model = canonical(build(SEQUENCE, body, weights))
    assert operators(model) == expected
    node = only(model, expected)
    assert len(node.inputs) == (3 if offset else 2)
    epsilon = float(weights["eps"])
    assert node.attributes["epsilon"].value == pytest.approx(epsilon, rel=1e-6)


PARTLY = {
    # name: (body, constants, what remains)
    "over the first of two axes": (
        """m = ReduceMean<axes=[1]>(x) d = Sub(x, m) p = Mul(d, d) v = ReduceMean<axes=[1]>(p)
        e = Add(v, eps) s = Sqrt(e) y = Div(d, s)""",
        constants(eps=1e-5), "ReduceMean Sub Mul ReduceMean Add Sqrt Div",
    ),
    "scale per row": (
        f"""{CENTRED} p = Mul(d, d) v = ReduceMean<axes=[-1]>(p) e = Add(v, eps) s = Sqrt(e)
        n = Div(d, s) y = Mul(n, g)""",
        {"g": positive(3, 1), **constants(eps=1e-5)}, "LayerNormalization Mul",
    ),
    "two different means": (
        f"{CENTRED} p = Mul(d, d) v = ReduceMean<axes=[1,2]>(p) e = Add(v, eps) s = Sqrt(e) y = Div(d, s)",
        constants(eps=1e-5), "AveragePool Sub RMSNormalization",
    ),
    "a mean that is a result too": (
        f"""{CENTRED} p = Mul(d, d) v = ReduceMean<axes=[-1]>(p) e = Add(v, eps) s = Sqrt(e)
        n = Div(d, s) y = Add(n, m)""",
        constants(eps=1e-5), "AveragePool Sub RMSNormalization Add",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTLY)
def test_what_is_no_normalization_stays(name: str) -> None:
    body, weights, expected = PARTLY[name]
    assert operators(canonical(build(SEQUENCE, body, weights))) == expected


def test_a_sum_behind_a_root_mean_square_is_not_lost() -> None:
    body = """p = Mul(x, x) v = ReduceMean<axes=[-1]>(p) e = Add(v, eps) s = Sqrt(e) n = Div(x, s)
    o = Mul(n, g) y = Add(o, b)"""
    model = canonical(build(SEQUENCE, body, {**GAMMA_BETA, **constants(eps=1e-6)}))
    assert operators(model) == "RMSNormalization Add"


def test_many_functions_in_a_row() -> None:
    """Each is found, though each lies within the reach of the next."""
    steps, number = [], count()
    source = "x"
    for _ in range(4):
        n = next(number)
        steps.append(
            f"a{n} = Add({source}, t) b{n} = Clip(a{n}, z, s) c{n} = Mul({source}, b{n}) d{n} = Div(c{n}, s)"
        )
        source = f"d{n}"
    model = canonical(build(X, " ".join(steps) + f" y = Neg({source})", constants(t=3, z=0, s=6)))
    assert operators(model) == "HardSwish HardSwish HardSwish HardSwish Neg"
