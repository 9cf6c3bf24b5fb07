"""How states of a streamed graph pass through integers."""

from __future__ import annotations

import onnx_ir as oir

from ..onnx_edit import emit

Parameters = tuple[oir.Value | None, ...]
"""A scale and a zero point."""


def rounded(node: oir.Node, value: oir.Value, quant: Parameters | None, name: str) -> oir.Value:
    """``value`` through integers, where it has a quantization."""
    if quant is None:
        return value
    whole = emit(node, "QuantizeLinear", [value, *quant], name=f"{name}_quantized")
    return emit(node, "DequantizeLinear", [whole, *quant], name=f"{name}_real")
