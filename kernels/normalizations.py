"""What normalization operators of ONNX say of lanes and parameters."""

from __future__ import annotations

from math import prod

import numpy as np

from ..ir.kernel import Kernel
from .lanes import Lanes
from .node import Node
from .normalize import Normalization


def _kernel(node: Node, wanted: Normalization) -> Kernel | None:
    x, out = node.input(0), node.outputs[0]
    if len(node.outputs) > 1:
        raise node.refuse("its mean or deviation is used too", "compute it with ReduceMean instead")
    if out.quant is None:
        return wanted.floats() if x.dtype.is_float else None
    if x.quant is None or x.dtype.size != 1 or out.dtype.size != 1:
        return None
    return wanted.integers(x.quant, x.dtype, out.quant, out.dtype)


def _trailing(node: Node, centred: bool) -> Kernel | None:
    """Lanes are all axes from ``axis`` on; every element of a lane has a scale (and a bias) of its own."""
    x = node.input(0)
    rank, axis = len(x.shape), int(node.attribute("axis", -1))
    if not -rank <= axis < rank:
        raise node.refuse(f"axis {axis} does not exist", f"give an axis between 0 and {rank - 1}")
    first = axis % rank
    along = [a for a in x.order if a >= first]
    parameters = [0] * rank
    for number, a in enumerate(along):
        parameters[x.position(a)] = prod(x.shape[b] for b in along[number + 1 :])
    lanes = Lanes.of(x.physical, map(x.position, along), parameters)

    def in_memory_order(values: np.ndarray) -> np.ndarray:
        whole = np.broadcast_to(np.asarray(values, np.float64), x.shape[first:])
        return whole.transpose([a - first for a in along]).reshape(-1)

    scale = in_memory_order(node.constant(1, "the scale").real)
    bias = node.optional_constant(2, "the bias")
    epsilon = float(node.attribute("epsilon", 1e-5))
    shift = None if bias is None else in_memory_order(bias.real)
    return _kernel(node, Normalization(lanes, centred, epsilon, scale, shift))


def resolve_layer(node: Node) -> Kernel | None:
    """LayerNormalization with constant scale and bias."""
    return _trailing(node, centred=True)


def resolve_rms(node: Node) -> Kernel | None:
    """RMSNormalization with constant scale."""
    return _trailing(node, centred=False)


def resolve_instance(node: Node) -> Kernel | None:
    """InstanceNormalization: a lane is one channel of one sample."""
    return _grouped(node, node.input(0).shape[1])


def resolve_group(node: Node) -> Kernel | None:
    """GroupNormalization: a lane is one group of neighbouring channels of one sample."""
    groups, channels = int(node.attribute("num_groups", 1)), node.input(0).shape[1]
    if groups < 1 or channels % groups:
        raise node.refuse(f"{channels} channels do not make {groups} groups", "use a divisor of the channels")
    return _grouped(node, groups)


def _grouped(node: Node, groups: int) -> Kernel | None:
    """Scale and bias belong to channels. Their axis is two axes of ``lanes``: groups, channels of a group."""
    x = node.input(0)
    if len(x.shape) < 3:
        raise node.refuse("it has no spatial axes", "use LayerNormalization for vectors")
    channels, place = x.shape[1], x.position(1)
    shape, size = list(x.physical), channels // groups
    shape[place : place + 1] = [groups, size]
    parameters = [0] * len(shape)
    parameters[place], parameters[place + 1] = size, 1
    sample = x.position(0)
    kept = {place, sample if sample < place else sample + 1}
    lanes = Lanes.of(shape, set(range(len(shape))) - kept, parameters)
    scale = np.asarray(node.constant(1, "the scale").real, np.float64).reshape(-1)
    bias = np.asarray(node.constant(2, "the bias").real, np.float64).reshape(-1)
    return _kernel(node, Normalization(lanes, True, float(node.attribute("epsilon", 1e-5)), scale, bias))
