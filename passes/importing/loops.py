"""What the body of a Loop does from iteration to iteration, and how often it runs.

tf2onnx writes the loops of TensorFlow with a condition that compares counters which the body carries itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import onnx
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import IR_VERSION, Array, constant, describe, input_at, producer, scalar

COUNTING = frozenset({
    "Add", "And", "Cast", "Constant", "Equal", "Greater", "GreaterOrEqual", "Identity", "Less", "LessOrEqual",
    "Max", "Min", "Mul", "Not", "Or", "Sub",
})  # fmt: skip
"""Operators that conditions are made of."""


class Unknown(Exception):
    """A value depends on what is not known, or on other operators."""


@dataclass(frozen=True)
class Iteration:
    """The body of a Loop: ``carried`` values have ``initial`` values first and ``updated`` ones next time."""

    body: oir.Graph
    opset: int
    initial: Sequence[oir.Value]
    carried: Sequence[oir.Value]
    updated: Sequence[oir.Value]
    collected: Sequence[oir.Value]

    @classmethod
    def of(cls, node: oir.Node, opset: int) -> Iteration:
        """That of a Loop in the model's graph. Raises ModelError where the body takes or gives other values
        than the Loop."""
        body = node.attributes["body"].as_graph()
        initial = [value for value in node.inputs[2:] if value is not None]
        carried, results, count = list(body.inputs)[2:], list(body.outputs)[1:], len(initial)
        if len(body.inputs) != 2 + count or len(node.outputs) != len(results) or len(results) < count:
            raise ModelError(
                "The body of a Loop does not fit it",
                where=describe(node),
                why=f"it takes {len(body.inputs)} and gives {len(body.outputs)} values, for {count} that are "
                f"carried and {len(node.outputs)} results",
                remedy="check the model with onnx.checker.check_model(model, full_check=True)",
            )
        return cls(body, opset, initial, carried, results[:count], results[count:])

    def constants(self) -> dict[oir.Value, Array]:
        """Carried values that no iteration changes, and that are known."""
        known: dict[oir.Value, Array] = {}
        for first, value, last in zip(self.initial, self.carried, self.updated, strict=True):
            array = constant(first)
            if source(last) is value and array is not None:
                known[value] = array
        return known

    def trips(self, limit: int) -> int | None:
        """How many iterations the body's condition allows, up to ``limit`` + 1; None where that depends on
        more than numbers that it carries itself."""
        again, (number, condition, *_) = self.body.outputs[0], self.body.inputs
        triples = zip(self.initial, self.carried, self.updated, strict=True)
        counters = [
            (array, value, last)
            for first, value, last in triples
            if (array := constant(first)) is not None and array.size == 1
        ]
        state, wanted = {value: array for array, value, _ in counters}, [last for *_, last in counters]
        for count in range(limit):
            known = state | {number: np.array(count), condition: np.array(True)}
            try:
                goes_on, *after = self.evaluate([again, *wanted], known, COUNTING)
            except Unknown:
                return None
            if not goes_on:
                return count + 1
            state = dict(zip(state, after, strict=True))
        return limit + 1

    def evaluate(
        self, wanted: Sequence[oir.Value], known: Mapping[oir.Value, Array], operators: frozenset[str]
    ) -> list[Array]:
        """Values of the body where ``known`` ones are given. Raises Unknown where they do not suffice."""
        from onnx.reference import ReferenceEvaluator

        nodes: dict[oir.Node, None] = {}
        feeds: dict[str, Array] = {}
        for value in wanted:
            self._collect(value, known, operators, nodes, feeds)
        protos = [oir.serde.serialize_node(node) for node in self.body if node in nodes]
        results = {f"result {index}": str(value.name) for index, value in enumerate(wanted)}
        protos += [onnx.helper.make_node("Identity", [name], [result]) for result, name in results.items()]
        graph = onnx.helper.make_graph(
            protos,
            "iteration",
            [onnx.helper.make_empty_tensor_value_info(name) for name in feeds],
            [onnx.helper.make_empty_tensor_value_info(name) for name in results],
        )
        imports = [onnx.helper.make_opsetid("", self.opset)]
        model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION)
        try:
            with np.errstate(all="ignore"):
                return cast("list[Array]", ReferenceEvaluator(model).run(None, feeds))
        except Exception as e:  # the evaluator raises whatever NumPy raises on operands that do not fit
            raise Unknown from e

    def _collect(
        self, value: oir.Value, known: Mapping[oir.Value, Array], operators: frozenset[str],
        nodes: dict[oir.Node, None], feeds: dict[str, Array],
    ) -> None:  # fmt: skip
        """Adds what ``value`` is made of."""
        pending = [value]
        while pending:
            value = pending.pop()
            array, node = known.get(value, constant(value)), value.producer()
            if array is not None:
                feeds[str(value.name)] = array
            elif node is None or node.graph is not self.body or node.domain or node.op_type not in operators:
                raise Unknown
            elif node not in nodes:
                nodes[node] = None
                pending.extend(v for v in node.inputs if v is not None)


def trip_count(node: oir.Node, iteration: Iteration, limit: int) -> int | None:
    """How often a Loop runs, some number above ``limit`` where it is more often than that; None where it is
    not known."""
    given, condition = input_at(node, 0), input_at(node, 1)
    trips = None if given is None else scalar(given)
    if (given is not None and trips is None) or (condition is not None and scalar(condition) != 1):
        return None
    again = source(iteration.body.outputs[0])
    if again is iteration.body.inputs[1] or scalar(again) == 1 or _is_true(again):
        return None if trips is None else int(trips)
    allowed = iteration.trips(limit if trips is None else min(int(trips), limit))
    return allowed if trips is None or allowed is None else min(allowed, int(trips))


def _is_true(value: oir.Value) -> bool:
    node = producer(value, "Constant")
    if node is None or "value" not in node.attributes:
        return False
    return bool(node.attributes["value"].as_tensor().numpy().all())


def source(value: oir.Value) -> oir.Value:
    """What a chain of Identity nodes passes on."""
    while (node := producer(value, "Identity")) is not None and node.inputs[0] is not None:
        value = node.inputs[0]
    return value
