"""Elementary functions of arrays: float64 by NumPy, float32 as ``runtime_c`` has them, step by step.

Float32 results therefore equal those of the emitted C in every bit, where its compiler does not contract a
product and a sum into one operation. The C header of each function states its accuracy.
"""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray

_LN_2_HIGH, _LN_2_LOW = 0.693359375, 2.12194440e-4
_INFINITY = np.float32(np.inf)


def _is_float32(x: Array) -> bool:
    return x.dtype == np.float32


def _polynomial(x: Array, *coefficients: float) -> Array:
    """Horner's scheme, highest power first, in the type of ``x``."""
    p = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        p = p * x + x.dtype.type(coefficient)
    return p


def _power_of_two(n: Array) -> Array:
    """2^n as float32, for -126 <= n <= 127."""
    return ((n + 127).astype(np.uint32) << np.uint32(23)).view(np.float32)


def _split(x: Array) -> tuple[Array, Array]:
    """Finite positive float32 as m · 2^n: m from sqrt(1/2) to sqrt(2), n int32."""
    tiny = x < np.float32(1.17549435e-38)
    bits = np.where(tiny, x * np.float32(8388608.0), x).view(np.uint32)
    n = (bits >> np.uint32(23)).astype(np.int32) - np.where(tiny, 150, 127).astype(np.int32)
    m = ((bits & np.uint32(0x007FFFFF)) | np.uint32(0x3F800000)).view(np.float32)
    large = m > np.float32(1.41421356)
    return np.where(large, m * np.float32(0.5), m), n + large.astype(np.int32)


def _expm1_near(r: Array) -> Array:
    p = _polynomial(
        r,
        1.9875691500e-4,
        1.3981999507e-3,
        8.3334519073e-3,
        4.1665795894e-2,
        1.6666665459e-1,
        5.0000001201e-1,
    )
    return p * (r * r) + r


def exp(x: Array) -> Array:
    """e^x."""
    if not _is_float32(x):
        return np.exp(x)
    t = np.where(x > np.float32(88.8), np.float32(90.0), x)
    t = np.where((x < np.float32(-104.0)) | (x != x), np.float32(0.0), t)
    n = (t * np.float32(1.44269504) + np.where(t < 0, np.float32(-0.5), np.float32(0.5))).astype(np.int32)
    whole = n.astype(np.float32)
    r = t - whole * np.float32(_LN_2_HIGH) + whole * np.float32(_LN_2_LOW)
    half = (n / 2).astype(np.int32)  # rounds toward 0, as C does
    y = (_expm1_near(r) + np.float32(1.0)) * _power_of_two(half) * _power_of_two(n - half)
    return np.where(x != x, x, np.where(x < np.float32(-104.0), np.float32(0.0), y))


def expm1(x: Array) -> Array:
    """e^x − 1."""
    if not _is_float32(x):
        return np.expm1(x)
    near = np.abs(x) < np.float32(0.34657359)
    return np.where(near, _expm1_near(np.where(near, x, np.float32(0.0))), exp(x) - np.float32(1.0))


def log(x: Array) -> Array:
    """Natural logarithm; −∞ at 0, NaN below."""
    if not _is_float32(x):
        return np.log(x)
    usual = (x > 0) & (x != _INFINITY)
    mantissa, n = _split(np.where(usual, x, np.float32(1.0)))
    m = mantissa - np.float32(1.0)
    square, whole = m * m, n.astype(np.float32)
    p = _polynomial(
        m, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    )  # fmt: skip
    p = p * m * square - whole * np.float32(_LN_2_LOW) - np.float32(0.5) * square
    y = m + p + whole * np.float32(_LN_2_HIGH)
    special = np.where(x == 0, -_INFINITY, np.where(x == _INFINITY, x, np.float32(np.nan)))
    return np.where(usual, y, special)


def log1p(x: Array) -> Array:
    """ln(1 + x)."""
    if not _is_float32(x):
        return np.log1p(x)
    u = np.float32(1.0) + x
    rest = u - np.float32(1.0)
    lost = (rest != x) & (u != np.float32(1.0))
    factor = np.divide(x, rest, out=np.ones_like(x), where=lost)
    return np.where(u == np.float32(1.0), x, np.where(lost, log(u) * factor, log(u)))


def sqrt(x: Array) -> Array:
    """Square root; NaN below 0."""
    if not _is_float32(x):
        return np.sqrt(x)
    usual = (x > 0) & (x != _INFINITY)
    tiny = x < np.float32(1.17549435e-38)
    t = np.where(usual, x, np.float32(1.0))
    t = np.where(usual & tiny, t * np.float32(16777216.0), t)
    u = (np.uint32(0x5F375A86) - (t.view(np.uint32) >> np.uint32(1))).view(np.float32)
    for _ in range(3):
        u = u * (np.float32(1.5) - np.float32(0.5) * t * u * u)
    root = t * u
    y = (root + np.float32(0.5) * u * (t - root * root)) * np.where(
        tiny, np.float32(0.000244140625), np.float32(1.0)
    )
    return np.where(usual, y, np.where((x == 0) | (x == _INFINITY), x, np.float32(np.nan)))


def tanh(x: Array) -> Array:
    """Hyperbolic tangent."""
    if not _is_float32(x):
        return np.tanh(x)
    a = np.abs(x)
    z = x * x
    p = _polynomial(z, -5.70497802e-3, 2.06390787e-2, -5.37397116e-2, 1.33314416e-1, -3.33332807e-1)
    t = np.float32(1.0) - np.float32(2.0) / (exp(a + a) + np.float32(1.0))
    return np.where(a < np.float32(0.625), p * z * x + x, np.where(x < 0, -t, t))


def asinh(x: Array) -> Array:
    """Inverse hyperbolic sine."""
    if not _is_float32(x):
        return np.arcsinh(x)
    a = np.abs(x)
    inverse = np.float32(1.0) / a
    y = log1p(a + a / (inverse + sqrt(np.float32(1.0) + inverse * inverse)))
    return np.where(a < np.float32(1e-4), x, np.where(x < 0, -y, y))


def erf(x: Array) -> Array:
    """The error function."""
    if not _is_float32(x):
        return np.vectorize(math.erf, otypes=[np.float64])(x)
    a = np.abs(x)
    z = x * x
    p = _polynomial(
        z, -5.95374557e-4, 4.98594157e-3, -2.67617200e-2, 1.12816826e-1, -3.76124799e-1, 1.28379151e-1
    )
    t = np.where(a < np.float32(4.0), a, np.float32(4.0))
    q = _polynomial(
        t, 2.13530540e-4, -3.21129872e-3, 2.28785519e-2, -1.05244569e-1, -6.35730982e-1, -1.12851071
    )
    y = np.float32(1.0) - exp(q * t)
    far = np.where(x != x, x, np.where(x < 0, -y, y))
    return np.where(a < np.float32(0.925), p * x + x, far)


def atan(x: Array) -> Array:
    """Arc tangent in radians."""
    if not _is_float32(x):
        return np.arctan(x)
    a = np.abs(x)
    far, middle = a > np.float32(2.41421356), a > np.float32(0.414213562)
    offset = np.where(far, np.float32(1.57079633), np.where(middle, np.float32(0.785398163), np.float32(0.0)))
    turned = np.where(middle, (a - np.float32(1.0)) / (a + np.float32(1.0)), a)
    r = np.where(far, np.float32(-1.0) / a, turned)
    z = r * r
    p = _polynomial(z, 8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)
    y = p * z * r + r + offset
    return np.where(x < 0, -y, y)


def _quarter_turns(x: Array) -> tuple[Array, Array]:
    inside = np.abs(x) < np.float32(1073741824.0)
    wide = np.where(inside, x, np.float32(0.0)).astype(np.float64)
    turns = (wide * 0.63661977236758134 + np.where(wide < 0, -0.5, 0.5)).astype(np.int32)
    r = (wide - turns * 1.5707963267341256 - turns * 6.0771005065061922e-11).astype(np.float32)
    return np.where(inside, r, (x - x) * np.float32(0.0)), np.where(inside, turns & 3, 0)


def _sin_near(r: Array) -> Array:
    z = r * r
    return _polynomial(z, -1.95172979e-4, 8.33217800e-3, -1.66666552e-1) * z * r + r


def _cos_near(r: Array) -> Array:
    z = r * r
    p = _polynomial(z, 2.44384519e-5, -1.38873677e-3, 4.16666456e-2)
    return p * (z * z) - np.float32(0.5) * z + np.float32(1.0)


def sin(x: Array) -> Array:
    """Sine of radians."""
    if not _is_float32(x):
        return np.sin(x)
    r, n = _quarter_turns(x)
    y = np.where(n & 1, _cos_near(r), _sin_near(r))
    return np.where(n & 2, -y, y)


def cos(x: Array) -> Array:
    """Cosine of radians."""
    if not _is_float32(x):
        return np.cos(x)
    r, n = _quarter_turns(x)
    y = np.where(n & 1, _sin_near(r), _cos_near(r))
    return np.where((n == 1) | (n == 2), -y, y)


def _log_positive(x: Array) -> Array:
    m, n = _split(x)
    wide = m.astype(np.float64)
    s = (wide - 1.0) / (wide + 1.0)
    p = _polynomial(s * s, *(1.0 / k for k in range(15, 0, -2)))
    return n * 0.69314718055994531 + 2.0 * s * p


def _exp_bounded(t: Array) -> Array:
    n = (t * 1.4426950408889634 + np.where(t < 0, -0.5, 0.5)).astype(np.int32)
    r = t - n * 0.69314718055994531
    p = _polynomial(r, *(1.0 / math.factorial(k) for k in range(10, -1, -1)))
    half = (n / 2).astype(np.int32)
    return p * _power_of_two(half).astype(np.float64) * _power_of_two(n - half).astype(np.float64)


def power(x: Array, y: Array) -> Array:
    """x^y; NaN where x is negative and y is not whole."""
    x, y = np.broadcast_arrays(x, y)
    if not _is_float32(x):
        return np.power(x, y)
    a = np.abs(x)
    negative = x < 0
    whole = np.rint(y) == y
    odd = (np.abs(y) < np.float32(16777216.0)) & (np.fmod(y, np.float32(2.0)) != 0) & whole
    sign = np.where(negative & odd, np.float32(-1.0), np.float32(1.0))
    usual = (a > 0) & (a != _INFINITY)
    t = y.astype(np.float64) * _log_positive(np.where(usual, a, np.float32(1.0)))
    inside = np.abs(t) <= 104.0
    value = _exp_bounded(np.where(inside, t, 0.0))
    large = (t > 104.0) | (value > 3.4028235677973366e38)
    finite = np.where(large, 1.0, value).astype(np.float32)
    y_usual = np.where(large, sign * _INFINITY, np.where(t < -104.0, np.float32(0.0), sign * finite))
    y_edge = np.where((a == 0) == (y < 0), sign * _INFINITY, np.float32(0.0))
    result = np.where(a == 1, sign, np.where(usual, y_usual, y_edge))
    invalid = (x != x) | (y != y) | (negative & ~whole)
    return np.where((y == 0) | (x == 1), np.float32(1.0), np.where(invalid, np.float32(np.nan), result))
