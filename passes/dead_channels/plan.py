"""Decides which channels are removed, so that every reader can do without them."""

from __future__ import annotations

import numpy as np

from .analysis import Analysis
from .facts import Ints, Mask
from .layers import Layer


class Removal:
    """The channels to remove: ``atoms`` is true for each atom that goes. Sets of atoms go together."""

    def __init__(self, analysis: Analysis) -> None:
        self._roots = analysis.atoms.roots()
        self.atoms: Mask = np.ones(len(self._roots), dtype=np.bool_)
        self.restore(analysis.atoms.pins())

    def restore(self, atoms: Ints) -> bool:
        """Keeps ``atoms`` with all that must go with them; True where that changes the removal."""
        kept = np.zeros_like(self.atoms)
        kept[self._roots[atoms]] = True
        returned = kept[self._roots] & self.atoms
        self.atoms &= ~returned
        return bool(returned.any())


def plan_removal(analysis: Analysis) -> Removal:
    """The largest removal that the layers can absorb and that leaves a valid model."""
    removal = Removal(analysis)
    for layer in analysis.layers:
        if not layer.depthwise:
            removal.restore(layer.source.atoms[~layer.absorbs()])
    unstable = True
    while unstable:  # what one rule gives back may unbalance another; nothing is taken again, so it ends
        unstable = _keep_one(analysis, removal)
        for layer in analysis.layers:
            unstable |= _keep_layer_valid(layer, removal)
    return removal


def _keep_one(analysis: Analysis, removal: Removal) -> bool:
    """No tensor may lose all of its channels."""
    changed = False
    for facts in analysis.facts.values():
        if facts.axis is not None and removal.atoms[facts.atoms].all():
            changed |= removal.restore(facts.atoms[:1])
    return changed


def _keep_layer_valid(layer: Layer, removal: Removal) -> bool:
    if layer.depthwise:
        return False
    groups = layer.layout.groups
    changed = _keep_groups_equal(layer.source.atoms.reshape(groups, -1), removal)
    changed |= _keep_groups_equal(layer.atoms.reshape(groups, -1), removal)
    removed = removal.atoms[layer.source.atoms]
    folded = removed & (layer.source.nominal != 0)
    if folded.any() and layer.can_fold() and layer.folded_bias(removed) is None:
        changed |= removal.restore(layer.source.atoms[folded])
    return changed


def _keep_groups_equal(atoms: Ints, removal: Removal) -> bool:
    """Each group [groups, channels] loses as many channels as the one that can lose fewest."""
    removed = removal.atoms[atoms]
    allowed = removed.sum(axis=1).min()
    surplus = removed & (np.cumsum(removed, axis=1) > allowed)
    return bool(surplus.any()) and removal.restore(atoms[surplus])
