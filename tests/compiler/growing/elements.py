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
