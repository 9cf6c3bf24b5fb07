"""Python values as C text."""

from __future__ import annotations

from math import isinf, isnan

import numpy as np

from ..ir.dtype import DType


def c_int(value: int) -> str:
    """A decimal integer constant; what has no literal of its own in C is written as a difference."""
    value = int(value)
    if value in (-(2**31), -(2**63)):
        return f"({c_int(value + 1)} - 1)"
    suffix = "" if -(2**31) < value < 2**31 else "LL"
    return f"{value}{suffix}"


def c_signed(value: int) -> str:
    """An integer for a macro's body: negative ones in parentheses."""
    return f"({value})" if value < 0 else str(value)


def c_float(value: float) -> str:
    """A float constant that reads back as the same float32. Infinity and NaN, which C99 names in math.h
    only, are written as quotients."""
    number = float(np.float32(value))
    if isnan(number):
        return "(0.0f / 0.0f)"
    if isinf(number):
        return "(1.0f / 0.0f)" if number > 0 else "(-1.0f / 0.0f)"
    text = f"{number:.9g}"
    if float(np.float32(f"{number:.7g}")) == number:
        text = f"{number:.7g}"
    return text + ("f" if any(c in text for c in ".e") else ".0f")


def c_lowest(dtype: DType) -> str:
    """The least value of a type; for floats the least finite one."""
    return c_float(float(np.finfo(np.float32).min)) if dtype.is_float else c_int(int(dtype.lowest))


def c_type(array: np.ndarray) -> str:
    """The C type of an array's elements."""
    return DType.of(array.dtype).c


def c_array(array: np.ndarray) -> str:
    """The elements of an array as an initializer's body, wrapped at about 100 columns."""
    flat = array.reshape(-1)
    if array.dtype == np.float32:
        words = [c_float(v) for v in flat.tolist()]
    elif array.dtype.itemsize < 4:
        words = [str(int(v)) for v in flat.tolist()]
    else:
        words = [c_int(v) for v in flat.tolist()]
    widest = max(map(len, words), default=1) + 2
    per_line = max(1, 96 // widest)
    lines = [", ".join(words[i : i + per_line]) for i in range(0, len(words), per_line)]
    return "    " + ",\n    ".join(lines)
