"""Operators that move elements."""

from __future__ import annotations

from math import prod

import numpy as np

from .sketch import LARGEST, Sketch


def transpose(s: Sketch, x: str) -> str:
    return s.one("Transpose", x, perm=s.order(len(s.shape(x))))


def reshape(s: Sketch, x: str) -> str:
    """Into a random factorization."""
    rest = prod(s.shape(x))
    dims: list[int] = []
    for _ in range(s.whole(0, 3)):
        dims.append(s.pick(*(d for d in range(1, 9) if rest % d == 0)))
        rest //= dims[-1]
    dims.insert(s.whole(0, len(dims)), rest)
    return s.one("Reshape", x, s.integers(*dims))


def flatten(s: Sketch, x: str) -> str:
    return s.one("Flatten", x, axis=s.whole(0, len(s.shape(x))))


def unsqueeze(s: Sketch, x: str) -> str:
    return s.one("Unsqueeze", x, s.integers(s.whole(0, len(s.shape(x)))))


def squeeze(s: Sketch, x: str) -> str | None:
    ones = [axis for axis, d in enumerate(s.shape(x)) if d == 1]
    return s.one("Squeeze", x, s.integers(s.pick(*ones))) if ones else None


def concat(s: Sketch, x: str) -> str:
    shape = s.shape(x)
    axis = s.whole(0, len(shape) - 1)

    def fits(y: str) -> bool:
        other = s.shape(y)
        alike = (a == b or i == axis for i, (a, b) in enumerate(zip(shape, other, strict=False)))
        return len(other) == len(shape) and all(alike)

    parts = [x, s.pick(*(y for y in (*s.ready, x) if fits(y)))]
    if s.chance(4):
        parts.append(s.weights(*shape, scale=1.0))
    start = s.whole(0, len(parts) - 1)
    parts = parts[start:] + parts[:start]
    if sum(prod(s.shape(p)) for p in parts) > LARGEST:
        parts = [x, x]
    return s.one("Concat", *parts, axis=s.pick(axis, axis - len(shape)))


def slices(s: Sketch, x: str) -> str:
    axis = s.whole(0, len(s.shape(x)) - 1)
    size = s.shape(x)[axis]
    begin = s.whole(0, size - 1)
    end = s.whole(begin + 1, size)
    if s.chance(4):
        bounds = (end - 1, begin - size - 1, -s.whole(1, 2))
    else:
        bounds = (s.pick(begin, begin - size), end, s.whole(1, 2))
    return s.one("Slice", x, *(s.integers(v) for v in (bounds[0], bounds[1], axis, bounds[2])))


def split(s: Sketch, x: str) -> str | None:
    """Both halves go on: one is returned, the other stands ready."""
    axes = [axis for axis, d in enumerate(s.shape(x)) if d > 1]
    if not axes:
        return None
    axis = s.pick(*axes)
    size = s.shape(x)[axis]
    first = s.whole(1, size - 1)
    a, b = s.add("Split", [x, s.integers(first, size - first)], outputs=2, axis=axis)
    s.ready.append(b)
    return a


def pad(s: Sketch, x: str) -> str:
    shape = s.shape(x)
    mode = s.pick("constant", "constant", "reflect", "edge")
    most = [min(2, d - 1) if mode == "reflect" else 2 for d in shape]
    pads = [s.whole(0, m) if s.chance(2) else 0 for m in (*most, *most)]
    value = [s.constant(s.rng.normal())] if mode == "constant" and s.chance(2) else []
    return s.one("Pad", x, s.integers(*pads), *value, mode=mode)


def gather(s: Sketch, x: str) -> str:
    axis = s.whole(0, len(s.shape(x)) - 1)
    count = s.shape(x)[axis]
    dims = s.pick((), (1,), (2,), (3,)) if len(s.shape(x)) < 4 else s.pick((), (2,))
    return s.one("Gather", x, s.constant(s.rng.integers(-count, count, dims), np.int64), axis=axis)


def expand(s: Sketch, x: str) -> str | None:
    dims = [s.whole(1, 3) if d == 1 else d for d in s.shape(x)]
    dims = [2, *dims] if len(dims) < 4 and s.chance(3) else dims
    return s.one("Expand", x, s.integers(*dims)) if prod(dims) <= LARGEST else None


def tile(s: Sketch, x: str) -> str | None:
    times = [s.pick(1, 1, 2, 3) for _ in s.shape(x)]
    return s.one("Tile", x, s.integers(*times)) if prod(times) * prod(s.shape(x)) <= LARGEST else None


def channel_shuffle(s: Sketch, x: str) -> str | None:
    """ShuffleNet: the groups' channels take turns."""
    batch, channels, *image = s.shape(x)
    if channels % 2:
        return None
    apart = s.one("Reshape", x, s.integers(batch, 2, channels // 2, *image))
    turned = s.one("Transpose", apart, perm=[0, 2, 1, *range(3, len(image) + 3)])
    return s.one("Reshape", turned, s.integers(batch, channels, *image))
