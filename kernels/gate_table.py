"""Activation functions of gates: a table of 257 entries, with straight lines between them.

Arguments have 11 fraction bits and are saturated to 15 bits, −8 to 8, where sigmoid and tanh have come within
3.4e-4 of their ends; results have 15 fraction bits. The lines are within f''/2048 of the function: 5e-5 for
sigmoid, 4e-4 for tanh, a twentieth of a step of 8-bit states.
"""

from __future__ import annotations

import numpy as np

from .functions import Function

ARGUMENT_BITS = 11
"""Fraction bits of arguments."""
REACH = 2**14
"""Arguments are saturated to −REACH … REACH − 1."""
_SEGMENT_BITS = 7
RESULT_BITS = 15
"""Fraction bits of results."""
LEAST, MOST = -(2**15), 2**15 - 1
_BOUNDED = {"HardSigmoid": (0, 1), "Sigmoid": (0, 1), "Tanh": (-1, 1)}
"""Functions whose results 16 bits hold, with their bounds."""


def is_bounded(function: Function) -> bool:
    """Whether ``gate_table`` knows the function."""
    return function.name in _BOUNDED


def is_share(function: Function) -> bool:
    """Whether results are between 0 and 1."""
    return _BOUNDED.get(function.name) == (0, 1)


def gate_table(function: Function) -> np.ndarray:
    """int16: the function at −8, −8 + 1/16, … 8."""
    results = function(np.arange(-128, 129, dtype=np.float64) / 16) * 2.0**RESULT_BITS
    return np.clip(np.rint(results), LEAST, MOST).astype(np.int16)


def look_up(table: np.ndarray, arguments: np.ndarray) -> np.ndarray:
    """int64 results for int64 ``arguments``, as ``runtime_c/gate.h`` has them."""
    inside = np.clip(arguments, -REACH, REACH - 1)
    wide, entry = table.astype(np.int64), (inside >> _SEGMENT_BITS) + 128
    rest, half = inside & ((1 << _SEGMENT_BITS) - 1), 1 << (_SEGMENT_BITS - 1)
    return wide[entry] + (((wide[entry + 1] - wide[entry]) * rest + half) >> _SEGMENT_BITS)
