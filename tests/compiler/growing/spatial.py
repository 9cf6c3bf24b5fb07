"""Convolutions, pools and other operators on images and series."""

from __future__ import annotations

from math import prod

from .elements import activated
from .sketch import LARGEST, Sketch


def _window(s: Sketch, size: int, dilate: bool) -> tuple[int, int, int, int, int]:
    """Kernel, stride, dilation and pads along one axis of ``size``, so that at least one place is left and
    pads are smaller than the kernel."""
    before, after = s.whole(0, 2), s.whole(0, 2)
    kernel = s.whole(1, min(7, size + before + after))
    before, after = min(before, kernel - 1), min(after, kernel - 1)
    fits = (kernel - 1) * 2 + 1 <= size + before + after
    return kernel, s.whole(1, 3), s.pick(1, 1, 1, 2) if dilate and fits else 1, before, after


def _windows(s: Sketch, x: str, dilate: bool = True) -> dict[str, list[int]]:
    """Attributes of a spatial operator."""
    kernels, strides, dilations, before, after = zip(
        *(_window(s, d, dilate) for d in s.shape(x)[2:]), strict=True
    )
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
    after = attributes["pads"][len(attributes["kernel_shape"]) :]
    sizes = zip(attributes["kernel_shape"], attributes["strides"], after, strict=True)
    ceil = all(kernel >= stride + behind for kernel, stride, behind in sizes) and s.chance(2)
    return s.one("MaxPool", x, **attributes, ceil_mode=int(ceil))  # a window begins inside the image


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
