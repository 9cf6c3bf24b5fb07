"""Operators that work element by element, beyond those that one formula makes."""

from __future__ import annotations

from .sketch import Sketch


def activated(s: Sketch, x: str) -> str:
    """Relu, Relu6 or nothing."""
    match s.whole(0, 2):
        case 0:
            return s.one("Relu", x)
        case 1:
            return s.one("Clip", x, s.constant(0.0), s.constant(6.0))
        case _:
            return x


def relu(s: Sketch, x: str) -> str:
    return s.one("Relu", x)


def clip(s: Sketch, x: str) -> str:
    low = s.constant(-s.rng.uniform(0, 1)) if s.chance(2) else ""
    return s.one("Clip", x, low, s.constant(s.rng.uniform(0, 2)))


def continuous_where(s: Sketch, x: str) -> str:
    """Where x > 0 then x else x / 8."""
    positive = s.one("Greater", x, s.constant(0.0))
    return s.one("Where", positive, x, s.one("Mul", x, s.constant(0.125)))


def batch_normalization(s: Sketch, x: str) -> str:
    channels = s.shape(x)[1]
    parameters = [s.constant(s.rng.uniform(0.5, 1.5, channels)) for _ in range(4)]
    return s.one("BatchNormalization", x, *parameters)


def silu(s: Sketch, x: str) -> str:
    """x · sigmoid(x), with a factor in front of the sigmoid now and then."""
    inner = s.one("Mul", x, s.constant(1.702)) if s.chance(3) else x
    return s.one("Mul", x, s.one("Sigmoid", inner))


def hard_swish(s: Sketch, x: str) -> str:
    """Written out."""
    shifted = s.one("Clip", s.one("Add", x, s.constant(3.0)), s.constant(0.0), s.constant(6.0))
    return s.one("Div", s.one("Mul", x, shifted), s.constant(6.0))


def gelu(s: Sketch, x: str) -> str:
    """Written out."""
    erf = s.one("Erf", s.one("Div", x, s.constant(2**0.5)))
    return s.one("Mul", s.one("Mul", x, s.one("Add", erf, s.constant(1.0))), s.constant(0.5))
