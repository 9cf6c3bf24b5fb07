"""What recurrent layers of all element types have in common: sizes, attributes, operands, results.

One node is one layer of one direction, with the sequence axis first: import and canonicalize see to that.
Operands are those of ONNX's LSTM, GRU and RNN: X [steps, batch, inputs], W [1, gates · units, inputs],
R [1, gates · units, units], B [1, 2 · gates · units], sequence_lens [batch], initial_h and initial_c
[1, batch, units], P [1, 3 · units]; results Y [steps, 1, batch, units], Y_h and Y_c [1, batch, units].
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ..ir.kernel import Cost, Kernel
from ..ir.window import Window
from .cells import GATES, Functions
from .functions import Function
from .node import Node


class Operand(IntEnum):
    """ONNX's inputs."""

    X = 0
    W = 1
    R = 2
    B = 3
    LENGTHS = 4
    H = 5
    C = 6
    P = 7


@dataclass(frozen=True)
class Layer:
    """Sizes and attributes. ``results`` are the outputs (0 Y, 1 Y_h, 2 Y_c) that are computed, in order."""

    operator: str
    steps: int
    batch: int
    inputs: int
    units: int
    functions: tuple[Function, ...]
    clip: float | None
    reverse: bool
    reset_after: bool
    """GRU: the reset gate takes effect behind the product with the recurrent weights."""
    coupled: bool
    """LSTM: the forget gate is 1 − the input gate."""
    results: tuple[int, ...]

    @property
    def gates(self) -> int:
        return GATES[self.operator]

    @property
    def has_cell(self) -> bool:
        return self.operator == "LSTM"

    @property
    def macs(self) -> int:
        """Of the whole sequence."""
        return self.steps * self.batch * self.gates * self.units * (self.inputs + self.units)

    @property
    def operations(self) -> int:
        """Of the whole sequence, besides: activation functions and what is done with gates."""
        return self.steps * self.batch * self.units * 2 * (self.gates + self.has_cell)

    def order(self, length: int) -> range:
        """The steps of a sequence of that length as they follow one another."""
        return range(length - 1, -1, -1) if self.reverse else range(length)

    @classmethod
    def of(cls, node: Node) -> Layer:
        """Raises ModelError for activations that ONNX does not have, and shapes that do not fit."""
        try:
            functions = Functions.of(node.operator, node.attributes)
        except ValueError as error:
            raise node.refuse(
                str(error), "export the layer with activations of the ONNX specification"
            ) from error
        direction = node.attribute("direction", "forward")
        if direction not in ("forward", "reverse") or node.attribute("layout", 0):
            raise node.refuse(f"its direction is {direction!r}", "use forward, reverse or bidirectional")
        steps, batch, inputs = node.input(Operand.X).shape
        units = node.input(Operand.R).shape[-1]
        layer = cls(
            node.operator, steps, batch, inputs, units, functions.all, node.attribute("clip", None),
            direction == "reverse", bool(node.attribute("linear_before_reset", 0)),
            bool(node.attribute("input_forget", 0)), node.results,
        )  # fmt: skip
        layer._check(node)
        return layer

    def _check(self, node: Node) -> None:
        rows = self.gates * self.units
        shapes = {
            Operand.W: (1, rows, self.inputs), Operand.R: (1, rows, self.units), Operand.B: (1, 2 * rows),
            Operand.LENGTHS: (self.batch,), Operand.H: (1, self.batch, self.units),
            Operand.C: (1, self.batch, self.units), Operand.P: (1, 3 * self.units),
        }  # fmt: skip
        for index, shape in shapes.items():
            operand = node.optional(index)
            if operand is not None and operand.shape != shape:
                raise node.refuse(
                    f"its operand {operand.name!r} has the shape {list(operand.shape)}, not {list(shape)}",
                    "give weights, states and biases the shapes that its hidden_size asks for",
                )


@dataclass(frozen=True, eq=False)
class Recurrent(Kernel):
    """A loop over time. ``operands`` are, by ONNX's number, the places of those computed at run time among
    the step's inputs."""

    layer: Layer
    operands: dict[int, int]

    def cost(self, window: Window) -> Cost:
        return Cost(self.layer.macs, self.layer.operations)

    def in_place_at(self, output: int) -> tuple[int, ...]:
        """States are read before the first step of their sample, and written behind its last."""
        operand = {1: Operand.H, 2: Operand.C}.get(self.layer.results[output])
        place = None if operand is None else self.operands.get(operand)
        return () if place is None else (place,)


def run_time_operands(node: Node) -> dict[int, int]:
    """By ONNX's number, the places among a step's inputs of operands that are computed at run time."""
    computed = [i for i, tensor in enumerate(node.inputs) if tensor is not None and tensor.constant is None]
    return {index: place for place, index in enumerate(computed)}
