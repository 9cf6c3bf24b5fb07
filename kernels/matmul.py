"""Products of matrices, or of stacks of them with broadcasting: ONNX MatMul-13, Gemm-13 with any operands.

A constant matrix on the right of rows that lie side by side makes a ``Dense`` kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .epilogue import Epilogue, epilogue_of, requantize_constants
from .linear import resolve_dense
from .node import Constant, Node, Tensor
from .weights import integer_bias, narrow


@dataclass(frozen=True, eq=False)
class Factor:
    """One operand of the product: a stack of matrices of the model's ``shape`` (…, rows, columns) whose axes
    lie in memory in ``order``. ``values`` holds a constant one, its zero point taken off."""

    shape: tuple[int, ...]
    order: tuple[int, ...]
    zero: int = 0
    values: np.ndarray | None = None

    @property
    def strides(self) -> tuple[int, ...]:
        """Elements in memory for one step along each axis of ``shape``."""
        physical = [self.shape[axis] for axis in self.order]
        return tuple(prod(physical[self.order.index(axis) + 1 :]) for axis in range(len(self.shape)))

    def matrices(self, array: np.ndarray) -> np.ndarray:
        """The operand, as it lies in memory, in the shape of the model."""
        physical = array.reshape([self.shape[axis] for axis in self.order])
        return physical.transpose(np.argsort(self.order))


@dataclass(frozen=True)
class Stack:
    """One loop over matrices: its extent, and the elements between those of the left and the right side."""

    extent: int
    left: int
    right: int


@dataclass(frozen=True, eq=False)
class MatMul(Kernel):
    """out[…, m, n] = Σ left[…, m, i] · right[…, i, n] + bias[n]; the output lies in the model's order."""

    template: ClassVar[str] = "matmul"

    shape: tuple[int, ...]
    left: Factor
    right: Factor
    bias: np.ndarray | None
    epilogue: Epilogue

    @property
    def rows(self) -> int:
        return self.left.shape[-2]

    @property
    def depth(self) -> int:
        return self.left.shape[-1]

    @property
    def columns(self) -> int:
        return self.right.shape[-1]

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """The fewest loops over the stack of products, outermost first."""
        extents = np.broadcast_shapes(self.left.shape[:-2], self.right.shape[:-2])
        steps = [_steps(factor, len(extents)) for factor in (self.left, self.right)]
        loops: list[Stack] = []
        for extent, left, right in zip(extents, *steps, strict=True):
            if extent == 1:
                continue
            if loops and (loops[-1].left, loops[-1].right) == (extent * left, extent * right):
                loops[-1] = Stack(loops[-1].extent * extent, left, right)
            else:
                loops.append(Stack(extent, left, right))
        return tuple(loops)

    def constants(self) -> Mapping[str, np.ndarray]:
        named = {"left": self.left.values, "right": self.right.values, "bias": self.bias}
        found = {name: values for name, values in named.items() if values is not None}
        return found | requantize_constants(self.epilogue)

    def cost(self, window: Window) -> Cost:
        return Cost(macs=prod(stack.extent for stack in self.stacks) * self.rows * self.columns * self.depth)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        operands = iter(inputs)
        exact = np.float32 if self.epilogue.dtype.is_float else np.float64  # float64 holds integers exactly
        left, right = (
            (factor.matrices(next(operands)) if factor.values is None else factor.values).astype(exact)
            - exact(factor.zero)
            for factor in (self.left, self.right)
        )
        sums = left @ right
        if self.bias is not None:
            sums = sums + self.bias.astype(exact)
        out = self.epilogue.apply(sums if exact is np.float32 else sums.astype(np.int64))
        return (out.reshape(self.shape),)


def _steps(factor: Factor, rank: int) -> list[int]:
    """Elements between matrices along each of ``rank`` axes of the stack; 0 where one matrix serves all."""
    axes = zip(factor.shape[:-2], factor.strides[:-2], strict=True)
    own = [step if extent > 1 else 0 for extent, step in axes]
    return [0] * (rank - len(own)) + own


def result_order(node: Node) -> tuple[int, ...]:
    """Rows times a constant matrix lie as the rows do; other products in the model's order."""
    return node.input(0).order if _is_dense(node) else tuple(range(len(node.outputs[0].shape)))


def _is_dense(node: Node) -> bool:
    left, right = node.input(0), node.input(1)
    if right.constant is None or len(right.shape) != 2 or left.constant is not None:
        return False
    return left.order[-1] == len(left.shape) - 1


def resolve(node: Node) -> Kernel | None:
    """MatMul, or Gemm without alpha, beta and transA; sides may be constant or computed at run time, the bias
    (input 2, one number per column) is constant. float32, or integers, whose sums have 64 bits
    where 32 do not hold them."""
    transposed = bool(node.attribute("transB", 0))
    if _is_dense(node):
        return resolve_dense(node, channel_axis=0 if transposed else 1)
    left, right = _promoted(node.input(0), front=True), _promoted(node.input(1), front=False)
    if transposed:
        right = _swapped(right)
    return _integers(node, left, right) if node.quantized else _floats(node, left, right)


def _promoted(tensor: Tensor, front: bool) -> Tensor:
    """A vector as a matrix of one row (``front``) or of one column."""
    if len(tensor.shape) > 1:
        return tensor
    shape = (1, *tensor.shape) if front else (*tensor.shape, 1)
    constant = tensor.constant
    if constant is not None:
        constant = replace(constant, values=constant.values.reshape(shape), axis=1 if front else 0)
    return replace(tensor, shape=shape, order=(0, 1), constant=constant)


def _swapped(tensor: Tensor) -> Tensor:
    """The transposed matrix: the same bytes."""
    constant, order = tensor.constant, tuple(1 - axis for axis in tensor.order)
    if constant is not None:
        constant = replace(constant, values=constant.values.T, axis=1 - constant.axis)
    return replace(tensor, shape=tensor.shape[::-1], order=order, constant=constant)


def _floats(node: Node, left: Tensor, right: Tensor) -> Kernel | None:
    def factor(side: Tensor) -> Factor:
        if side.constant is None:
            return Factor(side.shape, side.order)
        return _constant_factor(np.asarray(side.constant.real).astype(np.float32))

    if not all(side.dtype.is_float or side.constant is not None for side in (left, right)):
        return None
    bias = node.optional_constant(2, "the bias")
    added = None if bias is None else _per_column(bias, right.shape[-1]).astype(np.float32)
    epilogue = epilogue_of(node, np.ones(1), 0)
    return MatMul(node.outputs[0].physical, factor(left), factor(right), added, epilogue)


def _integers(node: Node, left: Tensor, right: Tensor) -> Kernel | None:
    a, b = _integer_factor(left, is_right=False), _integer_factor(right, is_right=True)
    if a is None or b is None:
        return None
    (left_factor, left_scale), (right_factor, right_scales) = a, b
    scales, columns = left_scale * right_scales, right.shape[-1]
    bias, added = node.optional_constant(2, "the bias"), np.zeros(1, np.int64)
    if bias is not None:
        added = integer_bias(_per_column(bias, columns), np.broadcast_to(scales, (columns,)))
    largest = _reach(left, left_factor) * _reach(right, right_factor)
    bound = left.shape[-1] * largest + int(np.abs(added).max())
    if bound >= 2**52:
        return None
    stored = None if bias is None else added.astype(np.int32 if bound < 2**31 else np.int64)
    epilogue = epilogue_of(node, scales, bound)
    return MatMul(node.outputs[0].physical, left_factor, right_factor, stored, epilogue)


def _integer_factor(side: Tensor, is_right: bool) -> tuple[Factor, np.ndarray] | None:
    """With its scale, or scales of its columns; None where there is no scale that a column's sums share."""
    if side.constant is None:
        quant = side.quant
        return quant and (Factor(side.shape, side.order, quant.zero_point), np.array([quant.scale]))
    if side.constant.scale is None:
        return None
    scales = side.constant.scale.astype(np.float64).reshape(-1)
    if scales.size > 1 and not (is_right and side.constant.axis == len(side.shape) - 1):
        return None
    return _constant_factor(narrow(side.constant.centred)), scales


def _constant_factor(values: np.ndarray) -> Factor:
    return Factor(values.shape, tuple(range(values.ndim)), 0, np.ascontiguousarray(values))


def _per_column(bias: Constant, columns: int) -> np.ndarray:
    return np.broadcast_to(np.asarray(bias.real, np.float64).reshape(-1), (columns,))


def _reach(tensor: Tensor, factor: Factor) -> int:
    """The largest magnitude of an element without its zero point."""
    if factor.values is not None:
        return int(np.abs(factor.values.astype(np.int64)).max(initial=0))
    return max(int(tensor.dtype.highest) - factor.zero, factor.zero - int(tensor.dtype.lowest))
