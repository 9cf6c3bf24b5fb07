"""Value-driven quantization search: which feature map gives up bits next, by a score of its values and work.

QuantMCU (arXiv 2401.13714), section 3.3. The score of feature map i at b bits is

    S(i, b) = −λ · Ω(i, b) + (1 − λ) · Φ(i, b)

with Ω the share of its entropy that is lost and Φ the BitOPs saved, as a share of all. Entropy is only a
guess of what matters: here the score gives the order, and a measurement the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .bitops import Layer, bitops
from .widths import NARROWER, Step, Widths

Loss = Mapping[tuple[str, int], float]
"""Ω by feature map and bits."""


def score(loss: float, saved: float, lam: float) -> float:
    """S of one feature map at one width: ``loss`` is Ω, ``saved`` Φ, ``lam`` λ."""
    return -lam * loss + (1 - lam) * saved


def widening(maps: Sequence[str], layers: Sequence[Layer], loss: Loss, lam: float) -> list[Step]:
    """Steps of ``maps`` from 8 to 16 bits, in the order of the score's rise: what entropy they win back
    against the BitOPs that they cost."""
    total = bitops(layers, Widths())

    def gain(name: str) -> float:
        cost = 8 * sum(8 * layer.macs for layer in layers if layer.source == name) / max(total, 1)
        return score(loss[name, 16] - loss[name, 8], -cost, lam)

    return [Step(name, 16) for name in sorted(maps, key=gain, reverse=True)]


def narrowing(
    maps: Sequence[str], layers: Sequence[Layer], loss: Loss, widths: Widths, lam: float
) -> list[Step]:
    """Steps of ``maps`` from ``widths`` down, one width each, in the order in which the score rises most.

    Each step is chosen with those before it taken. Maps that nothing multiplies save no BitOPs, and are left
    out.
    """
    total = bitops(layers, widths)
    readers = {name: [layer for layer in layers if layer.source == name] for name in maps}
    steps: list[Step] = []

    def gain(name: str) -> float:
        bits = widths.of(name)
        below = NARROWER[bits]
        saved = sum(r.macs * widths.of_weights(r.name) for r in readers[name]) * (bits - below) / total
        lost = loss[name, below] - loss[name, bits]
        return score(lost, saved, lam)

    while open_maps := [name for name in maps if readers[name] and widths.of(name) in NARROWER]:
        best = max(open_maps, key=gain)
        steps.append(Step(best, NARROWER[widths.of(best)]))
        widths = widths.after(steps[-1:])
    return steps
