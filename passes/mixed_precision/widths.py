"""How many bits each feature map and each layer's weights have, and a step that takes some away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

NARROWER = {16: 8, 8: 4, 4: 2}
"""The next width below each."""


@dataclass(frozen=True)
class Step:
    """Gives ``name`` ``bits`` bits: a feature map (a group of tensors, by its first) or a layer's weights."""

    name: str
    bits: int
    of_weights: bool = False


@dataclass(frozen=True)
class Widths:
    """Bits of activations by tensor, and of weights by the tensor that their layer makes; all others: 8."""

    activations: Mapping[str, int] = field(default_factory=dict[str, int])
    weights: Mapping[str, int] = field(default_factory=dict[str, int])

    def of(self, tensor: str) -> int:
        """Bits of a feature map."""
        return self.activations.get(tensor, 8)

    def of_weights(self, layer: str) -> int:
        """Bits of a layer's weights."""
        return self.weights.get(layer, 8)

    def of_step(self, step: Step) -> int:
        """Bits of what ``step`` narrows."""
        return self.of_weights(step.name) if step.of_weights else self.of(step.name)

    def after(self, steps: Iterable[Step]) -> Widths:
        """With ``steps`` taken, in order."""
        activations, weights = dict(self.activations), dict(self.weights)
        for step in steps:
            (weights if step.of_weights else activations)[step.name] = step.bits
        return Widths(activations, weights)
