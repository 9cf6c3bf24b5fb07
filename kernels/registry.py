"""The one table of operators: what resolves each, and how it wants its operands to lie in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from ..ir.kernel import Kernel
from . import (
    arg_extreme,
    attention,
    cast,
    compare,
    concat,
    conv_transpose,
    cum_sum,
    depth_to_space,
    elementwise,
    encoder,
    expand,
    functions,
    gather,
    integer_recurrent,
    linear,
    linear_memory,
    log_softmax,
    lp_normalize,
    matmul,
    neuron,
    normalizations,
    outliers,
    pad,
    patch_select,
    pool,
    prelu,
    product,
    quotient,
    rate_max_pool,
    reduce,
    resize,
    scaled_limit,
    scaled_sum,
    scatter,
    slices,
    softmax,
    unary,
    where,
)
from .node import Node
from .table import RealFunction


class Layout(Enum):
    """The order of axes in memory that an operator's resolver is written for."""

    CHANNEL_LAST = "operands and result lie channel-last: (N, spatial…, C)"
    ROW_MAJOR = "operands and result lie in the model's own axis order"
    SAME = "operands and result lie in one common order, whichever it is; smaller operands broadcast"
    LEADING = "operands and result lie as the first operand does, the axis that parameters differ along last"
    VECTORS = "operands and result lie as the first operand does, the first axis first, the last one last"
    FREE = "operands lie in whatever order each has; the operator says in which one its result lies"


@dataclass(frozen=True)
class Operator:
    """``resolve`` gives None where the operands' types have no kernel of their own: lowering then
    dequantizes them and asks again for float32."""

    resolve: Callable[[Node], Kernel | None]
    layout: Layout
    fuses_activation: bool = False
    """True where a following Relu or Clip can become the kernel's bounds."""
    several: bool = False
    """True where a node with several results has a form on integers."""
    fuses_bias: bool = False
    """True where a following Add of one constant per column can become input 2."""
    function: Callable[[Node], RealFunction | None] | None = None
    """For functions of one element (the other operands being scalar constants): the function of real
    numbers that the node stands for, so that on 8-bit data a chain of them becomes one table."""
    result_order: Callable[[Node], tuple[int, ...]] | None = None
    """For Layout.FREE: the result's order of axes, where that is not the model's own."""
    moves: bool = False
    """Elements of several operands pass as they are: those that the result's quantization does not suit may
    be requantized before."""


def _arithmetic(resolve: Callable[[Node], Kernel | None]) -> Operator:
    """Of two operands; a function of one where the other is a scalar."""
    return Operator(resolve, Layout.SAME, fuses_activation=True, function=elementwise.function_of)


_ELEMENTWISE = Operator(elementwise.resolve, Layout.SAME)
_COMPARISON = Operator(compare.resolve, Layout.SAME)
_UNARY = Operator(unary.resolve, Layout.SAME, function=functions.of_node)

_PRODUCT = Operator(
    matmul.resolve, Layout.FREE, fuses_activation=True, fuses_bias=True, result_order=matmul.result_order
)
_SUM = Operator(reduce.resolve_sum, Layout.FREE, fuses_activation=True, result_order=reduce.result_order)
_NEURON = Operator(neuron.resolve, Layout.LEADING)
_RECURRENT = Operator(integer_recurrent.resolve, Layout.ROW_MAJOR, several=True)
_EXTREME = Operator(
    reduce.resolve_extreme, Layout.FREE, fuses_activation=True, result_order=reduce.result_order
)
_ARG = Operator(arg_extreme.resolve, Layout.FREE, result_order=arg_extreme.result_order)

OPERATORS: dict[str, Operator] = {
    "Abs": _UNARY,
    "Acos": _UNARY,
    "Acosh": _UNARY,
    "Add": _arithmetic(scaled_sum.resolve),
    "And": _ELEMENTWISE,
    "ArgMax": _ARG,
    "ArgMin": _ARG,
    "Asin": _UNARY,
    "Asinh": _UNARY,
    "Atan": _UNARY,
    "Atanh": _UNARY,
    "Attention": Operator(attention.resolve, Layout.VECTORS),
    "MaskedAttention": Operator(attention.resolve, Layout.VECTORS),
    "AveragePool": Operator(pool.resolve_average, Layout.CHANNEL_LAST, fuses_activation=True),
    "BitwiseAnd": _ELEMENTWISE,
    "BitwiseNot": Operator(unary.resolve, Layout.SAME),
    "BitwiseOr": _ELEMENTWISE,
    "BitwiseXor": _ELEMENTWISE,
    "Cast": Operator(cast.resolve, Layout.SAME),
    "Ceil": _UNARY,
    "Celu": _UNARY,
    "Clip": Operator(elementwise.resolve_clip, Layout.SAME, function=functions.of_node),
    "Concat": Operator(concat.resolve, Layout.SAME, moves=True),
    "Conv": Operator(linear.resolve_conv, Layout.CHANNEL_LAST, fuses_activation=True),
    "ConvTranspose": Operator(conv_transpose.resolve, Layout.CHANNEL_LAST, fuses_activation=True),
    "Cos": _UNARY,
    "Cosh": _UNARY,
    "CubaLIF": _NEURON,
    "CumSum": Operator(cum_sum.resolve, Layout.SAME),
    "DepthToSpace": Operator(depth_to_space.resolve_depth_to_space, Layout.CHANNEL_LAST),
    "Div": _arithmetic(quotient.resolve),
    "Elu": _UNARY,
    "Equal": _COMPARISON,
    "Erf": _UNARY,
    "Exp": _UNARY,
    "Expand": Operator(expand.resolve_expand, Layout.SAME),
    "Floor": _UNARY,
    "GRU": _RECURRENT,
    "Gather": Operator(gather.resolve, Layout.FREE, result_order=gather.result_order),
    "Gelu": _UNARY,
    "Gemm": _PRODUCT,
    "Greater": _COMPARISON,
    "GreaterOrEqual": _COMPARISON,
    "GroupNormalization": Operator(normalizations.resolve_group, Layout.SAME),
    "HardSigmoid": _UNARY,
    "HardSwish": _UNARY,
    "HasOutliers": Operator(outliers.resolve, Layout.FREE, result_order=outliers.result_order),
    "IF": _NEURON,
    "InstanceNormalization": Operator(normalizations.resolve_instance, Layout.SAME),
    "IsInf": Operator(unary.resolve, Layout.SAME),
    "IsNaN": Operator(unary.resolve, Layout.SAME),
    "Latency": Operator(encoder.resolve_latency, Layout.SAME),
    "LayerNormalization": Operator(normalizations.resolve_layer, Layout.SAME),
    "LeakyRelu": _UNARY,
    "LI": _NEURON,
    "LIF": _NEURON,
    "LSTM": _RECURRENT,
    "Less": _COMPARISON,
    "LessOrEqual": _COMPARISON,
    "LinearMemory": Operator(linear_memory.resolve, Layout.ROW_MAJOR),
    "Log": _UNARY,
    "LogSoftmax": Operator(log_softmax.resolve, Layout.SAME),
    "LpNormalization": Operator(lp_normalize.resolve, Layout.SAME),
    "MatMul": _PRODUCT,
    "Max": _arithmetic(scaled_limit.resolve),
    "MaxPool": Operator(pool.resolve_max, Layout.CHANNEL_LAST, fuses_activation=True),
    "Min": _arithmetic(scaled_limit.resolve),
    "Mish": _UNARY,
    "Mod": Operator(elementwise.resolve_mod, Layout.SAME),
    "Mul": _arithmetic(product.resolve),
    "Neg": _UNARY,
    "Not": Operator(unary.resolve, Layout.SAME),
    "Or": _ELEMENTWISE,
    "PRelu": Operator(prelu.resolve, Layout.SAME, function=elementwise.function_of),
    "Pad": Operator(pad.resolve, Layout.SAME),
    "Poisson": Operator(encoder.resolve_poisson, Layout.SAME),
    "Pow": Operator(elementwise.resolve_pow, Layout.SAME, function=elementwise.function_of),
    "RMSNormalization": Operator(normalizations.resolve_rms, Layout.SAME),
    "RNN": _RECURRENT,
    "RateMaxPool": Operator(rate_max_pool.resolve, Layout.CHANNEL_LAST),
    "Reciprocal": _UNARY,
    "ReduceL1": _SUM,
    "ReduceL2": _SUM,
    "ReduceLogSum": _SUM,
    "ReduceLogSumExp": Operator(reduce.resolve_log_sum_exp, Layout.FREE, result_order=reduce.result_order),
    "ReduceMax": _EXTREME,
    "ReduceMean": _SUM,
    "ReduceMin": _EXTREME,
    "ReduceProd": Operator(reduce.resolve_product, Layout.FREE, result_order=reduce.result_order),
    "ReduceSum": _SUM,
    "ReduceSumSquare": _SUM,
    "Relu": _UNARY,
    "Resize": Operator(resize.resolve, Layout.CHANNEL_LAST),
    "Round": _UNARY,
    "ScatterElements": Operator(scatter.resolve, Layout.ROW_MAJOR),
    "SelectPatches": Operator(patch_select.resolve, Layout.SAME),
    "Selu": _UNARY,
    "Shrink": _UNARY,
    "Sigmoid": _UNARY,
    "Sign": _UNARY,
    "Sin": _UNARY,
    "Sinh": _UNARY,
    "Slice": Operator(slices.resolve, Layout.SAME),
    "Softmax": Operator(softmax.resolve, Layout.SAME),
    "Softplus": _UNARY,
    "Softsign": _UNARY,
    "SpaceToDepth": Operator(depth_to_space.resolve_space_to_depth, Layout.CHANNEL_LAST),
    "Sqrt": _UNARY,
    "Sub": _arithmetic(scaled_sum.resolve),
    "Swish": _UNARY,
    "Tan": _UNARY,
    "Tanh": _UNARY,
    "ThresholdedRelu": _UNARY,
    "Tile": Operator(expand.resolve_tile, Layout.SAME),
    "Where": Operator(where.resolve, Layout.SAME, moves=True),
    "Xor": _ELEMENTWISE,
}
