"""What random graphs are made of. A recipe appends a few nodes behind one tensor; the table at the end says
which operators must have kernels for it to be drawn, so it grows by itself as kernels do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from . import axes, elements, movement, sequences, spatial, states
from .sketch import LARGEST, Sketch

Grow = Callable[[Sketch, str], "str | None"]
"""Appends nodes that read a tensor and returns what they compute; None where its shape does not fit."""


@dataclass(frozen=True)
class Recipe:
    """``needs`` are the operators, in canonical form, that must have kernels; ``ranks`` of the tensor that it
    reads; ``spatial`` says that its result can be computed window by window; ``weight`` its share."""

    grow: Grow
    needs: frozenset[str]
    ranks: range = range(1, 5)
    spatial: bool = False
    weight: int = 4
    stateful: bool = False
    """Keeps values from one time step to the next."""


def unary(operator: str) -> Recipe:
    return Recipe(lambda s, x: s.one(operator, x), frozenset({operator}), range(0, 5), spatial=True, weight=1)


def binary(operator: str) -> Recipe:
    """With another tensor that it can be broadcast against; if there is none, with itself."""

    def grow(s: Sketch, x: str) -> str:
        others = [y for y in s.ready if _broadcast(s.shape(x), s.shape(y))]
        operands = [x, s.pick(*others) if others else x]
        return s.one(operator, *(operands if s.chance(2) else operands[::-1]))

    return Recipe(grow, frozenset({operator}), range(0, 5), spatial=True)


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        return prod(np.broadcast_shapes(a, b)) <= LARGEST
    except ValueError:
        return False


def with_constant(operator: str, *needs: str) -> Recipe:
    """A constant of any shape that broadcasts: scalar, per channel, per last index, whole, of higher rank."""

    def grow(s: Sketch, x: str) -> str:
        shape = s.shape(x)
        kept = [d if s.chance(2) else 1 for d in shape]
        ones = (1,) * s.whole(0, len(shape) if operator == "PRelu" else 4)
        dims = s.pick((), (1,), ones, tuple(kept), tuple(kept[s.whole(0, len(kept)) :]), shape)
        values = s.rng.uniform(0.5, 2, dims) * (s.rng.choice([-1, 1], dims))
        operands = [x, s.constant(values) if operator == "Div" else s.shared(values)]
        swap = operator not in ("Div", "PRelu") and s.chance(2)
        return s.one(operator, *(operands[::-1] if swap else operands))

    return Recipe(grow, frozenset(needs), range(1, 5), spatial=True)


def along_axis(operator: str) -> Recipe:
    def grow(s: Sketch, x: str) -> str:
        rank = len(s.shape(x))
        return s.one(operator, x, axis=s.whole(-rank, rank - 1))

    return Recipe(grow, frozenset({operator}))


def reduction(operator: str) -> Recipe:
    def grow(s: Sketch, x: str) -> str:
        rank = len(s.shape(x))
        axes = s.order(rank)[: s.whole(1, rank)]
        operands = [s.integers(*(s.pick(a, a - rank) for a in axes))] if s.chance(5) is False else []
        return s.one(operator, x, *operands, keepdims=s.whole(0, 1))

    return Recipe(grow, frozenset({operator}))


_SPATIAL = range(3, 5)
_SMOOTH = (
    "Abs", "Asinh", "Atan", "Celu", "Cos", "Elu", "Erf", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu",
    "Mish", "Neg", "Selu", "Sigmoid", "Sin", "Softplus", "Softsign", "Tanh",
)  # fmt: skip
"""Functions of one element without steps, which would blow up rounding errors, and without overflow."""


def _needs(*operators: str) -> frozenset[str]:
    return frozenset(operators)


RECIPES: dict[str, Recipe] = {
    "conv": Recipe(spatial.conv, _needs("Conv"), _SPATIAL, spatial=True, weight=12),
    "conv_activated": Recipe(spatial.conv_activated, _needs("Conv"), _SPATIAL, spatial=True, weight=12),
    "conv_transpose": Recipe(spatial.conv_transpose, _needs("ConvTranspose"), range(3, 5), spatial=True),
    "max_pool": Recipe(spatial.max_pool, _needs("MaxPool"), _SPATIAL, spatial=True, weight=8),
    "average_pool": Recipe(spatial.average_pool, _needs("AveragePool"), _SPATIAL, spatial=True, weight=8),
    "global_pool": Recipe(spatial.global_pool, _needs("AveragePool", "MaxPool"), _SPATIAL),
    "channels_last_conv": Recipe(spatial.channels_last_conv, _needs("Conv"), _SPATIAL, spatial=True),
    "residual": Recipe(
        spatial.residual, _needs("Conv", "Add", "Relu", "Clip"), _SPATIAL, spatial=True, weight=8
    ),
    "gate": Recipe(spatial.gate, _needs("Conv", "AveragePool", "Sigmoid", "HardSigmoid", "Mul"), _SPATIAL),
    "resize": Recipe(spatial.resize, _needs("Resize"), range(4, 5), spatial=True),
    "depth_to_space": Recipe(spatial.depth_to_space, _needs("DepthToSpace"), range(4, 5)),
    "space_to_depth": Recipe(spatial.space_to_depth, _needs("SpaceToDepth"), range(4, 5)),
    "relu": Recipe(elements.relu, _needs("Relu"), range(0, 5), spatial=True),
    "clip": Recipe(elements.clip, _needs("Clip"), range(0, 5), spatial=True),
    **{operator.lower(): unary(operator) for operator in _SMOOTH},
    **{f"{operator.lower()}_two": binary(operator) for operator in ("Add", "Sub", "Mul", "Min", "Max")},
    "add_constant": with_constant("Add", "Add"),
    "sub_constant": with_constant("Sub", "Add", "Neg", "Sub"),
    "mul_constant": with_constant("Mul", "Mul"),
    "div_constant": with_constant("Div", "Mul", "Div"),
    "max_constant": with_constant("Max", "Max"),
    "prelu": with_constant("PRelu", "PRelu", "LeakyRelu"),
    "where": Recipe(elements.continuous_where, _needs("Greater", "Where", "Mul")),
    "silu": Recipe(elements.silu, _needs("Mul", "Sigmoid"), range(1, 5), spatial=True, weight=2),
    "hard_swish": Recipe(
        elements.hard_swish, _needs("Add", "Clip", "Div", "HardSwish", "Mul"), spatial=True, weight=2
    ),
    "gelu_written_out": Recipe(
        elements.gelu, _needs("Add", "Div", "Erf", "Gelu", "Mul"), spatial=True, weight=2
    ),
    "batch_normalization": Recipe(
        elements.batch_normalization, _needs("Mul", "Add"), range(2, 5), spatial=True
    ),
    "transpose": Recipe(movement.transpose, _needs()),
    "reshape": Recipe(movement.reshape, _needs()),
    "channel_shuffle": Recipe(movement.channel_shuffle, _needs(), range(3, 5)),
    "flatten": Recipe(movement.flatten, _needs()),
    "unsqueeze": Recipe(movement.unsqueeze, _needs(), range(0, 4)),
    "squeeze": Recipe(movement.squeeze, _needs()),
    "concat": Recipe(movement.concat, _needs("Concat"), spatial=True),
    "slice": Recipe(movement.slices, _needs("Slice"), spatial=True),
    "split": Recipe(movement.split, _needs("Slice")),
    "pad": Recipe(movement.pad, _needs("Pad"), spatial=True),
    "gather": Recipe(movement.gather, _needs("Gather")),
    "expand": Recipe(movement.expand, _needs("Expand"), range(0, 5)),
    "tile": Recipe(movement.tile, _needs("Tile")),
    "gemm": Recipe(axes.gemm, _needs("Gemm", "Add"), range(2, 3)),
    "flatten_gemm": Recipe(axes.flatten_gemm, _needs("Gemm", "Add")),
    "matmul": Recipe(axes.matmul, _needs("Gemm", "MatMul", "Add"), range(2, 5)),
    "attention": Recipe(axes.attention, _needs("Attention", "MatMul", "Mul", "Softmax"), range(2, 5)),
    "softmax": along_axis("Softmax"),
    "log_softmax": along_axis("LogSoftmax"),
    "layer_normalization": Recipe(axes.layer_normalization, _needs("LayerNormalization"), range(2, 5)),
    **{
        operator.lower(): reduction(operator)
        for operator in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin")
    },
    "cumulative_sum": Recipe(axes.cumulative_sum, _needs("CumSum")),
    "recurrent": Recipe(sequences.recurrent, _needs("LSTM", "GRU", "RNN", "Concat"), range(3, 4), weight=12),
    "arg_max": Recipe(axes.arg_max, _needs("ArgMax", "ArgMin")),
    "delay": Recipe(states.delay, _needs(), range(1, 5), stateful=True),
    "average": Recipe(states.average, _needs("Add", "Mul"), range(1, 5), stateful=True),
    "neurons": Recipe(states.neurons, _needs("IF", "LIF", "CubaLIF", "LI"), range(2, 5), stateful=True),
    "spiking_layer": Recipe(
        states.spiking_layer, _needs("Conv", "Gemm", "IF", "LIF", "CubaLIF", "LI"), range(2, 5), weight=40,
        stateful=True,
    ),
    "linear_memory": Recipe(states.memory, _needs("LinearMemory"), range(1, 5), weight=8, stateful=True),
}
