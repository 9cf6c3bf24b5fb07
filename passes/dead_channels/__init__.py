"""Removes channels that have one value for every input, and channels that nobody reads."""

from __future__ import annotations

import onnx_ir as oir
from onnx_ir.passes.common import RemoveUnusedNodesPass

from ..macs import count_macs
from .analysis import analyse
from .plan import plan_removal
from .rewrite import remove
from .rules import RULES
from .settle import settle

CHANNELS_KEY = "tinyc.dead_channels.channels"
"""metadata_props: number of output channels removed from layers, over all runs of the pass."""

MACS_KEY = "tinyc.dead_channels.macs"
"""metadata_props: multiply-accumulates saved, over all runs of the pass."""


def remove_dead_channels(model: oir.Model) -> oir.Model:
    """Removes dead channels from ``model``, in place, and returns it. Shapes must have been inferred.

    A channel of a quantized tensor is dead when interval arithmetic proves that it holds one integer for
    every input; a channel of a float tensor, when its weights are zero, or so small beside the others'
    that no reader can resolve them in float32. Its constant moves to its readers' biases, which is exact
    in integers. A channel is dead too when all weights that read it are zero. Channels that are added or
    multiplied element by element go together or not at all, as do those of groups; every tensor keeps at
    least one, and graph inputs and outputs keep all. Quantized channels that are constant but have to stay
    lose their weights and vanishing scales.

    Adds what it removed to ``metadata_props`` under CHANNELS_KEY and MACS_KEY. Raises ModelError where a
    convolution or matrix product has no static shape.
    """
    before, channels = count_macs(model), 0
    RemoveUnusedNodesPass()(model)
    while True:
        analysis = analyse(model.graph, RULES)
        removal = plan_removal(analysis)
        if removal.atoms.any():
            channels += remove(analysis, removal)
        elif not settle(analysis):
            break
        RemoveUnusedNodesPass()(model)
    _add(model, CHANNELS_KEY, channels)
    _add(model, MACS_KEY, before - count_macs(model))
    return model


def _add(model: oir.Model, key: str, amount: int) -> None:
    model.metadata_props[key] = str(int(model.metadata_props.get(key, "0")) + amount)
