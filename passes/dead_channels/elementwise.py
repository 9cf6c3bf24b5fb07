"""Ranges of element-wise functions, from the ranges of their operands."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, sqrt

import numpy as np
import onnx_ir as oir

from ..onnx_graph import input_at, scalar
from .facts import Floats

Function = Callable[[Floats], Floats]
Interval = tuple[Floats, Floats]


def image(function: Function, least: float | None, lo: Floats, hi: Floats) -> Interval:
    """Range of ``function`` over [lo, hi].

    ``function`` is monotone, or falls up to ``least`` and rises from there.
    """
    with np.errstate(over="ignore"):
        ends = [function(lo), function(hi)]
        if least is not None:
            ends.append(function(np.clip(least, lo, hi)))
    return np.minimum.reduce(ends), np.maximum.reduce(ends)


def unary(node: oir.Node) -> tuple[Function, float | None] | None:
    """The function that ``node`` applies to each element, and where it is least (None: monotone).

    None where ``node`` is not such an operator, or its parameters are not constants.
    """
    if node.op_type == "Clip":
        return _clip(node)
    if node.op_type == "Gelu":
        return _gelu(node)
    if node.op_type == "Swish":
        return _swish(node)
    make = _PARAMETRIC.get(node.op_type)
    if make is not None:
        return make(node), None
    return _PLAIN.get(node.op_type)


def _sigmoid(x: Floats) -> Floats:
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def _softplus(x: Floats) -> Floats:
    return np.logaddexp(0.0, x)


def _identity(x: Floats) -> Floats:
    return x


_PLAIN: dict[str, tuple[Function, float | None]] = {
    "Identity": (_identity, None),
    "Dropout": (_identity, None),
    "Relu": (lambda x: np.maximum(x, 0.0), None),
    "Sigmoid": (_sigmoid, None),
    "Tanh": (np.tanh, None),
    "Softplus": (_softplus, None),
    "Softsign": (lambda x: x / (1 + np.abs(x)), None),
    "Exp": (np.exp, None),
    "Neg": (np.negative, None),
    "Abs": (np.abs, 0.0),
    "HardSwish": (lambda x: x * np.clip(x / 6 + 0.5, 0, 1), -1.5),
    "Mish": (lambda x: x * np.tanh(_softplus(x)), -1.1924377),
}


def _leaky_relu(node: oir.Node) -> Function:
    slope = node.attributes.get_float("alpha", 0.01)
    return lambda x: np.where(x < 0, slope * x, x)


def _hard_sigmoid(node: oir.Node) -> Function:
    slope, offset = node.attributes.get_float("alpha", 0.2), node.attributes.get_float("beta", 0.5)
    return lambda x: np.clip(slope * x + offset, 0, 1)


def _elu(node: oir.Node) -> Function:
    alpha = node.attributes.get_float("alpha", 1.0)
    return lambda x: np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


_PARAMETRIC: dict[str, Callable[[oir.Node], Function]] = {
    "LeakyRelu": _leaky_relu,
    "HardSigmoid": _hard_sigmoid,
    "Elu": _elu,
}


def _gelu(node: oir.Node) -> tuple[Function, float | None]:
    """ONNX Gelu-20: x Φ(x), or its approximation by tanh; both are least near −0.752."""
    if node.attributes.get_string("approximate", "none") == "tanh":
        inner = sqrt(2 / np.pi)
        return lambda x: x * _sigmoid(2 * inner * (x + 0.044715 * x**3)), -0.7524614
    error = np.vectorize(erf, otypes=[np.float64])
    return lambda x: 0.5 * x * (1 + error(x / sqrt(2))), -0.7517916


def _swish(node: oir.Node) -> tuple[Function, float | None] | None:
    """x · sigmoid(alpha · x), which has a least value for positive alpha: where 1 + t + exp(t) = 0 for
    t = alpha · x."""
    alpha = node.attributes.get_float("alpha", 1.0)
    return (lambda x: x * _sigmoid(alpha * x), -1.2784645 / alpha) if alpha > 0 else None


def _clip(node: oir.Node) -> tuple[Function, float | None] | None:
    limits: list[float] = []
    for index, name, default in ((1, "min", -np.inf), (2, "max", np.inf)):
        value = input_at(node, index)
        limit = node.attributes.get_float(name, default) if value is None else scalar(value)
        if limit is None:
            return None
        limits.append(limit)
    low, high = limits
    return lambda x: np.clip(x, low, high), None


def _add(a: Interval, b: Interval) -> Interval:
    return a[0] + b[0], a[1] + b[1]


def _subtract(a: Interval, b: Interval) -> Interval:
    return a[0] - b[1], a[1] - b[0]


def _multiply(a: Interval, b: Interval) -> Interval:
    products = [x * y for x in a for y in b]
    return np.minimum.reduce(products), np.maximum.reduce(products)


def _divide(a: Interval, b: Interval) -> Interval:
    """a / b; any float where b may be zero."""
    unsafe = (b[0] <= 0) & (b[1] >= 0)
    divisors = [np.where(unsafe, 1.0, y) for y in b]
    lo, hi = _multiply(a, (1 / divisors[1], 1 / divisors[0]))
    return np.where(unsafe, -np.inf, lo), np.where(unsafe, np.inf, hi)


def _prelu(x: Interval, slope: Interval) -> Interval:
    negative = _multiply((np.minimum(x[0], 0), np.minimum(x[1], 0)), slope)
    return _add((np.maximum(x[0], 0), np.maximum(x[1], 0)), negative)


ARITHMETIC: dict[str, Callable[[Interval, Interval], Interval]] = {
    "Add": _add,
    "Sum": _add,
    "Sub": _subtract,
    "Mul": _multiply,
    "Div": _divide,
    "PRelu": _prelu,
    "Min": lambda a, b: (np.minimum(a[0], b[0]), np.minimum(a[1], b[1])),
    "Max": lambda a, b: (np.maximum(a[0], b[0]), np.maximum(a[1], b[1])),
}
"""Ranges of operators on two operands, by operator."""

UNARY = ("Clip", "Gelu", "Swish", *_PARAMETRIC, *_PLAIN)
"""Operators for which ``unary`` has a function."""
