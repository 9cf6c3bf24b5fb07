"""States of a streamed graph, and how they pass through integers."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as oir

from ..onnx_edit import emit

Parameters = tuple[oir.Value | None, ...]
"""A scale and a zero point."""


@dataclass(frozen=True)
class Kept:
    """A state: names of the graph's new input and output."""

    input: str
    output: str


def rounded(node: oir.Node, value: oir.Value, quant: Parameters | None, name: str) -> oir.Value:
    """``value`` through integers, where it has a quantization."""
    if quant is None:
        return value
    whole = emit(node, "QuantizeLinear", [value, *quant], name=f"{name}_quantized")
    return emit(node, "DequantizeLinear", [whole, *quant], name=f"{name}_real")
