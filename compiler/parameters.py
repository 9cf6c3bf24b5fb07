"""How many numbers a model learned."""

from __future__ import annotations

import onnx_ir as oir

_QUANTIZERS = {"QuantizeLinear", "DequantizeLinear"}


def count_parameters(model: oir.Model) -> int:
    """Elements of the initializers that carry weights: floats, and integers behind DequantizeLinear;
    not shapes, indices, scales or zero points."""
    total = 0
    for value in model.graph.initializers.values():
        if value.const_value is None:
            continue
        roles = [(use.node.op_type in _QUANTIZERS, use.idx) for use in value.uses()]
        dequantized = any(quantizer and index == 0 for quantizer, index in roles)
        plain = any(not quantizer for quantizer, _ in roles) and value.const_value.dtype.is_floating_point()
        if dequantized or plain:
            total += int(value.const_value.size)
    return total
