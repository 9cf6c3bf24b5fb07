"""Bits of weights: layers give them up in the order in which that costs least for what it saves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .bitops import Layer, bitops, weight_bytes
from .widths import NARROWER, Step, Widths


def narrowing(layers: Sequence[Layer], added: Callable[[Step], float], widths: Widths) -> list[Step]:
    """Steps of the layers' weights from ``widths`` down, one width each: the one next that adds least noise
    for what it saves, which is its share of all bytes of weights and its share of all BitOPs. ``added`` is
    the noise that a step adds to the one before."""
    steps: list[Step] = []
    nbytes, work = weight_bytes(layers, Widths()), bitops(layers, Widths())

    def following(layer: Layer) -> Step:
        return Step(layer.name, NARROWER[widths.of_weights(layer.name)], of_weights=True)

    def price(layer: Layer) -> float:
        step = following(layer)
        taken = widths.after([step])
        saved = (layer.weight_bytes(widths) - layer.weight_bytes(taken)) / max(nbytes, 1)
        return added(step) / (saved + (layer.bitops(widths) - layer.bitops(taken)) / max(work, 1) + 1e-9)

    while open_layers := [layer for layer in layers if widths.of_weights(layer.name) in NARROWER]:
        steps.append(following(min(open_layers, key=price)))
        widths = widths.after(steps[-1:])
    return steps


def enough(
    steps: Sequence[Step], layers: Sequence[Layer], added: Callable[[Step], float], widths: Widths,
    budget: int,
) -> list[Step]:  # fmt: skip
    """Those of ``steps`` after which the weights take ``budget`` bytes at most: to 4 bits before any to 2,
    the least noise for a byte first, as many as are enough, less those, the noisiest first, that then are
    not needed. All of them where not even these are enough; none where none is needed."""
    parameters = {layer.name: layer.parameters for layer in layers}

    def holds(taken: Sequence[Step]) -> bool:
        return weight_bytes(layers, widths.after(taken)) <= budget

    taken: list[Step] = []
    cheapest = sorted(steps, key=lambda step: added(step) / (parameters[step.name] * step.bits))
    for step in sorted(cheapest, key=lambda step: -step.bits):
        if holds(taken):
            break
        taken.append(step)
    for step in sorted(taken, key=added, reverse=True) if holds(taken) else ():
        rest = [other for other in taken if other.name != step.name or other.bits > step.bits]
        taken = rest if holds(rest) else taken
    return taken
