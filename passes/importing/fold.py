"""Computing at compile time what depends on constants alone, one node at a time."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import onnx
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_edit import add_constant, become, prune
from ..onnx_graph import (
    IR_VERSION,
    OPSET,
    Array,
    constant,
    describe,
    graph_of,
    quoted,
    static_shape,
    tensor_bytes,
)

MAX_GROWTH_BYTES = 1 << 20
"""Folding one node may make a model this much larger (a Tile of a constant stays a Tile beyond it)."""
MAX_TOTAL_GROWTH_BYTES = 64 << 20
"""Folding all of them may make it this much larger."""

_KEPT = frozenset({
    # Weights stay integers until kernels read them.
    "DequantizeLinear",
    "Bernoulli", "Dropout", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
    "RandomUniformLike",
    "If", "Loop", "Scan", "SequenceMap",
})  # fmt: skip

_CONSTANT_ATTRIBUTES: dict[str, Any] = {
    "value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64,
}  # fmt: skip


class Folder:
    """Folds the nodes of one model, within a limit on how much larger that makes it."""

    def __init__(self) -> None:
        self._left = MAX_TOTAL_GROWTH_BYTES

    def fold(self, node: oir.Node) -> bool:
        """Replace ``node`` by initializers where its outputs do not depend on the model's inputs.

        True where it was replaced. Raises ModelError where the operator rejects its constants.
        """
        if node.domain != "" or node.op_type in _KEPT:
            return False
        if len(node.outputs) > 1 and any(output.is_graph_output() for output in node.outputs):
            return False
        results = self._results(node)
        if results is None:
            return False
        _replace(node, results)
        return True

    def _results(self, node: oir.Node) -> list[Array] | None:
        """The outputs, None where they are not constant or too large."""
        if node.op_type == "Constant":
            value = _constant_value(node)
            return None if value is None else [value]
        if node.op_type in ("Shape", "Size"):
            return _shape_facts(node)
        if any(value is not None and constant(value) is None for value in node.inputs):
            return None
        growth = _growth(node)
        if growth is None or growth > min(self._left, MAX_GROWTH_BYTES):
            return None
        self._left -= max(growth, 0)
        return _evaluate(node)


def _replace(node: oir.Node, results: list[Array]) -> None:
    """Let the readers of each output read an initializer of its name."""
    graph = graph_of(node)
    for output, array in zip(node.outputs, results, strict=True):
        if not (output.uses() or output.is_graph_output()):
            continue
        typed = array if output.dtype is None else array.astype(output.dtype.numpy())
        name = str(output.name)
        if output.is_graph_output():
            become(node, "Identity", [add_constant(graph, typed, f"{name}_value")])
            return
        value = add_constant(graph, typed, name)
        output.replace_all_uses_with(value)
        output.name, value.name = f"{name}\0folded", name
    operands = list(node.inputs)
    graph.remove(node, safe=True)
    for operand in operands:
        if operand is not None:
            prune(operand)


def _constant_value(node: oir.Node) -> Array | None:
    name, attribute = next(iter(node.attributes.items()), ("", None))
    if name == "value" and attribute is not None:
        return attribute.as_tensor().numpy()
    if name in _CONSTANT_ATTRIBUTES and attribute is not None:
        return np.asarray(attribute.value, _CONSTANT_ATTRIBUTES[name])
    if name in ("value_string", "value_strings") and attribute is not None:
        return None
    raise ModelError(
        "A Constant holds no dense tensor",
        where=describe(node),
        why=f"its attributes are {', '.join(map(quoted, node.attributes)) or 'none'}",
        remedy="store the constant as a dense initializer",
    )


def _shape_facts(node: oir.Node) -> list[Array] | None:
    operand = node.inputs[0]
    shape = None if operand is None else static_shape(operand)
    if shape is None:
        return None
    if node.op_type == "Size":
        return [np.asarray(int(np.prod(shape, dtype=object)), np.int64)]
    end = node.attributes.get_int("end", len(shape))
    return [np.asarray(shape[node.attributes.get_int("start", 0) : end], np.int64)]


def _growth(node: oir.Node) -> int | None:
    """How many bytes the outputs have more than the inputs; None where their sizes are not known."""
    growth = 0
    for sign, values in ((1, node.outputs), (-1, node.inputs)):
        for value in values:
            if value is None or not value.name:
                continue
            shape = static_shape(value)
            if value.dtype is None or shape is None:
                # These never have more elements than their operands have dimensions times elements.
                return 0 if node.op_type in ("NonZero", "Unique", "Compress") else None
            growth += sign * tensor_bytes(value.dtype, shape)
    return growth


def _evaluate(node: oir.Node) -> list[Array]:
    from onnx.reference import ReferenceEvaluator

    # Operands of the evaluator's model are named by position: a node may read one value twice.
    values = [value for value in node.inputs if value is not None]
    feeds = {f"{index}": constant(value) for index, value in enumerate(values)}
    proto = oir.serde.serialize_node(node)
    positions = iter(feeds)
    proto.input[:] = ["" if value is None else next(positions) for value in node.inputs]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [proto],
            "fold",
            [onnx.helper.make_empty_tensor_value_info(name) for name in feeds],
            [onnx.helper.make_empty_tensor_value_info(name) for name in proto.output if name],
        ),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    try:
        with np.errstate(all="ignore"):
            results = cast("list[Array]", ReferenceEvaluator(model).run(None, feeds))
    except Exception as e:  # the evaluator raises whatever NumPy raises on operands that do not fit
        raise ModelError(
            f"{node.op_type} of constants cannot be computed",
            where=describe(node),
            why=" ".join(str(e).split())[:400],
            remedy="check the model with onnx.checker.check_model(model, full_check=True)",
        ) from e
    named = iter(results)
    return [np.asarray(next(named)) if output.name else np.empty(0) for output in node.outputs]
