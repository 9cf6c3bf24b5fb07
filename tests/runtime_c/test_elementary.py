"""Elementary functions in C: equal to their NumPy mirrors in every bit, to float64 but for a few digits."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinyc.codegen.emit import runtime_header
from tinyc.emulator.host import WARNINGS, host_compiler
from tinyc.kernels import elementary

UNARY: dict[str, tuple[Callable, tuple[float, float], float]] = {
    # name in C: mirror, range where accuracy is promised, units in the last place
    "expf": (elementary.exp, (-100.0, 88.7), 1.5),
    "expm1f": (elementary.expm1, (-100.0, 88.7), 4.0),
    "logf": (elementary.log, (1e-40, 3e38), 1.5),
    "log1pf": (elementary.log1p, (-0.999, 3e38), 2.5),
    "sqrtf": (elementary.sqrt, (0.0, 3e38), 1.5),
    "tanhf": (elementary.tanh, (-20.0, 20.0), 2.5),
    "erff": (elementary.erf, (-6.0, 6.0), 2.5),
    "sinf": (elementary.sin, (-1000.0, 1000.0), 2.5),
    "cosf": (elementary.cos, (-1000.0, 1000.0), 2.5),
    "atanf": (elementary.atan, (-1e6, 1e6), 3.0),
    "asinhf": (elementary.asinh, (-1e30, 1e30), 4.0),
    "floorf": (np.floor, (-1e9, 1e9), 0.0),
    "ceilf": (np.ceil, (-1e9, 1e9), 0.0),
    "rintf": (np.rint, (-1e9, 1e9), 0.0),
}
BINARY: dict[str, tuple[Callable, float]] = {"powf": (elementary.power, 1.0), "fmodf": (np.fmod, 0.0)}
EDGES = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, -3.0, 1e-45, 1e-38, -1e-38, 1e-20, 87.0, 88.72,
     88.73, 89.5, -87.3, -103.9, -104.1, 0.3465, 0.3466, 0.625, 0.925, 4.0, 8388607.5, 8388608.0, -16777215.0,
     16777217.0, 1e9, 1.1e9, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan],
    np.float32,
)  # fmt: skip


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """A shared library with ``NAME(in…, out, count)`` for each function; warnings are errors."""
    folder: Path = tmp_path_factory.mktemp("elementary")
    wrappers = [_wrapper(name, ["a"]) for name in UNARY] + [_wrapper(name, ["a", "b"]) for name in BINARY]
    (folder / "tinyc_runtime.h").write_text(runtime_header("\n".join(wrappers)))
    (folder / "all.c").write_text('#include "tinyc_runtime.h"\n' + "\n".join(wrappers))
    flags = ["-std=c99", "-O2", "-ffp-contract=off", "-fPIC", "-shared", "-DTINYC_HOT_ATTR=", *WARNINGS]
    subprocess.run([*host_compiler(), *flags, "-o", "all.so", "all.c"], cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "all.so"))


def _wrapper(name: str, inputs: list[str]) -> str:
    parameters = ", ".join(f"const float *{i}" for i in inputs)
    arguments = ", ".join(f"{i}[n]" for i in inputs)
    return (
        f"void test_{name}({parameters}, float *out, int32_t count);\n"
        f"void test_{name}({parameters}, float *out, int32_t count)\n{{\n"
        f"    for (int32_t n = 0; n < count; ++n) {{ out[n] = tinyc_{name}({arguments}); }}\n}}\n"
    )


def _run(library: ctypes.CDLL, name: str, *inputs: np.ndarray) -> np.ndarray:
    out = np.empty_like(inputs[0])
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (*inputs, out)]
    library[f"test_{name}"](*pointers, ctypes.c_int32(out.size))
    return out


def _anything(count: int, seed: int) -> np.ndarray:
    """Floats of every magnitude: random bits, small numbers and the edges."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2**32, count, dtype=np.uint32).view(np.float32)
    return np.concatenate([bits, (rng.normal(size=count) * 4).astype(np.float32), EDGES])


def _assert_same(c: np.ndarray, mine: np.ndarray, *inputs: np.ndarray) -> None:
    same = (c == mine) | ((c != c) & (mine != mine))
    assert mine.dtype == np.float32
    assert same.all(), [a[~same][:5] for a in (*inputs, c, mine)]


@pytest.mark.parametrize("name", UNARY)
def test_mirror(library: ctypes.CDLL, name: str) -> None:
    x = _anything(200_000, len(name))
    with np.errstate(all="ignore"):
        mine = UNARY[name][0](x)
    _assert_same(_run(library, name, x), mine, x)


@pytest.mark.parametrize("name", UNARY)
def test_accuracy(library: ctypes.CDLL, name: str) -> None:
    function, (low, high), limit = UNARY[name]
    rng = np.random.default_rng(1)
    near = rng.uniform(max(low, -5.0), min(high, 5.0), 100_000)
    spread = rng.uniform(low, high, 100_000)
    tiny = rng.choice([-1.0, 1.0], 20_000) * 10.0 ** rng.uniform(-30, 0, 20_000)
    x = np.concatenate([near, spread, tiny])
    x = x[(x >= low) & (x <= high)].astype(np.float32)
    exact = function(x.astype(np.float64))
    error = np.abs(_run(library, name, x) - exact) / np.spacing(np.abs(exact).astype(np.float32)).astype(
        np.float64
    )
    # sin and cos near their zeros are judged by absolute error
    if name in ("sinf", "cosf"):
        error = np.minimum(error, np.abs(_run(library, name, x) - exact) / 2.0**-24)
    assert error.max() <= limit, (x[error.argmax()], float(error.max()))


@pytest.mark.parametrize("name", BINARY)
def test_mirror_of_two(library: ctypes.CDLL, name: str) -> None:
    a, b = _anything(60_000, 3), _anything(60_000, 4)
    pairs = np.stack(np.meshgrid(EDGES, EDGES)).reshape(2, -1)
    if name == "fmodf":  # its time grows with the quotient
        a, b = np.where(np.abs(a) < 1e6, a, np.float32(3.25)), np.where(np.abs(b) < 1e-3, np.float32(0.75), b)
    a, b = np.concatenate([a, pairs[0]]), np.concatenate([b, pairs[1]])
    with np.errstate(all="ignore"):
        mine = BINARY[name][0](a, b)
    _assert_same(_run(library, name, a, b), mine, a, b)


def test_accuracy_of_powers(library: ctypes.CDLL) -> None:
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.uniform(0.0, 10.0, 100_000), 10.0 ** rng.uniform(-20, 20, 50_000)]).astype(
        np.float32
    )
    y = rng.uniform(-8.0, 8.0, x.size).astype(np.float32)
    with np.errstate(all="ignore"):
        exact = x.astype(np.float64) ** y
        usual = (exact > 1e-37) & (exact < 3e38)
        got = _run(library, "powf", x, y)[usual]
    error = np.abs(got - exact[usual]) / np.spacing(exact[usual].astype(np.float32))
    assert error.max() <= BINARY["powf"][1]


def test_powers_of_negative_numbers(library: ctypes.CDLL) -> None:
    x = np.array([-2.0, -2.0, -2.0, -0.0, -8.0, -1.0], np.float32)
    y = np.array([3.0, 2.0, -1.0, 2.0, 1.0 / 3.0, 0.5], np.float32)
    np.testing.assert_array_equal(_run(library, "powf", x, y), [-8.0, 4.0, -0.5, 0.0, np.nan, np.nan])
