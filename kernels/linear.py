"""Which kernel a linear layer takes: by its shape, not by its operator. ONNX Conv-22, Gemm-13, MatMul-13."""

from __future__ import annotations

from math import prod

import numpy as np

from ..ir.kernel import Kernel
from .conv2d import Conv2D
from .dense import Dense
from .depthwise import DepthwiseConv2D
from .node import Node
from .sliding import Sliding
from .weights import linear_operands


def resolve_conv(node: Node) -> Kernel | None:
    """Conv with constant weights [O, I / group, k…]; ModelError for 3-D or run-time weights.

    Depthwise convolution without multiplier has a kernel of its own. One whose taps are the whole input, as
    in a stream that gives one frame for a call, is a dense layer, whose kernels know of no pixels.
    """
    values = node.constant(1, "the weight").values
    sliding = Sliding.of(node, values.shape[2:])
    groups = int(node.attribute("group", 1))
    linear = linear_operands(node, channel_axis=0)
    if linear is None:
        return None
    weights = linear.weights.reshape(*values.shape[:2], *sliding.kernel).transpose(0, 2, 3, 1)
    if groups == node.input(0).shape[1] == values.shape[0] and groups > 1:
        depthwise = np.ascontiguousarray(weights[..., 0].transpose(1, 2, 0))
        return DepthwiseConv2D(sliding, depthwise, linear.bias, linear.input_zero, linear.epilogue)
    if groups == 1 and sliding.is_whole and not node.input(0).dtype.is_packed:
        matrix = np.ascontiguousarray(weights.reshape(len(weights), -1))
        shape = node.outputs[0].physical
        return Dense(shape, matrix, linear.bias, linear.input_zero, linear.epilogue)
    return Conv2D(
        sliding, groups, np.ascontiguousarray(weights), linear.bias, linear.input_zero, linear.epilogue
    )


def resolve_dense(node: Node, channel_axis: int) -> Kernel | None:
    """Rows, whose elements lie side by side, times a constant matrix (input 1) plus a constant bias (input 2,
    if any): Gemm, and MatMul with a matrix. ``channel_axis`` is the matrix's axis of outputs.

    Rows of a series or an image are its pixels: a pointwise convolution, which works on windows.
    """
    linear = linear_operands(node, channel_axis)
    if linear is None:
        return None
    weights, shape = np.ascontiguousarray(linear.weights), node.outputs[0].physical
    if len(shape) in (3, 4) and prod(shape[1:-1]) > 1:
        taps = weights.reshape(weights.shape[0], 1, 1, weights.shape[1])
        sliding = Sliding.pointwise((shape[1], shape[2] if len(shape) == 4 else 1), batch=shape[0])
        return Conv2D(sliding, 1, taps, linear.bias, linear.input_zero, linear.epilogue)
    return Dense(shape, weights, linear.bias, linear.input_zero, linear.epilogue)
