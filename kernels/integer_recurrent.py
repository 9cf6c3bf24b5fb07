"""LSTM, GRU and RNN on integers.

Inputs x and states h have 8 bits, weights 8 bits and a scale per row. Products with each go to 16 bits with
11 fraction bits on their own (``Dense``) and are added; gates are functions of sums (``gate_table``), with 15
fraction bits. What adds up over time has 16 bits: the cell c of an LSTM, with ``cell_bits`` fraction bits,
and the state h of a GRU, with 15, of which products take 8 bits. All shifts round down; halves are added
before:

    LSTM    c' = sat((f · c + (i · g >> 15 − cell_bits) + 2^14) >> 15)      h' = requantized(o · tanh(c'))
    GRU     h' = sat(((2^15 − z) · n + z · h + 2^14) >> 15)
    RNN     h' = requantized(f(·))

An RNN's Relu is no table: sums are in sixteenths of a state's LSB, and requantized with its bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.dtype import DType, Quant
from ..ir.window import Window
from .dense import Dense
from .epilogue import Requantize
from .float_recurrent import resolve_float
from .functions import Function
from .gate_table import (
    ARGUMENT_BITS,
    LEAST,
    MOST,
    REACH,
    RESULT_BITS,
    gate_table,
    is_bounded,
    is_share,
    look_up,
)
from .node import UNBOUNDED, Activation, Node, Tensor
from .recurrent import Layer, Operand, Recurrent, run_time_operands
from .weights import integer_bias

_HALF = 1 << (RESULT_BITS - 1)
_ONE = 1 << RESULT_BITS
_ROW = Window(0, 1, 0, 1)
_GATE = Quant(2.0**-ARGUMENT_BITS, 0)
_FINER = 16
"""Into how many parts sums divide an LSB of a state, where they are not arguments of a function."""
USUAL_CELL_BITS = 11
"""Fraction bits of cells where the model does not say: values up to 16."""
CELL_NOTE = "tinyc.cell_bits"
"""The note on an LSTM's node that says how many fraction bits its cells have."""


@dataclass(frozen=True, eq=False)
class Peepholes:
    """(weight · cell + half) >> shift in units of gates; weights are int16, of i, o and f."""

    weights: np.ndarray
    shift: int

    @classmethod
    def of(cls, real: np.ndarray, cell_bits: int) -> Peepholes | None:
        """None where they are too large."""
        steps = real.reshape(3, -1).astype(np.float64) * 2.0 ** (ARGUMENT_BITS - cell_bits)
        largest = max(float(np.abs(steps).max()), 2.0**-15)
        shift = min(14, int(np.floor(np.log2(MOST / largest))))
        return None if shift < 1 else cls(np.rint(steps * 2.0**shift).astype(np.int16), shift)

    def apply(self, gate: int, cell: np.ndarray) -> np.ndarray:
        return (self.weights[gate].astype(np.int64) * cell + (1 << (self.shift - 1))) >> self.shift


@dataclass(frozen=True, eq=False)
class IntegerRecurrent(Recurrent):
    """``driven`` is the product with inputs, ``fed`` that with states; ``late`` the part of it that a GRU
    multiplies by states behind the reset gate. ``initial_h`` and ``initial_c`` are constant states
    [batch, units]; None: 0, or computed at run time."""

    template: ClassVar[str] = "integer_recurrent"
    led: ClassVar[bool] = True

    driven: Dense
    fed: Dense
    late: Dense | None
    settled: Requantize
    """From results of gates, or of products of two, to states of 8 bits."""
    shown: Requantize | None
    """GRU: from states of 16 bits to 8."""
    cell_bits: int
    peepholes: Peepholes | None
    initial_h: np.ndarray | None
    initial_c: np.ndarray | None
    lengths: np.ndarray | None
    """Constant lengths of sequences [batch]; None: whole ones, or computed at run time."""
    kept_wide: bool
    """GRU: results and operands that are states have 16 bits."""
    unit: float
    """What 1 of a sum stands for."""

    @property
    def weight_bits(self) -> int:
        return 8

    @property
    def is_wide(self) -> bool:
        """Whether states have 16 bits."""
        return self.shown is not None

    @property
    def bound(self) -> int | None:
        """The largest argument of a gate's function, where the layer clips it."""
        clip = self.layer.clip
        return None if clip is None or self.is_linear else min(REACH, round(clip * 2**ARGUMENT_BITS))

    @property
    def is_linear(self) -> bool:
        """Whether states are sums within bounds."""
        return _is_relu(self.layer.functions)

    @property
    def tables(self) -> tuple[np.ndarray, ...]:
        """Of all functions, where they are not bounds alone."""
        return () if self.is_linear else tuple(gate_table(function) for function in self.layer.functions)

    @property
    def products(self) -> Mapping[str, Dense]:
        """By the names of their constants."""
        named = {"driven": self.driven, "fed": self.fed}
        return named if self.late is None else named | {"late": self.late}

    def product_constants(self) -> dict[str, np.ndarray]:
        """Of products, as the template multiplies."""
        return {
            f"{name}_{key}": array
            for name, product in self.products.items()
            for key, array in product.constants().items()
        }

    def constants(self) -> Mapping[str, np.ndarray]:
        distinct = dict(zip(self.table_names, self.tables, strict=True))
        fixed = {"initial_h": self.initial_h, "initial_c": self.initial_c, "lengths": self.lengths}
        given = {name: array for name, array in fixed.items() if array is not None}
        peepholes = {} if self.peepholes is None else {"peepholes": self.peepholes.weights}
        return self.product_constants() | distinct | given | peepholes

    @property
    def table_names(self) -> tuple[str, ...]:
        """For each function; equal functions have one table."""
        functions = self.layer.functions[: len(self.tables)]
        return tuple(f"table_{functions.index(function)}" for function in functions)

    def work_bytes(self) -> int:
        """Working memory of products."""
        return 0

    def scratch(self) -> int:
        """Gates, states of 16 bits, those of 8, then the work of products."""
        layer = self.layer
        wide = 2 * layer.gates * layer.units + layer.units * (layer.has_cell or self.is_wide)
        narrow = layer.units * (1 + (self.late is not None))
        return -(-(2 * wide + narrow) // 4) * 4 + self.work_bytes()

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        layer = self.layer
        given = {index: inputs[place] for index, place in self.operands.items()}
        x = given[Operand.X].reshape(layer.steps, layer.batch, -1)
        h, c = self._begun(given)
        zero = self.settled.zero_point
        sequence = np.full((layer.steps, 1, layer.batch, layer.units), zero, np.int8)
        whole = np.full(layer.batch, layer.steps) if self.lengths is None else self.lengths
        lengths = given.get(Operand.LENGTHS, whole)
        for sample, length in enumerate(np.clip(lengths, 0, layer.steps)):
            for step in layer.order(int(length)):
                h[sample], c[sample] = self._next(x[step, sample], h[sample], c[sample])
                sequence[step, 0, sample] = self._eight_bits(h[sample])
        last = h.astype(np.int16) if self.kept_wide else self._eight_bits(h)
        made = sequence, last[None], c.astype(np.int16)[None]
        return tuple(made[result] for result in layer.results)

    def _begun(self, given: Mapping[int, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """States before the first step, int64 [batch, units]."""
        shape = self.layer.batch, self.layer.units
        states: list[np.ndarray] = []
        zeros = 0 if self.is_wide else self.settled.zero_point, 0
        for index, fixed, zero in zip(
            (Operand.H, Operand.C), (self.initial_h, self.initial_c), zeros, strict=True
        ):
            state = given.get(index, fixed)
            states.append(np.full(shape, zero) if state is None else state.reshape(shape).astype(np.int64))
        return states[0], states[1]

    def _eight_bits(self, h: np.ndarray) -> np.ndarray:
        """States as products take them and sequences have them."""
        return h.astype(np.int8) if self.shown is None else self.shown.apply(h.astype(np.int64))

    def _next(self, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        driven = _product(self.driven, x).reshape(self.layer.gates, -1)
        fed = _product(self.fed, self._eight_bits(h)).reshape(-1, self.layer.units)
        match self.layer.operator:
            case "LSTM":
                return self._lstm(driven + fed, c)
            case "GRU":
                return self._gru(driven, fed, h), c
            case _:
                return self.settled.apply(self._gate(0, driven[0] + fed[0])).astype(np.int64), c

    def _lstm(self, sums: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        i = self._gate(0, self._peeped(0, sums[0], c))
        f = _ONE - i if self.layer.coupled else self._gate(0, self._peeped(2, sums[2], c))
        added = (i * self._gate(1, sums[3])) >> (RESULT_BITS - self.cell_bits)
        c = np.clip((f * c + added + _HALF) >> RESULT_BITS, LEAST, MOST)
        o = self._gate(0, self._peeped(1, sums[1], c))
        argument = self._argument(c)
        return self.settled.apply(o * look_up(self.tables[2], argument)).astype(np.int64), c

    @property
    def argument_shift(self) -> int:
        """By how many bits cells are shifted down to be arguments of a function, up where negative."""
        return self.cell_bits - ARGUMENT_BITS

    def _argument(self, c: np.ndarray) -> np.ndarray:
        fewer = self.argument_shift
        return (c + (1 << (fewer - 1))) >> fewer if fewer > 0 else c << -fewer

    def _peeped(self, gate: int, sums: np.ndarray, c: np.ndarray) -> np.ndarray:
        return sums if self.peepholes is None else sums + self.peepholes.apply(gate, c)

    def _gru(self, driven: np.ndarray, fed: np.ndarray, h: np.ndarray) -> np.ndarray:
        z, r = (self._gate(0, driven[gate] + fed[gate]) for gate in range(2))
        if self.late is None:
            n = driven[2] + ((r * fed[2] + _HALF) >> RESULT_BITS)
        else:
            n = driven[2] + _product(self.late, self.settled.apply(r * h))
        n = self._gate(1, n)
        return np.clip(((_ONE - z) * n + z * h + _HALF) >> RESULT_BITS, LEAST, MOST)

    def _gate(self, function: int, sums: np.ndarray) -> np.ndarray:
        bound = self.bound
        if self.is_linear:
            return sums
        return look_up(self.tables[function], sums if bound is None else np.clip(sums, -bound, bound))


def _product(product: Dense, x: np.ndarray) -> np.ndarray:
    return product.compute((x.astype(np.int8),), _ROW)[0].reshape(-1).astype(np.int64)


def resolve(node: Node) -> Recurrent | None:
    """LSTM, GRU or RNN of one direction. On integers where inputs and states have 8 bits, the cells 16, and
    the functions are bounded; None where an integer form was asked for and there is none."""
    return _resolve_integer(node) if node.quantized else resolve_float(node)


def _resolve_integer(node: Node) -> IntegerRecurrent | None:
    layer = Layer.of(node)
    states = _States.of(node, layer)
    possible = is_possible(layer.operator, layer.functions, layer.coupled)
    x, bias = node.input(Operand.X), node.optional_constant(Operand.B, "the bias")
    if states is None or x.quant is None or x.dtype is not DType.INT8 or not possible:
        return None
    rows, units = layer.gates * layer.units, layer.units
    biases = np.zeros((2, rows)) if bias is None else np.asarray(bias.real, np.float64).reshape(2, rows)
    late = layer.operator == "GRU" and not layer.reset_after
    if layer.operator == "GRU" and layer.reset_after:  # the last gate's own bias is reset, too
        biases[0, : 2 * units] += biases[1, : 2 * units]
        biases[1, : 2 * units] = 0
    else:
        biases = np.stack([biases.sum(axis=0), np.zeros(rows)])
    linear = _is_relu(layer.functions)
    sums = Quant(states.h.scale / _FINER, 0) if linear else _GATE
    driven = _matrix(node, Operand.W, slice(0, rows), biases[0], x.quant, sums)
    split = 2 * units if late else rows
    fed = _matrix(node, Operand.R, slice(0, split), biases[1], states.h, sums)
    behind = _matrix(node, Operand.R, slice(split, rows), biases[1], states.h, sums) if late else None
    if driven is None or fed is None or (late and behind is None):
        return None
    wide = layer.operator == "GRU"
    peepholes = None
    if node.optional(Operand.P) is not None:
        peepholes = Peepholes.of(np.asarray(node.constant(Operand.P, "the peepholes").real), states.cell_bits)
        if peepholes is None:
            return None
    one = 2.0**-RESULT_BITS
    made = sums.scale if linear else one if layer.operator == "RNN" else one * one
    bounds = Activation(0.0, np.inf if layer.clip is None else layer.clip) if linear else UNBOUNDED
    settled = Requantize.of(np.array([made]), states.h, DType.INT8, _ONE * _ONE, bounds)
    shown = Requantize.of(np.array([one]), states.h, DType.INT8, _ONE) if wide else None
    return IntegerRecurrent(
        layer, run_time_operands(node), driven, fed, behind, settled, shown, states.cell_bits, peepholes,
        states.initial(node, Operand.H, Quant(one, 0) if wide else states.h, 16 if wide else 8),
        states.initial(node, Operand.C, Quant(2.0**-states.cell_bits, 0), 16),
        _lengths(node), states.kept_wide, sums.scale,
    )  # fmt: skip


def _lengths(node: Node) -> np.ndarray | None:
    operand = node.optional(Operand.LENGTHS)
    constant = None if operand is None else operand.constant
    return None if constant is None else constant.values.astype(np.int32)


def is_possible(operator: str, functions: Sequence[Function], coupled: bool) -> bool:
    """Whether functions have results of 16 bits, and shares where sums are weighted by them; or an RNN's is
    Relu."""
    if operator == "RNN" and _is_relu(functions):
        return True
    shares = operator == "GRU" or coupled
    return all(map(is_bounded, functions)) and (not shares or is_share(functions[0]))


def _is_relu(functions: Sequence[Function]) -> bool:
    return functions[0].name == "Relu"


def _matrix(
    node: Node, index: int, rows: slice, bias: np.ndarray, quant: Quant, result: Quant
) -> Dense | None:
    """The product with ``rows`` of operand ``index`` and a real ``bias``, as ``result`` has it; None where
    weights are not int8 or a sum could exceed 32 bits."""
    constant = node.constant(index, "the weights")
    if constant.scale is None or constant.bits != 8:
        return None
    weights = constant.centred[0, rows]
    if weights.min(initial=0) < -128 or weights.max(initial=0) > 127:
        return None
    scales = constant.scale_along(1, constant.values.shape[1])[rows] * quant.scale
    integers = integer_bias(bias[rows], scales)
    span = max(127 - quant.zero_point, quant.zero_point + 128)
    bound = int((np.abs(weights).sum(axis=1) * span + np.abs(integers)).max(initial=0))
    if bound >= 2**31:
        return None
    epilogue = Requantize.of(scales, result, DType.INT16, bound)
    shape = (1, weights.shape[0])
    return Dense(shape, weights.astype(np.int8), integers.astype(np.int32), quant.zero_point, epilogue)


@dataclass(frozen=True, eq=False)
class _States:
    """How states are quantized: those that products take, and cells."""

    h: Quant
    cell_bits: int
    kept_wide: bool

    @classmethod
    def of(cls, node: Node, layer: Layer) -> _States | None:
        """None where the node's operands and results do not agree, or have types that no kernel takes."""
        results = dict(zip(layer.results, node.outputs, strict=True))
        wide = layer.operator == "GRU"
        known = [
            t for t in (results.get(1), node.optional(Operand.H)) if t is not None and t.constant is None
        ]
        own = [t for t in known if t.dtype is DType.INT16]
        narrow = [t for t in (results.get(0), *known) if t is not None and t not in own]
        cells = [
            t for t in (results.get(2), node.optional(Operand.C)) if t is not None and t.constant is None
        ]
        if not narrow or (own and (not wide or len(own) < len(known) or _bits(own) != {RESULT_BITS})):
            return None
        if wide and not own and node.optional(Operand.H) in known:
            return None
        quants = {tensor.quant for tensor in narrow}
        given = node.optional(Operand.H)
        begun = None if given is None or given.constant is None else np.asarray(given.constant.real)
        if wide and begun is not None and np.abs(begun).max() > 1:  # beyond 16 bits with 15 fraction bits
            return None
        first = narrow[0].quant
        if first is None or len(quants) > 1 or any(t.dtype is not DType.INT8 for t in narrow):
            return None
        bits = _bits(cells) if cells else {int(node.attribute(CELL_NOTE, USUAL_CELL_BITS))}
        cell_bits = next(iter(bits))
        if len(bits) > 1 or cell_bits is None or not 0 <= cell_bits <= RESULT_BITS:
            return None
        return cls(first, cell_bits, bool(own))

    def initial(self, node: Node, index: int, quant: Quant, bits: int) -> np.ndarray | None:
        """The constant state that operand ``index`` is, as integers."""
        operand = node.optional(index)
        if operand is None or operand.constant is None:
            return None
        real = np.asarray(operand.constant.real, np.float64)[0]
        reach = 2 ** (bits - 1)
        steps = np.clip(np.rint(real / quant.scale) + quant.zero_point, -reach, reach - 1)
        return steps.astype(np.int8 if bits == 8 else np.int16)


def _bits(tensors: Sequence[Tensor]) -> set[int | None]:
    """Fraction bits of 16-bit tensors; None of those that have another type, or another scale than that."""
    found: set[int | None] = set()
    for tensor in tensors:
        quant = tensor.quant
        if quant is None or quant.zero_point or tensor.dtype is not DType.INT16:
            found.add(None)
            continue
        bits = round(-np.log2(quant.scale))
        found.add(bits if quant.scale == 2.0**-bits else None)
    return found
