"""Operators of several operands, element by element, on float32 or on raw integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType
from ..ir.kernel import Kernel
from . import elementary, functions, unary
from .broadcast import Broadcast, Broadcasting
from .node import UNBOUNDED, Activation, Node, Tensor
from .table import RealFunction
from .unary import Unary

Array = np.ndarray


def _divide(a: Array, b: Array) -> Array:
    """Integers are rounded toward 0; over 0 they give 0, and the least over −1 stays the least."""
    if a.dtype.kind == "f":
        return a / b
    special = (b == 0) | (b == -1)
    divisor = np.where(special, b.dtype.type(1), b)
    quotient = a // divisor
    inexact = quotient * divisor != a
    quotient = quotient + (inexact & ((a < 0) != (divisor < 0))).astype(a.dtype)
    return np.where(b == 0, a.dtype.type(0), np.where(special, np.negative(a), quotient))


def _clip(x: Array, low: Array, high: Array) -> Array:
    return np.where((x > high) | (low > high), high, np.where(x < low, low, x))


def _larger(a: Array, b: Array) -> Array:
    return np.where(a > b, a, b)


def _smaller(a: Array, b: Array) -> Array:
    return np.where(a < b, a, b)


def _prelu(x: Array, slope: Array) -> Array:
    return np.where(x < 0, x * slope, x)


_OPERATIONS: dict[str, Callable[..., Array]] = {
    "Add": np.add,
    "And": np.logical_and,
    "BitwiseAnd": np.bitwise_and,
    "BitwiseOr": np.bitwise_or,
    "BitwiseXor": np.bitwise_xor,
    "Clip": _clip,
    "Div": _divide,
    "Equal": np.equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Max": _larger,
    "Min": _smaller,
    "Mod": np.mod,
    "Mul": np.multiply,
    "Or": np.logical_or,
    "PRelu": _prelu,
    "Pow": elementary.power,
    "Remainder": np.fmod,
    "Sub": np.subtract,
    "Where": np.where,
    "Xor": np.logical_xor,
}


@dataclass(frozen=True, eq=False)
class Elementwise(Broadcasting):
    """out = operator(operands), of ``types``; a float result stays between ``low`` and ``high``. Integer
    arithmetic wraps around."""

    template: ClassVar[str] = "elementwise"

    operator: str
    types: tuple[DType, ...]
    low: float
    high: float

    @classmethod
    def of(
        cls, operator: str, out: Tensor, operands: list[Tensor | Array], activation: Activation = UNBOUNDED
    ) -> Elementwise:
        """For run-time tensors and constant arrays of the types that C is to work on."""
        types = tuple(t.dtype if isinstance(t, Tensor) else DType.of(t.dtype) for t in operands)
        broadcast = Broadcast.of(out, operands)
        return cls(broadcast, out.dtype, operator, types, activation.low, activation.high)

    def combine(self, operands: list[Array]) -> Array:
        result = _OPERATIONS[self.operator](*operands)
        return functions.between(result, self.low, self.high) if self.dtype.is_float else result


def resolve(node: Node) -> Kernel | None:
    """Operators whose operands are all of one type; None where they are quantized or differ."""
    return _resolve(node, node.operator, [node.input(n) for n in range(len(node.inputs))])


def _resolve(node: Node, operator: str, operands: list[Tensor]) -> Kernel | None:
    if node.quantized or any(t.quant is not None for t in operands):
        return None
    values = [t if t.constant is None else real_or_raw(t) for t in operands]
    if len({t.dtype if isinstance(t, Tensor) else DType.of(t.dtype) for t in values}) != 1:
        return None
    return Elementwise.of(operator, node.outputs[0], values, node.activation)


def real_or_raw(tensor: Tensor) -> Array:
    """The values of a constant: float32 for quantized and float constants, others as they are stored."""
    assert tensor.constant is not None
    real = np.asarray(tensor.constant.real)
    return real.astype(np.float32) if real.dtype.kind == "f" else real


def resolve_limits(node: Node) -> Kernel | None:
    """Min and Max of one or two operands; more are a chain in a canonical model."""
    if len(node.inputs) == 1:
        x = node.input(0)
        bounds = functions.Function("Clip", {"low": node.activation.low, "high": node.activation.high})
        return None if x.quant is not None else Unary.of(bounds, x, node.outputs[0])
    if len(node.inputs) > 2:
        raise node.refuse(
            f"it has {len(node.inputs)} operands", "write it as a chain of nodes of two operands"
        )
    return resolve(node)


def resolve_clip(node: Node) -> Kernel | None:
    """Clip between constants, or between bounds that are computed at run time."""
    low, high = node.optional(1), node.optional(2)
    if all(bound is None or bound.constant is not None for bound in (low, high)):
        return unary.resolve(node)
    operator = "Max" if high is None else "Min" if low is None else "Clip"
    return _resolve(node, operator, [t for t in node.inputs if t is not None])


def resolve_mod(node: Node) -> Kernel | None:
    """Mod: the remainder has the divisor's sign, with fmod=1 (which floats need) the dividend's."""
    as_c = bool(node.attribute("fmod", 0))
    if node.input(0).dtype.is_float and not as_c:
        raise node.refuse("fmod is 0 for float operands", "set the attribute fmod to 1, or cast to integers")
    return _resolve(node, "Remainder" if as_c else "Mod", [node.input(0), node.input(1)])


def resolve_pow(node: Node) -> Kernel | None:
    """Pow of float32. Constant exponents may be of any type; common ones have shorter ways."""
    x, exponent, out = node.input(0), node.input(1), node.outputs[0]
    if node.quantized or x.quant is not None or exponent.quant is not None:
        return None
    if not out.dtype.is_float or not (exponent.constant is not None or exponent.dtype.is_float):
        raise node.refuse(
            f"its operands are {x.dtype.value[0]} and {exponent.dtype.value[0]}", "cast both to float32"
        )
    base = x if x.constant is None else real_or_raw(x)
    if exponent.constant is None:
        return Elementwise.of("Pow", out, [base, exponent])
    values = np.asarray(exponent.constant.real).astype(np.float32)
    shorter = functions.of_power(values.item()) if values.size == 1 and x.shape == out.shape else None
    return Unary.of(shorter, x, out) if shorter else Elementwise.of("Pow", out, [base, values])


def function_of(node: Node) -> RealFunction | None:
    """The function of one tensor that an operator of two operands is: the other one is a constant of one
    element, or the same tensor. None otherwise."""
    if len(node.inputs) != 2:
        return None
    constants = [node.input(n).constant for n in range(2)]
    scalars = [None if c is None else np.asarray(c.real, np.float64) for c in constants]
    if any(s is not None and s.size != 1 for s in scalars):
        return None
    operation = _OPERATIONS[node.operator]
    return lambda x: operation(*(x if s is None else s.reshape(()) for s in scalars))
