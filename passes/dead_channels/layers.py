"""Sums of products with constant weights: the range of their outputs, the inputs they can do without."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import onnx_ir as oir

from ...kernels.node import Constant
from ..onnx_graph import input_at, scalar, used_once
from .facts import Atoms, Facts, Floats, Ints, Mask
from .parameters import parameter_of, shape_of

FLOAT_TOLERANCE = 2.0**-44
"""How much a channel may move a float layer's output and still count as constant there (about 6e-14).

With activations up to FLOAT_MAGNITUDE this takes weights whose product over two layers is below 2^-64;
a million times amplified on its way to the model's output it is still below float32's resolution of 1."""

_EPSILON = 2.0**-24
"""Unit roundoff of float32."""

INT32_MAX = 2**31 - 1

_KEEPS_SCALE = frozenset(
    ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "MaxPool", "GlobalMaxPool")
)
"""Operators whose results are some of their operand's values."""


@dataclass(frozen=True)
class WeightLayout:
    """Where input and output channels lie in a weight: ``inputs_first`` as in ConvTranspose and Gemm."""

    groups: int
    inputs_first: bool

    def taps(self, array: np.ndarray) -> np.ndarray:
        """``array`` as [groups, outputs per group, inputs per group, taps]."""
        taps = array.reshape(self.groups, array.shape[0] // self.groups, array.shape[1], -1)
        return taps.swapaxes(1, 2) if self.inputs_first else taps

    def depthwise(self, array: np.ndarray) -> bool:
        """True where each group of the weight ``array`` has one input channel, so that outputs go with it."""
        return self.groups > 1 and self.taps(array).shape[2] == 1


@dataclass(frozen=True, eq=False)
class Layer:
    """A Conv, ConvTranspose, Gemm or MatMul whose weights are constant.

    ``source`` holds the facts of its input channels, ``atoms`` its output channels. ``input_scale`` is the
    scale of a quantized input. ``bias_site`` is the node and input position that hold the bias: those of a
    following Add for a MatMul; None where there is no place for one.
    """

    node: oir.Node
    layout: WeightLayout
    weight: Constant
    source: Facts
    atoms: Ints
    input_scale: float | None
    bias_site: tuple[oir.Node, int] | None

    @property
    def depthwise(self) -> bool:
        """True where every group has one input channel, so that outputs go with it."""
        return self.layout.depthwise(self.weight.values)

    @property
    def quantized(self) -> bool:
        return self.weight.scale is not None

    @property
    def _real(self) -> bool:
        """True in float models, which are judged in exact arithmetic, up to a tolerance."""
        return not self.quantized and self.input_scale is None

    @property
    def outputs(self) -> int:
        """Number of output channels."""
        return self.taps.shape[0] * self.taps.shape[1]

    @cached_property
    def taps(self) -> Floats:
        """Real weights as [groups, outputs per group, inputs per group, taps]."""
        gain = self.node.attributes.get_float("alpha", 1.0) if self.node.op_type == "Gemm" else 1.0
        return gain * self.layout.taps(np.asarray(self.weight.real, np.float64))

    @cached_property
    def padded(self) -> bool:
        """True where some outputs do not see all taps."""
        return _is_padded(self.node)

    @property
    def bias(self) -> Constant | None:
        """The bias in its own node (not that of a following Add)."""
        return None if self.node.op_type == "MatMul" else parameter_of(input_at(self.node, 2))

    @property
    def bias_values(self) -> Floats:
        """Real bias per output channel."""
        if self.bias is None:
            return np.zeros(self.outputs)
        gain = self.node.attributes.get_float("beta", 1.0) if self.node.op_type == "Gemm" else 1.0
        return gain * np.broadcast_to(np.asarray(self.bias.real, np.float64).reshape(-1), (self.outputs,))

    def bounds(self) -> tuple[Floats, Floats]:
        """Least and greatest real output per channel, with float32's rounding of quantized layers.

        A sum of n products errs by at most n roundoffs of the sum of magnitudes (Higham, Accuracy and
        Stability of Numerical Algorithms, section 3.1). Float layers are judged in exact arithmetic.
        """
        grouped = self.layout.groups, -1
        seen = self.source.including(0.0) if self.padded else self.source
        lo, hi, size = (part.reshape(grouped) for part in (seen.lo, seen.hi, seen.magnitude))
        positive = np.maximum(self.taps, 0).sum(-1)
        negative = np.minimum(self.taps, 0).sum(-1)
        products = self.taps.shape[2] * self.taps.shape[3]
        roundoff = 0.0 if self._real else (products + 2) * _EPSILON
        slack = roundoff * _apply(positive - negative, size)
        low = _apply(positive, lo) + _apply(negative, hi) - slack + self.bias_values
        high = _apply(positive, hi) + _apply(negative, lo) + slack + self.bias_values
        return low, high

    def absorbs(self) -> Mask:
        """Input channels that this layer can do without, their constant moved to the bias."""
        nominal = self.source.nominal
        spread = np.maximum(self.source.hi - nominal, nominal - self.source.lo)
        gain = np.abs(self.taps).sum(-1).max(axis=1).reshape(-1)
        settled = gain * spread <= (FLOAT_TOLERANCE if self._real else 0.0)
        silent = (gain == 0) | (nominal == 0)
        return settled & (silent | (not self.padded and self.can_fold()))

    def can_fold(self) -> bool:
        """True where the bias takes constants exactly."""
        if self.bias_site is None:
            return False
        if any(self.node.attributes.get_float(name, 1.0) != 1.0 for name in ("alpha", "beta")):
            return False
        bias = parameter_of(input_at(*self.bias_site))
        if not self.quantized or (bias is not None and bias.scale is None):
            return True
        if self.input_scale is None:
            return False
        return bias is None or self._has_product_scale(bias)

    def folded_bias(self, removed: Mask) -> Constant | None:
        """The bias with the constants of ``removed`` input channels added; None where int32 is too small."""
        assert self.bias_site is not None
        bias = parameter_of(input_at(*self.bias_site))
        values = np.where(removed, self.source.nominal, 0.0)
        if not self.quantized or (bias is not None and bias.scale is None):
            dtype = np.float32 if bias is None else bias.values.dtype
            old = np.zeros(1) if bias is None else bias.values.reshape(-1).astype(np.float64)
            return Constant((old + self._products(self.taps, values)).astype(dtype))
        assert self.input_scale is not None and self.weight.scale is not None
        integers = np.rint(values / self.input_scale)
        total = self._products(self.layout.taps(self.weight.centred), integers.astype(np.int64))
        total = total + (0 if bias is None else bias.values.reshape(-1).astype(np.int64))
        if np.abs(total).max() > INT32_MAX:
            return None
        if bias is None:
            return Constant(total.astype(np.int32), self.weight.scale * np.float32(self.input_scale))
        return Constant(total.astype(np.int32), bias.scale, bias.zero_point)

    def _products(self, taps: np.ndarray, values: np.ndarray) -> np.ndarray:
        return _apply(taps.sum(-1), values.reshape(self.layout.groups, -1))

    def _has_product_scale(self, bias: Constant) -> bool:
        """True where one step of the int32 bias is one step of the sum of integer products."""
        assert bias.scale is not None and self.weight.scale is not None and self.input_scale is not None
        centred = bias.zero_point is None or not bias.zero_point.any()
        wanted = self.weight.scale.astype(np.float64).reshape(-1) * self.input_scale
        given = bias.scale.astype(np.float64).reshape(-1)
        return centred and bool(np.all(np.abs(given - wanted) <= 1e-6 * wanted))


def layer_of(node: oir.Node, layout: WeightLayout, source: Facts, atoms: Atoms) -> Layer:
    """The Layer of ``node``, for which ``layout_of`` gave ``layout``."""
    weight = parameter_of(node.inputs[1])
    assert weight is not None
    groups, per_group = layout.taps(weight.values).shape[:2]
    if layout.depthwise(weight.values):
        outputs = np.repeat(source.atoms, per_group)
    else:
        outputs = atoms.fresh(groups * per_group)
    site = _bias_site(node, len(outputs))
    scale = _input_scale(node.inputs[0])
    quantized = weight.scale is not None or scale is not None
    return Layer(node, layout, weight, source if quantized else source.limited(), outputs, scale, site)


def layout_of(node: oir.Node) -> WeightLayout | None:
    """The weight layout of a Conv, ConvTranspose, Gemm or MatMul that can be a Layer; None for others."""
    weight = parameter_of(input_at(node, 1))
    if weight is None or not _is_bias_constant(node):
        return None
    if node.op_type in ("Gemm", "MatMul"):
        plain = weight.values.ndim == 2 and not node.attributes.get_int("transA", 0)
        return WeightLayout(1, not node.attributes.get_int("transB", 0)) if plain else None
    layout = WeightLayout(node.attributes.get_int("group", 1), node.op_type == "ConvTranspose")
    if layout.groups == 1 or layout.depthwise(weight.values):
        return layout
    # Groups of several channels keep different ones each: only where scales run along the outputs.
    one_scale = weight.scale is None or weight.scale.size == 1
    return layout if not layout.inputs_first and (one_scale or weight.axis == 0) else None


def _is_bias_constant(node: oir.Node) -> bool:
    bias = input_at(node, 2)
    if bias is None:
        return True
    parameter, weight = parameter_of(bias), parameter_of(input_at(node, 1))
    if parameter is None or weight is None:
        return False
    return parameter.values.ndim < 2 or parameter.values.shape[0] == 1


def _bias_site(node: oir.Node, outputs: int) -> tuple[oir.Node, int] | None:
    if node.op_type != "MatMul":
        return node, 2
    if not used_once(node.outputs[0]):
        return None
    ((add, position),) = node.outputs[0].uses()
    index = 1 - position
    bias = parameter_of(add.inputs[index]) if add.op_type == "Add" else None
    return (add, index) if bias is not None and bias.values.shape == (outputs,) else None


def _is_padded(node: oir.Node) -> bool:
    if node.op_type in ("Gemm", "MatMul"):
        return False
    if node.op_type == "ConvTranspose":
        return True  # with a stride, every output position has taps of its own
    kernel = (shape_of(node.inputs[1]) or ())[2:]
    if node.attributes.get_string("auto_pad", "NOTSET").startswith("SAME"):
        return any(size > 1 for size in kernel)
    return any(node.attributes.get_ints("pads", ()))


def _input_scale(value: oir.Value | None) -> float | None:
    """The scale of the quantized tensor whose dequantized values ``value`` holds."""
    node = None if value is None else value.producer()
    while node is not None and node.op_type in _KEEPS_SCALE and node.inputs[0] is not None:
        node = node.inputs[0].producer()
    if node is None or node.op_type != "DequantizeLinear":
        return None
    return scalar(node.inputs[1])


def _apply(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """[groups, outputs, inputs] times [groups, inputs], as one vector of all outputs."""
    return np.einsum("goi,gi->go", matrix, vector).reshape(-1)
