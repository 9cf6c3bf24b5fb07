"""LSTM, GRU and RNN on float32 (ONNX LSTM-22, GRU-22, RNN-22)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.window import Window
from .node import Node
from .recurrent import Layer, Operand, Recurrent, run_time_operands

_NAMES = {Operand.W: "weights", Operand.R: "recurrent_weights", Operand.B: "bias", Operand.LENGTHS: "lengths",
          Operand.H: "initial_h", Operand.C: "initial_c", Operand.P: "peepholes"}  # fmt: skip


@dataclass(frozen=True, eq=False)
class FloatRecurrent(Recurrent):
    """``fixed`` are the constant operands, by ONNX's number."""

    template: ClassVar[str] = "float_recurrent"

    fixed: dict[int, np.ndarray]

    def constants(self) -> Mapping[str, np.ndarray]:
        return {_NAMES[Operand(index)]: array for index, array in self.fixed.items()}

    def name(self, index: int, inputs: Sequence[str], const: Mapping[str, str]) -> str | None:
        """What the C calls an operand; None where it is left out."""
        if index in self.operands:
            return inputs[self.operands[index]]
        return const[_NAMES[Operand(index)]] if index in self.fixed else None

    def scratch(self) -> int:
        """States, and what gates are computed in: h, c, then a row of numbers for each gate."""
        layer = self.layer
        products = layer.operator == "GRU" and not layer.reset_after
        return 4 * layer.units * (1 + layer.has_cell + layer.gates + products)

    def compute(self, inputs: Sequence[np.ndarray], window: Window) -> tuple[np.ndarray, ...]:
        layer = self.layer
        given = {**self.fixed, **{index: inputs[place] for index, place in self.operands.items()}}
        cell = Cell.of(layer, given)
        shape = (1, layer.batch, layer.units)
        states = [given.get(i, np.zeros(shape, np.float32)) for i in (Operand.H, Operand.C)]
        last = [np.array(state, np.float32).reshape(shape) for state in states]
        sequence = np.zeros((layer.steps, *shape), np.float32)
        lengths = given.get(Operand.LENGTHS, np.full(layer.batch, layer.steps))
        for sample, length in enumerate(np.clip(lengths, 0, layer.steps)):
            h, c = (state[0, sample] for state in last)
            for step in layer.order(int(length)):
                h, c = cell.next(given[Operand.X].reshape(layer.steps, layer.batch, -1)[step, sample], h, c)
                sequence[step, 0, sample] = h
            last[0][0, sample], last[1][0, sample] = h, c
        return tuple((sequence, *last)[result] for result in layer.results)


@dataclass(frozen=True, eq=False)
class Cell:
    """One time step; of one sample, or of several at once: the last axis is inputs, or units."""

    layer: Layer
    weights: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray
    recurrent_bias: np.ndarray
    peepholes: np.ndarray

    @classmethod
    def of(cls, layer: Layer, given: Mapping[int, np.ndarray]) -> Cell:
        rows = layer.gates * layer.units
        bias = given.get(Operand.B, np.zeros((1, 2 * rows), np.float32)).reshape(2, rows)
        peepholes = given.get(Operand.P, np.zeros((1, 3 * layer.units), np.float32)).reshape(3, -1)
        return cls(
            layer, given[Operand.W].reshape(rows, -1), given[Operand.R].reshape(rows, -1),
            bias[0], bias[1], peepholes,
        )  # fmt: skip

    def next(self, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """States h and c behind a step with inputs ``x``."""
        driven = _gates(x @ self.weights.T + self.bias, self.layer.gates)
        match self.layer.operator:
            case "LSTM":
                return self._lstm(driven, h, c)
            case "GRU":
                return self._gru(driven, h), c
            case _:
                return self._activated(0, driven[0] + self._fed_back(h)[0]), c

    def _lstm(self, driven: list[np.ndarray], h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        i, o, f, g = (a + b for a, b in zip(driven, self._fed_back(h), strict=True))
        i = self._activated(0, i + self.peepholes[0] * c)
        f = np.float32(1) - i if self.layer.coupled else self._activated(0, f + self.peepholes[2] * c)
        c = f * c + i * self._activated(1, g)
        o = self._activated(0, o + self.peepholes[1] * c)
        return o * self._function(2, c), c

    def _gru(self, driven: list[np.ndarray], h: np.ndarray) -> np.ndarray:
        units = self.layer.units
        if self.layer.reset_after:
            back = self._fed_back(h)
            z, r = (self._activated(0, driven[gate] + back[gate]) for gate in range(2))
            n = driven[2] + r * back[2]
        else:
            back = _gates(h @ self.recurrent[: 2 * units].T + self.recurrent_bias[: 2 * units], 2)
            z, r = (self._activated(0, driven[gate] + back[gate]) for gate in range(2))
            n = driven[2] + ((r * h) @ self.recurrent[2 * units :].T + self.recurrent_bias[2 * units :])
        return (np.float32(1) - z) * self._activated(1, n) + z * h

    def _fed_back(self, h: np.ndarray) -> list[np.ndarray]:
        return _gates(h @ self.recurrent.T + self.recurrent_bias, self.layer.gates)

    def _activated(self, function: int, x: np.ndarray) -> np.ndarray:
        clip = self.layer.clip
        return self._function(
            function, x if clip is None else np.clip(x, np.float32(-clip), np.float32(clip))
        )

    def _function(self, function: int, x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return self.layer.functions[function](x.astype(np.float32)).astype(np.float32)


def _gates(rows: np.ndarray, count: int) -> list[np.ndarray]:
    """The last axis in so many equal parts."""
    return np.split(rows, count, axis=-1)


def resolve_float(node: Node) -> FloatRecurrent | None:
    """None where an operand is quantized or of another type than float32."""
    for index, tensor in enumerate(node.inputs):
        if tensor is None or tensor.constant is not None or index == Operand.LENGTHS:
            continue
        if tensor.quant is not None or not tensor.dtype.is_float:
            return None
    operands = run_time_operands(node)
    fixed = {
        index: np.ascontiguousarray(
            tensor.constant.real, np.int32 if index == Operand.LENGTHS else np.float32
        )
        for index, tensor in enumerate(node.inputs)
        if tensor is not None and tensor.constant is not None
    }
    return FloatRecurrent(Layer.of(node), operands, fixed)
