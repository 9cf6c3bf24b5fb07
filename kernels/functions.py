"""Functions of one element that ONNX has operators for.

Each formula serves twice: on float64 it fills the tables of 8-bit data; on float32 and on raw integers it is
the emulator's side of the C text in ``codegen/templates/kernels/unary.c.j2``, with the same operations in the
same order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf

import numpy as np

from . import elementary as el
from .node import Node

Array = np.ndarray


def between(x: Array, low: float, high: float) -> Array:
    """``x`` clipped to bounds by C's comparisons, which let NaN through."""
    bounded = x if low == -inf else np.where(x < low, x.dtype.type(low), x)
    return bounded if high == inf else np.where(x > high, x.dtype.type(high), bounded)


def _acos(x: Array) -> Array:
    return 2.0 * el.atan(el.sqrt((1.0 - x) / (1.0 + x)))


def _acosh(x: Array) -> Array:
    return el.log1p(x - 1.0 + el.sqrt(x - 1.0) * el.sqrt(x + 1.0))


def _asin(x: Array) -> Array:
    return el.atan(x / el.sqrt((1.0 - x) * (1.0 + x)))


def _atanh(x: Array) -> Array:
    a = np.abs(x)
    return 0.5 * _sign(x) * el.log1p(2.0 * a / (1.0 - a))


def _cosh(x: Array) -> Array:
    return 0.5 * el.exp(x) + 0.5 * el.exp(-x)


def _sinh(x: Array) -> Array:
    return 0.5 * el.expm1(x) - 0.5 * el.expm1(-x)


def _tan(x: Array) -> Array:
    return el.sin(x) / el.cos(x)


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x < 0, alpha * el.expm1(x), x)


def _selu(x: Array, alpha: float, gamma: float) -> Array:
    return np.where(x > 0, gamma * x, gamma * alpha * el.expm1(x))


def _affine(x: Array, alpha: float, beta: float) -> Array:
    return alpha * x + beta


def _scaled_tanh(x: Array, alpha: float, beta: float) -> Array:
    return alpha * el.tanh(beta * x)


def _celu(x: Array, alpha: float) -> Array:
    return np.where(x < 0, alpha * el.expm1(x / alpha), x)


def _hard_sigmoid(x: Array, alpha: float, beta: float) -> Array:
    return between(alpha * x + beta, 0.0, 1.0)


def _softplus(x: Array) -> Array:
    return np.where(x > 0, x, x.dtype.type(0)) + el.log1p(el.exp(-np.abs(x)))


def _gelu(x: Array) -> Array:
    return 0.5 * x * (1.0 + el.erf(x * 0.7071067811865476))


def _gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1.0 + el.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


def _shrink(x: Array, bias: float, lambd: float) -> Array:
    return np.where(x < -lambd, x + bias, np.where(x > lambd, x - bias, x.dtype.type(0)))


def _is_infinite(x: Array, detect_negative: int, detect_positive: int) -> Array:
    return np.isinf(x) & ((x > 0) & bool(detect_positive) | (x < 0) & bool(detect_negative))


def _sign(x: Array) -> Array:
    return (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)


def _cube(x: Array) -> Array:
    return x * x * x


def _hard_swish(x: Array) -> Array:
    return x * _hard_sigmoid(x, 1 / 6, 0.5)


def _leaky_relu(x: Array, alpha: float) -> Array:
    return np.where(x < 0, alpha * x, x)


def _mish(x: Array) -> Array:
    return x * el.tanh(_softplus(x))


def _reciprocal(x: Array) -> Array:
    return 1.0 / x


def _reciprocal_sqrt(x: Array) -> Array:
    return 1.0 / el.sqrt(x)


def _relu(x: Array) -> Array:
    return between(x, 0.0, inf)


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + el.exp(-x))


def _softsign(x: Array) -> Array:
    return x / (1.0 + np.abs(x))


def _swish(x: Array, alpha: float) -> Array:
    return x / (1.0 + el.exp(-alpha * x))


def _thresholded_relu(x: Array, alpha: float) -> Array:
    return np.where(x > alpha, x, x.dtype.type(0))


_FORMULAS: dict[str, Callable[..., Array]] = {
    "Abs": np.abs,
    "Acos": _acos,
    "Acosh": _acosh,
    "Affine": _affine,
    "Asin": _asin,
    "Asinh": el.asinh,
    "Atan": el.atan,
    "Atanh": _atanh,
    "BitwiseNot": np.invert,
    "Ceil": np.ceil,
    "Celu": _celu,
    "Clip": between,
    "Cos": el.cos,
    "Cosh": _cosh,
    "Cube": _cube,
    "Elu": _elu,
    "Erf": el.erf,
    "Exp": el.exp,
    "Floor": np.floor,
    "Gelu": _gelu,
    "GeluTanh": _gelu_tanh,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _hard_swish,
    "IsInf": _is_infinite,
    "IsNaN": np.isnan,
    "LeakyRelu": _leaky_relu,
    "Log": el.log,
    "Mish": _mish,
    "Neg": np.negative,
    "Not": np.logical_not,
    "Reciprocal": _reciprocal,
    "ReciprocalSqrt": _reciprocal_sqrt,
    "Relu": _relu,
    "Round": np.rint,
    "ScaledTanh": _scaled_tanh,
    "Selu": _selu,
    "Shrink": _shrink,
    "Sigmoid": _sigmoid,
    "Sign": _sign,
    "Sin": el.sin,
    "Sinh": _sinh,
    "Softplus": _softplus,
    "Softsign": _softsign,
    "Sqrt": el.sqrt,
    "Square": np.square,
    "Swish": _swish,
    "Tan": _tan,
    "Tanh": el.tanh,
    "ThresholdedRelu": _thresholded_relu,
}

_ATTRIBUTES: dict[str, dict[str, float]] = {
    "Celu": {"alpha": 1.0},
    "Elu": {"alpha": 1.0},
    "HardSigmoid": {"alpha": 0.2, "beta": 0.5},
    "IsInf": {"detect_negative": 1, "detect_positive": 1},
    "LeakyRelu": {"alpha": 0.01},
    "Selu": {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875},
    "Shrink": {"bias": 0.0, "lambd": 0.5},
    "Swish": {"alpha": 1.0},
    "ThresholdedRelu": {"alpha": 1.0},
}
"""Attributes of each operator, with the defaults of the ONNX specification."""

_POWERS = {-1.0: "Reciprocal", -0.5: "ReciprocalSqrt", 0.5: "Sqrt", 2.0: "Square", 3.0: "Cube"}
"""Exponents for which there is a shorter way than Pow."""


@dataclass(frozen=True)
class Function:
    """One formula with its parameters; applied to an array, it keeps the array's type."""

    name: str
    parameters: Mapping[str, float] = field(default_factory=dict[str, float])

    def __call__(self, x: Array) -> Array:
        return _FORMULAS[self.name](x, **self.parameters)


def of_node(node: Node) -> Function:
    """The function that a node with one run-time operand stands for.

    The bounds of Clip are constant.
    """
    if node.operator == "Clip":
        return _clip(node)
    if node.operator == "Gelu":
        return Function("GeluTanh" if node.attribute("approximate", "none") == "tanh" else "Gelu")
    defaults = _ATTRIBUTES.get(node.operator, {})
    return Function(node.operator, {name: node.attribute(name, value) for name, value in defaults.items()})


def _clip(node: Node) -> Function:
    low = node.optional_constant(1, "the lower bound")
    high = node.optional_constant(2, "the upper bound")
    bottom = -inf if low is None else np.asarray(low.real).item()
    top = inf if high is None else np.asarray(high.real).item()
    return Function("Clip", {"low": min(bottom, top), "high": top})


def of_power(exponent: float) -> Function | None:
    """x to this power by something shorter than Pow, where there is such a thing."""
    name = _POWERS.get(exponent)
    return None if name is None else Function(name)
