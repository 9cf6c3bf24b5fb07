"""Products and other operators along axes."""

from __future__ import annotations

import numpy as np

from .elements import activated
from .sketch import Sketch


def gemm(s: Sketch, x: str) -> str:
    rows, depth = s.shape(x)
    columns, transposed = s.whole(1, 7), s.whole(0, 1)
    shape = (columns, depth) if transposed else (depth, columns)
    weight = s.weights(*shape, scale=depth**-0.5)
    bias = (
        [s.weights(*s.pick((columns,), (1, columns), (), (1,), (rows, 1)), scale=1.0)] if s.chance(2) else []
    )
    factors = s.pick({}, {"alpha": 0.5}, {"beta": 2.0})
    return activated(s, s.one("Gemm", x, weight, *bias, transB=transposed, **factors))


def flatten_gemm(s: Sketch, x: str) -> str:
    return gemm(s, s.one("Flatten", x, axis=1))


def matmul(s: Sketch, x: str) -> str:
    depth = s.shape(x)[-1]
    columns = s.whole(1, 6)
    product = s.one("MatMul", x, s.weights(depth, columns, scale=depth**-0.5))
    return s.one("Add", product, s.weights(columns)) if s.chance(2) else product


def attention(s: Sketch, x: str) -> str:
    """x · xᵀ, scaled, through Softmax, · x."""
    rank = len(s.shape(x))
    turned = s.one("Transpose", x, perm=[*range(rank - 2), rank - 1, rank - 2])
    scores = s.one("MatMul", x, turned)
    scores = s.one("Mul", scores, s.constant(s.shape(x)[-1] ** -0.5))
    return s.one("MatMul", s.one("Softmax", scores, axis=-1), x)


def layer_normalization(s: Sketch, x: str) -> str | None:
    size = s.shape(x)[-1]
    if size < 3:
        return None
    return s.one("LayerNormalization", x, s.constant(s.rng.uniform(0.5, 1.5, size)), s.weights(size), axis=-1)


def cumulative_sum(s: Sketch, x: str) -> str:
    axis = s.constant(s.whole(0, len(s.shape(x)) - 1), np.int64)
    return s.one("CumSum", x, axis, exclusive=s.whole(0, 1), reverse=s.whole(0, 1))


def arg_max(s: Sketch, x: str) -> str | None:
    """Its result is an output of the graph."""
    rank = len(s.shape(x))
    found = s.one(s.pick("ArgMax", "ArgMin"), x, axis=s.whole(-rank, rank - 1), keepdims=s.whole(0, 1))
    s.terminal.append(found)
    return x
