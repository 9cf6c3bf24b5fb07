"""QDQ models: integers that are requantized to themselves stay as they are."""

from __future__ import annotations

import onnx_ir as oir

from ..onnx_edit import bypass
from ..onnx_graph import producer
from .engine import Rules
from .parameters import same_quantization


def _requantized(node: oir.Node) -> bool:
    """Quantize ∘ Dequantize of the same integers, with the same parameters, changes nothing."""
    before = producer(node.inputs[0], "DequantizeLinear")
    if before is None or before.inputs[0] is None or not same_quantization(before, node):
        return False
    bypass(node, before.inputs[0])
    return True


RULES: Rules = {"QuantizeLinear": [_requantized]}
