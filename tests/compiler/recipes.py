"""What random graphs are made of. A recipe appends a few nodes behind one tensor; the table at the end says which
operators must have kernels for it to be drawn, so it grows by itself as kernels do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from .sketch import LARGEST, Sketch

Grow = Callable[[Sketch, str], "str | None"]
"""Appends nodes that read the given tensor and returns what they compute; None where its shape does not allow it."""


@dataclass(frozen=True)
class Recipe:
    """``needs`` are the operators, in canonical form, that must have kernels; ``ranks`` of the tensor it grows
    from; ``spatial`` says that its result can be computed window by window; ``weight`` how often it is drawn."""

    grow: Grow
    needs: frozenset[str]
    ranks: range = range(1, 5)
    spatial: bool = False
    weight: int = 4


# ---- sliding windows ----


def _window(s: Sketch, size: int, dilate: bool) -> tuple[int, int, int, int, int]:
    """Kernel, stride, dilation and pads along one axis of ``size``, so that at least one place is left and pads
    are smaller than the kernel."""
    before, after = s.whole(0, 2), s.whole(0, 2)
    kernel = s.whole(1, min(7, size + before + after))
    before, after = min(before, kernel - 1), min(after, kernel - 1)
    fits = (kernel - 1) * 2 + 1 <= size + before + after
    return kernel, s.whole(1, 3), s.pick(1, 1, 1, 2) if dilate and fits else 1, before, after


def _windows(s: Sketch, x: str, dilate: bool = True) -> dict[str, list[int]]:
    """Attributes of a spatial operator."""
    kernels, strides, dilations, before, after = zip(*(_window(s, d, dilate) for d in s.shape(x)[2:]), strict=True)
    made = {"kernel_shape": [*kernels], "strides": [*strides], "pads": [*before, *after]}
    return {**made, "dilations": [*dilations]} if dilate else made


def conv(s: Sketch, x: str) -> str:
    channels = s.shape(x)[1]
    groups = s.pick(1, 1, channels, *(g for g in (2, 3) if channels % g == 0))
    out = groups * s.whole(1, max(1, 6 // groups))
    attributes = _windows(s, x)
    weight = s.weights(out, channels // groups, *attributes["kernel_shape"])
    bias = [s.weights(out)] if s.chance(2) else []
    return s.one("Conv", x, weight, *bias, group=groups, **attributes)


def conv_activated(s: Sketch, x: str) -> str:
    return activated(s, conv(s, x))


def conv_transpose(s: Sketch, x: str) -> str | None:
    if prod(s.shape(x)[2:]) > 80:
        return None
    channels = s.shape(x)[1]
    groups = s.pick(1, 1, *(g for g in (2, channels) if channels % g == 0))
    spatial = len(s.shape(x)) - 2
    kernel = [s.whole(1, 4) for _ in range(spatial)]
    strides = [s.whole(1, 3) for _ in range(spatial)]
    pads = [s.whole(0, min(k - 1, 1)) for k in kernel] * 2
    extra = [s.whole(0, stride - 1) for stride in strides]
    if any(  # something must be left
        (size - 1) * st + k - 2 * p + e < 1
        for size, st, k, p, e in zip(s.shape(x)[2:], strides, kernel, pads, extra, strict=False)
    ):
        return None
    weight = s.weights(channels, s.whole(1, 3), *kernel)
    return s.one(
        "ConvTranspose", x, weight, group=groups, kernel_shape=kernel, strides=strides, pads=pads,
        output_padding=extra,
    )  # fmt: skip


def max_pool(s: Sketch, x: str) -> str:
    attributes = _windows(s, x)
    if max(attributes["dilations"]) > 1:  # a window must not see padding alone
        attributes["pads"] = [0] * len(attributes["pads"])
        sizes = zip(attributes["kernel_shape"], attributes["dilations"], s.shape(x)[2:], strict=True)
        if any((kernel - 1) * dilation >= size for kernel, dilation, size in sizes):
            return global_pool(s, x)
    return s.one("MaxPool", x, **attributes, ceil_mode=s.whole(0, 1))


def average_pool(s: Sketch, x: str) -> str:
    return s.one("AveragePool", x, **_windows(s, x, dilate=False), count_include_pad=s.whole(0, 1))


def global_pool(s: Sketch, x: str) -> str:
    return s.one(s.pick("GlobalAveragePool", "GlobalMaxPool"), x)


def channels_last_conv(s: Sketch, x: str) -> str:
    """A convolution as TensorFlow's converters write it."""
    rank = len(s.shape(x))
    first = s.one("Transpose", x, perm=[0, rank - 1, *range(1, rank - 1)])
    return s.one("Transpose", conv_activated(s, first), perm=[0, *range(2, rank), 1])


def residual(s: Sketch, x: str) -> str:
    channels, size = s.shape(x)[1], len(s.shape(x)) - 2
    weight = s.weights(channels, channels, *[3] * size)
    inner = s.one("Relu", s.one("Conv", x, weight, pads=[1] * 2 * size)) if s.chance(2) else x
    return activated(s, s.one("Add", s.one("Conv", inner, weight, pads=[1] * 2 * size), x))


def gate(s: Sketch, x: str) -> str:
    """Squeeze and excitation."""
    channels, ones = s.shape(x)[1], [1] * (len(s.shape(x)) - 2)
    squeezed = s.one("GlobalAveragePool", x)
    hidden = s.one("Relu", s.one("Conv", squeezed, s.weights(2, channels, *ones)))
    scale = s.one("Conv", hidden, s.weights(channels, 2, *ones), s.weights(channels))
    operands = [x, s.one(s.pick("Sigmoid", "HardSigmoid"), scale)]
    return s.one("Mul", *(operands if s.chance(2) else operands[::-1]))


def resize(s: Sketch, x: str) -> str | None:
    rank = len(s.shape(x))
    factors = [1.0, 1.0, *(float(s.whole(1, 2)) for _ in range(rank - 2))]
    if prod(s.shape(x)) * prod(factors) > LARGEST:
        return None
    mode, how = s.pick(("nearest", "asymmetric"), ("linear", "half_pixel"), ("linear", "align_corners"))
    nearest = {"nearest_mode": "floor"} if mode == "nearest" else {}
    return s.one(
        "Resize", x, "", s.constant(factors), mode=mode, coordinate_transformation_mode=how, **nearest
    )  # fmt: skip


def depth_to_space(s: Sketch, x: str) -> str | None:
    if s.shape(x)[1] % 4:
        return None
    return s.one("DepthToSpace", x, blocksize=2, mode=s.pick("DCR", "CRD"))


def space_to_depth(s: Sketch, x: str) -> str | None:
    return s.one("SpaceToDepth", x, blocksize=2) if all(d % 2 == 0 for d in s.shape(x)[2:]) else None


# ---- element by element ----


def activated(s: Sketch, x: str) -> str:
    """Relu, Relu6 or nothing."""
    match s.whole(0, 2):
        case 0:
            return s.one("Relu", x)
        case 1:
            return s.one("Clip", x, s.constant(0.0), s.constant(6.0))
        case _:
            return x


def relu(s: Sketch, x: str) -> str:
    return s.one("Relu", x)


def clip(s: Sketch, x: str) -> str:
    low = s.constant(-s.rng.uniform(0, 1)) if s.chance(2) else ""
    return s.one("Clip", x, low, s.constant(s.rng.uniform(0, 2)))


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
    """A constant of any shape that broadcasts: scalar, one per channel, one per last index, whole, of higher rank."""

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


def continuous_where(s: Sketch, x: str) -> str:
    """Where x > 0 then x else x / 8."""
    positive = s.one("Greater", x, s.constant(0.0))
    return s.one("Where", positive, x, s.one("Mul", x, s.constant(0.125)))


def batch_normalization(s: Sketch, x: str) -> str:
    channels = s.shape(x)[1]
    parameters = [s.constant(s.rng.uniform(0.5, 1.5, channels)) for _ in range(4)]
    return s.one("BatchNormalization", x, *parameters)


# ---- movement ----


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
        return len(other) == len(shape) and all(a == b or i == axis for i, (a, b) in enumerate(zip(shape, other)))

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


# ---- along axes ----


def gemm(s: Sketch, x: str) -> str:
    rows, depth = s.shape(x)
    columns, transposed = s.whole(1, 7), s.whole(0, 1)
    shape = (columns, depth) if transposed else (depth, columns)
    weight = s.weights(*shape, scale=depth**-0.5)
    bias = [s.weights(*s.pick((columns,), (1, columns), (), (1,), (rows, 1)), scale=1.0)] if s.chance(2) else []
    factors = s.pick({}, {"alpha": 0.5}, {"beta": 2.0})
    return activated(s, s.one("Gemm", x, weight, *bias, transB=transposed, **factors))


def flatten_gemm(s: Sketch, x: str) -> str:
    return gemm(s, s.one("Flatten", x, axis=1))


def matmul(s: Sketch, x: str) -> str:
    depth = s.shape(x)[-1]
    columns = s.whole(1, 6)
    product = s.one("MatMul", x, s.weights(depth, columns, scale=depth**-0.5))
    return s.one("Add", product, s.weights(columns)) if s.chance(2) else product


def attention(s: Sketch, x: str) -> str:
    """x · xᵀ, scaled, through Softmax, · x."""
    rank = len(s.shape(x))
    turned = s.one("Transpose", x, perm=[*range(rank - 2), rank - 1, rank - 2])
    scores = s.one("MatMul", x, turned)
    scores = s.one("Mul", scores, s.constant(s.shape(x)[-1] ** -0.5))
    return s.one("MatMul", s.one("Softmax", scores, axis=-1), x)


def along_axis(operator: str) -> Recipe:
    def grow(s: Sketch, x: str) -> str:
        rank = len(s.shape(x))
        return s.one(operator, x, axis=s.whole(-rank, rank - 1))

    return Recipe(grow, frozenset({operator}))


def layer_normalization(s: Sketch, x: str) -> str | None:
    size = s.shape(x)[-1]
    if size < 3:
        return None
    return s.one("LayerNormalization", x, s.constant(s.rng.uniform(0.5, 1.5, size)), s.weights(size), axis=-1)


def reduction(operator: str) -> Recipe:
    def grow(s: Sketch, x: str) -> str:
        rank = len(s.shape(x))
        axes = s.order(rank)[: s.whole(1, rank)]
        operands = [s.integers(*(s.pick(a, a - rank) for a in axes))] if s.chance(5) is False else []
        return s.one(operator, x, *operands, keepdims=s.whole(0, 1))

    return Recipe(grow, frozenset({operator}))


def cumulative_sum(s: Sketch, x: str) -> str:
    axis = s.constant(s.whole(0, len(s.shape(x)) - 1), np.int64)
    return s.one("CumSum", x, axis, exclusive=s.whole(0, 1), reverse=s.whole(0, 1))


def arg_max(s: Sketch, x: str) -> str | None:
    """Its result is an output of the graph."""
    rank = len(s.shape(x))
    found = s.one(s.pick("ArgMax", "ArgMin"), x, axis=s.whole(-rank, rank - 1), keepdims=s.whole(0, 1))
    s.terminal.append(found)
    return x


_SPATIAL = range(3, 5)
_SMOOTH = (
    "Abs", "Atan", "Celu", "Cos", "Elu", "Erf", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish", "Neg", "Selu",
    "Sigmoid", "Sin", "Softplus", "Softsign", "Tanh",
)  # fmt: skip
"""Functions of one element without steps, which would blow up rounding errors, and without overflow."""


def _needs(*operators: str) -> frozenset[str]:
    return frozenset(operators)


RECIPES: dict[str, Recipe] = {
    "conv": Recipe(conv, _needs("Conv"), _SPATIAL, spatial=True, weight=12),
    "conv_activated": Recipe(conv_activated, _needs("Conv"), _SPATIAL, spatial=True, weight=12),
    "conv_transpose": Recipe(conv_transpose, _needs("ConvTranspose"), range(3, 5), spatial=True),
    "max_pool": Recipe(max_pool, _needs("MaxPool"), _SPATIAL, spatial=True, weight=8),
    "average_pool": Recipe(average_pool, _needs("AveragePool"), _SPATIAL, spatial=True, weight=8),
    "global_pool": Recipe(global_pool, _needs("AveragePool", "MaxPool"), _SPATIAL),
    "channels_last_conv": Recipe(channels_last_conv, _needs("Conv"), _SPATIAL, spatial=True),
    "residual": Recipe(residual, _needs("Conv", "Add", "Relu", "Clip"), _SPATIAL, spatial=True, weight=8),
    "gate": Recipe(gate, _needs("Conv", "AveragePool", "Sigmoid", "HardSigmoid", "Mul"), _SPATIAL),
    "resize": Recipe(resize, _needs("Resize"), range(4, 5), spatial=True),
    "depth_to_space": Recipe(depth_to_space, _needs("DepthToSpace"), range(4, 5)),
    "space_to_depth": Recipe(space_to_depth, _needs("SpaceToDepth"), range(4, 5)),
    "relu": Recipe(relu, _needs("Relu"), range(0, 5), spatial=True),
    "clip": Recipe(clip, _needs("Clip"), range(0, 5), spatial=True),
    **{operator.lower(): unary(operator) for operator in _SMOOTH},
    **{f"{operator.lower()}_two": binary(operator) for operator in ("Add", "Sub", "Mul", "Min", "Max")},
    "add_constant": with_constant("Add", "Add"),
    "sub_constant": with_constant("Sub", "Add", "Neg", "Sub"),
    "mul_constant": with_constant("Mul", "Mul"),
    "div_constant": with_constant("Div", "Mul", "Div"),
    "max_constant": with_constant("Max", "Max"),
    "prelu": with_constant("PRelu", "PRelu", "LeakyRelu"),
    "where": Recipe(continuous_where, _needs("Greater", "Where", "Mul")),
    "batch_normalization": Recipe(batch_normalization, _needs("Mul", "Add"), range(2, 5), spatial=True),
    "transpose": Recipe(transpose, _needs()),
    "reshape": Recipe(reshape, _needs()),
    "flatten": Recipe(flatten, _needs()),
    "unsqueeze": Recipe(unsqueeze, _needs(), range(0, 4)),
    "squeeze": Recipe(squeeze, _needs()),
    "concat": Recipe(concat, _needs("Concat"), spatial=True),
    "slice": Recipe(slices, _needs("Slice"), spatial=True),
    "split": Recipe(split, _needs("Slice")),
    "pad": Recipe(pad, _needs("Pad"), spatial=True),
    "gather": Recipe(gather, _needs("Gather")),
    "expand": Recipe(expand, _needs("Expand"), range(0, 5)),
    "tile": Recipe(tile, _needs("Tile")),
    "gemm": Recipe(gemm, _needs("Gemm", "Add"), range(2, 3)),
    "flatten_gemm": Recipe(flatten_gemm, _needs("Gemm", "Add")),
    "matmul": Recipe(matmul, _needs("Gemm", "MatMul", "Add"), range(2, 5)),
    "attention": Recipe(attention, _needs("MatMul", "Mul", "Softmax"), range(2, 5)),
    "softmax": along_axis("Softmax"),
    "log_softmax": along_axis("LogSoftmax"),
    "layer_normalization": Recipe(layer_normalization, _needs("LayerNormalization"), range(2, 5)),
    **{operator.lower(): reduction(operator) for operator in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin")},
    "cumulative_sum": Recipe(cumulative_sum, _needs("CumSum")),
    "arg_max": Recipe(arg_max, _needs("ArgMax", "ArgMin")),
}
