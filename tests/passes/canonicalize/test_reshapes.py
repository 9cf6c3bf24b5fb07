"""Reshapes between a layer and what belongs to it move behind; columns that are taken apart are layers."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ..onnx_text import build, canonical, normal, operators


def integers(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


IMAGE, SEQUENCE = "float[1,3,1,9] x", "float[1,7,6] x"
CONV = "a = Conv (x, k) s = Squeeze (a, two) "
WEIGHTS = {
    "k": normal(4, 3, 1, 3), "c": normal(1, 4, 1), "two": integers(2), "pads": integers(0, 0, 2, 0, 0, 1),
    "across": integers(0, 1, 0, 0, 0, 0), "grid": integers(2, 3, 4), "flat": integers(-1), "m": normal(4, 1),
    "rows": integers(7, 6), "w": normal(6, 10), "b": normal(10), "back": integers(1, 7, 10),
    "halves": integers(1, 3, 4, 2),
}  # fmt: skip

MOVING = {
    # name: (inputs, body, what remains)
    "bias, factor and activation of a convolution of one dimension":
        (IMAGE, CONV + "d = Add (s, c) e = Mul (d, c) y = Relu (e)", "Conv Relu Reshape"),
    "a pool of one dimension": (
        IMAGE,
        CONV + "d = Add (s, c) e = Unsqueeze (d, two) f = MaxPool <kernel_shape=[1,2]> (e) "
        "g = Squeeze (f, two) y = Relu (g)",
        "Conv MaxPool Relu Reshape",
    ),
    "a pad between two":
        (IMAGE, CONV + "p = Pad (s, pads) e = Unsqueeze (p, two) y = Tanh (e)", "Conv Pad Tanh"),
    "a pad of an axis of length one":
        ("float[3,1,1,4] x", "s = Squeeze (x, two) p = Pad (s, across) y = Tanh (p)", "Reshape Pad Tanh"),
    "softmax along an axis that stays":
        ("float[6,4] x", "a = Reshape (x, grid) s = Softmax (a) y = Flatten <axis=2> (s)", "Softmax"),
    "softmax along an axis that does not": (
        "float[6,4] x", "f = Reshape (x, flat) s = Softmax <axis=0> (f) y = Reshape (s, grid)",
        "Reshape Softmax Reshape",
    ),
    "the bias of a dense layer of a sequence": (
        SEQUENCE, "f = Reshape (x, rows) a = MatMul (f, w) s = Reshape (a, back) y = Add (s, b)",
        "Reshape Gemm Reshape",
    ),
    "a constant that broadcasts within a merged axis":
        ("float[1,3,8] x", "a = Reshape (x, halves) y = Mul (a, m)", "Reshape Mul"),
    "a read from elsewhere":
        (IMAGE, CONV + "d = Add (s, c) e = Exp (s) y = Mul (d, e)", "Conv Reshape Add Exp Mul"),
}  # fmt: skip


@pytest.mark.parametrize("name", MOVING)
def test_reshapes_move_behind(name: str) -> None:
    inputs, body, expected = MOVING[name]
    read = set(re.findall(r"\w+", body))
    weights = {key: array for key, array in WEIGHTS.items() if key in read}
    assert operators(canonical(build(inputs, body, weights))) == expected


PROJECTION = {
    "w": normal(6, 15), "b": normal(15), "grid": integers(1, 7, 1, 3, 5), "zero": np.array(0),
    "two": np.array(2), "parts": integers(5, 10), "minus": integers(-5), "end": integers(99),
    "last": integers(-1),
}  # fmt: skip
DENSE = "a = MatMul (x, w) d = Add (a, b) "
STACKED = DENSE + "r = Reshape (d, grid) t = Transpose <perm=[3,1,0,2,4]> (r) "

APART = {
    # name: (body, what remains)
    "two of three": (
        STACKED + "p = Gather (t, zero) q = Gather (t, two) y = Mul (p, q)",
        "MatMul Add MatMul Add Mul Reshape",
    ),
    "a split": (
        DENSE + "p, q = Split <axis=2> (d, parts) r = Tanh (q) y = Concat <axis=1> (p, p)",
        "MatMul Add Concat",
    ),
    "the last columns": (DENSE + "y = Slice (d, minus, end, last)", "MatMul Add"),
    "rows": (DENSE + "y = Gather <axis=1> (d, two)", "MatMul Add Gather"),
    "a layer that is read as a whole too":
        (DENSE + "p = Slice (d, minus, end, last) q = Tanh (d) y = Concat <axis=2> (p, q)",
         "MatMul Add Slice Tanh Concat"),
    "columns in another order": (
        DENSE + "r = Reshape (d, grid) t = Transpose <perm=[4,1,0,2,3]> (r) y = Gather (t, two)",
        "MatMul Add Reshape Transpose Gather",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", APART)
def test_columns_that_are_taken_apart(name: str) -> None:
    body, expected = APART[name]
    read = set(re.findall(r"\w+", body))
    weights = {key: array for key, array in PROJECTION.items() if key in read}
    assert operators(canonical(build(SEQUENCE, body, weights))) == expected


@pytest.mark.parametrize(("axis", "expected"), [(-1, "Softmax"), (0, "Softmax LpNormalization")])
def test_probabilities_are_not_divided_by_their_sum(axis: int, expected: str) -> None:
    body = f"p = Softmax <axis=1> (x) y = LpNormalization <axis={axis}, p=1> (p)"
    assert operators(canonical(build("float[2,5] x", body))) == expected


@pytest.mark.parametrize(("begin", "end", "expected"), [(2, 5, "Exp"), (0, 5, "Tanh Exp Concat"),
                                                        (1, 5, "Tanh Exp Concat Slice")])  # fmt: skip
def test_what_a_slice_takes_of_a_concat(begin: int, end: int, expected: str) -> None:
    body = "a = Tanh (x) b = Exp (z) c = Concat <axis=1> (a, b, a) y = Slice (c, begin, end, one)"
    weights = {"begin": integers(begin), "end": integers(end), "one": integers(1)}
    assert operators(canonical(build("float[2,2] x, float[2,3] z", body, weights))) == expected
