"""How far a recurrent layer on integers may be from the same layer with real states, as ONNX Runtime has it.

Let h and c be the states of the real layer, h^ and c^ those of the integer one, and e_h >= |h - h^|,
e_c >= |c - c^|, element by element. One step makes of them

    sums    e_s = |R| e_h + |P| e_c + sigma       sigma: each half of a sum is rounded to 2^-11, its bias to
                                                  a unit of its accumulator, by half of that at most
    gates   e_g = L e_s + gamma                   L: slope of the function; gamma: of its table
    LSTM    e_c' = e_c + |c^| e_f + e_i + e_g + 2^-bits                       (gates are at most 1)
            e_h' = e_o + e_c' + 2^-12 + gamma + 1/2 LSB
    GRU     e_h' = (1 + |h^|) e_z + max(e_n, e_h) + 2^-15                     (products see h^ in 8 bits)
    RNN     e_h' = e_f + 1/2 LSB

and what saturates of the integer layer besides. From e_h = e_c = 0 on (half a unit, where a layer begins with
constants), that is a bound for any number of steps: it grows with |R|, and by 1 for c, in each of them. With
the integer layer's own states put for the real ones, so that e_h and e_c are 0 in front of each step, it
bounds that one step whatever came before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tinyc.ir.dtype import Quant
from tinyc.ir.window import Window
from tinyc.kernels.dense import Dense
from tinyc.kernels.epilogue import Requantize
from tinyc.kernels.float_recurrent import Cell
from tinyc.kernels.functions import Function
from tinyc.kernels.gate_table import ARGUMENT_BITS, MOST, RESULT_BITS
from tinyc.kernels.integer_recurrent import IntegerRecurrent
from tinyc.kernels.recurrent import Operand

Array = np.ndarray

TABLE_ERRORS = {"Sigmoid": 3.5e-4, "Tanh": 4.5e-4, "HardSigmoid": 7e-5}
"""gamma: of tables against their functions, by name."""
_SLOPES = {"Sigmoid": 0.25, "Tanh": 1.0, "Relu": 1.0}
_REFERENCE = 1e-4
"""By which ONNX Runtime's float32 functions and sums are off."""
_UNIT = 2.0**-ARGUMENT_BITS
_ROW = Window(0, 1, 0, 1)


@dataclass(frozen=True)
class Apart:
    """Bounds on |h - h^| and |c - c^|, [batch, units]."""

    h: Array
    c: Array


@dataclass(frozen=True)
class RealLayer:
    """The layer that ``kernel`` is the integer form of, whose states ``quant`` quantizes to 8 bits."""

    kernel: IntegerRecurrent
    quant: Quant

    @property
    def cell(self) -> Cell:
        """Takes inputs as integers without their zero point."""
        k, h = self.kernel, self.quant.scale
        fed = [k.fed] if k.late is None else [k.fed, k.late]
        biases = np.concatenate([p.bias * _scales(k, p) for p in fed])
        peepholes = np.zeros((3, k.layer.units))
        if k.peepholes is not None:
            bits = k.cell_bits - ARGUMENT_BITS - k.peepholes.shift
            peepholes = k.peepholes.weights * 2.0**bits
        return Cell(
            k.layer, k.driven.weights * _scales(k, k.driven)[:, None],
            np.concatenate([p.weights * (_scales(k, p) / h)[:, None] for p in fed]),
            k.driven.bias * _scales(k, k.driven), biases, peepholes,
        )  # fmt: skip

    def real(self, h: Array) -> Array:
        """States that are integers, as ``steps_of`` has them, as real numbers."""
        if self.kernel.is_wide:
            return h * 2.0**-RESULT_BITS
        return (h.astype(np.float64) - self.quant.zero_point) * self.quant.scale

    def excess(self, h: Array) -> Array:
        """By how much states ``h`` are beyond those of 8 bits."""
        low, high = ((end - self.quant.zero_point) * self.quant.scale for end in (-128, 127))
        return np.maximum(0, np.maximum(low - h, h - high))

    def bounded(self, apart: Apart, h: Array, c: Array, x: Array) -> Apart:
        """Behind a step from integer states ``h`` and ``c`` (as real numbers), ``apart`` before it."""
        k, cell = self.kernel, self.cell
        gates, units = k.layer.gates, k.layer.units
        real_h, real_c = cell.next(x, h, c)
        rounding = self.quant.scale / 2
        seen = apart.h if not k.is_wide else apart.h + rounding + self.excess(h)
        reach = np.abs(cell.recurrent).reshape(gates, units, units)
        halves = _scales(k, k.driven).reshape(gates, units) / 2 + _halves(k).reshape(gates, units)
        sums = [seen @ reach[g].T + halves[g] + k.unit * (1 + 2.0**-8) for g in range(gates)]
        if k.layer.operator == "RNN":
            return Apart(self._gate(0, sums[0]) + rounding + self.excess(real_h), apart.c)
        if k.layer.operator == "LSTM":
            next_c, next_h = self._lstm(apart.c, sums, c, real_c)
            return Apart(next_h + rounding + self.excess(real_h), next_c)
        z, r = self._gate(0, sums[0]), self._gate(0, sums[1])
        if k.late is None:
            fed_back = np.abs(h) @ reach[2].T + np.abs(cell.recurrent_bias[2 * units :])
            sums[2] += r * fed_back + _UNIT
        else:
            reset = r * np.abs(h) + apart.h + rounding + self.excess(h)
            sums[2] += (reset - seen) @ reach[2].T
        candidate = self._gate(1, sums[2])
        return Apart((1 + np.abs(h)) * z + np.maximum(candidate, apart.h) + 2.0**-RESULT_BITS, apart.c)

    def _lstm(self, apart: Array, sums: list[Array], c: Array, real: Array) -> tuple[Array, Array]:
        k, ulp = self.kernel, 2.0**-self.kernel.cell_bits
        if k.peepholes is not None:
            for gate, row in ((0, 0), (2, 2)):
                sums[gate] = sums[gate] + np.abs(self.cell.peepholes[row]) * apart + _UNIT
        i = self._gate(0, sums[0])
        f = i if k.layer.coupled else self._gate(0, sums[2])
        beyond = np.maximum(0, np.abs(real) - MOST * ulp)
        next_c = apart + np.abs(c) * f + i + self._gate(1, sums[3]) + ulp + beyond
        if k.peepholes is not None:
            sums[1] = sums[1] + np.abs(self.cell.peepholes[1]) * next_c + _UNIT
        return next_c, self._gate(0, sums[1]) + self._gate(2, next_c + _UNIT / 2)

    def _gate(self, number: int, sums: Array) -> Array:
        function: Function = self.kernel.layer.functions[number]
        slope = _SLOPES.get(function.name) or function.parameters["alpha"]
        error = slope * sums + TABLE_ERRORS.get(function.name, 0.0) + _REFERENCE
        return error if self.kernel.is_linear else np.minimum(2.0, error)


def _scales(kernel: IntegerRecurrent, product: Dense) -> Array:
    """What one unit of each row's accumulator stands for."""
    epilogue = product.epilogue
    assert isinstance(epilogue, Requantize)
    return epilogue.multipliers * 2.0 ** (epilogue.pre_shift - 32 - epilogue.shift) * kernel.unit


def _halves(kernel: IntegerRecurrent) -> Array:
    products = [kernel.fed] if kernel.late is None else [kernel.fed, kernel.late]
    return np.concatenate([_scales(kernel, product) / 2 for product in products])


def steps_of(kernel: IntegerRecurrent, x: Array) -> Iterator[tuple[Array, Array, Array, Array]]:
    """Of each step, in the order in which ``kernel`` takes them: inputs, states h and c before it as integers
    (h in 16 bits where the layer keeps it so), and its results. ``x`` is [steps, batch, inputs]; sequences
    are whole."""
    layer = kernel.layer
    results = (0, 1, 2) if layer.has_cell else (0, 1)
    one = replace(layer, steps=1, reverse=False, results=results)
    shape = layer.batch, layer.units
    h = np.full(shape, 0 if kernel.is_wide else kernel.settled.zero_point, np.int16)
    h = h if kernel.initial_h is None else kernel.initial_h.reshape(shape).astype(np.int16)
    c = np.zeros(shape, np.int16) if kernel.initial_c is None else kernel.initial_c.reshape(shape)
    for step in layer.order(layer.steps):
        from_here = replace(
            kernel, layer=one, operands={Operand.X: 0}, initial_h=h, initial_c=c, lengths=None,
            kept_wide=kernel.is_wide,
        )  # fmt: skip
        found = from_here.compute((x[step : step + 1],), _ROW)
        yield x[step], h, c, np.stack([found[1].reshape(shape), found[-1].reshape(shape)])
        h, c = found[1].reshape(shape).astype(np.int16), found[-1].reshape(shape) if layer.has_cell else c


def allowed_lsb(kernel: IntegerRecurrent, quant: Quant, x: Array) -> int:
    """LSB by which any state of ``kernel`` in 8 bits may be away from ONNX Runtime's, for inputs ``x``
    [steps, batch, inputs]. On the way every single step is held to its own bound."""
    layer, zeros = RealLayer(kernel, quant), np.zeros((kernel.layer.batch, kernel.layer.units))
    units = 2.0**-RESULT_BITS if kernel.is_wide else quant.scale, 2.0**-kernel.cell_bits
    begun = [zeros if array is None else zeros + unit / 2
             for array, unit in zip((kernel.initial_h, kernel.initial_c), units, strict=True)]  # fmt: skip
    cell, apart, most = layer.cell, Apart(*begun), 0.0
    for inputs, h, c, (next_h, next_c) in steps_of(kernel, x):
        given = inputs.astype(np.float64) - kernel.driven.input_zero
        state, kept = layer.real(h), c * 2.0**-kernel.cell_bits
        assert np.abs(given @ cell.weights.T + cell.bias).max() < 2**15 * kernel.unit, "a product saturates"
        own = layer.bounded(Apart(zeros, zeros), state, kept, given)
        real_h, real_c = cell.next(given, state, kept)
        assert (np.abs(layer.real(next_h) - real_h) <= own.h).all()
        if kernel.layer.has_cell:
            assert (np.abs(next_c * 2.0**-kernel.cell_bits - real_c) <= own.c).all()
        apart = layer.bounded(apart, state, kept, given)
        most = max(most, float(apart.h.max()))
    shown = most / quant.scale + (0.5 if kernel.is_wide else 0.0)
    return int(np.floor(shown + 0.5))
