"""Scaled dot-product attention: softmax(scale · Q · Kᵀ) · V, one row of scores at a time.

Vaswani et al., arXiv:1706.03762; that scores need not be kept: Milakov, Gimelshein, arXiv:1805.02867. A row
of scores is working memory, as many numbers as there are keys, so that none is computed twice.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log2
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType, Quant
from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .elementary import exp
from .lanes import in_turn
from .node import Node

_BITS = 15
"""Of the largest weight of a row, which is 2^15 − 1, or less where so many keys need it."""
_OCTAVE = 256
"""Steps of a weight's exponent from one power of two to the next: a weight is rounded by at most 0.14 %."""


@dataclass(frozen=True)
class Heads:
    """Operands in memory: (N, positions, features), (N, positions, heads, features) or, ``across``,
    (N, heads, positions, features). Query i sees keys 0 to i + ``reach``."""

    batch: int
    heads: int
    queries: int
    keys: int
    depth: int
    width: int
    across: bool
    reach: int

    @classmethod
    def of(cls, node: Node) -> Heads:
        """Operands have the layout that ``Layout.VECTORS`` gives them."""
        query, key, value = (node.input(index) for index in range(3))
        rank = len(query.shape)
        across = rank == 4 and query.order[1] == 1
        heads = query.shape[1] if rank == 4 else 1
        reach = min(int(node.attribute("reach", 0)), key.shape[-2] - 1)
        return cls(
            query.shape[0], heads, query.shape[-2], key.shape[-2], query.shape[-1], value.shape[-1],
            across, reach,
        )  # fmt: skip

    @property
    def largest(self) -> int:
        """The magnitude that no score of int8 exceeds."""
        return self.depth * 255 * 128

    def stacked(self, array: np.ndarray) -> np.ndarray:
        """(N, heads, positions, features) of an operand, or of a window of it."""
        if array.ndim == 3:
            return array[:, None]
        return array if self.across else array.transpose(0, 2, 1, 3)

    def stored(self, array: np.ndarray, rank: int) -> np.ndarray:
        """The inverse."""
        if rank == 3:
            return array[:, 0]
        return array if self.across else array.transpose(0, 2, 1, 3)

    def hidden(self, window: Window, keys: int) -> np.ndarray:
        """(queries, keys) that do not count, of a window that is fed with so many keys."""
        first, end = (window.x0, window.x1) if self.across else (window.y0, window.y1)
        return np.arange(keys) > np.arange(first, end)[:, None] + self.reach

    def seen(self, window: Window) -> Window:
        """Of keys and values, what ``window`` of the output reads."""
        if self.across:
            return Window(window.y0, window.y1, 0, window.x1 + self.reach)
        return Window(0, window.y1 + self.reach, window.x0, window.x1)


@dataclass(frozen=True, eq=False)
class Seen:
    """Booleans (rows, keys) that say which keys count, for all queries (one row) or for each: the kernel's
    last input where ``values`` is None."""

    rows: int
    values: np.ndarray | None

    @classmethod
    def of(cls, node: Node) -> Seen | None:
        mask = node.optional(3)
        if mask is None:
            return None
        return cls(mask.shape[0], None if mask.constant is None else mask.constant.values)


@dataclass(frozen=True, eq=False)
class AnyAttention(Kernel):
    """Inputs are queries, keys and values, and maybe what is ``seen``; results of queries that see nothing
    are 0."""

    heads: Heads
    seen: Seen | None

    @property
    def windowed(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.heads.batch == 1 and (self.seen is None or self.seen.values is not None)

    def constants(self) -> Mapping[str, np.ndarray]:
        known = None if self.seen is None else self.seen.values
        return {} if known is None else {"seen": known.astype(np.uint8)}

    def needs(self, operand: int, window: Window) -> Window:
        return window if operand == 0 else self.heads.seen(window)

    def in_place(self) -> tuple[int, ...]:
        """A query's scores are complete before its result is written."""
        return (0,) if self.heads.depth == self.heads.width else ()

    def scratch(self) -> int:
        return 4 * self.heads.keys

    def cost(self, window: Window) -> Cost:
        h = self.heads
        rows = window.pixels * h.batch
        seen = min(h.keys, h.reach + (h.queries + 1) // 2)
        return Cost(rows * seen * (h.depth + h.width), 2 * rows * seen)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        q, k, v = map(self.heads.stacked, inputs[:3])
        out = self.attend(q, k, v, self.hidden(window, k.shape[2], inputs[3:]))
        return (self.heads.stored(out, inputs[0].ndim),)

    def hidden(self, window: Window, keys: int, given: Sequence[np.ndarray]) -> np.ndarray:
        """(queries, keys) that do not count, of a window that is fed with so many keys."""
        far = self.heads.hidden(window, keys)
        if self.seen is None:
            return far
        seen = given[0] if self.seen.values is None else self.seen.values
        if self.seen.rows > 1:
            seen = seen[window.x0 : window.x1] if self.heads.across else seen[window.y0 : window.y1]
        return far | ~seen[:, :keys].astype(bool)

    @abstractmethod
    def attend(self, q: np.ndarray, k: np.ndarray, v: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        """(N, heads, queries, width) of operands of that rank."""


@dataclass(frozen=True, eq=False)
class Attention(AnyAttention):
    """float32."""

    template: ClassVar[str] = "attention"

    scale: float

    def attend(self, q: np.ndarray, k: np.ndarray, v: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        scores = (q @ k.swapaxes(-1, -2)) * np.float32(self.scale)
        scores = np.where(hidden, -np.inf, scores).astype(np.float32)
        top = np.maximum(scores.max(axis=-1, keepdims=True), np.finfo(np.float32).min)
        weights = exp(scores - top)
        total = in_turn(np.add, weights.reshape(-1, weights.shape[-1])).reshape(*weights.shape[:-1], 1)
        return (weights @ v) * (np.float32(1.0) / np.where(total > 0, total, np.float32(1.0)))


@dataclass(frozen=True, eq=False)
class QuantizedAttention(AnyAttention):
    """int8 in and out. With scores s = Σ (q − zero) · k, and d how far one is below the largest of its row,

        t = (half + d · gain) >> places          the weight's exponent, in 1/256 octaves
        w = table[t mod 256] >> (t / 256 + 1), rounded; 0 for t from ``beyond`` on
        y = clamp((offset + hi32(Σ w · v · ⌊numerator / Σ w⌋)) >> shift)

    The zero point of keys adds the same to all scores of a row, which softmax does not see; that of values is
    in ``offset``. ``half`` rounds, and makes weights smaller by ``spare`` octaves. Results of queries that
    see nothing are ``nothing``.
    """

    template: ClassVar[str] = "quantized_attention"
    led: ClassVar[bool] = True

    zero: int
    gain: int
    places: int
    spare: int
    numerator: int
    offset: int
    shift: int
    nothing: int
    beyond: ClassVar[int] = 16 * _OCTAVE
    bounds: ClassVar[tuple[int, int]] = (-128, 127)

    @classmethod
    def of(
        cls, heads: Heads, query: Quant, score_scale: float, value: Quant, out: Quant,
        seen: Seen | None = None,
    ) -> QuantizedAttention | None:  # fmt: skip
        """``score_scale``: what a score's unit is worth. None where 32 bits do not hold scores or sums."""
        spare = max(0, ceil(log2(heads.keys)) - 9)  # Σ w · |v| ≤ keys · 2^(15 − spare) · 2^7
        ratio = value.scale / out.scale
        shift = min(20, floor(13.9 - spare - log2(ratio)), floor(20.9 - log2(ratio)))
        steps = score_scale * _OCTAVE / np.log(2.0)
        places = min(48, floor(30.9 - log2(steps)))
        if heads.largest * max(1, steps) >= 2**30 or places < 1 or spare > 8 or shift < 6:
            return None
        offset = round((out.zero_point - ratio * value.zero_point + 0.5) * 2.0**shift)
        return cls(
            heads, seen, query.zero_point, round(steps * 2.0**places), places, spare,
            round(ratio * 2.0 ** (32 + shift)), offset, shift, out.zero_point,
        )  # fmt: skip

    @property
    def half(self) -> int:
        """What is added to a product before it is shifted by ``places``."""
        return (1 << (self.places - 1)) + (self.spare * _OCTAVE << self.places)

    @property
    def table(self) -> np.ndarray:
        """2^(16 − t/256): twice the weights, which have to fit 16 bits with their sign."""
        weights = np.rint(2.0 ** (_BITS - np.arange(_OCTAVE) / _OCTAVE))
        return (2 * np.minimum(weights, 2**_BITS - 1)).astype(np.uint16)

    def constants(self) -> Mapping[str, np.ndarray]:
        return {**super().constants(), "table": self.table}

    def attend(self, q: np.ndarray, k: np.ndarray, v: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        exact = np.float64  # holds the integers exactly
        scores = (q.astype(exact) - self.zero) @ k.swapaxes(-1, -2).astype(exact)
        low = np.where(hidden, -(2.0**40), scores).astype(np.int64)
        below = np.minimum(low.max(axis=-1, keepdims=True) - low, 2**31)
        t = np.minimum((below * self.gain + self.half) >> self.places, self.beyond)
        weights = ((self.table[t & 255].astype(np.int64) >> (t >> 8)) + 1) >> 1
        weights[np.broadcast_to(hidden, t.shape)] = 0
        sums = (weights.astype(exact) @ v.astype(exact)).astype(np.int64)
        total = weights.sum(axis=-1, keepdims=True)
        y = (self.offset + ((sums * (self.numerator // np.maximum(total, 1))) >> 32)) >> self.shift
        return np.where(total > 0, np.clip(y, *self.bounds), self.nothing).astype(np.int8)


def resolve(node: Node) -> Kernel | None:
    """float32, or int8 to int8."""
    heads, seen, scale = Heads.of(node), Seen.of(node), float(node.attribute("scale", 1.0))
    out = node.outputs[0]
    operands = [node.input(index) for index in range(3)]
    if out.quant is None:
        return Attention(heads, seen, scale) if all(t.dtype.is_float for t in operands) else None
    query, key, value = (t.quant for t in operands)
    if query is None or key is None or value is None or scale <= 0:
        return None
    if any(t.dtype is not DType.INT8 for t in (*operands, out)):
        return None
    return QuantizedAttention.of(heads, query, scale * query.scale * key.scale, value, out.quant, seen)
