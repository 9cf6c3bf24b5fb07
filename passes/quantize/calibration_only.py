"""Nodes that only calibration sees: they leave the model once ranges are chosen and weights are rounded."""

from __future__ import annotations

import onnx_ir as oir
import onnx_ir.passes.common as common

from ..onnx_edit import prune

_MARK = "tinyc.calibration_only"


def mark(node: oir.Node) -> None:
    """Says that ``node`` lets its second input pass wherever it matters, and is for calibration alone."""
    node.metadata_props[_MARK] = "1"


def remove_marked(model: oir.Model) -> None:
    """Lets all that read a marked node, or the quantized form of its result, read its second input."""
    marked = [node for node in model.graph if _MARK in node.metadata_props]
    for node in marked:
        source, result = node.inputs[1], node.outputs[0]
        assert source is not None
        while (reader := _converted(result)) is not None:
            result = reader.outputs[0]
        result.replace_all_uses_with(source)
        prune(result)
    if marked:
        common.RemoveUnusedFunctionsPass()(model)


def _converted(value: oir.Value) -> oir.Node | None:
    """The only reader of ``value`` where it quantizes or dequantizes."""
    readers = [use.node for use in value.uses()]
    conversions = ("QuantizeLinear", "DequantizeLinear")
    return readers[0] if len(readers) == 1 and readers[0].op_type in conversions else None
